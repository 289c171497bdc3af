// Package field has the fields of requests and responses as a sidecar handles them: a list, in the order in which they
// came. Lists are short, so that a search of one is cheaper than a map of it, and what is passed on keeps its order.
package field

import (
	"strings"

	"golang.org/x/net/http2/hpack"
)

// Fields are those of a request or a response, pseudo-fields first. Names are in lower case.
type Fields []hpack.HeaderField

// Get returns the value of a name, several joined with a comma, and "" where there is none.
func (f Fields) Get(name string) string {
	value, _ := f.Lookup(name)
	return value
}

// Lookup is Get, and reports whether the name occurs.
func (f Fields) Lookup(name string) (value string, ok bool) {
	for i := range f {
		if f[i].Name != name {
			continue
		}
		if ok {
			return f[i:].join(name, value), true
		}
		value, ok = f[i].Value, true
	}
	return value, ok
}

// join appends the values of a name to the first of them.
func (f Fields) join(name, first string) string {
	var b strings.Builder
	b.WriteString(first)
	for i := range f {
		if f[i].Name == name {
			b.WriteByte(',')
			b.WriteString(f[i].Value)
		}
	}
	return b.String()
}

// Has reports whether a name occurs.
func (f Fields) Has(name string) bool {
	for i := range f {
		if f[i].Name == name {
			return true
		}
	}
	return false
}

// Set gives a name one value: in the place of its first, or at the end.
func (f *Fields) Set(name, value string) {
	for i := range *f {
		if (*f)[i].Name == name {
			(*f)[i].Value = value
			(*f)[i+1:].delete(f, i+1, name)
			return
		}
	}
	f.Add(name, value)
}

// delete removes a name from rest, which begins at an index of f.
func (rest Fields) delete(f *Fields, at int, name string) {
	kept := (*f)[:at]
	for _, h := range rest {
		if h.Name != name {
			kept = append(kept, h)
		}
	}
	clear((*f)[len(kept):])
	*f = kept
}

// Add appends a value to a name. A pseudo-field goes in front of the others, as HTTP/2 has it.
func (f *Fields) Add(name, value string) {
	*f = append(*f, hpack.HeaderField{Name: name, Value: value})
	if !strings.HasPrefix(name, ":") {
		return
	}
	list := *f
	copy(list[1:], list[:len(list)-1])
	list[0] = hpack.HeaderField{Name: name, Value: value}
}

// Del removes all values of a name.
func (f *Fields) Del(name string) { (*f).delete(f, 0, name) }

// Clone returns a copy, which can be changed apart from f, with room for a few more fields.
func (f Fields) Clone() Fields {
	return append(make(Fields, 0, len(f)+8), f...)
}
