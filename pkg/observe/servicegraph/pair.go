package servicegraph

import (
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

const (
	// pairTimeout is how long a call waits for its callee's span before it is counted by its address, if
	// a service is known to listen there. Services of the shop send spans after 0.2 s.
	pairTimeout = 2 * time.Second
	// pairFor is how long either side waits at most. OpenTelemetry's SDKs send every 5 s, and calls that
	// end together may be sent that far apart.
	pairFor = 10 * time.Second
	// maxWaiting bounds the calls that are held for their other side; a power of two.
	maxWaiting = 1 << 15
	// keepQueue is how long a queue may stay while nothing waits in it.
	keepQueue = 1 << 11
	// maxAttempts bounds the attempts that are held of one call.
	maxAttempts = 8
)

// key identifies a call on both of its sides: by the client's span.
type key struct {
	trace trace.ID
	span  trace.SpanID
}

// call is the caller's side, attempt the callee's.
type call struct {
	caller, peer, protocol, status string
	took                           time.Duration
	failed                         bool
	// message: it is the sending of one, at start, and each attempt is its handling by a receiver.
	message bool
	start   time.Time
}

type attempt struct {
	callee, protocol, status string
	took                     time.Duration
	failed                   bool
	end                      time.Time
}

// pair is a call with at least one side received.
type pair struct {
	key    key
	at     time.Time
	called bool // call is there
	served bool // attempt is there
	edge   *edge
	call
	attempt
	// more are the attempts after the first that came before the call.
	more []attempt
}

// done: the call has been counted; what comes now is one more attempt of it.
func (p *pair) done() bool { return p.edge != nil }

// waiting is a queue of pairs in the order of their first side, found by key. Pairs are numbered from 0
// on; number n lies at n modulo the length.
type waiting struct {
	queue   []pair
	byKey   map[key]uint64
	oldest  uint64 // number of the oldest that is held
	pending uint64 // number of the oldest whose timeout has not been checked
	next    uint64 // number of the next that comes
}

func (w *waiting) reset() {
	*w = waiting{queue: make([]pair, 64), byKey: map[key]uint64{}}
}

func (w *waiting) at(n uint64) *pair { return &w.queue[n&uint64(len(w.queue)-1)] }

func (w *waiting) find(k key) *pair {
	if n, ok := w.byKey[k]; ok {
		return w.at(n)
	}
	return nil
}

// add holds a new pair. There must be room.
func (w *waiting) add(p pair) {
	if w.next-w.oldest == uint64(len(w.queue)) {
		larger := make([]pair, 2*len(w.queue))
		for n := w.oldest; n < w.next; n++ {
			larger[n&uint64(len(larger)-1)] = *w.at(n)
		}
		w.queue = larger
	}
	*w.at(w.next) = p
	w.byKey[p.key] = w.next
	w.next++
}

// drop removes the oldest.
func (w *waiting) drop() {
	p := w.at(w.oldest)
	delete(w.byKey, p.key)
	*p = pair{}
	w.oldest++
	w.pending = max(w.pending, w.oldest)
}

// pairServer brings the callee's side of a call.
func (g *Graph) pairServer(k key, a attempt) {
	p := g.waiting.find(k)
	switch {
	case p == nil:
		g.hold(pair{key: k, at: g.now, served: true, attempt: a})
	case p.message:
		g.deliver(p, a)
	case p.done():
		p.edge.server.observe(a.took, a.failed)
	case !p.called:
		if len(p.more) < maxAttempts {
			p.more = append(p.more, a)
		}
	default:
		p.attempt = a
		g.complete(p, a.callee)
		if p.done() {
			p.edge.server.observe(a.took, a.failed)
		}
	}
}

// pairClient brings the caller's side of a call. A second span with the same id is counted for itself:
// no span of a sane sender is sent twice, and what counts here are calls.
func (g *Graph) pairClient(k key, c call) {
	p := g.waiting.find(k)
	switch {
	case p == nil:
		g.hold(pair{key: k, at: g.now, called: true, call: c})
	case p.called:
		g.countByPeer(c)
	case c.message:
		p.called, p.call = true, c
		g.deliver(p, p.attempt)
		for _, a := range p.more {
			g.deliver(p, a)
		}
		p.more = nil
	default:
		p.called, p.call = true, c
		g.complete(p, p.callee)
		if !p.done() {
			return
		}
		p.edge.server.observe(p.attempt.took, p.attempt.failed)
		for _, a := range p.more {
			p.edge.server.observe(a.took, a.failed)
		}
		p.more = nil
	}
}

// complete counts a call whose two sides were received.
func (g *Graph) complete(p *pair, callee string) {
	if p.edge = g.count(p.call, callee); p.edge == nil {
		p.edge = &edge{} // without room: what else belongs to it goes nowhere
	}
}

// deliver counts a message that was handled by a receiver. Its time is that from the sending on.
func (g *Graph) deliver(p *pair, a attempt) {
	protocol := a.protocol
	if protocol == "" {
		protocol = p.call.protocol
	}
	e := g.edge(edgeKey{p.caller, a.callee, true}, protocol)
	if e == nil {
		e = &edge{}
	}
	p.edge = e
	after := unknown
	if !p.start.IsZero() && !a.end.IsZero() {
		after = max(0, a.end.Sub(p.start))
	}
	e.observe(g.second, after, a.failed, a.status)
	e.client.observe(after, a.failed)
	e.server.observe(a.took, a.failed)
}

// hold keeps the first side of a call, at the price of the oldest if need be.
func (g *Graph) hold(p pair) {
	if w := &g.waiting; w.next-w.oldest >= maxWaiting {
		if oldest := w.at(w.oldest); oldest.called && !oldest.done() {
			g.dropped.Early++
		}
		g.release()
	}
	g.waiting.add(p)
}

// expire counts the calls that have waited long enough.
func (g *Graph) expire() {
	w := &g.waiting
	for w.oldest < w.next && g.now.Sub(w.at(w.oldest).at) >= pairFor {
		g.release()
	}
	for w.pending < w.next && g.now.Sub(w.at(w.pending).at) >= pairTimeout {
		if p := w.at(w.pending); p.called && !p.done() {
			if callee, found := g.resolve(p.peer); found {
				g.complete(p, callee)
			}
		}
		w.pending++
	}
	if w.oldest == w.next && len(w.queue) > keepQueue {
		w.reset()
	}
}

// release lets the oldest go, counted by its address if it is a call that is not counted yet.
func (g *Graph) release() {
	if p := g.waiting.at(g.waiting.oldest); p.called && !p.done() {
		g.countByPeer(p.call)
	}
	g.waiting.drop()
}

// countByPeer counts a call by the address that was called.
func (g *Graph) countByPeer(c call) {
	callee, found := g.resolve(c.peer)
	switch {
	case found:
	case c.peer != "":
		callee = g.name(c.peer)
	case c.message:
		return // a message without a receiver is on no edge
	default:
		g.dropped.Nameless++
		return
	}
	g.count(c, callee)
}
