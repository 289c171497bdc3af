package store_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// applied is the outcome of the last step.
func (o outcome) applied(t *testing.T) (result store.Result, err error) {
	t.Helper()
	s := open(t, config(t, "", ""))
	for i, step := range o.Steps {
		manifests, err := decode.Decode("f.yaml", []byte(written(step)))
		if err == nil {
			result, err = s.Apply(t.Context(), manifests, "", false)
		}
		if err != nil && i < len(o.Steps)-1 {
			t.Fatalf("%s: step %d: %v", o.Name, i+1, err)
		}
		if err != nil {
			return result, err
		}
	}
	return result, nil
}

// written writes out what a recording abbreviates: "${x*1000}" are a thousand x.
func written(text string) string {
	repeated := regexp.MustCompile(`\$\{(.)\*([0-9]+)\}`)
	return repeated.ReplaceAllStringFunc(text, func(match string) string {
		found := repeated.FindStringSubmatch(match)
		n, err := strconv.Atoi(found[2])
		if err != nil {
			return match
		}
		return strings.Repeat(found[1], n)
	})
}

// compareFields wants each field that the server names to be named by the shop.
func (o outcome) compareFields(problems resource.Problems) []finding {
	var missing []finding
	for _, cause := range o.Causes {
		want := written(cause.Field)
		named := slices.ContainsFunc(problems, func(p resource.Problem) bool { return leadsTo(p.Path, want) })
		if want != "" && want != "<nil>" && !named {
			missing = append(missing, finding{"field", want, fmt.Sprintf("(%s); the shop: %s", cause.Message, strings.Join(problems.Strings(), "; "))})
		}
	}
	return missing
}

// leadsTo reports whether a path of the shop leads to a field that the server names, or to a part of it. The server
// leaves out the numbers of some list elements, and quotes no keys.
func leadsTo(ours, theirs string) bool {
	number := regexp.MustCompile(`\[[0-9]+\]`)
	ours = strings.ReplaceAll(ours, `"`, "")
	short := number.ReplaceAllString(ours, "")
	for _, path := range []string{ours, short} {
		for _, field := range []string{theirs, number.ReplaceAllString(theirs, "")} {
			if path == field || strings.HasPrefix(path, field+"[") || strings.HasPrefix(path, field+".") {
				return true
			}
		}
	}
	return false
}

// warnedField is the field that a warning of the server is about.
func warnedField(text string) string {
	field, _, _ := strings.Cut(text, ":")
	field, _, _ = strings.Cut(field, " ")
	switch field {
	case "tls":
		return "data"
	case "volume":
		return "spec.template.spec.volumes"
	case "spec.SessionAffinity":
		return "spec.sessionAffinity"
	}
	return field
}

// compareWarnings wants each field that the server warns of to be warned of, and no other, unless it does nothing here.
func (o outcome) compareWarnings(warnings resource.Problems) []finding {
	var missing []finding
	for _, p := range warnings {
		expected := slices.ContainsFunc(o.Warnings, func(text string) bool { return leadsTo(p.Path, warnedField(text)) })
		if p.Group == "" && !expected {
			missing = append(missing, finding{"more", p.Path, p.Message})
		}
	}
	for _, text := range o.Warnings {
		field := warnedField(text)
		if !slices.ContainsFunc(warnings, func(p resource.Problem) bool { return leadsTo(p.Path, field) }) {
			missing = append(missing, finding{"warning", field, fmt.Sprintf("%q; the shop: %s", text, strings.Join(warnings.Strings(), "; "))})
		}
	}
	return missing
}

// compareObject compares the object that results, field by field.
func (o outcome) compareObject(t *testing.T, result store.Result) []finding {
	t.Helper()
	ours, err := resource.ToTree(result.Changes[len(result.Changes)-1].After)
	if err != nil {
		t.Fatal(err)
	}
	var theirs map[string]any
	if err := json.Unmarshal([]byte(written(o.Object)), &theirs); err != nil {
		t.Fatal(err)
	}
	a, b := leaves("", ours), leaves("", theirs)
	var differ []finding
	for _, field := range slices.Sorted(maps.Keys(a)) {
		if other := b[field]; other != a[field] && !notRecorded(field) {
			differ = append(differ, finding{"object", field, fmt.Sprintf("is %.60q here and %.60q on the server", a[field], other)})
		}
		delete(b, field)
	}
	for _, field := range slices.Sorted(maps.Keys(b)) {
		differ = append(differ, finding{"object", field, fmt.Sprintf("is missing here and %.60q on the server", b[field])})
	}
	return differ
}

// notRecorded reports whether a field is one that no two servers have alike.
func notRecorded(field string) bool {
	return strings.HasPrefix(field, "status") || slices.Contains([]string{
		"metadata.uid", "metadata.resourceVersion", "metadata.creationTimestamp", "metadata.namespace", "metadata.generation",
		"metadata.annotations[kubectl.kubernetes.io/last-applied-configuration]",
	}, field)
}

// leaves are the scalars of a tree by path.
func leaves(at string, tree any) map[string]string {
	all := map[string]string{}
	switch tree := tree.(type) {
	case map[string]any:
		for name, v := range tree {
			field := at + "." + name
			if strings.ContainsAny(name, "./") {
				field = at + "[" + name + "]"
			}
			maps.Copy(all, leaves(strings.TrimPrefix(field, "."), v))
		}
	case []any:
		for i, v := range tree {
			maps.Copy(all, leaves(at+"["+strconv.Itoa(i)+"]", v))
		}
	case nil: // as if it were not there
	default:
		all[at] = fmt.Sprint(tree)
	}
	return all
}
