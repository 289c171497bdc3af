package chassis

import (
	"context"
	"net"
	"strconv"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/grpc/stats"
)

// serverSpans makes the spans of calls that come in; attributes are those of every span.
func (rt *Runtime) serverSpans(attributes ...attribute.KeyValue) stats.Handler {
	return beginAndEnd{otelgrpc.NewServerHandler(rt.spanOptions(attributes)...)}
}

// clientSpans makes the spans of calls that go out, one for each attempt; attributes are those of every span.
func (rt *Runtime) clientSpans(attributes ...attribute.KeyValue) stats.Handler {
	return beginAndEnd{otelgrpc.NewClientHandler(rt.spanOptions(attributes)...)}
}

// spanOptions instruments the calls of the shop's users. Metrics are Prometheus' business: see setupMetrics.
func (rt *Runtime) spanOptions(attributes []attribute.KeyValue) []otelgrpc.Option {
	return []otelgrpc.Option{
		otelgrpc.WithTracerProvider(rt.provider),
		otelgrpc.WithPropagators(rt.propagate),
		otelgrpc.WithMeterProvider(noop.NewMeterProvider()),
		otelgrpc.WithSpanAttributes(attributes...),
		otelgrpc.WithFilter(func(call *stats.RPCTagInfo) bool { return !isInfrastructure(call.FullMethodName) }),
	}
}

// beginAndEnd hands only the beginning and the end of a call to the handler, which would otherwise take
// server.address from the connection. The conventions want the address that was dialed: the one of the service,
// which stays the same whichever instance responds, and is known when none does.
type beginAndEnd struct{ stats.Handler }

func (h beginAndEnd) HandleRPC(ctx context.Context, event stats.RPCStats) {
	switch event.(type) {
	case *stats.Begin, *stats.End:
		h.Handler.HandleRPC(ctx, event)
	}
}

// serverAddress returns the attributes for an address that is dialed.
func serverAddress(addr string) []attribute.KeyValue {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil
	}
	attributes := []attribute.KeyValue{semconv.ServerAddress(host)}
	if number, err := strconv.Atoi(port); err == nil {
		attributes = append(attributes, semconv.ServerPort(number))
	}
	return attributes
}
