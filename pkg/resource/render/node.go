package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	yaml "go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/resource"
)

// node returns the YAML of an object, its fields in the order of the Go types.
func node(o resource.Object) (*yaml.Node, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", resource.KeyOf(o), err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	n, err := read(d)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", resource.KeyOf(o), err)
	}
	tidy(n)
	return n, nil
}

var errEnd = errors.New("end of a list or mapping")

// read makes a node of the next JSON value.
func read(d *json.Decoder) (*yaml.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		switch t {
		case ']', '}':
			return nil, errEnd
		case '[':
			n = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		}
		for {
			element, err := read(d)
			if errors.Is(err, errEnd) {
				return n, nil
			}
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, element)
		}
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: t, Style: style(t)}, nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: t.String()}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(t)}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
}

// style is how a string is written: several lines as a block where YAML keeps them as they are, in quotes where
// only those do, and else as the encoder decides, which quotes what would be read as something else.
func style(s string) yaml.Style {
	// Booleans in YAML 1.1, which Kubernetes reads, and strings in YAML 1.2, which the encoder writes.
	oldBooleans := []string{"y", "yes", "on", "n", "no", "off"}
	switch {
	case s == "" || slices.Contains(oldBooleans, strings.ToLower(s)):
		return yaml.DoubleQuotedStyle
	case strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }):
		return yaml.DoubleQuotedStyle
	case !strings.Contains(s, "\n"):
		return 0
	case strings.ContainsAny(s[:1], " \t\n") || strings.Contains(s, " \n") || strings.Contains(s, "\t") || strings.TrimSpace(s) == "":
		return yaml.DoubleQuotedStyle
	}
	return yaml.LiteralStyle
}

// tidy removes what is empty for no reason and puts the head of an object in the order in which people write it.
func tidy(n *yaml.Node) {
	drop(n, "status")
	drop(n, "spec", "strategy")
	drop(n, "spec", "template", "metadata")
	for _, list := range []string{"containers", "initContainers"} {
		if containers := child(n, "spec", "template", "spec", list); containers != nil {
			for _, c := range containers.Content {
				drop(c, "resources")
			}
		}
	}
	if status := child(n, "status"); status != nil {
		drop(status, "loadBalancer")
		drop(n, "status")
	}
	order(n)
	order(child(n, "metadata"))
}

// child follows a path of keys through mappings; nil if it ends early.
func child(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		i := find(n, key)
		if i < 0 {
			return nil
		}
		n = n.Content[i+1]
	}
	return n
}

// find returns the index of a key in a mapping, -1 if it has none.
func find(n *yaml.Node, key string) int {
	if n == nil || n.Kind != yaml.MappingNode {
		return -1
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// drop removes what a path leads to if it is an empty mapping.
func drop(n *yaml.Node, path ...string) {
	parent, key := child(n, path[:len(path)-1]...), path[len(path)-1]
	if i := find(parent, key); i >= 0 && parent.Content[i+1].Kind == yaml.MappingNode && len(parent.Content[i+1].Content) == 0 {
		parent.Content = slices.Delete(parent.Content, i, i+2)
	}
}

// order moves the keys that people write first to the front of a mapping.
func order(n *yaml.Node) {
	front := 0
	for _, key := range []string{"apiVersion", "kind", "name", "namespace", "labels", "annotations"} {
		if i := find(n, key); i >= 0 {
			pair := []*yaml.Node{n.Content[i], n.Content[i+1]}
			n.Content = slices.Insert(slices.Delete(n.Content, i, i+2), front, pair...)
			front += 2
		}
	}
}

// writeJSON writes a node made by read.
func writeJSON(out *bytes.Buffer, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		out.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				out.WriteByte(',')
			}
			writeString(out, n.Content[i].Value)
			out.WriteByte(':')
			writeJSON(out, n.Content[i+1])
		}
		out.WriteByte('}')
	case yaml.SequenceNode:
		out.WriteByte('[')
		for i, element := range n.Content {
			if i > 0 {
				out.WriteByte(',')
			}
			writeJSON(out, element)
		}
		out.WriteByte(']')
	default:
		if n.Tag == "!!str" {
			writeString(out, n.Value)
			return
		}
		out.WriteString(n.Value)
	}
}

func writeString(out *bytes.Buffer, s string) {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a buffer takes everything, and a string can always be encoded
	out.Truncate(out.Len() - 1)
}
