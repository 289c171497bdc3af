// Package proxy is the engine of a sidecar: it takes connections from the workload and for it, and handles each request by
// the resources that the control plane has sent.
//
// # A request
//
// A call is one request with its response: a state machine without a goroutine, which the readers of its two connections and
// its timers drive under one lock. It holds the request's body as long as it may have to be sent again. An attempt is one try
// at a host. Pools hold the connections to hosts. HTTP/1.1 is made to look like the streams of HTTP/2 at both ends, so that there
// is one state machine for all.
//
// # A new configuration
//
// Update compiles all of it and puts it in force with one swap. A request keeps the configuration that it began with; the next
// one on the same connection has the new one. A connection that the new configuration would not take, such as one in plain
// text where mutual TLS is required, is closed at once.
package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/wire"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// Identity is the workload's certificate, and whose certificates it trusts. Both are asked for at each handshake, so that they
// can change.
type Identity interface {
	Certificate() (*tls.Certificate, error)
	Roots() *x509.CertPool
}

// Recorder receives each request when it has ended. Record must not wait.
type Recorder interface {
	Record(e *record.Entry)
}

// Options of a proxy.
type Options struct {
	// Identity is needed for mutual TLS; nil: connections that require it fail.
	Identity Identity
	// Addresses are those at which listeners of an earlier run listened, by name. A listener whose port is free to choose takes
	// its own again if it can.
	Addresses map[string]string
	// Trace: each request that belongs to a trace becomes a span of it, of which the callee gets the id.
	Trace bool
	// Wire is what faults do to the connections to other sidecars; nil: nothing.
	Wire *wire.Wire
	// Recorder may be nil.
	Recorder Recorder
	// Opened, if set, receives each connection whose requests are not read, once it is known where it leads.
	Opened func(e *record.Entry)
	// Ejected and Readmitted, if set, receive the hosts that are left out and come back. They must not wait.
	Ejected    func(*cluster.Host, cluster.Ejection)
	Readmitted func(*cluster.Host)
}

// A Proxy is a sidecar's engine.
type Proxy struct {
	opt      Options
	ctx      context.Context // of everything that the proxy runs
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	group    h2.Group
	clusters *cluster.Set
	held     atomic.Int64 // bytes of requests that are held for another attempt

	mu        sync.Mutex
	draining  bool
	listeners map[string]*listener
	compiled  *compiled // what is in force; nil: nothing yet
	pools     map[poolKey]*pool
	ending    []<-chan struct{} // of listeners that are in force no more: closed with their last connection
}

// New returns a proxy without listeners. Drain ends it.
func New(opt Options) *Proxy {
	p := &Proxy{opt: opt, listeners: map[string]*listener{}, pools: map[poolKey]*pool{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.clusters = cluster.NewSet(cluster.Events{Drain: p.drainHost, Ejected: opt.Ejected, Readmitted: opt.Readmitted})
	return p
}

// Update puts resources in force. Listeners, hosts and connections that they have in common with those before are kept. After
// an error those before are still in force.
func (p *Proxy) Update(r *xds.Resources) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draining {
		return errors.New("update proxy: it is ending")
	}
	compiled, err := compile(r, p.compiled)
	if err != nil {
		return err
	}
	next := make(map[string]*listener, len(compiled.listeners))
	var opened []*listener
	for name, config := range compiled.listeners {
		l := p.listeners[name]
		if l == nil || l.wanted != config.address {
			if l, err = p.listen(name, config.address); err != nil {
				closeAll(opened)
				return err
			}
			opened = append(opened, l)
		}
		next[name] = l
	}
	if err := p.clusters.Replace(r.Clusters, r.Endpoints, func() {
		for name, l := range next {
			l.config.Store(compiled.listeners[name])
		}
	}); err != nil {
		closeAll(opened)
		return err
	}
	for _, l := range opened {
		p.wg.Go(l.accept)
	}
	p.ending = slices.DeleteFunc(p.ending, isClosed)
	for name, l := range p.listeners {
		if next[name] != l {
			p.ending = append(p.ending, l.stop())
		} else {
			l.recheck()
		}
	}
	p.listeners, p.compiled = next, compiled
	return nil
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func closeAll(all []*listener) {
	for _, l := range all {
		_ = l.ln.Close()
	}
}

func (p *Proxy) listen(name, address string) (*listener, error) {
	var ln net.Listener
	err := errors.New("no address")
	if again := p.opt.Addresses[name]; again != "" && strings.HasSuffix(address, ":0") {
		ln, err = new(net.ListenConfig).Listen(p.ctx, "tcp", again)
	}
	if err != nil {
		if ln, err = new(net.ListenConfig).Listen(p.ctx, "tcp", address); err != nil {
			return nil, fmt.Errorf("listener %q: %w", name, err)
		}
	}
	return &listener{proxy: p, name: name, wanted: address, ln: ln, accepted: make(chan struct{}), conns: map[*downstream]struct{}{}}, nil
}

// Listeners returns the address of each listener by its name.
func (p *Proxy) Listeners() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string]string, len(p.listeners))
	for name, l := range p.listeners {
		all[name] = l.ln.Addr().String()
	}
	return all
}

// Clusters returns the state of all clusters, for views.
func (p *Proxy) Clusters() []cluster.Stats {
	var all []cluster.Stats
	for _, c := range p.clusters.All() {
		all = append(all, c.Stats())
	}
	return all
}

// Drain takes no more connections, lets requests end until ctx is done, and then ends the proxy. Nothing of it runs any more when
// Drain returns.
func (p *Proxy) Drain(ctx context.Context) {
	p.mu.Lock()
	p.draining = true
	listeners := p.listeners
	p.listeners = map[string]*listener{}
	ending := p.ending
	p.ending = nil
	p.mu.Unlock()
	for _, l := range listeners {
		ending = append(ending, l.stop())
	}
	for _, done := range ending {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	p.clusters.Close()
	p.cancel()
	p.wg.Wait()
}

// poolKey is what the connections of a pool have in common.
type poolKey struct {
	host  *cluster.Host
	http2 bool
}

// pool returns that of a host for requests that came over a protocol.
func (p *Proxy) pool(h *cluster.Host, protocol string) *pool {
	key := poolKey{h, h.Cluster.HTTP2 || h.Cluster.Downstream && protocol == protocolHTTP2}
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.pools[key]
	if one == nil {
		one = newPool(p, h, key.http2)
		p.pools[key] = one
	}
	return one
}

// drainHost lets the connections to a host end with their requests.
func (p *Proxy) drainHost(h *cluster.Host) {
	go p.drainPool(h) // the set holds its lock, and Update that of the proxy
}

func (p *Proxy) drainPool(h *cluster.Host) {
	for _, key := range []poolKey{{h, false}, {h, true}} {
		p.mu.Lock()
		one := p.pools[key]
		delete(p.pools, key)
		p.mu.Unlock()
		if one != nil {
			one.drain()
		}
	}
}

// record hands over what remains of a request.
func (p *Proxy) record(e *record.Entry) {
	e.Duration = time.Since(e.Start)
	if p.opt.Recorder != nil {
		p.opt.Recorder.Record(e)
	}
}

func random(n uint64) uint64 { return rand.Uint64N(n) }
