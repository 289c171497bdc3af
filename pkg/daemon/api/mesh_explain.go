package api

import (
	"context"
	"fmt"
	"slices"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/mesh/explain"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
)

// held are the resources that a sidecar holds.
func (s *meshServer) held(node string) *xds.Resources {
	if s.mesh == nil {
		return nil
	}
	held, _ := s.mesh.Held(node)
	return held.Resources
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
		for _, h := range explain.Hops(t, explain.Shop{Objects: s.objects.Snapshot(), Held: s.held}) {
			out.Hops = append(out.Hops, s.protoHop(h))
			for _, o := range h.Changed {
				if remark := h.Remark(o); !slices.Contains(out.GetRemarks(), remark) {
					out.Remarks = append(out.Remarks, remark)
				}
			}
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
		switch {
		case d.Object.Name != "" && d.Object.Namespace == "":
			decision.Object += " " + d.Object.Name
		case d.Object.Name != "":
			decision.Object += " " + d.Object.Namespace + "/" + d.Object.Name
		}
		out.Decisions = append(out.Decisions, decision)
	}
	return out
}
