package explain

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/cells"
)

// Target is a kind, and the field of it that is explained.
type Target struct {
	Kind, Group, Version string
	// Path to the field; empty: the kind itself.
	Path []string
	// Recursive lists the fields of all fields by name and type only.
	Recursive bool
	// Note says what a field does not do here, by its path with dots, "spec.template.spec.nodeName"; empty if there is nothing to say.
	Note func(path string) string
}

// NoFieldError says that a kind has no field of a path.
type NoFieldError struct {
	// Field is the last word of the path.
	Field string
	// Known are the fields that are there in its place.
	Known []string
}

func (e *NoFieldError) Error() string { return fmt.Sprintf("field %q does not exist", e.Field) }

// width is that of kubectl's descriptions, in columns.
const width = 80

// Write describes a kind or a field of it in kubectl's form. The error for an unknown field is a *NoFieldError.
func (d *Document) Write(w io.Writer, t Target) error {
	root, ok := d.Schemas[d.Kinds[t.Kind]]
	if !ok {
		return fmt.Errorf("there are no descriptions of the kind %s", t.Kind)
	}
	field := d.find(root, t.Path)
	if field == nil {
		return d.noField(root, t.Path)
	}
	p := &printer{d: d, w: w, t: t}
	if t.Group != "" {
		p.printf("GROUP:      %s\n", t.Group)
	}
	p.printf("KIND:       %s\nVERSION:    %s\n\n", t.Kind, t.Version)
	if len(t.Path) > 0 {
		p.printf("FIELD: %s <%s>\n", t.Path[len(t.Path)-1], d.typeOf(field))
		if len(field.Enum) > 0 {
			p.printf("ENUM:\n    %s", strings.Join(words(field.Enum), "\n    "))
		}
		p.printf("\n\n")
	}
	if note := p.around(t.Path); note != "" {
		p.printf("IN SHOPCTL:\n%s\n\n", indent(4, wrap(width-4, note)))
	}
	text := d.description(field)
	if text == "" {
		text = "<empty>"
	}
	p.printf("DESCRIPTION:\n%s\n", indent(4, wrap(width-4, text)))
	if d.hasFields(field, map[string]bool{}) {
		p.printf("FIELDS:\n")
		p.fields(field, t.Path, 1, map[string]bool{})
	}
	p.printf("\n")
	return p.err
}

// noField is the error of a path, with the fields that there are where it goes wrong.
func (d *Document) noField(root *Schema, path []string) error {
	at := root
	for i := range path {
		next := d.find(root, path[:i+1])
		if next == nil {
			return &NoFieldError{path[len(path)-1], d.names(at)}
		}
		at = next
	}
	return nil
}

// names are the fields below a schema.
func (d *Document) names(s *Schema) []string {
	r := d.resolved(s)
	names := slices.Sorted(maps.Keys(r.Properties))
	for _, inner := range inside(r) {
		names = append(names, d.names(inner)...)
	}
	return names
}

// Fields are the names of the fields below a path, for completion.
func (d *Document) Fields(kind string, path []string) []string {
	root, ok := d.Schemas[d.Kinds[kind]]
	if !ok {
		return nil
	}
	if s := d.find(root, path); s != nil {
		return d.names(s)
	}
	return nil
}

// description is that of a schema and of what it consists of.
func (d *Document) description(s *Schema) string {
	r := d.resolved(s)
	text := ""
	if r.Description != "" {
		text = r.Description + "\n"
	}
	for _, inner := range inside(r) {
		text += d.description(inner)
	}
	return text
}

// typeOf is the type of a field in kubectl's words: "string", "[]Container", "map[string]string", "Object".
func (d *Document) typeOf(s *Schema) string {
	switch {
	case s.Items != nil:
		return "[]" + d.typeOf(s.Items)
	case s.Values != nil:
		return "map[string]" + d.typeOf(s.Values)
	case len(s.AllOf) == 1 && len(s.Properties) == 0:
		return d.typeOf(s.AllOf[0])
	case s.Ref != "":
		if to := d.Schemas[s.Ref]; to != nil && to.Type != "" && to.Type != "object" {
			return to.Type
		}
		return s.Ref[strings.LastIndex(s.Ref, ".")+1:]
	case s.Type == "" || s.Type == "object":
		return "Object"
	}
	return s.Type
}

