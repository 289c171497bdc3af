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
	"github.com/shopctl/shopctl/pkg/observe/impact"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
	"github.com/shopctl/shopctl/pkg/observe/spans"
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
	impact *impact.Tracker
	spans  *spans.Store
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
	active := s.faults.List()
	if req.GetSettle() && len(active) > 0 {
		settle(ctx, s.spans)
		now = s.now()
	}
	for _, f := range active {
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
	used, err := s.vector(ctx, `sum by (service) (rate(process_cpu_seconds_total[1m])) or sum by (service) (rate(container_cpu_usage_seconds_total[1m]))`, now)
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

// recent is how long ago the last request may be for a shop that has traffic.
const recent = 10 * time.Second

// blast is the blast radius of a fault since it began, or in the last window of it.
func (s *topologyServer) blast(f fault.Fault, now time.Time, window time.Duration) topology.Blast {
	lasting := f
	lasting.Ends = time.Time{} // the time left is shown elsewhere, and changes
	seen := topology.Seen{Requests: topology.Latest(s.impact.Requests(f.ID), f.ID, now.Add(-window)), Before: s.calls.Baseline(f.ID)}
	for _, e := range s.calls.Between(now.Add(-recent), now).Edges {
		seen.Traffic = seen.Traffic || e.Requests > 0
	}
	return topology.BlastOf(topology.Fault{ID: f.ID, Service: f.Service, Method: f.Method, Phrase: lasting.Phrase(now), Pending: f.Once()}, seen)
}
