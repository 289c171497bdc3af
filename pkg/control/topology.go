package control

import (
	"time"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/topology"
)

// TopologyMap turns the daemon's response into a map that package topology draws.
func TopologyMap(r *controlpb.GetMapResponse) topology.Map {
	m := topology.Map{Time: r.GetTime().AsTime(), Window: r.GetWindow().AsDuration()}
	for _, n := range r.GetNodes() {
		m.Nodes = append(m.Nodes, topology.Node{
			Service: n.GetService(), State: n.GetState(), Faults: n.GetFaults(), Traffic: traffic(n.GetTraffic()),
			CPUCores: n.GetCpuCores(), MemoryBytes: n.GetMemoryBytes(), InFlight: n.GetInFlight(),
		})
	}
	for _, e := range r.GetEdges() {
		m.Edges = append(m.Edges, topology.Edge{
			Caller: e.GetCaller(), Callee: e.GetCallee(), Protocol: e.GetProtocol(), Traffic: traffic(e.GetTraffic()), Failures: e.GetFailures(),
			Asynchronous: e.GetAsynchronous(), Mesh: edgeMesh(e.GetMesh()),
		})
	}
	for _, b := range r.GetBlast() {
		blast := topology.Blast{Service: b.GetService(), FaultID: b.GetFaultId(), Sentence: b.GetSentence()}
		for _, s := range b.GetSteps() {
			step := topology.Step{Service: s.GetService(), Traffic: traffic(s.GetTraffic()), Effect: s.GetEffect()}
			if s.GetBefore() != nil {
				before := traffic(s.GetBefore())
				step.Before = &before
			}
			blast.Steps = append(blast.Steps, step)
		}
		m.Blast = append(m.Blast, blast)
	}
	return m
}

func edgeMesh(m *controlpb.EdgeMesh) *topology.Mesh {
	if m == nil {
		return nil
	}
	return &topology.Mesh{
		MutualTLS: m.GetMutualTls(), Plaintext: m.GetPlaintext(), Versions: counts(m.GetVersions()), Retries: m.GetRetries(), Denied: m.GetDenied(),
		Flags: counts(m.GetFlags()), Ejected: m.GetEjected(), Overflows: counts(m.GetOverflows()), Pending: m.GetPending(),
		MutualTLSConnections: m.GetMutualTlsConnections(), PlaintextConnections: m.GetPlaintextConnections(),
	}
}

func counts(all []*controlpb.EdgeCount) (list []topology.Count) {
	for _, c := range all {
		list = append(list, topology.Count{Name: c.GetName(), Requests: c.GetRequests()})
	}
	return list
}

func traffic(t *controlpb.Traffic) topology.Traffic {
	return topology.Traffic{
		Requests: t.GetRequests(), Rate: t.GetRequestsPerSecond(), ErrorRatio: t.GetErrorRatio(),
		P50: millis(t.GetP50Ms()), P95: millis(t.GetP95Ms()), P99: millis(t.GetP99Ms()),
	}
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
