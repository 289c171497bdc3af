package chassis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// inprocScheme begins the address of a module of the same process: "PAYMENT_SERVICE_ADDR=inproc://payment".
const inprocScheme = "inproc://"

// inprocConn calls a module of the same process. A caller can tell it from a connection over the network by
// its speed alone: deadlines, metadata, statuses and repeated calls are the same, and the callee gets a
// message of its own.
type inprocConn struct {
	exchange *exchange
	traced   *tracing
	bounds   bounds
	retry    *retrier
}

// dialModule is Dial for a module.
func (rt *Runtime) dialModule(envVar, name string, c dialConfig, b bounds) (grpc.ClientConnInterface, error) {
	if rt.together == nil {
		return nil, fmt.Errorf("read %s=%q: %s has its process for itself: want host:port", envVar, inprocScheme+name, rt.o.Workload)
	}
	if names := rt.together.names(); !slices.Contains(names, name) {
		return nil, fmt.Errorf("read %s=%q: this process has no such module, but %s", envVar, inprocScheme+name, strings.Join(names, ", "))
	}
	return &inprocConn{
		exchange: rt.together.exchange,
		traced:   rt.tracing.toModule(name),
		bounds:   b,
		retry:    newRetrier(c.retry),
	}, nil
}

// Invoke implements grpc.ClientConnInterface.
func (c *inprocConn) Invoke(ctx context.Context, method string, req, reply any, opts ...grpc.CallOption) error {
	bounded := func(ctx context.Context, method string, req, reply any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
		return c.bounds.unary(ctx, method, req, reply, nil, c.attempts, opts...)
	}
	return c.traced.unaryClient(ctx, method, req, reply, nil, bounded, opts...)
}

// attempts makes the call, and makes it again where the policy says so.
func (c *inprocConn) attempts(ctx context.Context, method string, req, reply any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
	for n := 1; ; n++ {
		err := c.exchange.call(ctx, method, req, reply, opts)
		if !c.retry.again(method, n, err) {
			return err
		}
		if err := wait(ctx, retryPause(n)); err != nil {
			return status.FromContextError(err).Err()
		}
	}
}

// retrier decides as gRPC does by the service config: see serviceConfig.
type retrier struct {
	methods []string
	mu      sync.Mutex
	tokens  float64
}

func newRetrier(methods []string) *retrier { return &retrier{methods: methods, tokens: retryTokens} }

// again tells whether the nth attempt at a call, which ended with err, is to be followed by another.
func (r *retrier) again(method string, n int, err error) bool {
	if !slices.Contains(r.methods, method) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch status.Code(err) {
	case codes.OK:
		r.tokens = min(retryTokens, r.tokens+retryTokenRatio)
		return false
	case codes.Unavailable:
		r.tokens = max(0, r.tokens-1)
		return n < retryAttempts && r.tokens > retryTokens/2
	}
	return false
}

func retryPause(n int) time.Duration {
	pause := min(retryMostPause, retryFirstPause<<(n-1))
	return time.Duration(float64(pause) * (0.8 + 0.4*rand.Float64()))
}

// call hands one call to the module that serves it, in a goroutine of its own, so that a caller whose
// deadline passes leaves, whatever the callee does.
func (x *exchange) call(ctx context.Context, full string, req, reply any, opts []grpc.CallOption) error {
	from, ok := req.(proto.Message)
	to, ok2 := reply.(proto.Message)
	if !ok || !ok2 {
		return status.Errorf(codes.Internal, "call %s: %T and %T are not both protocol buffers", full, req, reply)
	}
	s, method, err := x.begin(full)
	if err != nil {
		return err
	}
	desc, ok := s.unaryMethods[method]
	if !ok {
		x.calls.Done()
		return status.Errorf(codes.Unimplemented, "unknown method %s for service %s", method, s.name)
	}
	from = proto.Clone(from)
	hop := newHop(full)
	served, leave := hop.context(ctx)
	type answer struct {
		message any
		err     error
	}
	answered := make(chan answer, 1)
	go func() {
		defer x.calls.Done()
		defer leave()
		read := func(m any) error { proto.Merge(m.(proto.Message), from); return nil }
		message, err := desc.Handler(s.impl, served, read, s.unary)
		answered <- answer{message, err}
	}()
	select {
	case a := <-answered:
		hop.tell(opts)
		if a.err != nil {
			return overWire(a.err)
		}
		proto.Reset(to)
		proto.Merge(to, a.message.(proto.Message))
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// overWire is an error as a caller elsewhere would get it: its status with details, and nothing that it wraps.
func overWire(err error) error {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	if !ok {
		s = status.FromContextError(err)
	}
	return status.FromProto(s.Proto()).Err()
}

// hop is a call on its way between two modules: what is a stream on a connection elsewhere.
type hop struct {
	method          string
	mu              sync.Mutex
	header, trailer metadata.MD
	// sent is closed when the header has gone.
	sent chan struct{}
	once sync.Once
}

func newHop(method string) *hop { return &hop{method: method, sent: make(chan struct{})} }

// context is what the callee gets: the caller's deadline and metadata, and none of its values.
func (h *hop) context(caller context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(bareContext{caller})
	md, _ := metadata.FromOutgoingContext(caller)
	ctx = metadata.NewIncomingContext(ctx, md)
	ctx = peer.NewContext(ctx, &peer.Peer{Addr: inprocAddr{}, LocalAddr: inprocAddr{}})
	return grpc.NewContextWithServerTransportStream(ctx, h), cancel
}

// Method, SetHeader, SendHeader and SetTrailer implement grpc.ServerTransportStream.
func (h *hop) Method() string { return h.method }

// SetHeader adds to the header, which goes with the first message.
func (h *hop) SetHeader(md metadata.MD) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.sent:
		return status.Error(codes.Internal, "the header has been sent")
	default:
	}
	h.header = metadata.Join(h.header, md)
	return nil
}

// SendHeader sends the header at once.
func (h *hop) SendHeader(md metadata.MD) error {
	err := h.SetHeader(md)
	h.send()
	return err
}

func (h *hop) send() { h.once.Do(func() { close(h.sent) }) }

// SetTrailer adds to the trailer.
func (h *hop) SetTrailer(md metadata.MD) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trailer = metadata.Join(h.trailer, md)
	return nil
}

func (h *hop) sentHeader() metadata.MD {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.header.Copy()
}

func (h *hop) sentTrailer() metadata.MD {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.trailer.Copy()
}

// tell fills in what the caller asked to be told of.
func (h *hop) tell(opts []grpc.CallOption) {
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.HeaderCallOption:
			*o.HeaderAddr = h.sentHeader()
		case grpc.TrailerCallOption:
			*o.TrailerAddr = h.sentTrailer()
		case grpc.PeerCallOption:
			*o.PeerAddr = peer.Peer{Addr: inprocAddr{}}
		}
	}
}

// bareContext is a context without its values. Those who wait for its end need no goroutine for that.
type bareContext struct{ context.Context }

func (bareContext) Value(any) any { return nil }

// AfterFunc is looked for by package context.
func (c bareContext) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(c.Context, f) }

// inprocAddr is the address of a module.
type inprocAddr struct{}

func (inprocAddr) Network() string { return inprocTransport }
func (inprocAddr) String() string  { return inprocTransport }

var _ net.Addr = inprocAddr{}

// inprocTransport is what spans name in place of a network.
const inprocTransport = "inproc"
