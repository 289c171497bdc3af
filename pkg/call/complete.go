package call

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Completion is one way to go on with a message that is being typed.
type Completion struct {
	// Text is the whole message as far as it goes then, Description what was added.
	Text, Description string
}

// CompleteMessage returns how the JSON of a request message can go on: a whole message if nothing is there, else fields that
// the object has not yet, values of enums, true and false.
func (c *Caller) CompleteMessage(ctx context.Context, t Target, method, typed string) ([]Completion, error) {
	m, err := c.Resolve(ctx, t, method)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(typed) == "" {
		template, err := c.Template(ctx, t, method)
		if err != nil {
			return nil, err
		}
		var line bytes.Buffer
		if err := json.Compact(&line, template); err != nil {
			return nil, err
		}
		return []Completion{{line.String(), m.Input}}, nil
	}
	s := scan{text: typed, next: m.descriptor.Input()}
	return s.completions(), nil
}

// scan reads JSON that ends anywhere, and knows which message it is in at the end.
type scan struct {
	text string
	// levels are the objects and arrays that are open.
	levels []level
	// next is the message of the next value; nil if it is none.
	next protoreflect.MessageDescriptor
}

// level is an open object or array.
type level struct {
	message protoreflect.MessageDescriptor // of an object; nil if it is unknown
	field   protoreflect.FieldDescriptor   // whose value comes next, or of an array its elements
	array   bool
	// key: a key comes next; value: a value does.
	key, value bool
	seen       map[string]bool
}

func (s *scan) completions() []Completion {
	for i := 0; i < len(s.text); i++ {
		switch c := s.text[i]; c {
		case '{', '[':
			s.open(c == '[')
		case '}', ']':
			if len(s.levels) == 0 {
				return nil
			}
			s.levels = s.levels[:len(s.levels)-1]
			s.ended()
		case ':':
			if l := s.top(); l != nil {
				l.value = true
			}
		case ',':
			if l := s.top(); l != nil {
				l.key, l.value = !l.array, l.array
			}
		case '"':
			end := closing(s.text[i:])
			if end < 0 {
				return s.at(i, s.text[i+1:], true)
			}
			s.quoted(s.text[i+1 : i+end])
			i += end
		case ' ', '\t', '\n', '\r':
		default:
			end := strings.IndexAny(s.text[i:], " \t\r\n,:{}[]\"")
			if end < 0 {
				return s.at(i, s.text[i:], false)
			}
			s.ended()
			i += end - 1
		}
	}
	return s.at(len(s.text), "", false)
}

// closing is the index of the quote that ends a string; -1 if none does.
func closing(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func (s *scan) top() *level {
	if len(s.levels) == 0 {
		return nil
	}
	return &s.levels[len(s.levels)-1]
}

// open begins an object or an array.
func (s *scan) open(array bool) {
	l := level{array: array, key: !array, value: array, seen: map[string]bool{}}
	switch parent := s.top(); {
	case parent == nil:
		l.message = s.next
	case array:
		l.field = parent.field
	case parent.field != nil && parent.field.Message() != nil && !parent.field.IsMap():
		l.message = parent.field.Message()
	}
	s.levels = append(s.levels, l)
}

// quoted takes a whole string: a key, or a value.
func (s *scan) quoted(text string) {
	l := s.top()
	if l == nil || !l.key {
		s.ended()
		return
	}
	l.key, l.field = false, nil
	if l.message == nil {
		return
	}
	if l.field = l.message.Fields().ByJSONName(text); l.field == nil {
		l.field = l.message.Fields().ByTextName(text)
	}
	if l.field != nil {
		l.seen[l.field.JSONName()] = true
	}
}

// ended notes the end of a value.
func (s *scan) ended() {
	if l := s.top(); l != nil {
		l.value = false
	}
}

// at returns what can stand from index i on, where begun is there already; quoted: after a quote.
func (s *scan) at(i int, begun string, quoted bool) []Completion {
	l := s.top()
	var all []Completion
	add := func(name, text, description string) {
		if strings.HasPrefix(name, begun) {
			all = append(all, Completion{s.text[:i] + text, description})
		}
	}
	switch {
	case l == nil:
	case l.key && l.message != nil && (quoted || begun == ""):
		fields := l.message.Fields()
		for n := range fields.Len() {
			if fd := fields.Get(n); !l.seen[fd.JSONName()] {
				name := fd.JSONName()
				if begun != "" && !strings.HasPrefix(name, begun) {
					name = fd.TextName()
				}
				add(name, `"`+name+`": `, typeName(fd))
			}
		}
	case l.value && l.field != nil && l.field.Enum() != nil && (quoted || begun == ""):
		for n := range l.field.Enum().Values().Len() {
			name := string(l.field.Enum().Values().Get(n).Name())
			add(name, `"`+name+`"`, "")
		}
	case l.value && l.field != nil && l.field.Kind() == protoreflect.BoolKind && !quoted:
		add("false", "false", "")
		add("true", "true", "")
	}
	return all
}

// typeName is a field's type as in its contract.
func typeName(fd protoreflect.FieldDescriptor) string {
	name := fd.Kind().String()
	switch {
	case fd.IsMap():
		return "map"
	case fd.Message() != nil:
		name = string(fd.Message().Name())
	case fd.Enum() != nil:
		name = string(fd.Enum().Name())
	}
	if fd.IsList() {
		name = "repeated " + name
	}
	return name
}
