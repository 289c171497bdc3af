package record

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// SpanContext is a span's place in a trace.
type SpanContext struct {
	Trace        [16]byte
	Span, Parent [8]byte
	Sampled      bool
}

// Read makes a new span below that of a traceparent, and reports whether it is valid.
func (s *SpanContext) Read(traceparent string) bool {
	parts := strings.Split(traceparent, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 || parts[0] == "ff" {
		return false
	}
	var next SpanContext
	var flags [1]byte
	for _, field := range []struct {
		to   []byte
		text string
	}{{next.Trace[:], parts[1]}, {next.Parent[:], parts[2]}, {flags[:], parts[3]}} {
		if _, err := hex.Decode(field.to, []byte(field.text)); err != nil {
			return false
		}
	}
	if next.Trace == [16]byte{} || next.Parent == [8]byte{} {
		return false
	}
	_, _ = rand.Read(next.Span[:])
	next.Sampled = flags[0]&1 != 0
	*s = next
	return true
}

// String is the traceparent of calls within the span.
func (s *SpanContext) String() string {
	flags := "-00"
	if s.Sampled {
		flags = "-01"
	}
	return "00-" + hex.EncodeToString(s.Trace[:]) + "-" + hex.EncodeToString(s.Span[:]) + flags
}
