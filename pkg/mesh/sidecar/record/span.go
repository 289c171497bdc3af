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
	// 00-32 digits-16 digits-2 digits, and in later versions perhaps more
	t := traceparent
	if len(t) < 55 || t[2] != '-' || t[35] != '-' || t[52] != '-' || len(t) > 55 && t[55] != '-' || t[:2] == "ff" || strings.ContainsRune(t[:2], '-') {
		return false
	}
	var next SpanContext
	var flags [1]byte
	for _, field := range []struct {
		to   []byte
		text string
	}{{next.Trace[:], t[3:35]}, {next.Parent[:], t[36:52]}, {flags[:], t[53:55]}} {
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
	var text [55]byte
	b := append(text[:0], "00-"...)
	b = append(hex.AppendEncode(b, s.Trace[:]), '-')
	return string(append(hex.AppendEncode(b, s.Span[:]), flags...))
}

// Begin makes the first span of a new trace.
func (s *SpanContext) Begin() {
	*s = SpanContext{Sampled: true}
	_, _ = rand.Read(s.Trace[:])
	_, _ = rand.Read(s.Span[:])
}
