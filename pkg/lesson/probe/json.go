package probe

import (
	"bytes"
	"encoding/json"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// JSON is a request: JSON text as it is, or YAML turned into JSON with the keys in their order.
type JSON []byte

// DecodeNode reads both shapes.
func (j *JSON) DecodeNode(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		if !json.Valid([]byte(n.Value)) {
			return strictyaml.At(n, "want JSON or a mapping, got %q", n.Value)
		}
		*j = JSON(n.Value)
		return nil
	}
	var b bytes.Buffer
	if err := writeJSON(&b, n); err != nil {
		return err
	}
	*j = b.Bytes()
	return nil
}

func writeJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		return writeJSONObject(b, n)
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, item); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case yaml.ScalarNode:
		return writeJSONScalar(b, n)
	}
	return strictyaml.At(n, "anchors and aliases are not supported")
}

func writeJSONObject(b *bytes.Buffer, n *yaml.Node) error {
	b.WriteByte('{')
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return strictyaml.At(key, "want a name")
		}
		if seen[key.Value] {
			return strictyaml.At(key, "%q is given twice", key.Value)
		}
		seen[key.Value] = true
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quote(key.Value))
		b.WriteByte(':')
		if err := writeJSON(b, n.Content[i+1]); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func writeJSONScalar(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Tag {
	case "!!null":
		b.WriteString("null")
	case "!!bool":
		var v bool
		if err := n.Decode(&v); err != nil {
			return strictyaml.At(n, "want true or false")
		}
		b.WriteString(strconv.FormatBool(v))
	case "!!int", "!!float":
		if !json.Valid([]byte(n.Value)) {
			return strictyaml.At(n, "want a number as JSON writes it, got %q", n.Value)
		}
		b.WriteString(n.Value)
	default:
		b.Write(quote(n.Value))
	}
	return nil
}

// quote cannot fail: json encodes every string.
func quote(s string) []byte {
	b, _ := json.Marshal(s)
	return b
}
