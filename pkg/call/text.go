package call

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

// separator stands between messages in protobuf's text format, as grpcurl has it.
const separator = '\x1e'

// textMessages reads messages in protobuf's text format.
type textMessages struct {
	bounded *boundedReader
	text    *bufio.Reader
	err     error
}

func newTextMessages(r io.Reader, limit int) *textMessages {
	if r == nil {
		r = strings.NewReader("")
	}
	bounded := &boundedReader{r: r, limit: limit}
	return &textMessages{bounded: bounded, text: bufio.NewReader(bounded)}
}

// next returns the next message. Without any, the first one is empty, which is a message as well.
func (m *textMessages) next() (json.RawMessage, error) {
	if m.err != nil {
		return nil, m.err
	}
	m.bounded.left = m.bounded.limit
	text, err := m.text.ReadBytes(separator)
	m.err = err
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read a message: %w", err)
	}
	return []byte(strings.TrimSuffix(string(text), string(separator))), nil
}

func (*textMessages) empty() json.RawMessage { return json.RawMessage{} }

// decodeText turns a message in the text format into its wire form. The error is an *Invalid.
func (m Method) decodeText(text json.RawMessage) ([]byte, error) {
	input := m.descriptor.Input()
	message := dynamicpb.NewMessage(input)
	if err := (prototext.UnmarshalOptions{Resolver: resolver{m.contract.source}}).Unmarshal(text, message); err != nil {
		return nil, &Invalid{Text: fmt.Sprintf("message %s: %s", input.FullName(), plainError(err)), Hint: "in protobuf's text format: name: \"value\" item { id: 1 }"}
	}
	wire, err := proto.Marshal(message)
	if err != nil {
		return nil, &Invalid{Text: fmt.Sprintf("message %s: %s", input.FullName(), plainError(err))}
	}
	return wire, nil
}
