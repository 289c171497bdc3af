package sidecar

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/wire"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// ErrLifeline is the error of a sidecar whose daemon is gone.
var ErrLifeline = errors.New("the daemon is gone")

// drainTimeout bounds the wait for requests in flight.
const drainTimeout = 10 * time.Second

// Source gives a sidecar its configuration.
type Source interface {
	// Run calls apply with each new configuration until ctx ends, and accepts or rejects it by the error. It does not call it
	// before the sidecar holds a certificate. A connection that breaks is made again.
	Run(ctx context.Context, apply func(*xds.Resources) error) error
}

// Engine is a proxy.
type Engine interface {
	// Clusters are the states of its clusters.
	Clusters() []cluster.Stats
	// Update puts a configuration in force, whole or not at all.
	Update(*xds.Resources) error
	// Listeners are the addresses of its listeners, by name.
	Listeners() map[string]string
	// Drain lets requests in flight end, for as long as ctx lasts, and closes everything.
	Drain(ctx context.Context)
}

// Parts are what a sidecar is made of.
type Parts struct {
	Source Source
	Engine Engine
	// Admin is where metrics are served.
	Admin string
	// Certificate returns the one that the sidecar shows; nil: there is none. It may be nil itself.
	Certificate func() *x509.Certificate
	// Changed receives when there is another certificate, or an endpoint was ejected or came back; nil: never.
	Changed <-chan struct{}
	// Down and Up are the lifeline; nil: there is none.
	Down io.ReadCloser
	Up   io.Writer
	// Wire gets the faults on the connections to other sidecars.
	Wire *wire.Wire
}

// Run runs a sidecar until ctx ends. Then it drains, unless its daemon is gone: no caller is left to wait for.
func Run(ctx context.Context, p Parts) error {
	ctx, stop := context.WithCancelCause(ctx)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer stop(nil)
	if p.Down != nil {
		tasks.Go(func() {
			_ = lifeline.Read(p.Down, p.follow)
			stop(ErrLifeline)
		})
		defer p.Down.Close() // ends the read
	}
	r := &reporter{parts: p}
	if p.Up != nil {
		tasks.Go(func() { r.follow(ctx) })
	}
	if err := p.Source.Run(ctx, r.apply); err != nil && ctx.Err() == nil {
		stop(fmt.Errorf("follow the control plane: %w", err))
	}
	<-ctx.Done()
	drained, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	cause := context.Cause(ctx)
	if errors.Is(cause, ErrLifeline) {
		cancel()
	}
	p.Engine.Drain(drained)
	if errors.Is(cause, context.Canceled) {
		return nil
	}
	return cause
}

// follow puts faults on the wire in force. All else that a sidecar has to know comes from the control plane: Envoy has no such
// faults.
func (p Parts) follow(m lifeline.Down) {
	if m.Wire == nil || p.Wire == nil {
		return
	}
	rules := make([]wire.Rule, len(*m.Wire))
	for i, f := range *m.Wire {
		rules[i] = wire.Rule{Host: f.Host, Drop: f.Drop / 100, BytesPerSecond: f.BytesPerSecond}
	}
	p.Wire.Set(rules)
}
