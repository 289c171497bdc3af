package chassis

import (
	"context"
	"fmt"
	"slices"
	"strings"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/shopctl/shopctl/pkg/chassis/inproc"
)

// inprocScheme begins the address of a module of the same process: "PAYMENT_SERVICE_ADDR=inproc://payment".
const inprocScheme = "inproc://"

// dialModule is Dial for a module of the same process.
func (rt *Runtime) dialModule(envVar, name string, c dialConfig, b bounds) (grpc.ClientConnInterface, error) {
	if rt.modules == nil {
		return nil, fmt.Errorf("read %s=%q: %s runs in another process: want host:port", envVar, inprocScheme+name, rt.o.Workload)
	}
	if names := rt.modules.names(); !slices.Contains(names, name) {
		return nil, fmt.Errorf("read %s=%q: the modules of this process are %s", envVar, inprocScheme+name, strings.Join(names, ", "))
	}
	return rt.modules.inproc.Conn(inproc.ConnConfig{
		Spans: rt.clientSpans(semconv.NetworkTransportKey.String(inproc.Transport), semconv.ServerAddress(name)),
		Unary: b.unary,
		Retry: inproc.RetryPolicy{
			Methods: c.retry, MaxAttempts: retryAttempts, FirstPause: retryFirstPause, MaxPause: retryMaxPause,
			MaxTokens: retryTokens, TokenRatio: retryTokenRatio,
		},
	}), nil
}

// moduleSpans makes the spans of calls to modules, each by its module's own handler. Services are added before the
// first call.
type moduleSpans map[string]stats.Handler // by gRPC service

type moduleSpansKey struct{}

// TagRPC implements stats.Handler. Calls to no module, such as health checks, have no span.
func (m moduleSpans) TagRPC(ctx context.Context, call *stats.RPCTagInfo) context.Context {
	service, _, _ := strings.Cut(strings.TrimPrefix(call.FullMethodName, "/"), "/")
	h, ok := m[service]
	if !ok {
		return ctx
	}
	return h.TagRPC(context.WithValue(ctx, moduleSpansKey{}, h), call)
}

// HandleRPC implements stats.Handler.
func (m moduleSpans) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if h, ok := ctx.Value(moduleSpansKey{}).(stats.Handler); ok {
		h.HandleRPC(ctx, event)
	}
}

// TagConn implements stats.Handler.
func (m moduleSpans) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (m moduleSpans) HandleConn(context.Context, stats.ConnStats) {}
