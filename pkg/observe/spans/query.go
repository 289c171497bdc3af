package spans

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/trace"
)

// Filter selects traces; a zero field selects all.
type Filter struct {
	// Services are names of one service, in any case; a trace needs a span of it.
	Services []string
	// Operation is part of the name of a span, of the service if one is given.
	Operation string
	// Error selects traces with a failed span.
	Error bool
	// Min and Max bound the duration.
	Min, Max time.Duration
	// Since and Until bound the start, or the arrival of a trace whose clock differs.
	Since, Until time.Time
}

// Summary is the index's entry of a trace.
type Summary struct {
	ID trace.ID
	// RootService and RootName are of the span without a parent; of the earliest while that one is missing.
	RootService, RootName string
	// EntryService and EntryName are of the first span that served a request, where the root is a caller's.
	EntryService, EntryName string
	// Start is when the trace came if Timed is false: none of its spans has a time that can be right.
	Start time.Time
	// Received is when its first span came.
	Received      time.Time
	Duration      time.Duration
	Timed         bool
	Spans, Errors int
	// ProxySpans are those of sidecars, which are not counted as long as there are others.
	ProxySpans int
	// Services in order of their first span.
	Services []string
	// Failed: the root span failed.
	Failed bool
	// Arriving: it is not complete.
	Arriving bool
}

// Stats describes what is kept.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.statsNow()
}

func (s *Store) statsNow() Stats {
	stats := s.stats
	stats.Traces, stats.Bytes, stats.MaxBytes = len(s.traces), s.total(), s.cfg.MaxBytes
	return stats
}

// lookback is how many traces are read to find the newest: spans of one service may come earlier than
// those of another.
const lookback = 64

// List returns at most limit of the traces that match and that came last, the newest first.
func (s *Store) List(f Filter, limit int) []Summary {
	s.mu.RLock()
	defer s.mu.RUnlock()
	m := s.matcher(f)
	var found []*entry
	for i := len(s.order) - 1; i >= 0 && len(found) < max(limit, lookback) && !m.hopeless; i-- {
		if m.matches(s.order[i]) {
			found = append(found, s.order[i])
		}
	}
	slices.SortStableFunc(found, func(a, b *entry) int { return cmp.Compare(b.when(), a.when()) })
	var list []Summary
	for _, e := range found[:min(limit, len(found))] {
		list = append(list, s.summary(e))
	}
	return list
}

// Find returns up to limit traces whose ids begin with these hexadecimal digits, the newest first.
func (s *Store) Find(digits string, limit int) []Summary {
	s.mu.RLock()
	defer s.mu.RUnlock()
	digits = strings.ToLower(digits)
	whole, err := hex.DecodeString(digits[:len(digits)&^1])
	if err != nil || len(whole) > len(trace.ID{}) {
		return nil
	}
	if len(whole) == len(trace.ID{}) {
		if e := s.traces[trace.ID(whole)]; e != nil && len(digits) == 2*len(whole) {
			return []Summary{s.summary(e)}
		}
		return nil
	}
	var found []Summary
	for i := len(s.order) - 1; i >= 0 && len(found) < limit; i-- {
		if e := s.order[i]; string(e.id[:len(whole)]) == string(whole) && strings.HasPrefix(e.id.String(), digits) {
			found = append(found, s.summary(e))
		}
	}
	return found
}

// Trace returns a trace as an encoded opentelemetry.proto.trace.v1.TracesData.
func (s *Store) Trace(id trace.ID) (Summary, []byte, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.traces[id]
	if e == nil {
		return Summary{}, nil, false
	}
	return s.summary(e), e.encode(), true
}

// matcher is a filter with the operations that match it.
// Between a start and the arrival of its trace lie at most these: services send their spans soon after they ended. What lies
// further apart has the start of another clock.
const before, after = time.Minute, time.Second

// when is where a trace lies in the order of time: at its start, or where that cannot be right by our clock, at its arrival.
func (e *entry) when() int64 {
	came := e.came.UnixNano()
	if e.start < came-int64(before) || e.start > came+int64(after) {
		return came
	}
	return e.start
}

type matcher struct {
	Filter
	since, until int64
	// wanted has a bit for each operation; nil: all are.
	wanted []uint64
	// hopeless: no operation that is kept is wanted.
	hopeless bool
}

func (s *Store) matcher(f Filter) *matcher {
	m := &matcher{Filter: f}
	if !f.Since.IsZero() {
		m.since = f.Since.UnixNano()
	}
	if !f.Until.IsZero() {
		m.until = f.Until.UnixNano()
	}
	if len(f.Services) == 0 && f.Operation == "" {
		return m
	}
	m.wanted, m.hopeless = make([]uint64, (len(s.names.operations)+63)/64), true
	part := strings.ToLower(f.Operation)
	ours := map[*service]bool{}
	for _, service := range s.names.services {
		ours[service] = len(f.Services) == 0 || slices.ContainsFunc(f.Services, func(name string) bool { return strings.EqualFold(name, service.name) })
	}
	for number, o := range s.names.operations {
		if o != nil && ours[o.service] && strings.Contains(strings.ToLower(o.shown), part) {
			m.wanted[number/64] |= 1 << (number % 64)
			m.hopeless = false
		}
	}
	return m
}

