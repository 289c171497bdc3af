// Package schema finds what a Kubernetes API server refuses in a spec by the schemas of Istio's kinds, before Istio itself
// sees it: fields that must be there, fields that exclude each other, and values out of bounds. Types and names of fields
// are not part of it: they are found where a spec is read.
package schema

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Issue is something that the schema does not allow.
type Issue struct {
	// Path of the field below the spec: "http[0].timeout"; empty for the spec itself.
	Path, Message string
}

// Check returns the issues in the JSON tree of a spec that fits a message, ordered by their paths.
func Check(d protoreflect.MessageDescriptor, spec any) []Issue {
	c := &checker{}
	c.message("", d, spec)
	slices.SortStableFunc(c.issues, func(a, b Issue) int { return cmp.Compare(a.Path, b.Path) })
	return c.issues
}

type checker struct{ issues []Issue }

func (c *checker) add(path, format string, args ...any) {
	c.issues = append(c.issues, Issue{path, fmt.Sprintf(format, args...)})
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (c *checker) message(path string, d protoreflect.MessageDescriptor, v any) {
	if d.FullName() == "google.protobuf.Duration" {
		if text, ok := v.(string); ok {
			if length, err := time.ParseDuration(text); err == nil && length < time.Millisecond {
				c.add(path, "must be at least 1ms, and is %s; leave it out if there should be none", text)
			}
		}
		return
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return
	}
	limits := limitsOf(d)
	for _, name := range limits.required {
		if fields[name] == nil {
			c.add(join(path, name), "is missing")
		}
	}
	c.exclusive(path, d, fields)
	if limits.more != nil {
		limits.more(c, path, fields)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if field := d.Fields().ByJSONName(name); field != nil && fields[name] != nil {
			c.field(join(path, name), field, fields[name], slices.Contains(limits.filled, name))
		}
	}
}

// exclusive finds fields of one choice that are written together.
func (c *checker) exclusive(path string, d protoreflect.MessageDescriptor, fields map[string]any) {
	for i := range d.Oneofs().Len() {
		choice := d.Oneofs().Get(i)
		if choice.IsSynthetic() {
			continue
		}
		var written []string
		for j := range choice.Fields().Len() {
			if name := choice.Fields().Get(j).JSONName(); fields[name] != nil {
				written = append(written, name)
			}
		}
		if len(written) > 1 {
			c.add(path, "%s exclude each other; keep one", strings.Join(written, " and "))
		}
	}
}

// field checks the value of a field; filled: its texts must not be empty.
func (c *checker) field(path string, field protoreflect.FieldDescriptor, v any, filled bool) {
	switch v := v.(type) {
	case []any:
		if limit := maxItems(field); len(v) > limit {
			c.add(path, "must have at most %d items, and has %d", limit, len(v))
		}
		for i, item := range v {
			c.value(path+"["+strconv.Itoa(i)+"]", field, item, filled)
		}
	case map[string]any:
		if !field.IsMap() {
			c.message(path, field.Message(), v)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := join(path, key)
			if strings.ContainsAny(key, ".[]/") {
				at = path + "[" + key + "]"
			}
			if of := field.MapValue().Message(); of != nil {
				c.message(at, of, v[key])
			}
		}
	default:
		c.value(path, field, v, filled)
	}
}

func (c *checker) value(path string, field protoreflect.FieldDescriptor, v any, filled bool) {
	if text, ok := v.(string); ok && text == "" && filled {
		c.add(path, "must not be empty")
	}
	if field.Message() != nil && !field.IsMap() {
		c.message(path, field.Message(), v)
	}
}
