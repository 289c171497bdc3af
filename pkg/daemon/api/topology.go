package api

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/promql"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/topology"
)

const (
	defaultWindow = 30 * time.Second
	minWindow     = time.Second
)

// topologyServer serves the map of calls.
type topologyServer struct {
	controlpb.UnimplementedTopologyServer
	view   *view
	calls  Calls
	faults *fault.Registry
	vector func(ctx context.Context, expr string, at time.Time) (promql.Vector, error)
	log    *slog.Logger
	now    func() time.Time
}

// GetMap returns the calls between services, and the blast radius of active faults.
func (s *topologyServer) GetMap(ctx context.Context, req *controlpb.GetMapRequest) (*controlpb.GetMapResponse, error) {
	window := defaultWindow
	if req.GetWindow() != nil {
		window = req.GetWindow().AsDuration()
	}
	if window < minWindow || window > servicegraph.Kept {
		return nil, control.Error(codes.InvalidArgument, fmt.Sprintf("read map: a window of %s", window),
			fmt.Sprintf("use one from %s to %s, such as 30s", minWindow, servicegraph.Kept), 2)
	}
	now := s.now()
	m := topology.NewMap(s.calls.Between(now.Add(-window), now))
	m.Time = now
	s.addServices(&m)
	s.addProcessorTime(ctx, &m, now)
	for _, f := range s.faults.List() {
		m.Blast = append(m.Blast, s.blast(f, now, window))
	}
	return protoMap(m), nil
}

// addServices adds what the shop knows of its services besides spans, and services without calls.
func (s *topologyServer) addServices(m *topology.Map) {
	nodes := map[string]int{}
	for i, n := range m.Nodes {
		nodes[n.Service] = i
	}
	st, _ := s.view.status(false, true)
	for _, s := range st.GetServices() {
		for _, module := range s.GetModules() {
			if i, ok := nodes[module.GetName()]; ok {
				m.Nodes[i].State, m.Nodes[i].Faults = s.GetState(), module.GetFaults()
			}
		}
		i, ok := nodes[s.GetName()]
		if !ok {
			i = len(m.Nodes)
			m.Nodes = append(m.Nodes, topology.Node{Service: s.GetName()})
		}
		n := &m.Nodes[i]
		n.State, n.Faults = s.GetState(), s.GetFaults()
		for _, in := range s.GetInstances() {
			n.MemoryBytes += in.GetMemoryBytes()
		}
	}
}

// addProcessorTime adds the processor time of the services' processes over the last minute. It is scraped every few
// seconds at most.
func (s *topologyServer) addProcessorTime(ctx context.Context, m *topology.Map, now time.Time) {
	used, err := s.vector(ctx, `sum by (service) (rate(process_cpu_seconds_total[1m]))`, now)
	if err != nil {
		s.log.Warn("read processor time", "error", err)
		return
	}
	for _, sample := range used {
		for i := range m.Nodes {
			if m.Nodes[i].Service == sample.Metric.Get("service") {
				m.Nodes[i].CPUCores = sample.F
			}
		}
	}
}

// blast is the blast radius of a fault since it began, or in the last window of it.
func (s *topologyServer) blast(f fault.Fault, now time.Time, window time.Duration) topology.Blast {
	from := now.Add(-window)
	if f.Injected.After(from) {
		from = f.Injected
	}
	lasting := f
	lasting.Ends = time.Time{} // the time left is shown elsewhere, and changes
	return topology.BlastOf(topology.Fault{ID: f.ID, Service: f.Service, Phrase: lasting.Phrase(now), Delay: f.Delay},
		s.calls.Between(from, now), s.calls.Baseline(f.ID))
}
