// Package decode reads Kubernetes manifests strictly, with the position of each field.
//
// The YAML nodes of a file are walked in parallel with the Go types of its objects, so that a field that does not
// exist, a value of the wrong type or an unknown word is found with its line and column, and so that each
// field of the result can be traced back. YAML is read as Kubernetes reads it, which is YAML 1.1: there yes,
// no, on, off, y and n are booleans.
package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/resource"
)

const (
	// maxBytes is the API server's limit for one request, and more than any set of manifests needs.
	maxBytes = 3 << 20
	// maxValues bounds what a file can become when its aliases are followed.
	maxValues = 300_000
	// maxProblems are enough to begin with.
	maxProblems = 200
)

// Decode reads all objects of a file: YAML with one or more documents, or JSON; List objects are expanded.
// The error is of type resource.Problems and holds everything that is wrong, in the order of the file (of
// more than 200 problems the first ones found); then no manifests are returned.
func Decode(fileName string, content []byte) ([]resource.Manifest, error) {
	r := &reader{walker: walker{file: fileName, budget: maxValues, fields: map[reflect.Type]map[string]reflect.Type{}}}
	text, problem := readable(fileName, content)
	if problem != nil {
		return nil, resource.Problems{*problem}
	}
	documents := yaml.NewDecoder(bytes.NewReader(text))
	for r.budget > 0 {
		var node yaml.Node
		err := documents.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.problems = append(r.problems, syntaxProblem(fileName, text, err))
			break
		}
		if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
			r.document(node.Content[0])
		}
	}
	if len(r.problems) > 0 {
		problems := r.problems.Sorted()
		return nil, problems[:min(len(problems), maxProblems)]
	}
	return r.manifests, nil
}

// reader collects the objects of one file.
type reader struct {
	walker
	manifests []resource.Manifest
}

// document reads one document between two "---".
func (r *reader) document(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return
	}
	r.object("", n, n)
}

// object reads one object, or all of a List. at is its position for messages.
func (r *reader) object(path string, n, at *yaml.Node) {
	r.positions = map[string]resource.Position{"": place(at)}
	n = r.resolve(path, n)
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.add(path, at, "expected an object with apiVersion and kind, got "+describe(n))
		return
	}
	entries := r.entries(path, n)
	if r.budget <= 0 {
		return
	}
	apiVersion, kind := text(entries, "apiVersion"), text(entries, "kind")
	for _, missing := range []struct {
		name string
		node *yaml.Node
	}{{"apiVersion", apiVersion}, {"kind", kind}} {
		if missing.node == nil {
			r.add(path, at, missing.name+" is missing")
		}
	}
	if apiVersion == nil || kind == nil {
		return
	}
	if items, ok := r.list(path, apiVersion.Value, kind.Value, entries); ok {
		if path != "" {
			r.add(path, kind, "a List cannot contain a List")
			return
		}
		for i, item := range items {
			r.object(fmt.Sprintf("items[%d]", i), item, item)
		}
		return
	}
	k, err := resource.KindFor(apiVersion.Value, kind.Value)
	if err != nil {
		where := kind
		if known, lookup := resource.LookupKind(kind.Value); lookup == nil && known.Name == kind.Value {
			where = apiVersion
		}
		r.note(path, where, resource.Problem{Message: err.Error(), Unsupported: where == kind})
		return
	}
	r.typed(path, n, k)
}

// list returns the items of a List; ok is false if the object is none.
func (r *reader) list(path, apiVersion, kind string, entries []entry) (items []*yaml.Node, ok bool) {
	element, isList := strings.CutSuffix(kind, "List")
	if !isList {
		return nil, false
	}
	if _, err := resource.KindFor(apiVersion, element); err != nil && (element != "" || apiVersion != "v1") {
		return nil, false
	}
	for _, e := range entries {
		switch e.key.Value {
		case "apiVersion", "kind", "metadata":
		case "items":
			n := r.resolve("items", e.value)
			switch {
			case n == nil:
			case n.Kind == yaml.SequenceNode:
				items = n.Content
			case n.ShortTag() != "!!null":
				r.add("items", n, "expected a list, got "+describe(n))
			}
		default:
			r.unknown(path, e.key, []string{"apiVersion", "kind", "metadata", "items"})
		}
	}
	return items, true
}

// typed reads an object of a known kind and checks it.
func (r *reader) typed(path string, n *yaml.Node, k resource.Kind) {
	before := len(r.problems)
	r.base = path
	defer func() { r.base = "" }()
	o := k.New()
	written, _ := r.value("", n, reflect.TypeOf(o)).(map[string]any)
	if len(r.problems) > before {
		return
	}
	data, err := json.Marshal(written)
	if err == nil {
		err = json.Unmarshal(data, o)
	}
	if err != nil {
		r.add("", n, fmt.Sprintf("not a %s: %v", k.Name, err))
		return
	}
	m := resource.Manifest{Object: o, File: r.file, Written: written, Positions: r.positions}
	full := resource.Clone(o)
	k.Default(full)
	for _, issue := range k.Check(full) {
		r.problems = append(r.problems, m.Problem(issue))
	}
	r.manifests = append(r.manifests, m)
}

// text returns the plain string under a key, nil if there is none.
func text(entries []entry, key string) *yaml.Node {
	for _, e := range entries {
		if e.key.Value == key && e.value.Kind == yaml.ScalarNode && e.value.Value != "" {
			return e.value
		}
	}
	return nil
}
