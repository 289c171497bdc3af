package decode

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/suggest"
)

// maxMerges bounds how deep merge keys ("<<") may refer to mappings with merge keys.
const maxMerges = 16

// walker walks the nodes of a file in parallel with the Go types that they should fit.
type walker struct {
	file     string
	problems resource.Problems
	// positions of the present object's fields by path.
	positions map[string]resource.Position
	// base is the path of the present object in its file: "items[3]" in a List.
	base string
	// budget is how many values may still be visited.
	budget int
	// fields of the struct types met, by JSON name.
	fields map[reflect.Type]map[string]reflect.Type
}

func place(n *yaml.Node) resource.Position {
	return resource.Position{Line: max(n.Line, 1), Column: max(n.Column, 1)}
}

// add notes a problem. After maxProblems the rest of the file is not read.
func (w *walker) add(path string, at *yaml.Node, message string) {
	w.note(path, at, resource.Problem{Message: message})
}

func (w *walker) note(path string, at *yaml.Node, problem resource.Problem) {
	if len(w.problems) >= maxProblems {
		w.budget = 0
		return
	}
	p := place(at)
	problem.File, problem.Line, problem.Column, problem.Path = w.file, p.Line, p.Column, join(w.base, path)
	w.problems = append(w.problems, problem)
}

func join(base, path string) string {
	if base == "" || path == "" {
		return base + path
	}
	return base + "." + path
}

// field is the path of a field with a name that the file gives.
func field(path, name string) string {
	if quoted := admission.Quoted(name); quoted != name || strings.Contains(name, ".") {
		return path + "[" + quoted + "]"
	}
	return join(path, name)
}

func (w *walker) unknown(path string, key *yaml.Node, known []string) {
	if w.budget <= 0 {
		return
	}
	slices.Sort(known)
	w.add(field(path, key.Value), key, fmt.Sprintf("unknown field %q%s", key.Value, suggest.Phrase(key.Value, known)))
}

// spend takes n values from the budget; false when the file has become too large.
func (w *walker) spend(path string, at *yaml.Node, n int) bool {
	if w.budget > 0 && w.budget <= n {
		w.add(path, at, fmt.Sprintf("too many values: with aliases followed, more than %d", maxValues))
	}
	w.budget -= n
	return w.budget > 0
}

