package call

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// messageStream is the source of a call's messages.
type messageStream interface {
	// next returns the next message as written, or io.EOF.
	next() (json.RawMessage, error)
	// empty is a message without fields.
	empty() json.RawMessage
}

// messages reads JSON values that follow one another.
type messages struct {
	bounded *boundedReader
	decoder *json.Decoder
	count   int
}

// newMessages reads from r, which may be nil; no message may be longer than limit bytes.
func newMessages(r io.Reader, limit int) *messages {
	if r == nil {
		r = strings.NewReader("")
	}
	bounded := &boundedReader{r: r, limit: limit}
	return &messages{bounded: bounded, decoder: json.NewDecoder(bounded)}
}

// next returns the next value as written, or io.EOF.
func (m *messages) next() (json.RawMessage, error) {
	m.bounded.left = m.bounded.limit
	var raw json.RawMessage
	err := m.decoder.Decode(&raw)
	if err == nil {
		m.count++
		return raw, nil
	}
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		text := strings.Replace(err.Error(), "unexpected EOF", "it ends in the middle of a value", 1)
		return nil, &Invalid{
			Text: fmt.Sprintf("message %d is not JSON: %s", m.count+1, text),
			Hint: `quote it for the shell: '{"name": "value"}'`,
		}
	}
	return nil, fmt.Errorf("read message %d: %w", m.count+1, err)
}

func (*messages) empty() json.RawMessage { return json.RawMessage("{}") }

// boundedReader ends with an error when a message grows beyond what may be sent.
type boundedReader struct {
	r           io.Reader
	limit, left int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &Invalid{Text: fmt.Sprintf("a message is longer than %d bytes", b.limit)}
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// decode turns JSON into the wire form of a message. The error is an *Invalid that names the field. With allowUnknown,
// fields that the message does not have are ignored.
func decode(raw json.RawMessage, d protoreflect.MessageDescriptor, types resolver, allowUnknown bool) ([]byte, error) {
	if nesting(raw) > maxNesting {
		return nil, &Invalid{Text: fmt.Sprintf("the message is nested deeper than %d levels", maxNesting)}
	}
	var value any
	numbers := json.NewDecoder(bytes.NewReader(raw))
	numbers.UseNumber()
	if err := numbers.Decode(&value); err != nil {
		return nil, &Invalid{Text: fmt.Sprintf("the message is not JSON: %v", err)}
	}
	if err := checkMessage("", value, d, allowUnknown); err != nil {
		return nil, err
	}
	m := dynamicpb.NewMessage(d)
	if err := (protojson.UnmarshalOptions{Resolver: types, DiscardUnknown: allowUnknown}).Unmarshal(raw, m); err != nil {
		return nil, &Invalid{Text: fmt.Sprintf("message %s: %s", d.FullName(), plainError(err)), Hint: ""}
	}
	wire, err := proto.Marshal(m)
	if err != nil {
		return nil, &Invalid{Text: fmt.Sprintf("message %s: %s", d.FullName(), plainError(err))}
	}
	return wire, nil
}

// maxNesting is how deep messages may nest: as deep as protobuf's other implementations read them.
const maxNesting = 100

// nesting is how deep objects and arrays nest in valid JSON.
func nesting(raw json.RawMessage) int {
	depth, deepest, inString := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == '{' || c == '['):
			depth++
			deepest = max(deepest, depth)
		case !inString && (c == '}' || c == ']'):
			depth--
		}
	}
	return deepest
}

// plainError leaves out the prefix of the protobuf library, which varies from build to build.
func plainError(err error) string {
	text := strings.TrimPrefix(err.Error(), "proto:")
	return strings.TrimLeftFunc(text, unicode.IsSpace)
}

// resolver finds the types of google.protobuf.Any and of extensions in a contract.
type resolver struct {
	source source
}

// FindMessageByName is part of protojson's resolver.
func (r resolver) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	return r.FindMessageByURL(string(name))
}

// FindMessageByURL is part of protojson's resolver.
func (r resolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	d, err := r.source.FindSymbol(url[strings.LastIndex(url, "/")+1:])
	if err != nil {
		return nil, protoregistry.NotFound
	}
	if md, ok := d.(interface {
		UnwrapMessage() protoreflect.MessageDescriptor
	}); ok {
		return dynamicpb.NewMessageType(md.UnwrapMessage()), nil
	}
	return nil, protoregistry.NotFound
}

// FindExtensionByName is part of protojson's resolver.
func (r resolver) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	d, err := r.source.FindSymbol(string(name))
	if err != nil {
		return nil, protoregistry.NotFound
	}
	if fd, ok := d.(interface {
		UnwrapField() protoreflect.FieldDescriptor
	}); ok && fd.UnwrapField().IsExtension() {
		return dynamicpb.NewExtensionType(fd.UnwrapField()), nil
	}
	return nil, protoregistry.NotFound
}

// FindExtensionByNumber is part of protojson's resolver; in JSON, extensions are referred to by name.
func (r resolver) FindExtensionByNumber(protoreflect.FullName, protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	return nil, protoregistry.NotFound
}
