package sidecar

import (
	"context"
	"io"
	"log/slog"
	"sync"

	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/agent"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/proxy"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/wire"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// trustDomain begins the identities of workloads.
const trustDomain = "cluster.local"

// Streams are the ends of a sidecar in its process.
type Streams struct {
	// Log takes its log: a line of JSON for its own messages, and Istio's access log.
	Log io.Writer
	// Down and Up are the lifeline; nil: there is none.
	Down io.ReadCloser
	Up   io.Writer
}

// Start runs the sidecar of a bootstrap until ctx ends or its daemon is gone.
func Start(ctx context.Context, b Bootstrap, streams Streams) error {
	token, err := b.Token()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(streams.Log, nil))
	source, changed := &source{}, make(chan struct{}, 1)
	change := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	source.agent, err = agent.New(agent.Config{
		Target: b.ADS, Node: b.Node.ID, Token: token,
		Identity: ca.Identity{TrustDomain: trustDomain, Namespace: b.Node.Namespace, ServiceAccount: b.Node.ServiceAccount},
		Apply:    func(r *xds.Resources) error { return source.apply(r) },
		Report:   func(err error) { log.Warn("control plane", "error", err.Error()) },
		Renewed:  change,
	})
	if err != nil {
		return err
	}
	defer func() { _ = source.agent.Close() }() // it is not used any more
	records, err := newRecords(ctx, b, streams.Log)
	if err != nil {
		return err
	}
	defer records.close()
	faults := new(wire.Wire)
	engine := proxy.New(proxy.Options{
		Identity: source.agent, Recorder: records, Addresses: b.Ports, Trace: records.spans != nil, Wire: faults, Opened: records.metrics.Opened,
		Ejected: func(*cluster.Host, cluster.Ejection) { change() }, Readmitted: func(*cluster.Host) { change() },
	})
	records.registry.MustRegister(breakers(engine.Clusters))
	return Run(ctx, Parts{
		Source: source, Engine: engine, Admin: records.admin.Addr().String(), Down: streams.Down, Up: streams.Up, Wire: faults,
		Certificate: source.agent.Leaf, Changed: changed,
	})
}

// source gives a sidecar what its agent receives.
type source struct {
	agent *agent.Agent
	apply func(*xds.Resources) error
}

// Run implements Source.
func (s *source) Run(ctx context.Context, apply func(*xds.Resources) error) error {
	s.apply = apply
	var tasks sync.WaitGroup
	defer tasks.Wait()
	tasks.Go(func() { s.agent.Rotate(ctx) })
	select {
	case <-s.agent.Ready():
	case <-ctx.Done():
		return ctx.Err()
	}
	s.agent.Follow(ctx)
	return ctx.Err()
}
