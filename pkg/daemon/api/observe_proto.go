package api

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/observe/scrape"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/topology"
)

func protoEvent(e observe.Event) *controlpb.Event {
	return &controlpb.Event{
		Sequence: e.Sequence, Time: timestamppb.New(e.Time), Type: string(e.Type), Reason: e.Reason,
		Service: e.Service, Instance: e.Instance, Message: e.Message,
	}
}

func protoLogLine(l *observe.LogLine) *controlpb.LogLine {
	p := &controlpb.LogLine{
		Service: l.Service, Instance: l.Instance, Container: l.Container, Level: l.Level, Message: l.Message,
		TraceId: l.TraceID, SpanId: l.SpanID, Raw: l.Raw,
	}
	if !l.Time.IsZero() {
		p.Time = timestamppb.New(l.Time)
	}
	return p
}

func protoStats(s scrape.Stats) *controlpb.Stats {
	p := &controlpb.Stats{
		WindowMs: s.Window.Milliseconds(), Requests: s.Requests, RequestsPerSecond: s.Rate, ErrorRatio: s.ErrorRatio,
		P50Ms: millis(s.P50), P95Ms: millis(s.P95), P99Ms: millis(s.P99), RpsHistory: s.RateHistory,
	}
	for _, d := range s.P95History {
		p.P95History = append(p.P95History, millis(d))
	}
	return p
}

func protoMap(m topology.Map) *controlpb.GetMapResponse {
	out := &controlpb.GetMapResponse{Time: timestamppb.New(m.Time), Window: durationpb.New(m.Window)}
	for _, n := range m.Nodes {
		out.Nodes = append(out.Nodes, &controlpb.MapNode{
			Service: n.Service, State: n.State, Faults: n.Faults, Traffic: protoTraffic(n.Traffic),
			CpuCores: n.CPUCores, MemoryBytes: n.MemoryBytes, InFlight: n.InFlight,
		})
	}
	for _, e := range m.Edges {
		out.Edges = append(out.Edges, &controlpb.MapEdge{
			Caller: e.Caller, Callee: e.Callee, Protocol: e.Protocol, Traffic: protoTraffic(e.Traffic), Failures: e.Failures,
			Asynchronous: e.Asynchronous, Mesh: protoEdgeMesh(e.Mesh),
		})
	}
	for _, b := range m.Blast {
		blast := &controlpb.BlastRadius{Service: b.Service, FaultId: b.FaultID, Sentence: b.Sentence}
		for _, s := range b.Steps {
			step := &controlpb.BlastStep{Service: s.Service, Traffic: protoTraffic(s.Traffic), Effect: s.Effect}
			if s.Before != nil {
				step.Before = protoTraffic(*s.Before)
			}
			blast.Steps = append(blast.Steps, step)
		}
		out.Blast = append(out.Blast, blast)
	}
	return out
}

func protoEdgeMesh(m *topology.Mesh) *controlpb.EdgeMesh {
	if m == nil {
		return nil
	}
	return &controlpb.EdgeMesh{
		MutualTls: m.MutualTLS, Plaintext: m.Plaintext, Versions: protoCounts(m.Versions), Retries: m.Retries, Denied: m.Denied,
		Flags: protoCounts(m.Flags), Ejected: m.Ejected, Overflows: protoCounts(m.Overflows), Pending: m.Pending,
		MutualTlsConnections: m.MutualTLSConnections, PlaintextConnections: m.PlaintextConnections,
	}
}

func protoCounts(all []topology.Count) (out []*controlpb.EdgeCount) {
	for _, c := range all {
		out = append(out, &controlpb.EdgeCount{Name: c.Name, Requests: c.Requests})
	}
	return out
}

func protoTraffic(t topology.Traffic) *controlpb.Traffic {
	return &controlpb.Traffic{
		RequestsPerSecond: t.Rate, ErrorRatio: t.ErrorRatio, Requests: t.Requests,
		P50Ms: millis(t.P50), P95Ms: millis(t.P95), P99Ms: millis(t.P99),
	}
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
