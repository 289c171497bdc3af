package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// checkMessage reports what is wrong with a message, with the path to the field: protojson
// knows the name of a field at most, and no nearest one. What it lets through, protojson still reads
// strictly. With allowUnknown, fields that the message does not have are let through.
func checkMessage(path string, value any, d protoreflect.MessageDescriptor, allowUnknown bool) error {
	if wellKnown(d) {
		return nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return wrongType(path, fmt.Sprintf("an object (%s)", d.Name()), value)
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if strings.HasPrefix(key, "[") {
			continue // an extension
		}
		fd := d.Fields().ByJSONName(key)
		if fd == nil {
			fd = d.Fields().ByName(protoreflect.Name(key))
		}
		if fd == nil && allowUnknown {
			continue
		}
		if fd == nil {
			return unknownField(path, key, d)
		}
		if err := checkField(join(path, key), object[key], fd, allowUnknown); err != nil {
			return err
		}
	}
	return nil
}

// wellKnown reports whether a message has a JSON form of its own.
func wellKnown(d protoreflect.MessageDescriptor) bool {
	return d.FullName().Parent() == "google.protobuf" && d.Name() != "Empty"
}

func unknownField(path, key string, d protoreflect.MessageDescriptor) error {
	var names []string
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		names = append(names, string(fd.Name()))
		if fd.HasJSONName() || fd.JSONName() != string(fd.Name()) {
			names = append(names, fd.JSONName())
		}
	}
	err := &Invalid{Text: fmt.Sprintf("field %q is not in %s", join(path, key), d.FullName())}
	near := suggest.Match(key, names)
	switch {
	case near != "":
		err.Hint = fmt.Sprintf("did you mean %s?", near)
	case d.Fields().Len() == 0:
		err.Hint = "it has no fields: use '{}'"
	default:
		var own []string
		for i := range d.Fields().Len() {
			own = append(own, string(d.Fields().Get(i).Name()))
		}
		err.Hint = "it has " + strings.Join(own, ", ")
	}
	return err
}

func checkField(path string, value any, fd protoreflect.FieldDescriptor, allowUnknown bool) error {
	if value == nil {
		return nil
	}
	switch {
	case fd.IsMap():
		object, ok := value.(map[string]any)
		if !ok {
			return wrongType(path, "an object", value)
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if err := checkValue(join(path, key), object[key], fd.MapValue(), allowUnknown); err != nil {
				return err
			}
		}
	case fd.IsList():
		list, ok := value.([]any)
		if !ok {
			return wrongType(path, "an array", value)
		}
		for i, element := range list {
			if err := checkValue(fmt.Sprintf("%s[%d]", path, i), element, fd, allowUnknown); err != nil {
				return err
			}
		}
	default:
		return checkValue(path, value, fd, allowUnknown)
	}
	return nil
}

// checkValue checks one value of a field that may be repeated.
func checkValue(path string, value any, fd protoreflect.FieldDescriptor, allowUnknown bool) error {
	switch kind := fd.Kind(); kind {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return checkMessage(path, value, fd.Message(), allowUnknown)
	case protoreflect.BoolKind:
		if _, ok := value.(bool); !ok {
			return wrongType(path, "true or false", value)
		}
	case protoreflect.StringKind, protoreflect.BytesKind:
		if _, ok := value.(string); !ok {
			want := "a string"
			if kind == protoreflect.BytesKind {
				want = "a string in base64"
			}
			return wrongType(path, want, value)
		}
	case protoreflect.EnumKind:
		return checkEnum(path, value, fd.Enum())
	default:
		return checkNumber(path, value, kind)
	}
	return nil
}

func checkEnum(path string, value any, d protoreflect.EnumDescriptor) error {
	if d.FullName() == "google.protobuf.NullValue" {
		return nil
	}
	switch v := value.(type) {
	case json.Number:
		return nil
	case string:
		if d.Values().ByName(protoreflect.Name(v)) != nil {
			return nil
		}
		var names []string
		for i := range d.Values().Len() {
			names = append(names, string(d.Values().Get(i).Name()))
		}
		hint := "it has " + strings.Join(names, ", ")
		if near := suggest.Match(v, names); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		return &Invalid{Text: fmt.Sprintf("field %q: %s has no value %q", path, d.FullName(), v), Hint: hint}
	}
	return wrongType(path, fmt.Sprintf("a name of %s", d.Name()), value)
}

func checkNumber(path string, value any, kind protoreflect.Kind) error {
	var text string
	switch v := value.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	default:
		return wrongType(path, fmt.Sprintf("a number (%s)", kind), value)
	}
	var err error
	switch kind {
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		if _, err = strconv.ParseFloat(text, 64); text == "" || strings.TrimSpace(text) != text {
			err = strconv.ErrSyntax
		}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		_, err = strconv.ParseUint(text, 10, 32)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		_, err = strconv.ParseUint(text, 10, 64)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		_, err = strconv.ParseInt(text, 10, 64)
	default:
		_, err = strconv.ParseInt(text, 10, 32)
	}
	switch {
	case errors.Is(err, strconv.ErrRange):
		return &Invalid{Text: fmt.Sprintf("field %q: %s does not fit into %s", path, text, kind)}
	case err == nil || wholeNumber(text, kind):
		return nil
	}
	return &Invalid{Text: fmt.Sprintf("field %q must be a number (%s), not %q", path, kind, text)}
}

// wholeNumber reports whether a text is an integer that is written with a point or an exponent, which JSON allows; how large
// it may be, protojson knows.
func wholeNumber(text string, kind protoreflect.Kind) bool {
	f, err := strconv.ParseFloat(text, 64)
	return err == nil && kind != protoreflect.FloatKind && kind != protoreflect.DoubleKind &&
		strings.ContainsAny(text, ".eE") && f == float64(int64(f))
}

func wrongType(path, want string, value any) error {
	where := fmt.Sprintf("field %q", path)
	if path == "" {
		where = "the message"
	}
	return &Invalid{Text: fmt.Sprintf("%s must be %s, not %s", where, want, kindOf(value))}
}

// kindOf names a JSON value by its kind.
func kindOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return "the number " + v.String()
	case string:
		return "a string"
	case []any:
		return "an array"
	}
	return "an object"
}

// join appends a key to a path: "address.city".
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
