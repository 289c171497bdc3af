package servicegraph

import "github.com/shopctl/shopctl/pkg/trace"

// maxProxies bounds the spans of sidecars that are kept to find the callers behind them, twice.
const maxProxies = 1 << 14

// proxies are the spans of sidecars, which lie between the span of a caller and that of its callee. They are not calls of
// their own. The newest are in fresh; when that is full it becomes old.
type proxies struct{ fresh, old map[key]proxied }

// proxied is a span of a sidecar.
type proxied struct {
	parent  trace.SpanID
	kind    trace.Kind
	service string
}

func (p *proxies) add(k key, e proxied) {
	if len(p.fresh) >= maxProxies || p.fresh == nil {
		p.fresh, p.old = map[key]proxied{}, p.fresh
	}
	p.fresh[k] = e
}

func (p *proxies) find(k key) (proxied, bool) {
	e, ok := p.fresh[k]
	if !ok {
		e, ok = p.old[k]
	}
	return e, ok
}

// longestWay is how many spans of sidecars lie between two spans of programs at most: more is a circle.
const longestWay = 16

// above is the nearest span, from parent upwards, that is not a sidecar's or not known yet. Where the program behind a
// sidecar sends no spans, the way up ends: its caller is not the caller of what it calls.
func (p *proxies) above(id trace.ID, parent trace.SpanID) trace.SpanID {
	for range longestWay {
		e, ok := p.find(key{id, parent})
		if !ok {
			return parent
		}
		up, ok := p.find(key{id, e.parent})
		silent := ok && e.kind == trace.Client && up.kind == trace.Server && e.service == up.service && !trace.Outermost(id, up.parent)
		if silent {
			return parent
		}
		parent = e.parent
	}
	return parent
}

// proxied takes a span of a sidecar: the attempts that wait for it as their caller wait for the one above it from now on.
func (g *Graph) proxied(r *trace.Record) {
	if r.Kind != trace.Client && r.Kind != trace.Server || r.Parent == r.Span {
		return
	}
	k := key{r.Trace, r.Span}
	g.proxies.add(k, proxied{r.Parent, r.Kind, g.name(r.Service)})
	p := g.waiting.find(k)
	if p == nil || p.called {
		return
	}
	up := key{r.Trace, g.proxies.above(r.Trace, r.Span)}
	if up == k {
		return
	}
	attempts := append([]attempt{p.attempt}, p.more...)
	delete(g.waiting.byKey, k)
	*p = pair{at: p.at} // its place in the queue stays
	for _, a := range attempts {
		g.attempted(up, a)
	}
}
