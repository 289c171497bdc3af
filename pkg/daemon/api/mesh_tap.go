package api

import (
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// displayed is the name for people of what spans name a service.
func (s *meshServer) displayed(service string) string {
	if key := orchestrator.ParseKey(service); key.Name != "" {
		return s.names.Display(key)
	}
	return s.names.Display(orchestrator.Key{Namespace: s.names.Namespace, Name: service})
}

// tapFilter reports whether a request is wanted.
func (s *meshServer) tapFilter(req *controlpb.TapMeshRequest) (func(observe.Request) bool, error) {
	service := ""
	if name := req.GetService(); name != "" {
		key, _, err := s.names.Resolve(name)
		if err != nil {
			return nil, s.names.Unknown(name)
		}
		service = s.names.Display(key)
	}
	return func(r observe.Request) bool {
		return (service == "" || s.displayed(r.Service) == service) && (!req.GetFailed() || r.Failed())
	}, nil
}

// TapMesh sends requests that went through sidecars, as their spans come.
func (s *meshServer) TapMesh(req *controlpb.TapMeshRequest, stream grpc.ServerStreamingServer[controlpb.TappedRequest]) error {
	wanted, err := s.tapFilter(req)
	if err != nil {
		return err
	}
	var seq uint64
	past := true
	for {
		all, more := s.requests.After(seq)
		var list []observe.Request
		for _, r := range all {
			seq = r.Sequence
			if wanted(r) {
				list = append(list, r)
			}
		}
		if past {
			list = list[max(0, len(list)-int(max(0, req.GetTail()))):]
			past = false
		}
		for _, r := range list {
			if err := stream.Send(s.protoTapped(r)); err != nil {
				return err
			}
		}
		if req.GetNoFollow() {
			return nil
		}
		select {
		case <-more:
		case <-stream.Context().Done():
			return nil
		case <-s.leaving:
			return nil
		}
	}
}

func (s *meshServer) protoTapped(r observe.Request) *controlpb.TappedRequest {
	out := &controlpb.TappedRequest{
		Service: s.displayed(r.Service), Instance: r.Instance(), Direction: "inbound", Method: r.Method, Path: r.Path, Authority: r.Authority,
		GrpcStatus: r.GRPC, Flags: r.Flags, Details: r.Details, Attempts: int32(r.Attempts), Cluster: r.Cluster, Host: r.Host, Route: r.Route,
		Security: r.Security, Principal: r.Principal, TraceId: r.Trace.String(), SpanId: r.Span.String(), RequestId: r.RequestID,
	}
	if code, err := strconv.ParseInt(r.Status, 10, 32); err == nil {
		out.Code = int32(code)
	}
	if r.Outbound() {
		out.Direction = "outbound"
	}
	if r.HasTime() {
		out.Time, out.Duration = timestamppb.New(r.End), durationpb.New(r.End.Sub(r.Start))
	}
	return out
}
