package get

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/objects/find"
	"github.com/shopctl/shopctl/pkg/jsonpath"
	"github.com/shopctl/shopctl/pkg/resource"
)

const (
	formatWide    = "wide"
	formatPath    = "jsonpath="
	formatColumns = "custom-columns="
)

// formats are the values of -o; the first is the default.
func formats() []string {
	return []string{iostreams.FormatTable, formatWide, iostreams.FormatJSON, iostreams.FormatYAML, iostreams.FormatName, formatPath, formatColumns}
}

// output is the value of -o. It implements pflag.Value.
type output struct {
	format   string
	template *jsonpath.Template
	columns  []customColumn
}

type customColumn struct {
	header string
	path   *jsonpath.Template
}

func (o *output) String() string {
	if o.format == "" {
		return iostreams.FormatTable
	}
	return o.format
}

func (o *output) Type() string { return "FORMAT" }

func (o *output) Set(text string) error {
	switch {
	case strings.HasPrefix(text, formatPath):
		template, err := jsonpath.Parse(strings.TrimPrefix(text, formatPath))
		if err != nil {
			return err
		}
		*o = output{format: text, template: template}
		return nil
	case strings.HasPrefix(text, formatColumns):
		columns, err := parseColumns(strings.TrimPrefix(text, formatColumns))
		*o = output{format: text, columns: columns}
		return err
	case strings.HasPrefix(text, "go-template"):
		return fmt.Errorf("templates of Go are not there: use jsonpath='{.metadata.name}', or json and jq")
	case !slices.Contains(formats()[:5], text):
		return fmt.Errorf("must be one of %s", strings.Join(formats(), ", "))
	}
	*o = output{format: text}
	return nil
}

func (o *output) wide() bool { return o.format == formatWide }

// tabular reports whether objects are printed in the columns of their kind.
func (o *output) tabular() bool {
	return o.format == "" || o.format == iostreams.FormatTable || o.wide()
}

// parseColumns reads "NAME:.metadata.name,IMAGE:.spec.template.spec.containers[*].image".
func parseColumns(text string) ([]customColumn, error) {
	var columns []customColumn
	for part := range strings.SplitSeq(text, ",") {
		header, path, ok := strings.Cut(part, ":")
		if !ok || header == "" || path == "" {
			return nil, fmt.Errorf("read %q: want HEADER:PATH, such as NAME:.metadata.name", part)
		}
		parsed, err := jsonpath.Path(path)
		if err != nil {
			return nil, err
		}
		columns = append(columns, customColumn{header, parsed})
	}
	return columns, nil
}

// writeTemplate prints the template for one object, or for a List of all.
func (o *output) writeTemplate(ios *iostreams.IO, objects []resource.Object, single bool) error {
	items := make([]any, len(objects))
	for i, object := range objects {
		tree, err := find.Tree(object)
		if err != nil {
			return err
		}
		items[i] = tree
	}
	var data any = map[string]any{"apiVersion": "v1", "kind": "List", "items": items, "metadata": map[string]any{"resourceVersion": ""}}
	if single {
		data = items[0]
	}
	var text strings.Builder
	if err := o.template.Execute(&text, data); err != nil {
		return fmt.Errorf("print -o %s: %w", o.format, err)
	}
	_, err := io.WriteString(ios.Out, text.String())
	return err
}

// writeColumns prints a row of the chosen values for each object.
func (o *output) writeColumns(ios *iostreams.IO, objects []resource.Object, headers bool) error {
	var header []string
	if headers {
		for _, c := range o.columns {
			header = append(header, c.header)
		}
	}
	t := iostreams.NewTable(header...)
	for _, object := range objects {
		tree, err := find.Tree(object)
		if err != nil {
			return err
		}
		cells := make([]string, len(o.columns))
		for i, c := range o.columns {
			found, err := c.path.Find(tree)
			if err != nil {
				return fmt.Errorf("print column %s: %w", c.header, err)
			}
			if cells[i], err = joined(found); err != nil {
				return err
			}
		}
		t.Row(cells...)
	}
	return t.Flush(ios.Out)
}

// joined are values with commas between them; "<none>" if there are none.
func joined(values []any) (string, error) {
	if len(values) == 0 {
		return "<none>", nil
	}
	words := make([]string, len(values))
	for i, v := range values {
		text, err := jsonpath.Text(v)
		if err != nil {
			return "", err
		}
		words[i] = text
	}
	return strings.Join(words, ","), nil
}
