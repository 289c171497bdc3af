package chassis

import (
	"sync"

	"google.golang.org/grpc/resolver"
)

// endpointScheme is the resolver scheme of connections that Dial makes.
const endpointScheme = "shop"

// endpointTable maps a service's stable address to the addresses of its ready instances, as the daemon sends them. An
// unknown address is used as it is: without a lifeline, and where a sidecar listens.
type endpointTable struct {
	mu       sync.Mutex
	ready    map[string][]string
	next     uint
	watchers map[*endpointWatch]struct{}
}

func newEndpointTable() *endpointTable {
	return &endpointTable{watchers: map[*endpointWatch]struct{}{}}
}

func (t *endpointTable) set(ready map[string][]string) {
	t.mu.Lock()
	t.ready = ready
	watchers := make([]*endpointWatch, 0, len(t.watchers))
	for w := range t.watchers {
		watchers = append(watchers, w)
	}
	t.mu.Unlock()
	for _, w := range watchers {
		w.update()
	}
}

func (t *endpointTable) lookup(addr string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ready, ok := t.ready[addr]; ok {
		return ready
	}
	return []string{addr}
}

// pick returns one of the ready addresses in turn; the stable address itself if there is none.
func (t *endpointTable) pick(addr string) string {
	ready := t.lookup(addr)
	if len(ready) == 0 {
		return addr
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next++
	return ready[t.next%uint(len(ready))]
}

// endpointResolver resolves addresses by the table (see google.golang.org/grpc/resolver).
type endpointResolver struct{ table *endpointTable }

func (endpointResolver) Scheme() string { return endpointScheme }

func (r endpointResolver) Build(target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	w := &endpointWatch{table: r.table, addr: target.Endpoint(), cc: cc}
	r.table.mu.Lock()
	r.table.watchers[w] = struct{}{}
	r.table.mu.Unlock()
	w.update()
	return w, nil
}

// endpointWatch follows one address for one connection.
type endpointWatch struct {
	table *endpointTable
	addr  string
	cc    resolver.ClientConn
	mu    sync.Mutex
}

func (w *endpointWatch) update() {
	w.mu.Lock()
	defer w.mu.Unlock()
	ready := w.table.lookup(w.addr)
	endpoints := make([]resolver.Endpoint, 0, len(ready))
	for _, addr := range ready {
		// The name on the wire is the service's, whichever instance is called.
		endpoints = append(endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: addr, ServerName: w.addr}}})
	}
	// An empty list makes calls fail at once with UNAVAILABLE: no instance is ready.
	_ = w.cc.UpdateState(resolver.State{Endpoints: endpoints})
}

// ResolveNow is called by gRPC when a connection breaks; it does nothing, since the daemon sends changes.
func (w *endpointWatch) ResolveNow(resolver.ResolveNowOptions) {}

// Close ends the following.
func (w *endpointWatch) Close() {
	w.table.mu.Lock()
	defer w.table.mu.Unlock()
	delete(w.table.watchers, w)
}
