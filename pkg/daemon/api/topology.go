package api

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/mesh/show"
	"github.com/shopctl/shopctl/pkg/observe/impact"
	"github.com/shopctl/shopctl/pkg/observe/meshgraph"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
	"github.com/shopctl/shopctl/pkg/observe/spans"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
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
	// mesh is nil in a shop that can have no sidecars. refresh reads their metrics now.
	mesh    Mesh
	metrics meshgraph.Queryable
	refresh func(ctx context.Context)
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
	sidecars := s.sidecars()
	if req.GetSettle() && len(sidecars) > 0 {
		s.refresh(ctx)
	}
	now := s.now()
	m := topology.NewMap(s.calls.Between(beginning(req, now.Add(-window)), now))
	m.Time = now
	s.addServices(&m)
	s.addProcessorTime(ctx, &m, now)
	if len(sidecars) > 0 {
		s.addMesh(ctx, &m, sidecars, now)
		if req.GetProxy() {
			m = m.WithSidecars(s.hops(ctx, m, sidecars, now))
		}
	}
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

// beginning is from when on a map counts: calls are kept by whole seconds, so that of the time that is asked for belongs
// to it.
func beginning(req *controlpb.GetMapRequest, earliest time.Time) time.Time {
	if since := req.GetSince().AsTime().Truncate(time.Second); since.After(earliest) {
		return since
	}
	return earliest
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

// processorTime is the processor time of each service over the last minute: of each container what was measured, else what it
// says itself.
const processorTime = `sum by (service) (sum by (service, pod, container) (rate(container_cpu_usage_seconds_total[1m])) or sum by (service, pod, container) (rate(process_cpu_seconds_total[1m])))`

// addProcessorTime adds the processor time of the services' containers. It is scraped every few seconds at most.
func (s *topologyServer) addProcessorTime(ctx context.Context, m *topology.Map, now time.Time) {
	used, err := s.vector(ctx, processorTime, now)
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

func (s *topologyServer) sidecars() []Sidecar {
	if s.mesh == nil {
		return nil
	}
	return s.mesh.Sidecars()
}

// addMesh adds to the edges of a map what the callers' sidecars know of them.
func (s *topologyServer) addMesh(ctx context.Context, m *topology.Map, sidecars []Sidecar, now time.Time) {
	graph, err := meshgraph.Between(ctx, s.metrics, now.Add(-m.Window), now)
	if err != nil {
		s.log.Warn("read the metrics of sidecars", "error", err)
		return
	}
	edges := map[[2]string]*topology.Edge{}
	for i := range m.Edges {
		if m.Edges[i].Asynchronous {
			continue // the callee is not called
		}
		edges[[2]string{m.Edges[i].Caller, m.Edges[i].Callee}] = &m.Edges[i]
	}
	snap, _ := s.view.shop.Snapshot()
	b := whoIsIn(snap)
	edge := func(caller, callee orchestrator.Key) *topology.Edge {
		return edges[[2]string{s.view.names.Display(caller), s.view.names.Display(callee)}]
	}
	add := func(e *topology.Edge, known *topology.Mesh) {
		if e == nil {
			return // a call that is in no trace is on no edge
		}
		if e.Mesh == nil {
			e.Mesh = &topology.Mesh{}
		}
		e.Mesh.Add(known)
	}
	for _, e := range graph.Edges {
		add(edge(orchestrator.Key(e.Caller), b.services[e.Host]), &topology.Mesh{
			MutualTLSConnections: e.MutualTLSConnections, PlaintextConnections: e.PlaintextConnections,
			MutualTLS: e.MutualTLS, Plaintext: e.Plaintext, Retries: e.Retries, Overflows: topology.Counts(e.Overflows), Pending: e.Pending, Versions: topology.Counts(e.Versions), Flags: topology.Counts(e.Flags),
		})
	}
	for _, d := range graph.Denials {
		var found []*topology.Edge
		for _, caller := range b.accounts[d.Principal] {
			if e := edge(caller, orchestrator.Key(d.Callee)); e != nil {
				found = append(found, e)
			}
		}
		if len(found) == 1 { // callers that share an account cannot be told apart
			add(found[0], &topology.Mesh{Denied: d.Requests})
		}
	}
	for _, c := range sidecars {
		for cluster, endpoints := range s.mesh.Ejected(c.Node) {
			_, _, host := show.SplitCluster(cluster)
			for address := range endpoints {
				add(edge(c.Workload, b.services[host]), &topology.Mesh{Ejected: []string{cmp.Or(b.pods[address], address)}})
			}
		}
	}
}

// hops are the edges of a map as sidecars count them.
func (s *topologyServer) hops(ctx context.Context, m topology.Map, sidecars []Sidecar, now time.Time) topology.Hops {
	h := topology.Hops{Sent: map[[2]string]topology.Traffic{}, Served: map[[2]string]topology.Traffic{}, Gateways: map[string]bool{}}
	all, err := meshgraph.Hops(ctx, s.metrics, now.Add(-m.Window), now)
	if err != nil {
		s.log.Warn("read the metrics of sidecars", "error", err)
		return h
	}
	for _, c := range sidecars {
		h.Gateways[s.view.names.Display(c.Workload)] = c.Workload.Name == resource.Gateway
	}
	snap, _ := s.view.shop.Snapshot()
	b := whoIsIn(snap)
	for _, hop := range all {
		reporter := orchestrator.Key(hop.Reporter)
		traffic := topology.Traffic{
			Requests: hop.Requests, Rate: float64(hop.Requests) / m.Window.Seconds(),
			P50: hop.Quantile(0.5), P95: hop.Quantile(0.95), P99: hop.Quantile(0.99),
		}
		if hop.Requests > 0 {
			traffic.ErrorRatio = float64(hop.Failed) / float64(hop.Requests)
		}
		if callee, ok := b.services[hop.Host]; ok {
			h.Sent[[2]string{s.view.names.Display(reporter), s.view.names.Display(callee)}] = traffic
		}
		principal := "spiffe://cluster.local/ns/" + reporter.Namespace + "/sa/" + hop.Account
		if callers := b.accounts[principal]; len(callers) == 1 { // callers that share an account cannot be told apart
			h.Served[[2]string{s.view.names.Display(callers[0]), s.view.names.Display(reporter)}] = traffic
		}
	}
	return h
}

// whoIs finds workloads by what sidecars call them.
type whoIs struct {
	// services are the workloads behind Services, by their full names.
	services map[string]orchestrator.Key
	// accounts are the workloads with an identity, "spiffe://cluster.local/ns/production/sa/checkoutservice".
	accounts map[string][]orchestrator.Key
	// pods are by the addresses at which others call them.
	pods map[string]string
}

func whoIsIn(snap orchestrator.Snapshot) whoIs {
	w := whoIs{map[string]orchestrator.Key{}, map[string][]orchestrator.Key{}, map[string]string{}}
	known := map[orchestrator.Key]bool{}
	for _, e := range snap.Endpoints {
		if e.Service.Name != "" {
			w.services[strings.Join([]string{e.Service.Name, e.Service.Namespace, "svc.cluster.local"}, ".")] = e.Workload
		}
		w.pods[e.PeerAddr] = e.Pod
		if !known[e.Workload] {
			known[e.Workload] = true
			principal := "spiffe://cluster.local/ns/" + e.Workload.Namespace + "/sa/" + e.ServiceAccount
			w.accounts[principal] = append(w.accounts[principal], e.Workload)
		}
	}
	return w
}
