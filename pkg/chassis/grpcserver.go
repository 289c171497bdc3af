package chassis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// streamWorkers keep their stacks from call to call; a new goroutine would have to grow its own each time.
const streamWorkers = 16

// maxStreams bounds the calls that one connection has at the same time; more wait on the client's side.
const maxStreams = 1024

// Fixed flow-control windows, wide enough for any message of the shop, on both sides of a connection.
// Without them gRPC measures the bandwidth of each connection with a ping for nearly every message,
// which on loopback costs more than it can ever win.
const (
	streamWindow = 1 << 20
	connWindow   = 4 << 20
)

// unaryInterceptors run from the outside in, below the span of the call: metrics count what the caller gets,
// panics and faults included.
func (rt *Runtime) unaryInterceptors() []grpc.UnaryServerInterceptor {
	return []grpc.UnaryServerInterceptor{rt.serverMet.UnaryServerInterceptor(), rt.unaryErrors, rt.faults.unary}
}

// streamInterceptors are the same for streams.
func (rt *Runtime) streamInterceptors() []grpc.StreamServerInterceptor {
	return []grpc.StreamServerInterceptor{rt.serverMet.StreamServerInterceptor(), rt.streamErrors, rt.faults.stream}
}

// newServer makes the gRPC server of a service that has the process for itself.
func (rt *Runtime) newServer() *grpc.Server {
	return newServer(healthServer{rt.health.server, rt.health.gone}, rt.serverSpans(),
		grpc.ChainUnaryInterceptor(rt.unaryInterceptors()...), grpc.ChainStreamInterceptor(rt.streamInterceptors()...))
}

func newServer(health healthServer, spans stats.Handler, interceptors ...grpc.ServerOption) *grpc.Server {
	s := grpc.NewServer(append(interceptors,
		grpc.StatsHandler(spans),
		grpc.WaitForHandlers(true),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connWindow),
		grpc.ConnectionTimeout(readTimeout),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeader),
	)...)
	healthpb.RegisterHealthServer(s, health)
	reflection.Register(s)
	return s
}

func (rt *Runtime) unaryErrors(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	defer func() { err = rt.outcome(ctx, info.FullMethod, recover(), err) }()
	return next(ctx, req)
}

func (rt *Runtime) streamErrors(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer func() { err = rt.outcome(s.Context(), info.FullMethod, recover(), err) }()
	return next(srv, s)
}

// outcome turns a panic into INTERNAL, a context's error into its code, and logs what failed. The
// panic itself is only logged: a caller has no use for a stack.
func (rt *Runtime) outcome(ctx context.Context, method string, panicked any, err error) error {
	if panicked != nil {
		rt.log.ErrorContext(ctx, "panic", "method", method, "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
		return status.Error(codes.Internal, "internal error")
	}
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); !ok && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		err = status.FromContextError(err).Err()
	}
	if isInfrastructure(method) {
		return err
	}
	s := status.Convert(err)
	level := slog.LevelInfo
	if isServerError(s.Code()) {
		level = slog.LevelWarn
	}
	rt.log.Log(ctx, level, "call failed", "method", method, "code", s.Code().String(), "error", s.Message())
	return err
}

// isServerError reports whether a code blames the server rather than the caller.
func isServerError(c codes.Code) bool {
	switch c {
	case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	default:
		return false
	}
}
