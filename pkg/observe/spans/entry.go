package spans

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/shopctl/shopctl/pkg/trace"
)

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
	// proxies of the spans are of sidecars, with proxyErrors of the errors: they are not counted as long as there are others.
	proxies, proxyErrors int32
	// rooted: a span that nothing in the shop is above has come.
	rooted bool
	root   root
	entry  root // the earliest span that served a request
	// touched is when the last span came, came when the first did.
	came, touched time.Time
	gone          bool
}

// seen is when a service first appears in a trace.
type seen struct {
	service *service
	first   int64
	// program: it has sent a span that is not a sidecar's.
	program bool
}

// root is the best candidate for a trace's root.
type root struct {
	operation uint32
	start     int64
	failed    bool
	// known: it has no parent; else it is the earliest span so far.
	known, any bool
	served     bool
	proxy      bool
}

// size is the memory of a trace, without the names that it shares with others.
func (e *entry) size() int {
	return entryOverhead + cap(e.data) + 8*cap(e.origins) + 4*cap(e.operations) + 24*cap(e.services)
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
		e.services = append(e.services, seen{service: service, first: p.begins()})
	}
	proxy := p.proxy()
	e.services[i].first = min(e.services[i].first, p.begins())
	e.services[i].program = e.services[i].program || !proxy
	e.extend(p)
	e.count(p.failed, proxy)
	candidate := root{operation: number, start: p.begins(), failed: p.failed, known: trace.Outermost(p.trace, p.parent), any: true, served: p.kind == trace.Server, proxy: proxy}
	e.rooted = e.rooted || candidate.known
	if candidate.before(e.root) {
		e.root = candidate
	}
	if p.kind == trace.Server {
		candidate.known = false // the earliest, whatever is above it
		if candidate.before(e.entry) {
			e.entry = candidate
		}
	}
}

// count counts a span.
func (e *entry) count(failed, proxy bool) {
	e.spans++
	if proxy {
		e.proxies++
	}
	if failed {
		e.errors++
		if proxy {
			e.proxyErrors++
		}
	}
}

// before reports whether r is a better candidate than o: a program's span before a sidecar's, one without a parent before
// others, and an earlier one before a later.
func (r root) before(o root) bool {
	switch {
	case !o.any:
		return true
	case r.proxy != o.proxy:
		return o.proxy
	case r.known != o.known:
		return r.known
	}
	return r.start < o.start
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

// proxyKey begins an encoded attribute by which the spans of sidecars are known.
const proxyKey = "\n\tcomponent"

// proxy reports whether a span is a sidecar's.
func (p *parsed) proxy() bool {
	for _, encoded := range p.attributes {
		if len(encoded) > len(proxyKey) && string(encoded[:len(proxyKey)]) == proxyKey {
			key, value := keyValue(encoded, nil)
			var r trace.Record
			r.Describe(string(key), string(value))
			return r.Proxy
		}
	}
	return false
}

// sidecar reads what the span of a sidecar says.
func (p *parsed) sidecar() *trace.Sidecar {
	out := &trace.Sidecar{}
	var number [20]byte
	for _, encoded := range p.attributes {
		key, value := keyValue(encoded, number[:0])
		out.Describe(string(key), strings.ToValidUTF8(string(cut(value)), "?"))
	}
	return out
}
