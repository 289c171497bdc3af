package chassis

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/code"
)

// tracing makes the spans of calls, as OpenTelemetry's conventions for gRPC name them. It works by
// interceptors: contrib's otelgrpc hangs on gRPC's stats handlers, which are told of every header and
// payload, and costs an order an eighth of all its processor time (make bench).
type tracing struct {
	tracer    trace.Tracer
	propagate propagation.TextMapPropagator
	// always are the attributes of every span.
	always []attribute.KeyValue
	// methods keeps what is the same for every call of a method.
	methods sync.Map // full method -> tracedMethod
}

type tracedMethod struct {
	name       string
	attributes trace.SpanStartEventOption
}

func newTracing(tracer trace.Tracer, propagate propagation.TextMapPropagator) *tracing {
	return &tracing{tracer: tracer, propagate: propagate, always: []attribute.KeyValue{semconv.RPCSystemNameGRPC}}
}

// to is the tracing of the calls to one server, by the address that was dialled.
func (t *tracing) to(addr string) *tracing {
	always := append([]attribute.KeyValue{}, t.always...)
	if host, port, err := net.SplitHostPort(addr); err == nil {
		always = append(always, semconv.ServerAddress(host))
		if number, err := strconv.Atoi(port); err == nil {
			always = append(always, semconv.ServerPort(number))
		}
	}
	return &tracing{tracer: t.tracer, propagate: t.propagate, always: always}
}

// toModule is the tracing of the calls to a module of the same process.
func (t *tracing) toModule(name string) *tracing {
	always := append([]attribute.KeyValue{}, t.always...)
	always = append(always, semconv.NetworkTransportKey.String(inprocTransport), semconv.ServerAddress(name))
	return &tracing{tracer: t.tracer, propagate: t.propagate, always: always}
}

func (t *tracing) method(full string) tracedMethod {
	if m, ok := t.methods.Load(full); ok {
		return m.(tracedMethod)
	}
	name := strings.Clone(strings.TrimPrefix(full, "/"))
	attributes := append([]attribute.KeyValue{semconv.RPCMethod(name)}, t.always...)
	m, _ := t.methods.LoadOrStore("/"+name, tracedMethod{name, trace.WithAttributes(attributes...)})
	return m.(tracedMethod)
}

// serve starts the span of a call that came in, under the caller's.
func (t *tracing) serve(ctx context.Context, method string) (context.Context, trace.Span) {
	m := t.method(method)
	ctx, span := t.tracer.Start(t.propagate.Extract(ctx, incoming{ctx}), m.name, trace.WithSpanKind(trace.SpanKindServer), m.attributes)
	if _, ok := grpc.ServerTransportStreamFromContext(ctx).(*hop); ok {
		span.SetAttributes(semconv.NetworkTransportKey.String(inprocTransport))
	}
	return ctx, span
}

func (t *tracing) unaryServer(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if isInfrastructure(info.FullMethod) {
		return next(ctx, req)
	}
	ctx, span := t.serve(ctx, info.FullMethod)
	resp, err := next(ctx, req)
	endServer(span, err)
	return resp, err
}

func (t *tracing) streamServer(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if isInfrastructure(info.FullMethod) {
		return next(srv, s)
	}
	ctx, span := t.serve(s.Context(), info.FullMethod)
	err := next(srv, tracedServerStream{s, ctx})
	endServer(span, err)
	return err
}

// endServer ends a server's span. What is the caller's fault is no error of the server.
func endServer(span trace.Span, err error) {
	c := status.Code(err)
	span.SetAttributes(semconv.RPCResponseStatusCode(code.Name(c)))
	if isServerError(c) {
		span.SetStatus(codes.Error, status.Convert(err).Message())
	}
	span.End()
}

// call starts the span of a call that goes out, and sends its context along.
func (t *tracing) call(ctx context.Context, method string) (context.Context, trace.Span) {
	m := t.method(method)
	ctx, span := t.tracer.Start(ctx, m.name, trace.WithSpanKind(trace.SpanKindClient), m.attributes)
	var out outgoing
	t.propagate.Inject(ctx, &out)
	return metadata.AppendToOutgoingContext(ctx, out.pairs...), span
}

func (t *tracing) unaryClient(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	ctx, span := t.call(ctx, method)
	err := invoke(ctx, method, req, reply, cc, opts...)
	endClient(span, err)
	return err
}

func (t *tracing) streamClient(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, span := t.call(ctx, method)
	s, err := open(ctx, desc, cc, method, opts...)
	if err != nil {
		endClient(span, err)
		return nil, err
	}
	traced := &tracedClientStream{ClientStream: s, span: span, oneReply: !desc.ServerStreams}
	// The caller's context, and not the stream's: that one ends before its last message has been read.
	traced.forget = context.AfterFunc(ctx, func() { traced.end(status.FromContextError(ctx.Err()).Err()) })
	return traced, nil
}

func endClient(span trace.Span, err error) {
	c := status.Code(err)
	span.SetAttributes(semconv.RPCResponseStatusCode(code.Name(c)))
	if err != nil {
		span.SetStatus(codes.Error, status.Convert(err).Message())
	}
	span.End()
}

type tracedServerStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s tracedServerStream) Context() context.Context { return s.ctx }

// tracedClientStream ends its span with the last message, an error, or the caller's context.
type tracedClientStream struct {
	grpc.ClientStream
	span     trace.Span
	oneReply bool
	once     sync.Once
	// forget ends the watch over the caller's context.
	forget func() bool
}

func (s *tracedClientStream) end(err error) {
	s.once.Do(func() {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		endClient(s.span, err)
	})
}

func (s *tracedClientStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil || s.oneReply {
		s.forget()
		s.end(err)
	}
	return err
}

// incoming reads a call's metadata without copying it.
type incoming struct{ ctx context.Context }

func (c incoming) Get(key string) string {
	if v := metadata.ValueFromIncomingContext(c.ctx, key); len(v) > 0 {
		return v[0]
	}
	return ""
}

func (incoming) Set(string, string) {}

func (c incoming) Keys() []string {
	md, _ := metadata.FromIncomingContext(c.ctx)
	keys := make([]string, 0, len(md))
	for k := range md {
		keys = append(keys, k)
	}
	return keys
}

// outgoing gathers what a call sends along.
type outgoing struct{ pairs []string }

func (c *outgoing) Set(key, value string) { c.pairs = append(c.pairs, key, value) }

func (*outgoing) Get(string) string { return "" }

func (*outgoing) Keys() []string { return nil }
