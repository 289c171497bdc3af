package trace

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// DecodeJSON reads a TracesData, or an ExportTraceServiceRequest, which looks the same, from OTLP's JSON.
// Names may be in lower camel case or as in the .proto file, unknown ones are passed over.
func DecodeJSON(text []byte) (*tracepb.TracesData, error) {
	data := &tracepb.TracesData{}
	options := protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: 100}
	if err := options.Unmarshal(encodeIDs(text), data); err != nil {
		return nil, fmt.Errorf("read OTLP/JSON: %w", err)
	}
	return data, nil
}

// EncodeJSON writes a TracesData as OTLP's JSON on one line. Every hexadecimal digit is also one of base64, so protojson writes
// the bytes that 32 digits are in base64 as those digits.
func EncodeJSON(data *tracepb.TracesData) ([]byte, error) {
	data = proto.Clone(data).(*tracepb.TracesData)
	var bad error
	eachID(data, func(id []byte, size int) []byte {
		if len(id) == 0 {
			return nil
		}
		bin, err := base64.StdEncoding.DecodeString(hex.EncodeToString(id))
		if err != nil {
			bad = fmt.Errorf("write OTLP/JSON: an id of %d bytes, want %d", len(id), size)
		}
		return bin
	})
	if bad != nil {
		return nil, bad
	}
	text, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("write OTLP/JSON: %w", err)
	}
	var out bytes.Buffer // protojson varies its white space on purpose
	if err := json.Compact(&out, text); err != nil {
		return nil, fmt.Errorf("write OTLP/JSON: %w", err)
	}
	return out.Bytes(), nil
}

// eachID replaces every id by what change makes of it.
func eachID(data *tracepb.TracesData, change func(id []byte, size int) []byte) {
	for _, rs := range data.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				s.TraceId = change(s.GetTraceId(), len(ID{}))
				s.SpanId = change(s.GetSpanId(), len(SpanID{}))
				s.ParentSpanId = change(s.GetParentSpanId(), len(SpanID{}))
				for _, l := range s.GetLinks() {
					l.TraceId = change(l.GetTraceId(), len(ID{}))
					l.SpanId = change(l.GetSpanId(), len(SpanID{}))
				}
			}
		}
	}
}
