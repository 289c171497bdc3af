// Package inproc implements gRPC calls between the services of one process, without a network. The calls themselves
// are grpchan's; this package adds what a connection of the chassis has: retries, spans, errors that carry only a
// status, and a shutdown that waits for the calls in flight.
//
// Only its speed distinguishes such a call from one over the network.
package inproc

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Transport is the value of network.transport in spans of such calls.
const Transport = "inproc"

// Server runs the calls to the services that are registered with it. Register all of them, then call Open.
type Server struct {
	channel inprocgrpc.Channel
	open    atomic.Bool

	mu     sync.Mutex
	calls  int // in flight
	closed bool
	idle   chan struct{} // closed with the last call after Close
}

// New returns a server without services. Its calls are reported to spans.
func New(spans stats.Handler) *Server {
	s := &Server{idle: make(chan struct{})}
	s.channel.WithCloner(cloner{}).WithServerStatsHandler(spans).WithServerUnaryInterceptor(s.unary).WithServerStreamInterceptor(s.stream)
	return s
}

// RegisterService implements grpc.ServiceRegistrar.
func (s *Server) RegisterService(d *grpc.ServiceDesc, impl any) { s.channel.RegisterService(d, impl) }

// Open admits calls; those that come earlier fail with UNAVAILABLE.
func (s *Server) Open() { s.open.Store(true) }

// Close refuses calls from now on with UNAVAILABLE, and waits for those in flight until ctx ends.
func (s *Server) Close(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	idle := s.calls == 0
	s.mu.Unlock()
	if idle {
		return
	}
	select {
	case <-s.idle:
	case <-ctx.Done():
	}
}

func (s *Server) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return status.Error(codes.Unavailable, "the process is shutting down")
	}
	s.calls++
	return nil
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls--
	if s.calls == 0 && s.closed {
		close(s.idle)
	}
}

func (s *Server) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	resp, err := next(ctx, req)
	return resp, wireError(err)
}

func (s *Server) stream(impl any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return wireError(next(impl, stream))
}

// wireError is an error as it arrives over a network: its status with details, and nothing that it wraps.
func wireError(err error) error {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	if !ok {
		s = status.FromContextError(err)
	}
	return status.FromProto(s.Proto()).Err()
}

// cloner copies messages, so that caller and callee share none.
type cloner struct{}

func (cloner) Copy(out, in any) error {
	to, ok := out.(proto.Message)
	from, ok2 := in.(proto.Message)
	if !ok || !ok2 {
		return fmt.Errorf("copy %T to %T: not both are protocol buffers", in, out)
	}
	proto.Reset(to)
	proto.Merge(to, from)
	return nil
}

func (cloner) Clone(in any) (any, error) {
	from, ok := in.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("copy %T: it is not a protocol buffer", in)
	}
	return proto.Clone(from), nil
}