func (d *Document) hasFields(s *Schema, seen map[string]bool) bool {
	if s.Ref != "" {
		if seen[s.Ref] {
			return false
		}
		seen = with(seen, s.Ref)
	}
	r := d.resolved(s)
	return len(r.Properties) > 0 || slices.ContainsFunc(inside(r), func(inner *Schema) bool { return d.hasFields(inner, seen) })
}

func with(seen map[string]bool, ref string) map[string]bool {
	seen = maps.Clone(seen)
	seen[ref] = true
	return seen
}

// printer writes the description of one target.
type printer struct {
	d   *Document
	w   io.Writer
	t   Target
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// around is the note about a field or about one that it is in.
func (p *printer) around(path []string) string {
	for i := range path {
		if note := p.t.Note(strings.Join(path[:i+1], ".")); note != "" {
			return strings.Join(path[:i+1], ".") + " " + note
		}
	}
	return ""
}

// fields lists the fields of a schema. seen are the schemas around it, which are not entered again.
func (p *printer) fields(s *Schema, path []string, level int, seen map[string]bool) {
	if s.Ref != "" {
		if seen[s.Ref] {
			return
		}
		seen = with(seen, s.Ref)
	}
	r := p.d.resolved(s)
	for _, name := range slices.Sorted(maps.Keys(r.Properties)) {
		at := append(slices.Clone(path), name)
		p.field(r, name, strings.Join(at, "."), level)
		if p.t.Recursive {
			p.fields(r.Properties[name], at, level+1, seen)
		}
	}
	for _, inner := range inside(r) {
		p.fields(inner, path, level, seen)
	}
}

// shortEnum is how many values of a field are listed among others.
const shortEnum = 4

func (p *printer) field(s *Schema, name, path string, level int) {
	field, in := s.Properties[name], 2*level
	p.printf("%s\t<%s>", indent(in, name), p.d.typeOf(field))
	if slices.Contains(s.Required, name) {
		p.printf(" -required-")
	}
	note := p.t.Note(path)
	if note != "" && p.t.Recursive {
		p.printf(" # %s", note)
	}
	if len(field.Enum) > 0 {
		values := words(field.Enum)
		if len(values) > shortEnum {
			values = append(values[:shortEnum:shortEnum], "....")
		}
		p.printf("\n%senum: %s", indent(in, ""), strings.Join(values, ", "))
	}
	p.printf("\n")
	if p.t.Recursive {
		return
	}
	text := field.Description
	if text == "" {
		text = "<no description>"
	}
	p.printf("%s\n", indent(in+2, wrap(width-2-in, text)))
	if note != "" {
		p.printf("%s\n", indent(in+2, wrap(width-2-in, "In shopctl: "+note)))
	}
	p.printf("\n")
}

// words are the values of an enum; an empty one is quoted.
func words(values []any) []string {
	all := make([]string, len(values))
	for i, v := range values {
		if all[i] = fmt.Sprint(v); v == "" {
			all[i] = `""`
		}
	}
	return all
}

// wrap breaks the lines of a text at blanks only, as kubectl does: addresses stay whole.
func wrap(columns int, text string) string {
	var out strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			out.WriteByte('\n')
		}
		at := 0
		for j, word := range strings.Split(line, " ") {
			size := cells.Width(word)
			switch {
			case j == 0:
			case at+1+size > columns:
				out.WriteByte('\n')
				at = 0
			default:
				out.WriteByte(' ')
				at++
			}
			out.WriteString(word)
			at += size
		}
	}
	return out.String()
}

func indent(columns int, text string) string {
	pad := strings.Repeat(" ", columns)
	return pad + strings.ReplaceAll(text, "\n", "\n"+pad)
}
