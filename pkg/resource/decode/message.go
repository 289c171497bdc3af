package decode

import (
	"errors"
	"reflect"
	"strconv"

	yaml "go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// messageReader is a type whose fields are those of a protocol buffer, such as the spec of Istio's objects.
type messageReader interface {
	// ReadNode returns the mistakes in a node without aliases and merge keys, each a *strictyaml.Error.
	ReadNode(n *yaml.Node) []error
}

// readerOf returns the reader of a type; nil if it has none.
func readerOf(t reflect.Type) messageReader {
	r, _ := reflect.New(t).Interface().(messageReader)
	return r
}

// message reads a value that fits a protocol buffer, and notes the mistakes that its reader finds.
func (w *walker) message(path string, n *yaml.Node, r messageReader) any {
	m := messageWalker{walker: w, paths: map[resource.Position]string{}}
	value, plain := m.value(path, n)
	if w.budget <= 0 {
		return nil
	}
	for _, err := range r.ReadNode(plain) {
		var mistake *strictyaml.Error
		if !errors.As(err, &mistake) {
			w.add(path, n, err.Error())
			continue
		}
		at := resource.Position{Line: mistake.Line, Column: mistake.Column}
		where, ok := m.paths[at]
		if !ok {
			where = path
		}
		w.add(where, &yaml.Node{Line: at.Line, Column: at.Column}, mistake.Text)
	}
	return value
}

// messageWalker walks a value whose fields it does not know.
type messageWalker struct {
	*walker
	// paths of the values and keys at a position.
	paths map[resource.Position]string
}

// value returns the JSON value of a node, and a copy of the node with its aliases and merge keys resolved, and its
// booleans as YAML 1.1 has them.
func (m messageWalker) value(path string, n *yaml.Node) (any, *yaml.Node) {
	n = m.resolve(path, n)
	if n == nil {
		return nil, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	m.paths[place(n)] = path
	plain := *n
	plain.Content = nil
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for _, e := range m.entries(path, n) {
			child := field(path, e.key.Value)
			m.mark(child, e)
			m.paths[place(e.key)] = child
			value, below := m.value(child, e.value)
			if value != nil { // as the API server, which leaves null out
				object[e.key.Value] = value
			}
			key := *e.key
			plain.Content = append(plain.Content, &key, below)
		}
		return object, &plain
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			child := path + "[" + strconv.Itoa(i) + "]"
			m.positions[child] = place(item)
			value, below := m.value(child, item)
			list = append(list, value)
			plain.Content = append(plain.Content, below)
		}
		return list, &plain
	}
	value, tag := scalarValue(n)
	plain.Tag = tag
	if b, ok := value.(bool); ok {
		plain.Value = strconv.FormatBool(b)
	}
	return value, &plain
}

// scalarValue returns the JSON value of a scalar and its tag in YAML 1.1.
func scalarValue(n *yaml.Node) (any, string) {
	tag := tagOf(n)
	switch tag {
	case "!!null":
		return nil, tag
	case "!!bool":
		if v, ok := truth(n.Value); ok {
			return v, tag
		}
	case "!!int", "!!float":
		var number float64
		if err := n.Decode(&number); err == nil {
			return number, tag
		}
	case "!!timestamp":
		return n.Value, "!!str"
	}
	return n.Value, tag
}
