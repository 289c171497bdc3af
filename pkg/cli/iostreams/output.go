package iostreams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/yaml"
)

// Output formats of commands that read.
const (
	FormatTable = "table"
	FormatJSON  = "json"
	FormatYAML  = "yaml"
	FormatName  = "name"
)

// named is required of values that support -o name.
type named interface {
	// Names returns one name a line.
	Names() []string
}

// Print writes v to standard output in a format; table writes it for people.
func (ios *IO) Print(format string, v any, table func(w io.Writer)) error {
	var out []byte
	var err error
	switch format {
	case FormatJSON:
		out, err = encodeJSON(v, "  ")
	case FormatYAML:
		if out, err = yaml.Marshal(v); err == nil {
			return ios.Out.WriteDocument(out)
		}
	case FormatName:
		n, ok := v.(named)
		if !ok {
			return errors.New("-o name is not supported by this command")
		}
		for _, name := range n.Names() {
			out = append(out, name+"\n"...)
		}
	default:
		b := page{columns: ios.Columns(0)}
		table(&b)
		out = []byte(b.String())
	}
	if err != nil {
		return fmt.Errorf("encode output: %w", err)
	}
	_, err = ios.Out.Write(out)
	return err
}

// page is text for people while it is put together.
type page struct {
	strings.Builder
	// columns is how wide it is to be, in cells; 0: as wide as it likes.
	columns int
}

// PrintLine writes v as one line of NDJSON.
func (ios *IO) PrintLine(v any) error {
	line, err := encodeJSON(v, "")
	if err != nil {
		return fmt.Errorf("encode output: %w", err)
	}
	_, err = ios.Out.Write(line)
	return err
}

// encodeJSON ends with a line feed. HTML characters are not escaped; what JSON does not escape of control characters, such
// as U+009B, the writer does in the form of JSON.
func encodeJSON(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(v)
	return bytes.ToValidUTF8(b.Bytes(), []byte("\ufffd")), err
}

// Structured reports whether a format prints all fields, including those that cost an extra request.
func Structured(format string) bool { return format == FormatJSON || format == FormatYAML }
