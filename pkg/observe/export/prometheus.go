// Package export writes configuration for other tools that observe a shop: scrape configuration and rules
// for Prometheus, and a data source and dashboards for Grafana.
package export

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/rule"
)

// File is one file to write.
type File struct {
	Name    string
	Content []byte
}

// Target is an instance that a Prometheus can scrape itself.
type Target struct {
	Address string
	Labels  map[string]string
}

// RuleObject is a PrometheusRule.
type RuleObject struct {
	Namespace, Name string
	Spec            rule.Spec
}

// RuleFiles writes each object as a rule file, which is what a Prometheus without operator reads.
func RuleFiles(objects []RuleObject) ([]File, error) {
	var files []File
	for _, o := range objects {
		doc := groupsDoc{Groups: []groupDoc{}}
		for _, g := range o.Spec.Groups {
			doc.Groups = append(doc.Groups, newGroupDoc(g))
		}
		content, err := encode(doc, "The rules of prometheusrule/"+o.Name+" in namespace "+o.Namespace+".")
		if err != nil {
			return nil, err
		}
		files = append(files, File{"rules/" + o.Namespace + "-" + o.Name + ".yml", content})
	}
	return files, nil
}

// groupsDoc and what is in it are a rule file as Prometheus spells it.
type groupsDoc struct {
	Groups []groupDoc `yaml:"groups"`
}

type groupDoc struct {
	Name        string            `yaml:"name"`
	Interval    string            `yaml:"interval,omitempty"`
	QueryOffset string            `yaml:"query_offset,omitempty"`
	Limit       int               `yaml:"limit,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Rules       []ruleDoc         `yaml:"rules"`
}

type ruleDoc struct {
	Record        string            `yaml:"record,omitempty"`
	Alert         string            `yaml:"alert,omitempty"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for,omitempty"`
	KeepFiringFor string            `yaml:"keep_firing_for,omitempty"`
	Labels        map[string]string `yaml:"labels,omitempty"`
	Annotations   map[string]string `yaml:"annotations,omitempty"`
}

func newGroupDoc(g rule.Group) groupDoc {
	doc := groupDoc{Name: g.Name, Interval: g.Interval, QueryOffset: g.QueryOffset, Labels: g.Labels, Rules: []ruleDoc{}}
	if doc.Interval == "" {
		doc.Interval = rule.DefaultInterval.String()
	}
	if g.Limit != nil {
		doc.Limit = *g.Limit
	}
	for _, r := range g.Rules {
		doc.Rules = append(doc.Rules, ruleDoc{
			r.Record, r.Alert, r.Expr.String(), r.For, r.KeepFiringFor, r.Labels, r.Annotations,
		})
	}
	return doc
}

// Prometheus writes the configuration of a Prometheus. With targets it scrapes those; without, it federates
// the shop whose API is at api.
func Prometheus(api string, targets []Target, rules []File) (File, error) {
	doc := prometheusDoc{Global: map[string]string{"scrape_interval": "5s", "evaluation_interval": "5s"}}
	for _, f := range rules {
		doc.RuleFiles = append(doc.RuleFiles, f.Name)
	}
	if len(targets) == 0 {
		doc.RuleFiles = nil // the shop evaluates them, and what they record is federated
		doc.ScrapeConfigs = []scrapeDoc{{
			JobName: "shopctl", HonorLabels: true, MetricsPath: "/federate", Params: map[string][]string{"match[]": {`{__name__!=""}`}},
			StaticConfigs: []staticDoc{{Targets: []string{strings.TrimPrefix(api, "http://")}}},
		}}
	} else {
		byJob := map[string][]staticDoc{}
		for _, t := range targets {
			labels := map[string]string{}
			for name, v := range t.Labels {
				if name != "job" && name != "instance" {
					labels[name] = v
				}
			}
			job := t.Labels["job"]
			byJob[job] = append(byJob[job], staticDoc{Targets: []string{t.Address}, Labels: labels})
		}
		for _, job := range sortedKeys(byJob) {
			doc.ScrapeConfigs = append(doc.ScrapeConfigs, scrapeDoc{JobName: job, StaticConfigs: byJob[job]})
		}
	}
	content, err := encode(doc, "Made by shopctl export prometheus. The instances' ports change when they restart;\n# federation (--federate) is not affected.")
	return File{"prometheus.yml", content}, err
}

type prometheusDoc struct {
	Global        map[string]string `yaml:"global"`
	RuleFiles     []string          `yaml:"rule_files,omitempty"`
	ScrapeConfigs []scrapeDoc       `yaml:"scrape_configs"`
}

type scrapeDoc struct {
	JobName       string              `yaml:"job_name"`
	HonorLabels   bool                `yaml:"honor_labels,omitempty"`
	MetricsPath   string              `yaml:"metrics_path,omitempty"`
	Params        map[string][]string `yaml:"params,omitempty"`
	StaticConfigs []staticDoc         `yaml:"static_configs"`
}

type staticDoc struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels,omitempty"`
}

func encode(doc any, comment string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# " + comment + "\n")
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	return b.Bytes(), enc.Close()
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
