package otlp

import (
	"errors"
	"io"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // many senders compress
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// newGRPC serves opentelemetry.proto.collector.trace.v1.TraceService. Export is declared as a stream, which
// looks the same on the wire, so that its handler decides when the request is received.
func (r *Receiver) newGRPC() *grpc.Server {
	server := grpc.NewServer(
		grpc.ForceServerCodecV2(newRawCodec()),
		grpc.MaxRecvMsgSize(maxRequest), grpc.MaxConcurrentStreams(maxReceiving), grpc.ConnectionTimeout(5*time.Second),
		grpc.ReadBufferSize(8<<10), grpc.WriteBufferSize(4<<10),
	)
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: collectorpb.TraceService_ServiceDesc.ServiceName,
		HandlerType: (*any)(nil),
		Streams:     []grpc.StreamDesc{{StreamName: "Export", Handler: r.export, ServerStreams: true, ClientStreams: true}},
		Metadata:    collectorpb.TraceService_ServiceDesc.Metadata,
	}, r)
	return server
}

func (r *Receiver) export(_ any, stream grpc.ServerStream) error {
	leave, err := enter(stream.Context(), r.turns.all)
	if errors.Is(err, errBusy) {
		r.cfg.Store.Refuse(1)
		// Only with a time to come back do senders take it for a matter of time.
		busy := status.New(codes.ResourceExhausted, err.Error())
		if timed, err := busy.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}); err == nil {
			busy = timed
		}
		return busy.Err()
	}
	if err != nil {
		return status.FromContextError(err).Err()
	}
	defer leave()
	var request rawMessage
	if err := stream.RecvMsg(&request); err != nil {
		if !errors.Is(err, io.EOF) && status.Code(err) != codes.Canceled { // else the sender has gone
			r.cfg.Store.Refuse(1)
		}
		return err
	}
	response, err := r.file(request)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return stream.SendMsg(response)
}

// file stores the spans of a request; the response counts those that were refused.
func (r *Receiver) file(request []byte) (*collectorpb.ExportTraceServiceResponse, error) {
	refused, reason, err := r.take(request)
	if err != nil {
		return nil, err
	}
	response := &collectorpb.ExportTraceServiceResponse{}
	if refused > 0 {
		response.PartialSuccess = &collectorpb.ExportTracePartialSuccess{RejectedSpans: int64(refused), ErrorMessage: reason}
	}
	return response, nil
}

// rawMessage is a message that is left encoded.
type rawMessage []byte

// rawCodec passes raw messages on unchanged, and others to the codec that it wraps.
type rawCodec struct{ encoding.CodecV2 }

func newRawCodec() rawCodec { return rawCodec{encoding.GetCodecV2(proto.Name)} }

func (c rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if raw, ok := v.(rawMessage); ok {
		return mem.BufferSlice{mem.SliceBuffer(raw)}, nil
	}
	return c.CodecV2.Marshal(v)
}

func (c rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if raw, ok := v.(*rawMessage); ok {
		*raw = data.Materialize()
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}
