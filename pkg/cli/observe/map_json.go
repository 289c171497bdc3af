package observe

import (
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/topology"
)

// The JSON of map and top is stable: fields are only added, and always present, but for mesh, which is there for callers with
// sidecars.

type mapView struct {
	Time     string        `json:"time"`
	WindowMs int64         `json:"window_ms"`
	Nodes    []mapNodeView `json:"nodes"`
	Edges    []mapEdgeView `json:"edges"`
	Blast    []blastView   `json:"blast"`
}

type trafficView struct {
	RequestsPerSecond float64 `json:"requests_per_second"`
	ErrorRatio        float64 `json:"error_ratio"`
	P50Ms             float64 `json:"p50_ms"`
	P95Ms             float64 `json:"p95_ms"`
	P99Ms             float64 `json:"p99_ms"`
	Requests          int64   `json:"requests"`
}

type mapNodeView struct {
	Service     string   `json:"service"`
	State       string   `json:"state"`
	CPUCores    float64  `json:"cpu_cores"`
	MemoryBytes int64    `json:"memory_bytes"`
	InFlight    float64  `json:"in_flight"`
	Faults      []string `json:"faults"`
	trafficView
	Mesh *meshView `json:"mesh,omitempty"`
}

type mapEdgeView struct {
	Caller       string   `json:"caller"`
	Callee       string   `json:"callee"`
	Protocol     string   `json:"protocol"`
	Failures     []string `json:"failures"`
	Asynchronous bool     `json:"asynchronous"`
	trafficView
	Mesh *meshView `json:"mesh,omitempty"`
}

// meshView is what sidecars know of an edge, or of all edges that lead to a service.
type meshView struct {
	MutualTLS            int64            `json:"mutual_tls"`
	Plaintext            int64            `json:"plaintext"`
	Versions             map[string]int64 `json:"versions"`
	Retries              int64            `json:"retries"`
	Denied               int64            `json:"denied"`
	Flags                map[string]int64 `json:"flags"`
	Ejected              []string         `json:"ejected"`
	Overflows            map[string]int64 `json:"overflows"`
	Pending              int64            `json:"pending"`
	MutualTLSConnections int64            `json:"mutual_tls_connections"`
	PlaintextConnections int64            `json:"plaintext_connections"`
}

type blastView struct {
	Service  string          `json:"service"`
	FaultID  string          `json:"fault_id"`
	Sentence string          `json:"sentence"`
	Steps    []blastStepView `json:"steps"`
}

type blastStepView struct {
	Service string       `json:"service"`
	Effect  string       `json:"effect"`
	Now     trafficView  `json:"now"`
	Before  *trafficView `json:"before"`
}

func viewTraffic(t *controlpb.Traffic) trafficView {
	return trafficView{
		RequestsPerSecond: t.GetRequestsPerSecond(), ErrorRatio: t.GetErrorRatio(), Requests: t.GetRequests(),
		P50Ms: t.GetP50Ms(), P95Ms: t.GetP95Ms(), P99Ms: t.GetP99Ms(),
	}
}

func viewMesh(m *topology.Mesh) *meshView {
	if m == nil {
		return nil
	}
	return &meshView{
		MutualTLS: m.MutualTLS, Plaintext: m.Plaintext, Versions: viewCounts(m.Versions), Retries: m.Retries, Denied: m.Denied,
		Flags: viewCounts(m.Flags), Ejected: cmdutil.NotNil(m.Ejected), Overflows: viewCounts(m.Overflows), Pending: m.Pending,
		MutualTLSConnections: m.MutualTLSConnections, PlaintextConnections: m.PlaintextConnections,
	}
}

func viewCounts(all []topology.Count) map[string]int64 {
	view := map[string]int64{}
	for _, c := range all {
		view[c.Name] = c.Requests
	}
	return view
}

// meshOf is what the sidecars of its callers know of a service; nil without any.
func meshOf(m topology.Map, service string) (known *topology.Mesh) {
	for _, e := range m.Edges {
		if e.Callee == service && e.Mesh != nil {
			if known == nil {
				known = &topology.Mesh{}
			}
			known.Add(e.Mesh)
		}
	}
	return known
}

func viewNode(n *controlpb.MapNode) mapNodeView {
	return mapNodeView{
		Service: n.GetService(), State: n.GetState(), CPUCores: n.GetCpuCores(), MemoryBytes: n.GetMemoryBytes(),
		InFlight: n.GetInFlight(), Faults: cmdutil.NotNil(n.GetFaults()), trafficView: viewTraffic(n.GetTraffic()),
	}
}

func viewMap(m *controlpb.GetMapResponse) mapView {
	v := mapView{
		Time: cmdutil.RFC3339(m.GetTime()), WindowMs: m.GetWindow().AsDuration().Milliseconds(),
		Nodes: make([]mapNodeView, len(m.GetNodes())), Edges: make([]mapEdgeView, len(m.GetEdges())), Blast: make([]blastView, len(m.GetBlast())),
	}
	drawn := control.TopologyMap(m)
	for i, n := range m.GetNodes() {
		v.Nodes[i] = viewNode(n)
		v.Nodes[i].Mesh = viewMesh(meshOf(drawn, n.GetService()))
	}
	for i, e := range m.GetEdges() {
		v.Edges[i] = mapEdgeView{
			Caller: e.GetCaller(), Callee: e.GetCallee(), Protocol: e.GetProtocol(), Failures: cmdutil.NotNil(e.GetFailures()), Asynchronous: e.GetAsynchronous(),
			trafficView: viewTraffic(e.GetTraffic()), Mesh: viewMesh(drawn.Edges[i].Mesh),
		}
	}
	for i, b := range m.GetBlast() {
		v.Blast[i] = blastView{Service: b.GetService(), FaultID: b.GetFaultId(), Sentence: b.GetSentence(), Steps: make([]blastStepView, len(b.GetSteps()))}
		for j, s := range b.GetSteps() {
			step := blastStepView{Service: s.GetService(), Effect: s.GetEffect(), Now: viewTraffic(s.GetTraffic())}
			if s.GetBefore() != nil {
				before := viewTraffic(s.GetBefore())
				step.Before = &before
			}
			v.Blast[i].Steps[j] = step
		}
	}
	return v
}
