package sidecar

import (
	"context"
	"maps"
	"sync"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// reporter reports to the daemon where the sidecar listens, and the state that only the sidecar knows.
type reporter struct {
	parts Parts

	mu        sync.Mutex
	reported  map[string]string
	proxy     lifeline.Proxy
	listening bool
}

// apply puts a configuration in force. The sidecar counts as ready with the first: it listens, and holds a certificate.
func (r *reporter) apply(resources *xds.Resources) error {
	if err := r.parts.Engine.Update(resources); err != nil {
		return err
	}
	if r.parts.Up == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	listeners := r.parts.Engine.Listeners()
	if !r.listening || !maps.Equal(listeners, r.reported) {
		if err := lifeline.Write(r.parts.Up, lifeline.Up{Listeners: &listeners}); err != nil {
			return err
		}
		r.reported = maps.Clone(listeners)
	}
	if err := r.report(); err != nil { // a cluster that is gone takes its ejected endpoints with it
		return err
	}
	if r.listening {
		return nil
	}
	r.listening = true
	return lifeline.Write(r.parts.Up, lifeline.Up{Listening: &lifeline.Listening{Addr: r.parts.Admin, Admin: r.parts.Admin}})
}

// follow reports the state whenever it changes, until ctx ends.
func (r *reporter) follow(ctx context.Context) {
	for {
		select {
		case <-r.parts.Changed:
		case <-ctx.Done():
			return
		}
		r.mu.Lock()
		err := r.report()
		r.mu.Unlock()
		if err != nil {
			return // the daemon has closed its end, and will close the other one
		}
	}
}

// report reports the state if it differs from the one before. The mutex is held.
func (r *reporter) report() error {
	now := stateOf(r.parts)
	if now.Equal(r.proxy) {
		return nil
	}
	r.proxy = now
	return lifeline.Write(r.parts.Up, lifeline.Up{Proxy: &now})
}

// stateOf is the state of a sidecar.
func stateOf(p Parts) (state lifeline.Proxy) {
	if p.Certificate != nil {
		if c := p.Certificate(); c != nil {
			state.Certificate = lifeline.Certificate{Serial: c.SerialNumber.Text(16), NotBefore: c.NotBefore, NotAfter: c.NotAfter}
		}
	}
	for _, c := range p.Engine.Clusters() {
		state.Ejected = append(state.Ejected, ejected(c)...)
	}
	return state
}

// ejected are the ejected endpoints of a cluster.
func ejected(c cluster.Stats) (all []lifeline.Ejection) {
	for _, h := range c.Hosts {
		if h.Ejected {
			all = append(all, lifeline.Ejection{
				Cluster: c.Name, Address: h.Address, Reason: string(h.Why), Since: h.Since, Until: h.Since.Add(h.EjectFor),
			})
		}
	}
	return all
}
