package observe

import (
	"context"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// NewReceiver returns a server that takes spans over OTLP
// (opentelemetry.proto.collector.trace.v1.TraceService) and keeps them in spans.
func NewReceiver(spans *Spans, options ...grpc.ServerOption) *grpc.Server {
	server := grpc.NewServer(append(options, grpc.ForceServerCodecV2(rawCodec{encoding.GetCodecV2(proto.Name)}))...)
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: collectorpb.TraceService_ServiceDesc.ServiceName,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Export", Handler: export}},
		Metadata:    collectorpb.TraceService_ServiceDesc.Metadata,
	}, spans)
	return server
}

func export(srv any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var request rawMessage
	if err := decode(&request); err != nil {
		return nil, err
	}
	if err := srv.(*Spans).Export(request); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "read spans: %v", err)
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

// rawMessage is a message that is left encoded.
type rawMessage []byte

// rawCodec hands raw messages on as they are, and leaves others to the codec it wraps.
type rawCodec struct{ encoding.CodecV2 }

func (c rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if raw, ok := v.(*rawMessage); ok {
		*raw = data.Materialize()
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}
