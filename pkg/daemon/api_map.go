package daemon

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/topology"
)

const (
	defaultWindow = 30 * time.Second
	leastWindow   = time.Second
)

func (a *api) GetMap(ctx context.Context, req *controlpb.GetMapRequest) (*controlpb.GetMapResponse, error) {
	window := defaultWindow
	if req.GetWindow() != nil {
		window = req.GetWindow().AsDuration()
	}
	if window < leastWindow || window > servicegraph.Kept {
		return nil, control.Error(codes.InvalidArgument, fmt.Sprintf("read map: a window of %s", window),
			fmt.Sprintf("use one from %s to %s, such as 30s", leastWindow, servicegraph.Kept), 2)
	}
	now := a.now()
	resp := topology.Map(a.calls.Between(now.Add(-window), now))
	resp.Time = timestamppb.New(now)
	a.addServices(resp)
	a.addProcessorTime(ctx, resp, now)
	for _, f := range a.faults.List() {
		resp.Blast = append(resp.Blast, a.blast(f, now, window))
	}
	return resp, nil
}

// addServices adds what the shop knows of its services beside spans, and those that nobody calls.
func (a *api) addServices(m *controlpb.GetMapResponse) {
	nodes := map[string]*controlpb.MapNode{}
	for _, n := range m.GetNodes() {
		nodes[n.GetService()] = n
	}
	st, _ := a.status(false, true)
	for _, s := range st.GetServices() {
		for _, module := range s.GetModules() {
			if n := nodes[module.GetName()]; n != nil {
				n.State, n.Faults = s.GetState(), module.GetFaults()
			}
		}
		n := nodes[s.GetName()]
		if n == nil {
			n = &controlpb.MapNode{Service: s.GetName(), Traffic: &controlpb.Traffic{}}
			m.Nodes = append(m.Nodes, n)
		}
		n.State, n.Faults = s.GetState(), s.GetFaults()
		for _, in := range s.GetInstances() {
			n.MemoryBytes += in.GetMemoryBytes()
		}
	}
}

// addProcessorTime adds what the services' processes use, over the last minute: they are asked every
// few seconds at most.
func (a *api) addProcessorTime(ctx context.Context, m *controlpb.GetMapResponse, now time.Time) {
	used, err := a.vector(ctx, `sum by (service) (rate(process_cpu_seconds_total[1m]))`, now)
	if err != nil {
		a.log.Warn("read processor time", "error", err)
		return
	}
	for _, sample := range used {
		for _, n := range m.GetNodes() {
			if n.GetService() == sample.Metric.Get("service") {
				n.CpuCores = sample.F
			}
		}
	}
}

// blast tells how far a fault reaches, by what was seen since it began, or in the last window of it.
func (a *api) blast(f fault.Fault, now time.Time, window time.Duration) *controlpb.BlastRadius {
	from := now.Add(-window)
	if f.Injected.After(from) {
		from = f.Injected
	}
	words := f
	words.Ends = time.Time{} // how much time is left is said elsewhere, and changes
	return topology.Blast(topology.Fault{ID: f.ID, Service: f.Service, Words: words.Phrase(now), Delay: f.Delay},
		a.calls.Between(from, now), a.calls.baseline(f.ID))
}
