// Package spans keeps the newest traces of a shop within a bound in bytes, and finds them by id, service,
// operation, status, duration and time. Spans stay encoded as they came, and of them is decoded only what
// the index needs: a busy shop sends far more spans than are ever read.
package spans

import (
	"fmt"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/broadcast"
	"github.com/shopctl/shopctl/pkg/trace"
)

// defaultBytes is the memory of a store by default.
const defaultBytes = 32 << 20

// Config configures a store. Now is required.
type Config struct {
	// MaxBytes bounds the spans and their index; 0: DefaultBytes.
	MaxBytes int
	// OnRecords is called with the spans that were stored, once for each request, in the order in which
	// they can be found. It must be quick, keep nothing of its argument, and not call Ingest. May be nil.
	OnRecords func([]trace.Record)
	Now       func() time.Time
}

// Store is safe for concurrent use.
type Store struct {
	cfg      Config
	maxTrace int

	ingest  sync.Mutex // held while a request is read, with the three below
	batch   batch
	texts   shared
	records []trace.Record

	mu      sync.RWMutex
	traces  map[trace.ID]*entry
	order   []*entry // oldest first
	begun   uint64   // number of the newest
	names   names
	stats   Stats
	changed broadcast.Signal
}

// Stats describes what is kept, and what was not.
type Stats struct {
	Traces, Spans, Bytes, MaxBytes int
	// Received, Refused and Evicted count spans since the store was made.
	Received, Refused, Evicted int64
}

// maxOrigins and maxOperations bound what one trace mentions; beyond the latter names are not found any more.
const maxOrigins, maxOperations = 1024, 1024

// New returns an empty store.
func New(cfg Config) *Store {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = defaultBytes
	}
	return &Store{cfg: cfg, maxTrace: cfg.MaxBytes / 4, texts: shared{}, traces: map[trace.ID]*entry{}, names: newNames()}
}

// Ingest takes an encoded opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest, which the
// caller may use again afterwards. One that is malformed is refused whole, with an error. Of another, spans
// that are invalid are refused one by one, for a reason.
func (s *Store) Ingest(request []byte) (refused int, reason string, err error) {
	s.ingest.Lock()
	defer s.ingest.Unlock()
	defer s.batch.reset()
	if err := s.batch.parse(request); err != nil {
		s.Refuse(1)
		return 0, "", fmt.Errorf("read spans: %w", err)
	}
	s.records = s.records[:0]
	refused, err = s.insert()
	if err != nil {
		s.Refuse(1)
		return 0, "", err
	}
	switch {
	case s.batch.refused > 0:
		reason = s.batch.reason
	case refused > 0:
		reason = "the trace has grown too large"
	}
	if s.cfg.OnRecords != nil && len(s.records) > 0 {
		s.cfg.OnRecords(s.records)
	}
	if cap(s.records) > maxReusedSpans {
		s.records = nil
	} else {
		clear(s.records)
	}
	return refused + s.batch.refused, reason, nil
}

// Refuse counts spans, or requests whose spans could not be counted, that did not get as far as here.
func (s *Store) Refuse(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Refused += int64(n)
}

// insert files the batch.
func (s *Store) insert() (refused int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	origins, release, err := s.originsOf(&s.batch)
	defer release()
	if err != nil {
		return 0, err
	}
	now := s.cfg.Now()
	for i := range s.batch.groups {
		for j := range s.batch.groups[i].spans {
			p := &s.batch.groups[i].spans[j]
			if !s.add(p, origins[i], now) {
				refused++
				continue
			}
			if s.cfg.OnRecords != nil {
				s.records = append(s.records, s.record(p, origins[i]))
			}
		}
	}
	s.stats.Refused += int64(refused + s.batch.refused)
	s.changed.Notify()
	return refused, nil
}

// originsOf finds the origin of each group, before anything of the batch is kept.
func (s *Store) originsOf(b *batch) ([]*origin, func(), error) {
	resources := make([]*resource, 0, len(b.resources))
	origins := make([]*origin, 0, len(b.groups))
	release := func() {
		for _, o := range origins {
			s.names.dropOrigin(o)
		}
		for _, r := range resources {
			s.names.dropResource(r)
		}
	}
	for _, encoded := range b.resources {
		r, err := s.names.resource(encoded)
		if err != nil {
			return nil, release, err
		}
		resources = append(resources, r)
	}
	for i := range b.groups {
		o, err := s.names.origin(resources[b.groups[i].resource], b.groups[i].scope)
		if err != nil {
			return nil, release, err
		}
		origins = append(origins, o)
	}
	return origins, release, nil
}

// add stores one span, and evicts old traces to make room; false if the span is refused.
func (s *Store) add(p *parsed, o *origin, now time.Time) bool {
	e := s.traces[p.trace]
	if len(p.raw)+entryOverhead > s.maxTrace || e != nil && (e.size()+len(p.raw) > s.maxTrace || len(e.origins) >= maxOrigins) {
		return false
	}
	if e == nil {
		s.begun++
		e = &entry{id: p.trace, number: s.begun, came: now}
		s.traces[p.trace] = e
		s.order = append(s.order, e)
		s.stats.Bytes += e.size()
	}
	before := e.size()
	e.touched = now
	e.file(&s.names, p, o)
	s.stats.Bytes += e.size() - before
	s.stats.Received++
	s.stats.Spans++
	for s.total() > s.cfg.MaxBytes && len(s.order) > 0 {
		s.evict()
	}
	return true
}

func (s *Store) total() int { return s.stats.Bytes + s.names.bytes }

// evict removes the oldest trace.
func (s *Store) evict() {
	e := s.order[0]
	s.order[0] = nil
	s.order = s.order[1:]
	delete(s.traces, e.id)
	s.stats.Bytes -= e.size()
	s.stats.Spans -= int(e.spans)
	s.stats.Evicted += int64(e.spans)
	for _, number := range e.operations {
		s.names.dropOperation(number)
	}
	for _, o := range e.origins {
		s.names.dropOrigin(o)
	}
	for _, seen := range e.services {
		s.names.dropService(seen.service)
	}
	e.gone = true
}

// record is the part of a span that OnRecords gets. Only calls have more than times and names.
func (s *Store) record(p *parsed, o *origin) trace.Record {
	r := trace.Record{
		Trace: p.trace, Span: p.span, Parent: p.parent, Kind: p.kind, Error: p.failed,
		Service: o.resource.service.name, Name: s.texts.text(p.name),
	}
	if p.start != 0 {
		r.Start, r.End = time.Unix(0, p.start), time.Unix(0, p.end)
	}
	switch p.kind {
	case trace.Client, trace.Server, trace.Producer:
	case trace.Consumer:
		r.SentIn, r.Sent = p.sentIn, p.sent
	default:
		return r
	}
	var number [20]byte
	for _, encoded := range p.attributes {
		key, value := keyValue(encoded, number[:0])
		if known := trace.Described(key); known != "" {
			r.Describe(known, s.texts.text(value))
		}
	}
	if r.Proxy {
		r.Sidecar = p.sidecar()
	}
	return r
}