func (m *matcher) matches(e *entry) bool {
	took := time.Duration(e.end - e.start)
	switch {
	case m.Error && e.failures() == 0,
		took < m.Min,
		m.Max > 0 && (took > m.Max || e.start == 0),
		m.since != 0 && e.when() < m.since,
		m.until != 0 && e.when() > m.until:
		return false
	}
	return m.wanted == nil || slices.ContainsFunc(e.operations, func(number uint32) bool { return m.wanted[number/64]&(1<<(number%64)) != 0 })
}

func (s *Store) summary(e *entry) Summary {
	o := s.names.operations[e.root.operation]
	sum := Summary{
		ID: e.id, RootService: o.service.name, RootName: o.shown, Failed: e.root.failed,
		Start: time.Unix(0, cmp.Or(e.start, e.came.UnixNano())), Received: e.came, Duration: time.Duration(e.end - e.start), Timed: e.start != 0,
		Spans: int(e.spans), Errors: e.failures(), Arriving: e.completed().After(s.cfg.Now()),
	}
	alone := e.proxies == e.spans
	if !alone {
		sum.Spans -= int(e.proxies)
		sum.ProxySpans = int(e.proxies)
	}
	if e.entry.any && !e.root.served {
		o := s.names.operations[e.entry.operation]
		sum.EntryService, sum.EntryName = o.service.name, o.shown
	}
	services := slices.Clone(e.services)
	slices.SortStableFunc(services, func(a, b seen) int { return cmp.Compare(a.first, b.first) })
	for _, seen := range services {
		if seen.program || alone {
			sum.Services = append(sum.Services, seen.service.name)
		}
	}
	return sum
}

// failures is the number of spans that failed. A sidecar's span fails with its program's, and is not counted beside it.
func (e *entry) failures() int {
	if e.proxies == e.spans {
		return int(e.errors)
	}
	return int(e.errors - e.proxyErrors)
}

// encode writes the trace with its resources and scopes, each once.
func (e *entry) encode() []byte {
	scopes := make([][]byte, len(e.origins))
	for rest := e.data; len(rest) > 0; {
		at, n := protowire.ConsumeVarint(rest)
		span, m := protowire.ConsumeBytes(rest[n:])
		rest = rest[n+m:]
		scopes[at] = protowire.AppendTag(scopes[at], fieldNested, protowire.BytesType)
		scopes[at] = protowire.AppendBytes(scopes[at], readable(span))
	}
	var out []byte
	done := map[*resource]bool{}
	for _, first := range e.origins {
		r := first.resource
		if done[r] {
			continue
		}
		done[r] = true
		message := []byte(r.encoded)
		for i, o := range e.origins {
			if o.resource != r {
				continue
			}
			message = protowire.AppendTag(message, fieldNested, protowire.BytesType)
			message = protowire.AppendVarint(message, uint64(len(o.scope)+len(scopes[i])))
			message = append(append(message, o.scope...), scopes[i]...)
		}
		out = protowire.AppendTag(out, fieldResourceSpans, protowire.BytesType)
		out = protowire.AppendBytes(out, message)
	}
	return out
}

// readable is the span, or where protobuf does not read it (text that is not UTF-8, a broken attribute)
// the index's information, so that one span does not make a trace unreadable.
func readable(span []byte) []byte {
	if proto.Unmarshal(span, &tracepb.Span{}) == nil {
		return span
	}
	p := parsed{raw: span}
	if p.read() != nil {
		return nil // it was read before
	}
	short := &tracepb.Span{
		TraceId: p.trace[:], SpanId: p.span[:], Name: strings.ToValidUTF8(string(p.name), "?"), Kind: tracepb.Span_SpanKind(p.kind),
		StartTimeUnixNano: uint64(p.start), EndTimeUnixNano: uint64(p.end),
	}
	if p.parent != (trace.SpanID{}) {
		short.ParentSpanId = p.parent[:]
	}
	if p.failed {
		short.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: "the span could not be read completely"}
	}
	out, err := proto.Marshal(short)
	if err != nil {
		return nil
	}
	return out
}

// Services are the names that the kept spans give their services, in order; at most 100.
func (s *Store) Services() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var list []string
	for _, service := range s.names.services {
		if list = append(list, service.name); len(list) == 100 {
			break
		}
	}
	slices.Sort(list)
	return list
}
