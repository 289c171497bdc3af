package promapi

import (
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/shopctl/shopctl/pkg/observe/alert"
	"github.com/shopctl/shopctl/pkg/observe/scrape"
)

type alertView struct {
	Labels      labels.Labels `json:"labels"`
	Annotations labels.Labels `json:"annotations"`
	State       string        `json:"state"`
	ActiveAt    *time.Time    `json:"activeAt,omitempty"`
	Value       string        `json:"value"`
}

func viewAlerts(all []alert.Alert) []alertView {
	views := []alertView{}
	for _, al := range all {
		active := al.Active.UTC()
		views = append(views, alertView{al.Labels, al.Annotations, string(al.State), &active, strconv.FormatFloat(al.Value, 'e', -1, 64)})
	}
	return views
}

func (a *api) alerts(*http.Request) (any, error) {
	return map[string]any{"alerts": viewAlerts(a.Rules.Alerts())}, nil
}

type groupView struct {
	Name           string    `json:"name"`
	File           string    `json:"file"`
	Rules          []any     `json:"rules"`
	Interval       float64   `json:"interval"`
	Limit          int       `json:"limit"`
	EvaluationTime float64   `json:"evaluationTime"`
	LastEvaluation time.Time `json:"lastEvaluation"`
}

type ruleView struct {
	Name           string        `json:"name"`
	Query          string        `json:"query"`
	Labels         labels.Labels `json:"labels"`
	Health         string        `json:"health"`
	LastError      string        `json:"lastError,omitempty"`
	EvaluationTime float64       `json:"evaluationTime"`
	LastEvaluation time.Time     `json:"lastEvaluation"`
	Type           string        `json:"type"`
}

type alertingView struct {
	State         string  `json:"state"`
	Duration      float64 `json:"duration"`
	KeepFiringFor float64 `json:"keepFiringFor"`
	ruleView
	Annotations labels.Labels `json:"annotations"`
	Alerts      []alertView   `json:"alerts"`
}

func (a *api) rules(r *http.Request) (any, error) {
	kind := strings.ToLower(r.FormValue("type"))
	if kind != "" && kind != "alert" && kind != "record" {
		return nil, badParam("type", "not supported value "+strconv.Quote(clip(kind)))
	}
	groups := []groupView{}
	for _, rules := range a.Rules.Groups() {
		if len(rules) == 0 {
			continue
		}
		g := groupView{Name: rules[0].Group, File: rules[0].Object, Interval: rules[0].Interval.Seconds(), Rules: []any{}}
		for _, s := range rules {
			v := ruleView{
				Name: s.Record, Query: s.Expr, Labels: labels.FromMap(s.Labels), Health: s.Health,
				EvaluationTime: s.Took.Seconds(), LastEvaluation: s.Last.UTC(), Type: "recording",
			}
			if s.Err != nil {
				v.LastError = s.Err.Error()
			}
			g.EvaluationTime += v.EvaluationTime
			g.LastEvaluation = v.LastEvaluation
			switch {
			case s.Alert == "" && kind != "alert":
				g.Rules = append(g.Rules, v)
			case s.Alert != "" && kind != "record":
				v.Name, v.Type = s.Alert, "alerting"
				g.Rules = append(g.Rules, alertingView{
					State: string(s.State), Duration: s.For.Seconds(), KeepFiringFor: s.Keep.Seconds(), ruleView: v,
					Annotations: labels.FromMap(s.Annotations), Alerts: viewAlerts(s.Alerts),
				})
			}
		}
		groups = append(groups, g)
	}
	return map[string]any{"groups": groups}, nil
}

type targetView struct {
	DiscoveredLabels   map[string]string `json:"discoveredLabels"`
	Labels             labels.Labels     `json:"labels"`
	ScrapePool         string            `json:"scrapePool"`
	ScrapeURL          string            `json:"scrapeUrl"`
	GlobalURL          string            `json:"globalUrl"`
	LastError          string            `json:"lastError"`
	LastScrape         time.Time         `json:"lastScrape"`
	LastScrapeDuration float64           `json:"lastScrapeDuration"`
	Health             string            `json:"health"`
	ScrapeInterval     string            `json:"scrapeInterval"`
	ScrapeTimeout      string            `json:"scrapeTimeout"`
}

func (a *api) targets(r *http.Request) (any, error) {
	active := []targetView{}
	if state := r.FormValue("state"); state != "dropped" {
		for _, t := range a.Targets() {
			active = append(active, viewTarget(t))
		}
	}
	return map[string]any{
		"activeTargets": active, "droppedTargets": []any{}, "droppedTargetCounts": map[string]int{},
	}, nil
}

func viewTarget(t scrape.Status) targetView {
	address := t.Addr
	if address == "" {
		address = "localhost"
	}
	v := targetView{
		DiscoveredLabels: map[string]string{"__address__": address}, Labels: t.Labels, ScrapePool: t.Labels.Get("job"),
		ScrapeURL: "http://" + address + "/metrics", LastScrape: t.Last.UTC(), LastScrapeDuration: t.Took.Seconds(),
		Health: t.Health, ScrapeInterval: scrape.Interval.String(), ScrapeTimeout: scrape.Timeout.String(),
	}
	v.GlobalURL = v.ScrapeURL
	if t.Err != nil {
		v.LastError = t.Err.Error()
	}
	return v
}

func (a *api) buildInfo(*http.Request) (any, error) {
	return map[string]string{
		"version": engineVersion, "revision": "shopctl " + a.Version, "branch": "", "buildUser": "", "buildDate": "", "goVersion": runtime.Version(),
	}, nil
}

// config and flags exist for clients that read them before they query.
func (a *api) config(*http.Request) (any, error) {
	return map[string]string{"yaml": "global:\n  scrape_interval: " + scrape.Interval.String() + "\n"}, nil
}

func (a *api) flags(*http.Request) (any, error) {
	flags := map[string]string{"query.lookback-delta": "5m"}
	return flags, nil
}

// names are the metric names of a vector in order, for federation.
func names[T any](byName map[string]T) []string {
	out := make([]string, 0, len(byName))
	for n := range byName {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
