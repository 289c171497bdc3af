// Package servicegraph counts who calls whom, from spans as they arrive.
//
// A call is seen twice: by the caller as a client span, by the callee as a server span whose parent that
// is. The two come from different processes and in either order, so that the first waits for the second.
// The callee is named by its own span. Where none comes (a store that sends no spans, a service that does
// not respond, a program that is not traced), it is named by the address that was called. Retries within
// one call are several server spans with the same parent: one call, several attempts.
//
// A message is seen as a producer's span, and as a consumer's that is its child or linked with it. Any number of services
// may receive it, each as often as it is delivered, and the sender does not wait for them: those are edges of their own.
//
// Counts are kept by the second in which a span arrived, for the last minutes, so that a look back over
// any window costs an addition, and clocks that disagree do no harm. Beside that run totals from the
// beginning, which a Prometheus may scrape. Names, edges and waiting spans are bounded whatever comes;
// what finds no room is counted and left out.
package servicegraph

import (
	"net"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopctl/shopctl/pkg/trace"
)

// User is the caller of a request that came without one.
const User = "user"

// Kept is how far back a graph reaches.
const Kept = 5 * time.Minute

const (
	// maxEdges, maxNodes and maxOperations limit what is counted separately: about 40 kB each.
	maxEdges, maxNodes, maxOperations = 256, 128, 128
	// maxWords bounds the texts that are kept to compare others with, maxWord each of them.
	maxWords, maxWord = 4096, 200
)

// Config configures a graph.
type Config struct {
	// Now is the clock.
	Now func() time.Time
	// Name maps a service.name to the short name of the service; nil: the same.
	Name func(service string) string
	// Resolve is the service.name of what listens at an address ("127.0.0.1:41000"); empty if that is
	// not known. It is called now and then; nil: nothing is known.
	Resolve func(peer string) string
}

// Graph counts calls. It is safe for concurrent use.
type Graph struct {
	cfg     Config
	started time.Time

	mu      sync.Mutex
	now     time.Time // of the Add or the look that holds mu
	second  int64     // of now
	words   map[string]string
	names   map[string]string
	addrs   map[address]string
	peers   map[string]peer
	waiting waiting
	proxies proxies
	edges   map[edgeKey]*edge
	nodes   map[string]*series
	ops     map[operationKey]*series
	swept   int64 // the second in which idle series were last looked for
	dropped Dropped
	hist    histogram // of the series that is read
}

// Dropped counts what could not be kept.
type Dropped struct {
	// Series are calls and requests whose edge, service or operation found no room.
	Series int64
	// Early are calls that were counted before their wait for the other side was over, to make room.
	Early int64
	// Nameless are calls whose callee neither side names.
	Nameless int64
}

// edgeKey names an edge; of the same two services there may be one of calls and one of messages.
type edgeKey struct {
	caller, callee string
	asynchronous   bool
}

type operationKey struct{ service, name string }

// edge counts the calls from a caller to a callee, and the totals that are scraped.
type edge struct {
	series
	protocol       string
	client, server totals
}

// address is the peer of a call in its span, and joined the argument of Resolve.
type address struct{ host, port string }

// peer is who was found behind an address, and when.
type peer struct {
	name   string
	second int64
}

// peerGoodFor is for how many seconds an address is not looked up again.
const peerGoodFor = 5

// New returns an empty graph.
func New(cfg Config) *Graph {
	if cfg.Name == nil {
		cfg.Name = func(service string) string { return service }
	}
	if cfg.Resolve == nil {
		cfg.Resolve = func(string) string { return "" }
	}
	g := &Graph{
		cfg: cfg, started: cfg.Now(),
		words: map[string]string{}, names: map[string]string{}, addrs: map[address]string{}, peers: map[string]peer{},
		edges: map[edgeKey]*edge{}, nodes: map[string]*series{}, ops: map[operationKey]*series{},
	}
	g.waiting.reset()
	return g
}

// Add counts the spans. It keeps nothing of what records points to.
func (g *Graph) Add(records []trace.Record) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tick()
	for i := range records {
		r := &records[i]
		if r.Proxy {
			g.proxied(r)
			continue
		}
		switch r.Kind {
		case trace.Server, trace.Consumer:
			g.served(r)
		case trace.Client, trace.Producer:
			g.called(r)
		}
	}
}

// tick takes the time, and counts what has waited long enough.
func (g *Graph) tick() {
	g.now = g.cfg.Now()
	g.second = g.now.Unix()
	g.expire()
}

