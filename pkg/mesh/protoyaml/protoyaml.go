// Package protoyaml reads protocol buffers from YAML, as Istio reads the specs of its objects: names as JSON has them,
// durations as Go writes them ("500ms", "1.5m"), and every mistake with its place.
package protoyaml

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// maxNodes bounds what is read, so that aliases of aliases end.
const maxNodes = 1 << 16

// Into reads a message from a node. The error joins a *strictyaml.Error for each mistake. A message with a mistake is
// filled as far as it could be read.
func Into(n *yaml.Node, m proto.Message) error {
	r := &reader{left: maxNodes}
	r.message(n, m.ProtoReflect())
	return errors.Join(r.mistakes...)
}

// reader reads nodes, and notes mistakes.
type reader struct {
	left     int
	mistakes []error
}

func (r *reader) mistake(n *yaml.Node, format string, args ...any) {
	r.mistakes = append(r.mistakes, strictyaml.At(n, format, args...))
}

// node returns what is read of a node: of an alias, the node that it names. It is false when no more is read.
func (r *reader) node(n *yaml.Node) (*yaml.Node, bool) {
	if r.left == 0 {
		return nil, false
	}
	if r.left--; r.left == 0 {
		r.mistake(n, "too many values: want at most %d, aliases counted each time", maxNodes)
		return nil, false
	}
	if n.Kind == yaml.AliasNode {
		return r.node(n.Alias)
	}
	return n, true
}

// message reads the fields of a message. Those of one oneof follow each other in the order of their declaration, so that
// the last declared one holds, as in Istio.
func (r *reader) message(n *yaml.Node, m protoreflect.Message) {
	n, ok := r.node(n)
	if !ok || isNull(n) {
		return
	}
	if r.wellKnown(n, m) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.mistake(n, "want fields of %s", m.Descriptor().Name())
		return
	}
	type entry struct {
		field protoreflect.FieldDescriptor
		value *yaml.Node
	}
	var entries []entry
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		field := fieldOf(m.Descriptor(), key.Value)
		switch {
		case seen[key.Value]:
			r.mistake(key, "%q is given twice", key.Value)
		case field == nil:
			r.mistake(key, "unknown field %q%s", key.Value, strictyaml.DidYouMean(key.Value, namesOf(m.Descriptor())))
		default:
			entries = append(entries, entry{field, n.Content[i+1]})
		}
		seen[key.Value] = true
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.field.Index(), b.field.Index()) })
	for _, e := range entries {
		r.field(e.value, m, e.field)
	}
}

// fieldOf finds a field by its name in JSON: another spelling is not a name of it.
func fieldOf(d protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	return d.Fields().ByJSONName(name)
}

func namesOf(d protoreflect.MessageDescriptor) []string {
	var names []string
	for i := range d.Fields().Len() {
		names = append(names, d.Fields().Get(i).JSONName())
	}
	return names
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// wellKnown reads the messages that are written as a single value.
func (r *reader) wellKnown(n *yaml.Node, m protoreflect.Message) bool {
	switch m.Descriptor().FullName() {
	case "google.protobuf.Duration":
		d, err := time.ParseDuration(n.Value)
		if err != nil || n.Kind != yaml.ScalarNode {
			r.mistake(n, "want a duration such as 500ms, 3s or 1.5m, not %q", n.Value)
			return true
		}
		proto.Merge(m.Interface(), durationpb.New(d))
		return true
	case "google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.DoubleValue", "google.protobuf.FloatValue",
		"google.protobuf.Int32Value", "google.protobuf.UInt32Value", "google.protobuf.Int64Value", "google.protobuf.UInt64Value":
		field := m.Descriptor().Fields().ByName("value")
		if v, ok := r.scalar(n, field); ok {
			m.Set(field, v)
		}
		return true
	}
	return false
}

func (r *reader) field(n *yaml.Node, m protoreflect.Message, field protoreflect.FieldDescriptor) {
	n, ok := r.node(n)
	if !ok || isNull(n) {
		return // as if it were not written
	}
	switch {
	case field.IsMap():
		r.mapping(n, m, field)
	case field.IsList():
		r.list(n, m, field)
	case field.Message() != nil:
		r.message(n, m.Mutable(field).Message())
	default:
		if v, ok := r.scalar(n, field); ok {
			m.Set(field, v)
		}
	}
}

func (r *reader) list(n *yaml.Node, m protoreflect.Message, field protoreflect.FieldDescriptor) {
	if n.Kind != yaml.SequenceNode {
		r.mistake(n, "%s is a list", field.JSONName())
		return
	}
	list := m.Mutable(field).List()
	for _, item := range n.Content {
		if field.Message() != nil {
			r.message(item, list.AppendMutable().Message())
		} else if item, ok := r.node(item); ok {
			if v, ok := r.scalar(item, field); ok {
				list.Append(v)
			}
		}
	}
}

func (r *reader) mapping(n *yaml.Node, m protoreflect.Message, field protoreflect.FieldDescriptor) {
	if n.Kind != yaml.MappingNode {
		r.mistake(n, "%s has names and values", field.JSONName())
		return
	}
	values := m.Mutable(field).Map()
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, ok := r.key(n.Content[i], field.MapKey())
		if !ok {
			continue
		}
		if values.Has(key.MapKey()) {
			r.mistake(n.Content[i], "%q is given twice", n.Content[i].Value)
			continue
		}
		if field.MapValue().Message() != nil {
			r.message(n.Content[i+1], values.Mutable(key.MapKey()).Message())
		} else if item, ok := r.node(n.Content[i+1]); ok {
			if v, ok := r.scalar(item, field.MapValue()); ok {
				values.Set(key.MapKey(), v)
			}
		}
	}
}

// key reads a key of a map. Those that are numbers may be in quotes, as all keys are in JSON.
func (r *reader) key(n *yaml.Node, field protoreflect.FieldDescriptor) (protoreflect.Value, bool) {
	if field.Kind() != protoreflect.StringKind && n.Tag == "!!str" {
		bare := *n
		bare.Tag = "!!int"
		n = &bare
	}
	return r.scalar(n, field)
}
