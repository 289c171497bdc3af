package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// Output formats of commands that read.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
	formatName  = "name"
)

// named is what -o name needs of a value.
type named interface {
	// names returns one name a line.
	names() []string
}

// addOutput gives cmd the flag -o with the formats that it knows, the first of them being the default.
func addOutput(cmd *cobra.Command, format *string, formats ...string) {
	if len(formats) == 0 {
		formats = []string{formatTable, formatJSON, formatYAML, formatName}
	}
	value := &oneOf{value: format, allowed: formats}
	*format = formats[0]
	cmd.Flags().VarP(value, "output", "o", "print as "+strings.Join(formats, ", "))
	completeWords(cmd, "output", formats...)
}

// Print writes v to standard output as the format says; table writes the one for people.
func (ios *IO) Print(format string, v any, table func(w io.Writer)) error {
	var out []byte
	var err error
	switch format {
	case formatJSON:
		out, err = encodeJSON(v, "  ")
	case formatYAML:
		out, err = yaml.Marshal(v)
	case formatName:
		n, ok := v.(named)
		if !ok {
			return usageErr("-o json", "-o name is not for this command")
		}
		for _, name := range n.names() {
			out = append(out, name+"\n"...)
		}
	default:
		var b strings.Builder
		table(&b)
		out = []byte(b.String())
	}
	if err != nil {
		return fmt.Errorf("encode output: %w", err)
	}
	_, err = ios.Out.Write(out)
	return err
}

// printLine writes v as one line of NDJSON.
func (ios *IO) printLine(v any) error {
	line, err := encodeJSON(v, "")
	if err != nil {
		return fmt.Errorf("encode output: %w", err)
	}
	_, err = ios.Out.Write(line)
	return err
}

// encodeJSON ends with a line feed. Arrows stay arrows: nobody reads it as HTML.
func encodeJSON(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(v)
	return b.Bytes(), err
}

// oneOf is a flag that takes one of a few words.
type oneOf struct {
	value   *string
	allowed []string
	// kind stands for the value in the help; "FORMAT" if empty.
	kind string
}

func (o *oneOf) String() string {
	if o.value == nil {
		return ""
	}
	return *o.value
}

func (o *oneOf) Type() string {
	if o.kind != "" {
		return o.kind
	}
	return "FORMAT"
}

func (o *oneOf) Set(s string) error {
	if !slices.Contains(o.allowed, s) {
		return fmt.Errorf("must be one of %s", strings.Join(o.allowed, ", "))
	}
	*o.value = s
	return nil
}
