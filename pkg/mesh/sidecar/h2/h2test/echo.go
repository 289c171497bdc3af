package h2test

import (
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
)

// Echo accepts streams, and answers each with its own body and with trailers.
func Echo(*h2.Stream) h2.Handler { return &echo{} }

type echo struct{ owed int }

func (e *echo) Headers(s *h2.Stream, fields []hpack.HeaderField, end bool) {
	answer := []hpack.HeaderField{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/grpc"}}
	if end {
		_ = s.WriteHeaders(append(answer, hpack.HeaderField{Name: "grpc-status", Value: "0"}), true)
		return
	}
	for _, f := range fields {
		if f.Name == "x-echo" {
			answer = append(answer, f)
		}
	}
	_ = s.WriteHeaders(answer, false)
}

func (e *echo) Data(s *h2.Stream, p []byte, end bool) {
	_ = s.WriteData(p, false)
	e.owed += len(p)
	if s.Queued() < h2.HighWater {
		e.Writable(s)
	}
	if end {
		e.Trailers(s, nil)
	}
}

func (e *echo) Trailers(s *h2.Stream, fields []hpack.HeaderField) {
	_ = s.WriteTrailers(append(fields, hpack.HeaderField{Name: "grpc-status", Value: "0"}))
}

func (e *echo) Reset(*h2.Stream, *h2.StreamError) {}

func (e *echo) Writable(s *h2.Stream) {
	s.Consumed(e.owed)
	e.owed = 0
}
