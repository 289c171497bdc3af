// Package jsonpath evaluates the templates of kubectl's -o jsonpath over JSON values: text with expressions in braces, as in
// '{range .items[*]}{.metadata.name}{"\n"}{end}'. The language is that of https://kubernetes.io/docs/reference/kubectl/jsonpath/:
// fields, indexes, slices, unions, wildcards, recursive descent, filters with one comparison, range and quoted text. As in
// kubectl, a field that is missing prints nothing, and an index that is out of bounds is an error.
package jsonpath

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Template is a parsed template. It may be used concurrently.
type Template struct{ nodes []node }

// node is text, a path whose values are printed, or the nodes that are repeated for each value of a path.
type node struct {
	text string
	path *path
	body []node
	// repeats: it is a range over the path.
	repeats bool
}

// Path parses one expression as kubectl's custom columns and --sort-by take it: with or without braces and the first dot.
func Path(text string) (*Template, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		text = text[1 : len(text)-1]
	}
	if text != "" && !strings.ContainsAny(text[:1], ".[$@") {
		text = "." + text
	}
	return Parse("{" + text + "}")
}

// Find returns the values of all paths of a template, outside of ranges, in the order of the template.
func (t *Template) Find(data any) ([]any, error) {
	var all []any
	for _, n := range t.nodes {
		if n.path == nil {
			continue
		}
		found, err := n.path.find(data, data)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// Execute writes the template for a value as encoding/json makes it. Several values of a path are separated by spaces.
func (t *Template) Execute(w io.Writer, data any) error {
	var out strings.Builder
	if err := execute(&out, t.nodes, data, data); err != nil {
		return err
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func execute(out *strings.Builder, nodes []node, root, current any) error {
	for _, n := range nodes {
		if n.path == nil {
			out.WriteString(n.text)
			continue
		}
		found, err := n.path.find(root, current)
		if err != nil {
			return err
		}
		for i, value := range found {
			switch {
			case n.repeats:
				err = execute(out, n.body, root, value)
			default:
				if i > 0 {
					out.WriteByte(' ')
				}
				var text string
				text, err = Text(value)
				out.WriteString(text)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Text is a value as it is printed: strings as they are, objects and lists as JSON in one line.
func Text(value any) (string, error) {
	switch value := value.(type) {
	case nil:
		return "", nil
	case string:
		return value, nil
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return "", fmt.Errorf("print a value: %w", err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}
