// Package spans keeps the newest traces of a shop within a bound in bytes, and finds them by id, service,
// operation, status, duration and time. Spans stay encoded as they came, and of them is decoded only what
// the index needs: a busy shop sends far more spans than are ever read.
package spans

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

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

// entry is one trace.
type entry struct {
	id     trace.ID
	number uint64
	// data holds the spans: the number of the origin, the length and the encoded span of each.
	data    []byte
	origins []*origin
	// operations are those that the trace mentions, each once.
	operations []uint32
	services   []seen
	// start and end are those of the spans whose times are known; 0 while there are none.
	start, end int64
	spans      int32
	errors     int32
	root       root
	entry      root // the earliest span that served a request
	// touched is when the last span came, came when the first did.
	came, touched time.Time
	gone          bool
}

// seen is when a service first appears in a trace.
type seen struct {
	service *service
	first   int64
}

// root is the best candidate for a trace's root.
type root struct {
	operation uint32
	start     int64
	failed    bool
	// known: it has no parent; else it is the earliest span so far.
	known, any bool
	served     bool
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

// size is the memory of a trace, without the names that it shares with others.
func (e *entry) size() int {
	return entryOverhead + cap(e.data) + 8*cap(e.origins) + 4*cap(e.operations) + 16*cap(e.services)
}

// file adds one span to a trace.
func (e *entry) file(n *names, p *parsed, o *origin) {
	at := slices.Index(e.origins, o)
	if at < 0 {
		at = len(e.origins)
		o.refs++
		e.origins = append(e.origins, o)
	}
	e.data = grown(e.data, len(p.raw)+2*binary.MaxVarintLen32)
	e.data = protowire.AppendVarint(e.data, uint64(at))
	e.data = protowire.AppendBytes(e.data, p.raw)
	service := o.resource.service
	if len(e.operations) == maxOperations {
		p.name = nil // not worth an entry of its own; the span holds it
	}
	number := n.operation(service, p.name)
	if !slices.Contains(e.operations, number) {
		n.operations[number].refs++
		e.operations = append(e.operations, number)
	}
	i := slices.IndexFunc(e.services, func(s seen) bool { return s.service == service })
	if i < 0 {
		i = len(e.services)
		service.refs++
		e.services = append(e.services, seen{service, p.begins()})
	}
	e.services[i].first = min(e.services[i].first, p.begins())
	e.extend(p)
	e.spans++
	if p.failed {
		e.errors++
	}
	known := trace.Outermost(p.trace, p.parent)
	if !e.root.any || known && !e.root.known || known == e.root.known && p.begins() < e.root.start {
		e.root = root{operation: number, start: p.begins(), failed: p.failed, known: known, any: true, served: p.kind == trace.Server}
	}
	if p.kind == trace.Server && (!e.entry.any || p.begins() < e.entry.start) {
		e.entry = root{operation: number, start: p.begins(), any: true}
	}
}

// extend adds the time of a span to that of the trace. Of times that are far apart, those count that are nearer to when the
// trace came.
func (e *entry) extend(p *parsed) {
	const far = int64(trace.Far)
	apart := e.start != 0 && (p.start > e.end+far || p.end < e.start-far)
	came := e.came.UnixNano()
	switch {
	case p.start == 0:
	case e.start == 0, apart && distance(p.start, came) < distance(e.start, came):
		e.start, e.end = p.start, p.end
	case !apart:
		e.start, e.end = min(e.start, p.start), max(e.end, p.end)
	}
}

func distance(a, b int64) int64 { return max(a, b) - min(a, b) }

// grown makes room for n more bytes. Most traces end small, so they grow in few steps; what a step leaves
// unused counts as taken.
func grown(data []byte, n int) []byte {
	const small = 16 << 10
	need := len(data) + n
	switch {
	case need <= cap(data):
		return data
	case len(data) > 0 && need < small:
		need = max(need, 2*cap(data))
	case len(data) > 0:
		need += need / 4
	}
	return append(make([]byte, 0, need), data...)
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
	if p.kind != trace.Client && p.kind != trace.Server {
		return r
	}
	var number [20]byte
	for _, encoded := range p.attributes {
		key, value := keyValue(encoded, number[:0])
		if known := trace.Described(key); known != "" {
			r.Describe(known, s.texts.text(value))
		}
	}
	return r
}
