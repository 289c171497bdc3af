package resource_test

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/shopctl/shopctl/pkg/resource"
)

// fieldLists say of each kind's fields what becomes of them. An entry is about a field and all that is in it.
type fieldLists struct {
	// Honored fields do what they do on a cluster.
	Honored []string
	// Harmless fields do nothing here, and that makes no difference that can be seen; with the reason.
	Harmless map[string]string
	// Reported fields are warned of or refused by code of their own; with what it says.
	Reported map[string]string
}

// Every field that manifests can have is honored, harmless, refused, or warned of at apply.
func TestNoFieldIsIgnoredInSilence(t *testing.T) {
	content, err := os.ReadFile("testdata/fields.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var lists map[string]fieldLists
	if err := yaml.UnmarshalStrict(content, &lists); err != nil {
		t.Fatal(err)
	}
	for _, k := range resource.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			entries := map[string]string{}
			lists["All"].add("", entries)
			lists[k.Name].add("", entries)
			if k.Workload {
				for _, at := range []string{"containers[].", "initContainers[]."} {
					lists["Container"].add(podSpec+at, entries)
					for _, probe := range []string{"livenessProbe.", "readinessProbe.", "startupProbe."} {
						lists["Probe"].add(podSpec+at+probe, entries)
					}
				}
			}
			for _, f := range k.Inert() {
				field := anyKey(f.Field)
				if what, twice := entries[field]; twice && what != "warned of" {
					t.Errorf("%s is %s and warned of", f.Field, what)
				}
				entries[field] = "warned of"
			}
			used := map[string]bool{}
			walkFields("", reflect.TypeOf(k.New()).Elem(), func(field string) {
				found := covering(entries, field)
				if found == "" {
					t.Errorf("%s is neither honored nor harmless nor warned of", field)
				}
				used[found] = true
			})
			for f := range entries {
				if !used[f] {
					t.Errorf("%s (%s) is not a field, or one around it is listed", f, entries[f])
				}
			}
		})
	}
}

// podSpec is the path of what instances are made from.
const podSpec = "spec.template.spec."

// add notes what becomes of each field of the lists, whose paths are below another.
func (l fieldLists) add(at string, entries map[string]string) {
	for _, f := range l.Honored {
		entries[at+f] = "honored"
	}
	for f := range l.Harmless {
		entries[at+f] = "harmless"
	}
	for f := range l.Reported {
		entries[at+f] = "reported"
	}
}

// anyKey is a path with [*] for the key of one entry: limits[cpu].
func anyKey(field string) string {
	return regexp.MustCompile(`\[[^]*]+\]`).ReplaceAllString(field, "[*]")
}

// covering is the innermost entry about a field.
func covering(entries map[string]string, field string) string {
	for at := field; at != ""; {
		if _, ok := entries[at]; ok {
			return at
		}
		cut := max(strings.LastIndexByte(at, '.'), strings.LastIndexByte(at, '['))
		at = at[:max(cut, 0)]
	}
	return ""
}

// walkFields visits the fields of a type that hold values, with [] for elements of lists and [*] for entries of mappings.
func walkFields(path string, t reflect.Type, visit func(field string)) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	_, scalar := reflect.New(t).Interface().(json.Unmarshaler)
	switch {
	case scalar || t == reflect.TypeFor[[]byte]():
		visit(path)
	case t.Kind() == reflect.Slice:
		walkFields(path+"[]", t.Elem(), visit)
	case t.Kind() == reflect.Map:
		walkFields(path+"[*]", t.Elem(), visit)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case name == "-":
			case name == "" && f.Anonymous:
				walkFields(path, f.Type, visit)
			case path == "":
				walkFields(name, f.Type, visit)
			default:
				walkFields(path+"."+name, f.Type, visit)
			}
		}
	default:
		visit(path)
	}
}