// served takes the callee's side of a call.
func (g *Graph) served(r *trace.Record) {
	a := attempt{callee: g.name(r.Service), protocol: g.word(r.Protocol), took: took(r), failed: r.Error, end: r.End}
	if r.Error {
		a.status = g.word(r.Code)
	}
	if n := g.node(a.callee); n != nil {
		n.observe(g.second, a.took, a.failed, a.status)
	}
	if o := g.operation(a.callee, r.Name); o != nil {
		o.observe(g.second, a.took, a.failed, a.status)
	}
	switch {
	case r.Kind == trace.Consumer && r.Sent != trace.SpanID{}:
		g.attempted(key{r.SentIn, r.Sent}, a)
	case r.Kind == trace.Consumer && r.Parent == trace.SpanID{}: // its sender is unknown, and not a user
	default:
		g.attempted(key{r.Trace, g.proxies.above(r.Trace, r.Parent)}, a)
	}
}

// attempted takes an attempt of the call whose caller's span is k; one without a caller is a user's.
func (g *Graph) attempted(k key, a attempt) {
	if k.span != (trace.SpanID{}) {
		g.pairServer(k, a)
		return
	}
	if e := g.edge(edgeKey{caller: User, callee: a.callee}, a.protocol); e != nil {
		e.observe(g.second, a.took, a.failed, a.status)
		e.client.observe(a.took, a.failed)
		e.server.observe(a.took, a.failed)
	}
}

// called takes the caller's side of a call.
func (g *Graph) called(r *trace.Record) {
	c := call{
		caller: g.name(r.Service), peer: g.address(r.Peer, r.Port), protocol: g.word(r.Protocol), took: took(r), failed: r.Error,
		message: r.Kind == trace.Producer, start: r.Start,
	}
	if r.Error {
		c.status = g.word(r.Code)
	}
	g.pairClient(key{r.Trace, r.Span}, c)
}

// count adds a call whose two ends are known.
func (g *Graph) count(c call, callee string) *edge {
	e := g.edge(edgeKey{caller: c.caller, callee: callee}, c.protocol)
	if e != nil {
		e.observe(g.second, c.took, c.failed, c.status)
		e.client.observe(c.took, c.failed)
	}
	return e
}

// resolve is the name of who was called, by the address; found reports whether a service is known there.
func (g *Graph) resolve(addr string) (name string, found bool) {
	if addr == "" {
		return "", false
	}
	p, ok := g.peers[addr]
	if !ok || g.second-p.second >= peerGoodFor {
		p = peer{second: g.second}
		if service := g.cfg.Resolve(addr); service != "" {
			p.name = g.name(service)
		}
		if len(g.peers) >= maxWords {
			clear(g.peers)
		}
		g.peers[addr] = p
	}
	return p.name, p.name != ""
}

// word is a copy of s that may be kept, shortened if need be.
func (g *Graph) word(s string) string {
	if s == "" {
		return ""
	}
	s = s[:min(len(s), maxWord)]
	w, ok := g.words[s]
	if !ok {
		if len(g.words) >= maxWords {
			clear(g.words)
		}
		w = clean(s)
		g.words[string([]byte(s))] = w
	}
	return w
}

// clean is a copy of what came from anywhere that can be printed and sent on.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// address is "host:port", or only the host.
func (g *Graph) address(host, port string) string {
	if host == "" || port == "" {
		return g.word(host)
	}
	a := address{host[:min(len(host), maxWord)], port[:min(len(port), maxWord)]}
	joined, ok := g.addrs[a]
	if !ok {
		if len(g.addrs) >= maxWords {
			clear(g.addrs)
		}
		a = address{g.word(a.host), g.word(a.port)}
		joined = net.JoinHostPort(a.host, a.port)
		g.addrs[a] = joined
	}
	return joined
}

// name is the short name of a service.
func (g *Graph) name(service string) string {
	service = service[:min(len(service), maxWord)]
	n, ok := g.names[service]
	if !ok {
		if len(g.names) >= maxWords {
			clear(g.names)
		}
		n = g.cfg.Name(clean(service))
		g.names[string([]byte(service))] = n
	}
	return n
}

// unknown is the duration of a span without a time that could be right.
const unknown time.Duration = -1

// took is how long a span lasted.
func took(r *trace.Record) time.Duration {
	if !r.HasTime() {
		return unknown
	}
	return max(0, r.End.Sub(r.Start))
}
