package api

import (
	"context"
	"fmt"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/mesh/explain"
	"github.com/shopctl/shopctl/pkg/mesh/show"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/istio"
	"github.com/shopctl/shopctl/pkg/resource/store"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
)

// explained is what explains a request: the objects and the configuration as they are now.
type explained struct {
	mesh    Mesh
	objects store.Snapshot
}

// Resources are those that a sidecar holds.
func (e explained) Resources(node string) *xds.Resources {
	if e.mesh == nil {
		return nil
	}
	held, _ := e.mesh.Held(node)
	return held.Resources
}

// VirtualService is the one with a name.
func (e explained) VirtualService(namespace, name string) *networking.VirtualService {
	o, err := e.objects.Get(resource.Key{Kind: resource.KindVirtualService, Namespace: namespace, Name: name})
	if err != nil {
		return nil
	}
	if vs, ok := o.(*istio.VirtualService); ok {
		return vs.Spec.Message()
	}
	return nil
}

// Position is where a part of an object was written.
func (e explained) Position(o show.Object, path string) string {
	return e.objects.Source(resource.Key{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}).At(path)
}

// traceOf is the id of the trace of a request: one that a sidecar saw under this x-request-id, else what was given.
func (s *meshServer) traceOf(request string) string {
	all, _ := s.requests.After(0)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].RequestID == request && request != "" {
			return all[i].Trace.String()
		}
	}
	return request
}

// ExplainMesh says which objects decided about a request.
func (s *meshServer) ExplainMesh(ctx context.Context, req *controlpb.ExplainMeshRequest) (*controlpb.ExplainMeshResponse, error) {
	resp, err := s.traces.GetTrace(ctx, &controlpb.GetTraceRequest{Id: s.traceOf(req.GetRequest())})
	if err != nil {
		return nil, err
	}
	var data tracepb.TracesData
	if err := proto.Unmarshal(resp.GetOtlp(), &data); err != nil {
		return nil, fmt.Errorf("read trace %s: %w", resp.GetSummary().GetTraceId(), err)
	}
	spans, _ := trace.Spans(&data)
	out := &controlpb.ExplainMeshResponse{TraceId: resp.GetSummary().GetTraceId()}
	for _, t := range trace.AssembleAll(spans) {
		for _, h := range explain.Hops(t, explained{s.mesh, s.objects.Snapshot()}) {
			out.Hops = append(out.Hops, s.protoHop(h))
		}
	}
	if len(out.GetHops()) == 0 {
		return nil, control.Error(codes.FailedPrecondition, fmt.Sprintf("trace %s went through no sidecar", trace.ShortID(out.GetTraceId())), "shopctl mesh status", 1)
	}
	if resp.GetSummary().GetArriving() {
		out.Remarks = append(out.Remarks, "spans of this trace are still arriving: hops may be missing")
	}
	return out, nil
}

func (s *meshServer) protoHop(h explain.Hop) *controlpb.ExplainedHop {
	out := &controlpb.ExplainedHop{
		Caller: s.displayed(h.Caller), Callee: s.displayed(h.Callee), Operation: h.Operation, Status: h.Status, Flags: h.Flags,
		Attempts: int32(h.Attempts), Duration: durationpb.New(h.Took), Depth: int32(h.Depth),
	}
	if h.Caller == "" {
		out.Caller = "user"
	}
	for _, d := range h.Decisions {
		decision := &controlpb.ExplainedDecision{Verb: d.Verb, What: d.What, Position: d.Position, Without: d.Without}
		if d.Object.Kind != "" {
			decision.Object = d.Object.Kind
		}
		if d.Object.Name != "" {
			decision.Object += " " + d.Object.Namespace + "/" + d.Object.Name
		}
		out.Decisions = append(out.Decisions, decision)
	}
	return out
}
