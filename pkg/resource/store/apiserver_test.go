package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/shopctl/shopctl/pkg/resource"
)

const (
	recordings  = "../../../testdata/apiserver"
	fewestCases = 1000
)

// outcome is what a real API server answered to the last manifest of a case, as tools/apiserver recorded it.
type outcome struct {
	Name     string
	Steps    []string
	Reason   string
	Causes   []struct{ Field, Message string }
	Warnings []string
	Object   string
}

// finding is one difference between the shop and the server.
type finding struct {
	// what differs: "stricter", "weaker", "field", "warning", "more" for a warning of the shop alone, or "object".
	what string
	// path of the field; empty for a verdict.
	path    string
	details string
}

// difference is one that is meant.
type difference struct {
	// Cases are those whose "group: name" matches; "*" is any text.
	Cases string
	// What differs, and at which path; "*" is any text.
	What, Path string
	Why        string
}

// verdicts counts how two judges agree.
type verdicts struct{ cases, bothAccept, bothRefuse, stricter, weaker int }

func (v *verdicts) add(o verdicts) {
	v.cases += o.cases
	v.bothAccept += o.bothAccept
	v.bothRefuse += o.bothRefuse
	v.stricter += o.stricter
	v.weaker += o.weaker
}

func (v verdicts) row(name string) string {
	return fmt.Sprintf("%-12s%7d%13d%13d%10d%8d\n", name, v.cases, v.bothAccept, v.bothRefuse, v.stricter, v.weaker)
}

// With -v, the test prints a table of the verdicts, and why they differ where they do.
func TestAdmissionIsThatOfARealAPIServer(t *testing.T) {
	meant := differences(t)
	files, err := filepath.Glob(filepath.Join(recordings, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	used := map[int]bool{}
	var total verdicts
	table := "            cases  both accept  both refuse  stricter  weaker\n"
	reasons := ""
	for _, file := range files {
		group := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(group, func(t *testing.T) {
			var v verdicts
			for _, o := range recorded(t, file) {
				v.cases++
				for _, f := range o.compare(t, &v) {
					name := group + ": " + o.Name
					i := slices.IndexFunc(meant, func(d difference) bool { return d.covers(name, f) })
					used[i] = true
					switch {
					case i < 0:
						t.Errorf("%s: %s: %s %s", o.Name, f.what, f.path, f.details)
					case f.path == "":
						reasons += fmt.Sprintf("%s: %s: %s\n", f.what, name, meant[i].Why)
					}
				}
			}
			table += v.row(group)
			total.add(v)
		})
	}
	for i, d := range meant {
		if !used[i] {
			t.Errorf("differences.yaml: no case needs %q (%s)", d.Cases, d.What)
		}
	}
	t.Logf("verdicts of the shop and of the API server:\n%s%s%s", table, total.row("total"), reasons)
	if total.cases < fewestCases {
		t.Errorf("%d cases, want %d at least", total.cases, fewestCases)
	}
}

func differences(t *testing.T) []difference {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(recordings, "differences.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var meant []difference
	if err := yaml.UnmarshalStrict(content, &meant); err != nil {
		t.Fatal(err)
	}
	return meant
}

func recorded(t *testing.T, file string) []outcome {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Cases []outcome }
	if err := json.Unmarshal(content, &golden); err != nil {
		t.Fatal(err)
	}
	return golden.Cases
}

func (d difference) covers(name string, f finding) bool {
	return d.What == f.what && matches(d.Cases, name) && matches(d.Path, f.path)
}

// matches reports whether a text is that of a pattern in which "*" is any text.
func matches(pattern, text string) bool {
	expression := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$"
	return regexp.MustCompile(expression).MatchString(text)
}

// compare applies the case and returns what differs.
func (o outcome) compare(t *testing.T, total *verdicts) []finding {
	t.Helper()
	result, err := o.applied(t)
	var problems resource.Problems
	if err != nil && !errors.As(err, &problems) {
		t.Fatalf("%s: %v", o.Name, err)
	}
	switch {
	case err == nil && o.Reason == "":
		total.bothAccept++
		return append(o.compareWarnings(result.Warnings), o.compareObject(t, result)...)
	case err != nil && o.Reason != "":
		total.bothRefuse++
		return o.compareFields(problems)
	case err != nil:
		total.stricter++
		return []finding{{what: "stricter", details: err.Error()}}
	default:
		total.weaker++
		return []finding{{what: "weaker", details: fmt.Sprint(o.Reason, o.Causes)}}
	}
}
