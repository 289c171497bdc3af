package chassis

import (
	"context"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// exchange knows what the modules of a process offer, and counts the calls between them.
type exchange struct {
	mu       sync.RWMutex
	services map[string]*offered
	closed   bool
	calls    sync.WaitGroup // added to under mu while not closed
}

// offered is one gRPC service of a module, with the interceptors that a call to it passes.
type offered struct {
	name          string
	impl          any
	unaryMethods  map[string]grpc.MethodDesc
	streamMethods map[string]grpc.StreamDesc
	unary         grpc.UnaryServerInterceptor
	stream        grpc.StreamServerInterceptor
}

func newExchange() *exchange { return &exchange{services: map[string]*offered{}} }

func (x *exchange) add(rt *Runtime, d *grpc.ServiceDesc, impl any) {
	s := &offered{
		name: d.ServiceName, impl: impl, unaryMethods: map[string]grpc.MethodDesc{}, streamMethods: map[string]grpc.StreamDesc{},
		unary: chainUnary(rt.unaryInterceptors()), stream: chainStream(rt.streamInterceptors()),
	}
	for _, m := range d.Methods {
		s.unaryMethods[m.MethodName] = m
	}
	for _, m := range d.Streams {
		s.streamMethods[m.StreamName] = m
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.services[d.ServiceName] = s
}

// find splits a full method and finds its service, nil if nobody offers it.
func (x *exchange) find(full string) (s *offered, service, method string) {
	service, method, _ = strings.Cut(strings.TrimPrefix(full, "/"), "/")
	return x.services[service], service, method
}

// begin counts a call between modules; whoever began it ends it with calls.Done.
func (x *exchange) begin(full string) (*offered, string, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s, service, method := x.find(full)
	switch {
	case x.closed:
		return nil, "", status.Error(codes.Unavailable, "the process is going down")
	case s == nil:
		return nil, "", status.Errorf(codes.Unimplemented, "unknown service %s", service)
	}
	x.calls.Add(1)
	return s, method, nil
}

// close refuses calls from now on, and waits for those on their way until ctx ends.
func (x *exchange) close(ctx context.Context) {
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	over := make(chan struct{})
	go func() {
		defer close(over)
		x.calls.Wait()
	}()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// unary lets a call from elsewhere pass the interceptors of its module. What is no module's, such as
// health, passes none.
func (x *exchange) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	x.mu.RLock()
	s, _, _ := x.find(info.FullMethod)
	x.mu.RUnlock()
	if s == nil {
		return next(ctx, req)
	}
	return s.unary(ctx, req, info, next)
}

// streamed is the same for streams.
func (x *exchange) streamed(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	x.mu.RLock()
	s, _, _ := x.find(info.FullMethod)
	x.mu.RUnlock()
	if s == nil {
		return next(srv, stream)
	}
	return s.stream(srv, stream, info, next)
}

// chainUnary makes one interceptor of several, the first outermost.
func chainUnary(all []grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		for i := len(all) - 1; i >= 0; i-- {
			inner := next
			next = func(ctx context.Context, req any) (any, error) { return all[i](ctx, req, info, inner) }
		}
		return next(ctx, req)
	}
}

// chainStream is the same for streams.
func chainStream(all []grpc.StreamServerInterceptor) grpc.StreamServerInterceptor {
	return func(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		for i := len(all) - 1; i >= 0; i-- {
			inner := next
			next = func(srv any, s grpc.ServerStream) error { return all[i](srv, s, info, inner) }
		}
		return next(srv, s)
	}
}
