// Package strictyaml decodes YAML strictly into typed values: an unknown key, a wrong type, a repeated key
// or a second document is an error with its line and column and, if there is a similar name, a
// suggestion.
package strictyaml

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
)

// Error is a problem at one position; lines and columns count from 1.
type Error struct {
	Line, Column int
	Text         string
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Text) }

// Node lets a type decode itself, for values with more than one shape.
type Node interface {
	DecodeNode(n *yaml.Node) error
}

// Keyed is an inline field whose keys come from a list rather than from its own fields.
type Keyed interface {
	Keys() []Field
	// DecodeKey reads the value of one of the keys.
	DecodeKey(key string, value *yaml.Node) error
}

// Decode reads one YAML document into v, a pointer. Struct fields are named by their yaml tag;
// ",inline" puts an embedded struct's fields among its parent's. An alias tag has further names, separated by
// commas, which are read but never listed. A field of type Position is filled with the place of its struct.
func Decode(text string, v any) error {
	n, err := Parse(text)
	if err != nil {
		return err
	}
	if n == nil {
		return &Error{Line: 1, Column: 1, Text: "this is empty"}
	}
	return decode(n, reflect.ValueOf(v).Elem())
}

// Position is a place in the text, from 1.
type Position struct{ Line, Column int }

// Parse returns the only document of a text, nil if there is none.
func Parse(text string) (*yaml.Node, error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if err.Error() == "EOF" {
			return nil, nil
		}
		return nil, syntax(err)
	}
	if err := dec.Decode(&second); err == nil {
		return nil, At(&second, "a second document does not belong here")
	} else if err.Error() != "EOF" {
		return nil, syntax(err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

var yamlLine = lazyregexp.New(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

func syntax(err error) error {
	m := yamlLine().FindStringSubmatch(strings.SplitN(err.Error(), "\n", 2)[0])
	if m == nil {
		return &Error{Line: 1, Column: 1, Text: err.Error()}
	}
	line, convErr := strconv.Atoi(m[1])
	if convErr != nil {
		line = 1
	}
	return &Error{Line: line, Column: 1, Text: m[2]}
}

// At makes an error that points at a node.
func At(n *yaml.Node, format string, args ...any) error {
	return &Error{Line: max(n.Line, 1), Column: max(n.Column, 1), Text: fmt.Sprintf(format, args...)}
}

// Into decodes one node, for types that implement Node.
func Into(n *yaml.Node, v any) error { return decode(n, reflect.ValueOf(v).Elem()) }

var (
	durationType = reflect.TypeFor[time.Duration]()
	positionType = reflect.TypeFor[Position]()
	rawType      = reflect.TypeFor[yaml.Node]()
)

func decode(n *yaml.Node, v reflect.Value) error {
	if n.Kind == yaml.AliasNode {
		return At(n, "anchors and aliases are not supported")
	}
	if v.CanAddr() {
		if own, ok := v.Addr().Interface().(Node); ok {
			return own.DecodeNode(n)
		}
	}
	switch {
	case v.Type() == rawType:
		v.Set(reflect.ValueOf(*n))
		return nil
	case v.Type() == durationType:
		return decodeDuration(n, v)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decode(n, v.Elem())
	case reflect.Struct:
		return decodeStruct(n, v)
	case reflect.Slice:
		return decodeSlice(n, v)
	case reflect.Map:
		return decodeMap(n, v)
	}
	return decodeScalar(n, v)
}

func decodeDuration(n *yaml.Node, v reflect.Value) error {
	d, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || d < 0 {
		return At(n, "want a duration such as 500ms or 2s, got %s", describe(n))
	}
	v.SetInt(int64(d))
	return nil
}

func decodeScalar(n *yaml.Node, v reflect.Value) error {
	if n.Kind != yaml.ScalarNode {
		return At(n, "want %s, got %s", kindName(v.Kind()), describe(n))
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		if n.Tag == "!!null" {
			return At(n, "want text, got nothing")
		}
		v.SetString(n.Value)
	case reflect.Int, reflect.Int64:
		var i int64
		i, err = strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 10, 64)
		v.SetInt(i)
	case reflect.Float64:
		var f float64
		f, err = strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64)
		v.SetFloat(f)
	case reflect.Bool:
		if n.Value != "true" && n.Value != "false" {
			err = errors.New("not a bool")
		}
		v.SetBool(n.Value == "true")
	default:
		return At(n, "values of type %s are not supported", v.Type())
	}
	if err != nil {
		return At(n, "want %s, got %s", kindName(v.Kind()), describe(n))
	}
	return nil
}

func decodeSlice(n *yaml.Node, v reflect.Value) error {
	if n.Kind != yaml.SequenceNode {
		return At(n, "want a list, got %s", describe(n))
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		if err := decode(item, out.Index(i)); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

func decodeMap(n *yaml.Node, v reflect.Value) error {
	if n.Kind != yaml.MappingNode {
		return At(n, "want a mapping, got %s", describe(n))
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := reflect.New(v.Type().Key()).Elem()
		if err := decode(n.Content[i], key); err != nil {
			return err
		}
		if out.MapIndex(key).IsValid() {
			return At(n.Content[i], "%q is given twice", n.Content[i].Value)
		}
		value := reflect.New(v.Type().Elem()).Elem()
		if err := decode(n.Content[i+1], value); err != nil {
			return err
		}
		out.SetMapIndex(key, value)
	}
	v.Set(out)
	return nil
}

func decodeStruct(n *yaml.Node, v reflect.Value) error {
	if n.Kind != yaml.MappingNode {
		return At(n, "want a mapping with %s, got %s", Or(names(v)), describe(n))
	}
	fields := map[string]decoder{}
	collect(n, v, fields)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read, ok := fields[key.Value]
		if !ok || key.Kind != yaml.ScalarNode {
			return At(key, "unknown key %q%s", key.Value, DidYouMean(key.Value, names(v)))
		}
		if seen[key.Value] {
			return At(key, "%q is given twice", key.Value)
		}
		seen[key.Value] = true
		if err := read(value); err != nil {
			return err
		}
	}
	return nil
}

// decoder reads the value of one key.
type decoder func(value *yaml.Node) error

// collect finds how each key of a struct is read, and fills positions.
func collect(n *yaml.Node, v reflect.Value, fields map[string]decoder) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, inline := tag(f)
		switch {
		case f.Type == positionType && v.Field(i).CanSet():
			v.Field(i).Set(reflect.ValueOf(Position{Line: n.Line, Column: n.Column}))
		case inline:
			if keyed, ok := v.Field(i).Addr().Interface().(Keyed); ok {
				for _, key := range keyed.Keys() {
					fields[key.Name] = func(value *yaml.Node) error { return keyed.DecodeKey(key.Name, value) }
				}
				continue
			}
			collect(n, v.Field(i), fields)
		case name != "":
			field := v.Field(i)
			read := func(value *yaml.Node) error { return decode(value, field) }
			fields[name] = read
			if aliases := f.Tag.Get("alias"); aliases != "" {
				for alias := range strings.SplitSeq(aliases, ",") {
					fields[alias] = read
				}
			}
		}
	}
}

func names(v reflect.Value) []string {
	var out []string
	for _, f := range Fields(v.Type()) {
		out = append(out, f.Name)
	}
	return out
}

// Field is a key of a mapping and the type of its value.
type Field struct {
	Name string
	Type reflect.Type
	// Tag is the tag of the struct's field.
	Tag reflect.StructTag
}

// Fields are the keys that Decode takes for a struct, in their order.
func Fields(t reflect.Type) []Field {
	var out []Field
	for i := range t.NumField() {
		f := t.Field(i)
		name, inline := tag(f)
		if keyed, ok := reflect.New(f.Type).Interface().(Keyed); inline && ok {
			out = append(out, keyed.Keys()...)
		} else if inline {
			out = append(out, Fields(f.Type)...)
		} else if name != "" {
			out = append(out, Field{name, f.Type, f.Tag})
		}
	}
	return out
}

func tag(f reflect.StructField) (name string, inline bool) {
	name, flags, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" || f.PkgPath != "" {
		return "", false
	}
	return name, flags == "inline"
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "nothing"
		}
		return strconv.Quote(n.Value)
	}
	return "something else"
}
