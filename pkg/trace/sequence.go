package trace

import (
	"cmp"
	"slices"
	"time"
)

// Outside is the sender of the first request in a sequence, which sends no spans.
const Outside = "caller"

// SidecarSuffix ends the name of a service's sidecar in a sequence.
const SidecarSuffix = " sidecar"

// Message is one arrow of a sequence: a call, or the response to it.
type Message struct {
	From, To string
	// At is counted from the start of the trace.
	At time.Duration
	// Call is the span of the call: the caller's where there is one.
	Call *Span
	// Served is the span on the other side; nil where that sends none.
	Served *Span
	// Response is true for the way back.
	Response bool
}

// Sequence is who called whom, in order of time.
type Sequence struct {
	// Participants in order of their first message.
	Participants []string
	Messages     []Message
}

// Sequence draws calls between services out of the spans. What a service does within itself is not in it.
func (t *Trace) Sequence() Sequence {
	var q Sequence
	for _, s := range t.Spans {
		switch {
		case s.Kind == Client || s.Kind == Producer:
			served := s.served()
			to := s.callee()
			if served != nil {
				to = served.participant()
			}
			q.call(t, s.participant(), to, s, served)
		case s.Up == nil:
			if s.Kind == Server || s.Kind == Consumer {
				q.call(t, Outside, s.participant(), s, s)
			}
		case s.Up.participant() != s.participant() && s.Up.Kind != Client && s.Up.Kind != Producer:
			q.call(t, s.Up.participant(), s.participant(), s, s)
		case s.Up.served() != s && s.Up.participant() != s.participant():
			q.call(t, s.Up.participant(), s.participant(), s, s) // one more try below the same call
		}
	}
	slices.SortStableFunc(q.Messages, func(a, b Message) int { return cmp.Compare(a.At, b.At) })
	known := map[string]bool{}
	for _, m := range q.Messages {
		for _, name := range []string{m.From, m.To} {
			if !known[name] {
				known[name] = true
				q.Participants = append(q.Participants, name)
			}
		}
	}
	return q
}

func (q *Sequence) call(t *Trace, from, to string, s, served *Span) {
	m := Message{From: from, To: to, At: s.Start.Sub(t.Start), Call: s, Served: served}
	q.Messages = append(q.Messages, m)
	m.From, m.To, m.At, m.Response = to, from, m.At+s.Duration(), true
	q.Messages = append(q.Messages, m)
}

// participant is who a span is of: a service, or its sidecar.
func (s *Span) participant() string {
	if s.Proxy {
		return s.Service + SidecarSuffix
	}
	return s.Service
}

// served is the first span that the called side sent of this call.
func (s *Span) served() *Span {
	for _, c := range s.Children {
		if c.Kind == Server || c.Kind == Consumer || c.Proxy && !s.Proxy {
			return c
		}
	}
	return nil
}

// callee names who is called where that sends no spans: a store by its protocol, others by their address.
func (s *Span) callee() string {
	switch s.Protocol {
	case "", "grpc", "http":
		return cmp.Or(s.Peer, "unknown")
	default:
		return s.Protocol
	}
}
