package protoyaml

import (
	"encoding/base64"
	"strconv"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// scalar reads a value that is not a message. Texts have to be texts: port: "80" is a mistake where a number is wanted,
// and exact: true where a text is, as on Kubernetes.
func (r *reader) scalar(n *yaml.Node, field protoreflect.FieldDescriptor) (v protoreflect.Value, ok bool) {
	if n.Kind != yaml.ScalarNode {
		r.mistake(n, "%s is a single value", field.JSONName())
		return v, false
	}
	switch kind := field.Kind(); kind {
	case protoreflect.StringKind:
		if n.Tag == "!!str" || field.Name() == "key" { // the keys of a map are texts, whatever they look like
			return protoreflect.ValueOfString(n.Value), true
		}
		r.mistake(n, "%s is a text: write %q in quotes", field.JSONName(), n.Value)
	case protoreflect.BoolKind:
		if n.Tag == "!!bool" {
			var b bool
			err := n.Decode(&b)
			return protoreflect.ValueOfBool(b), err == nil
		}
		r.mistake(n, "%s is true or false, not %q", field.JSONName(), n.Value)
	case protoreflect.EnumKind:
		return r.enum(n, field)
	case protoreflect.BytesKind:
		if b, err := base64.StdEncoding.DecodeString(n.Value); err == nil {
			return protoreflect.ValueOfBytes(b), true
		}
		r.mistake(n, "%s is written in base64", field.JSONName())
	default:
		if v, ok = number(n, kind); ok {
			return v, true
		}
		r.mistake(n, "%s is a number, not %q", field.JSONName(), n.Value)
	}
	return v, false
}

// number reads a number of a kind, false if the value is not one or does not fit.
func number(n *yaml.Node, kind protoreflect.Kind) (v protoreflect.Value, ok bool) {
	if n.Tag != "!!int" && n.Tag != "!!float" {
		return v, false
	}
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		i, err := strconv.ParseInt(n.Value, 0, 32)
		return protoreflect.ValueOfInt32(int32(i)), err == nil
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		i, err := strconv.ParseInt(n.Value, 0, 64)
		return protoreflect.ValueOfInt64(i), err == nil
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		i, err := strconv.ParseUint(n.Value, 0, 32)
		return protoreflect.ValueOfUint32(uint32(i)), err == nil
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		i, err := strconv.ParseUint(n.Value, 0, 64)
		return protoreflect.ValueOfUint64(i), err == nil
	case protoreflect.FloatKind:
		f, err := strconv.ParseFloat(n.Value, 32)
		return protoreflect.ValueOfFloat32(float32(f)), err == nil
	case protoreflect.DoubleKind:
		f, err := strconv.ParseFloat(n.Value, 64)
		return protoreflect.ValueOfFloat64(f), err == nil
	}
	return v, false
}

// enum reads the name of a value.
func (r *reader) enum(n *yaml.Node, field protoreflect.FieldDescriptor) (v protoreflect.Value, ok bool) {
	values := field.Enum().Values()
	if value := values.ByName(protoreflect.Name(n.Value)); value != nil {
		return protoreflect.ValueOfEnum(value.Number()), true
	}
	var names []string
	for i := range values.Len() {
		names = append(names, string(values.Get(i).Name()))
	}
	r.mistake(n, "%s cannot be %q%s", field.JSONName(), n.Value, strictyaml.DidYouMean(n.Value, names))
	return v, false
}