// resolve follows an alias. It returns nil when the file has become too large that way.
func (w *walker) resolve(path string, n *yaml.Node) *yaml.Node {
	if !w.spend(path, n, 1) {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// value returns the JSON value of a node that should fit a type. nil means null, or an error:
// that has been added to the problems.
func (w *walker) value(path string, n *yaml.Node, t reflect.Type) any {
	n = w.resolve(path, n)
	if n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if r := readerOf(t); r != nil {
		return w.message(path, n, r)
	}
	if read := scalarReader(t); read != nil {
		v, complaint := read(n)
		if complaint != "" {
			w.add(path, n, complaint)
			return nil
		}
		return v
	}
	switch t.Kind() {
	case reflect.Struct:
		return w.structure(path, n, t)
	case reflect.Map:
		return w.mapping(path, n, t)
	case reflect.Slice:
		return w.sequence(path, n, t)
	}
	w.add(path, n, fmt.Sprintf("cannot be set: no value of type %s can be read", t))
	return nil
}

func (w *walker) structure(path string, n *yaml.Node, t reflect.Type) any {
	if n.Kind != yaml.MappingNode {
		w.add(path, n, "expected a mapping, got "+describe(n))
		return nil
	}
	if isOpaque(t) {
		return map[string]any{}
	}
	fields := w.fieldsOf(t)
	result := map[string]any{}
	for _, e := range w.entries(path, n) {
		ft, ok := fields[e.key.Value]
		if !ok {
			known := make([]string, 0, len(fields))
			for name := range fields {
				known = append(known, name)
			}
			w.unknown(path, e.key, known)
			continue
		}
		child := join(path, e.key.Value)
		w.mark(child, e)
		result[e.key.Value] = w.value(child, e.value, ft)
	}
	return result
}

func (w *walker) mapping(path string, n *yaml.Node, t reflect.Type) any {
	if n.Kind != yaml.MappingNode {
		w.add(path, n, "expected a mapping, got "+describe(n))
		return nil
	}
	result := map[string]any{}
	for _, e := range w.entries(path, n) {
		child := admission.Entry(path, e.key.Value)
		w.mark(child, e)
		if complaint := badKey(e.key); complaint != "" {
			w.add(child, e.key, complaint)
			continue
		}
		v := w.value(child, e.value, t.Elem())
		if v == nil && t.Elem().Kind() == reflect.String && e.value.ShortTag() == "!!null" {
			v = "" // as the API server reads null in a map of strings
		}
		result[e.key.Value] = v
	}
	return result
}

func (w *walker) sequence(path string, n *yaml.Node, t reflect.Type) any {
	if n.Kind != yaml.SequenceNode {
		w.add(path, n, "expected a list, got "+describe(n))
		return nil
	}
	result := make([]any, 0, len(n.Content))
	for i, item := range n.Content {
		child := path + "[" + strconv.Itoa(i) + "]"
		w.positions[child] = place(item)
		v := w.value(child, item, t.Elem())
		if w.budget <= 0 {
			return nil
		}
		if item.Kind == yaml.ScalarNode && item.ShortTag() == "!!null" {
			w.add(child, item, "an element of a list cannot be empty")
		}
		result = append(result, v)
	}
	return result
}

// mark records the position of a field: its value if that is on the same line, else its key.
func (w *walker) mark(path string, e entry) {
	if e.value.Kind == yaml.ScalarNode && e.value.ShortTag() != "!!null" {
		w.positions[path] = place(e.value)
		return
	}
	w.positions[path] = place(e.key)
}

// entry is one "key: value" of a mapping.
type entry struct{ key, value *yaml.Node }

// entries returns the content of a mapping with its merge keys followed.
func (w *walker) entries(path string, n *yaml.Node) []entry {
	var m merged
	w.merge(path, n, &m, 0)
	return m.entries
}

// merged is the content of a mapping with merge keys. As kubectl and the API server read YAML, keys are set in the
// order of the file: what is merged in after a key replaces its value, and of several merged mappings in a list the
// first counts. (The specification of YAML lets a mapping's own keys win.)
type merged struct {
	entries []entry
	at      map[string]int
}

func (m *merged) set(e entry) {
	if m.at == nil {
		m.at = map[string]int{}
	}
	if i, ok := m.at[e.key.Value]; ok {
		m.entries[i] = e
		return
	}
	m.at[e.key.Value] = len(m.entries)
	m.entries = append(m.entries, e)
}

// merge sets the entries of a mapping in m.
func (w *walker) merge(path string, n *yaml.Node, m *merged, depth int) {
	if depth > maxMerges {
		w.add(path, n, "merge keys are nested too deeply")
		return
	}
	if !w.spend(path, n, len(n.Content)/2) {
		return
	}
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			w.add(path, key, "a key must be a string, not "+describe(key))
			continue
		}
		if key.ShortTag() == "!!merge" {
			w.mergeKey(path, value, m, depth)
			continue
		}
		if before, twice := first[key.Value]; twice {
			w.add(field(path, key.Value), key, fmt.Sprintf("duplicate key %q, first in line %d", key.Value, before.Line))
			continue
		}
		first[key.Value] = key
		m.set(entry{key, value})
	}
}

// mergeKey sets the entries of what a merge key refers to: a mapping, or a list of mappings.
func (w *walker) mergeKey(path string, value *yaml.Node, m *merged, depth int) {
	sources := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		sources = value.Content
	}
	for _, source := range slices.Backward(sources) {
		source = w.resolve(path, source)
		switch {
		case source == nil:
			return
		case source.Kind != yaml.MappingNode:
			w.add(path, source, "only a mapping can be merged with <<, not "+describe(source))
		default:
			w.merge(path, source, m, depth+1)
		}
	}
}

// fieldsOf returns the types of a struct's fields by their JSON names.
func (w *walker) fieldsOf(t reflect.Type) map[string]reflect.Type {
	if fields, ok := w.fields[t]; ok {
		return fields
	}
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case name == "" && f.Anonymous:
			for inner, ft := range w.fieldsOf(f.Type) {
				fields[inner] = ft
			}
		case name != "":
			fields[name] = f.Type
		}
	}
	w.fields[t] = fields
	return fields
}
