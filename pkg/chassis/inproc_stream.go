package chassis

import (
	"context"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// inprocAhead is how many messages a sender may be ahead of who reads them.
const inprocAhead = 16

// NewStream implements grpc.ClientConnInterface.
func (c *inprocConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	open := func(ctx context.Context, desc *grpc.StreamDesc, _ *grpc.ClientConn, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		return c.exchange.stream(ctx, desc, method, opts)
	}
	return c.traced.streamClient(ctx, desc, nil, method, open, opts...)
}

// stream opens a stream to the module that serves it.
func (x *exchange) stream(ctx context.Context, desc *grpc.StreamDesc, full string, opts []grpc.CallOption) (grpc.ClientStream, error) {
	s, method, err := x.begin(full)
	if err != nil {
		return nil, err
	}
	served, ok := s.streamMethods[method]
	if !ok {
		x.calls.Done()
		return nil, status.Errorf(codes.Unimplemented, "unknown method %s for service %s", method, s.name)
	}
	p := &inprocPipe{
		hop: newHop(full), up: make(chan proto.Message, inprocAhead), down: make(chan proto.Message, inprocAhead),
		closed: make(chan struct{}), over: make(chan struct{}),
	}
	inside, leave := p.hop.context(ctx)
	go func() {
		defer x.calls.Done()
		defer leave()
		info := &grpc.StreamServerInfo{FullMethod: full, IsClientStream: served.ClientStreams, IsServerStream: served.ServerStreams}
		p.err = overWire(s.stream(s.impl, &inprocServerStream{p, inside}, info, served.Handler))
		p.hop.send()
		close(p.over)
	}()
	return &inprocClientStream{inprocPipe: p, ctx: ctx, one: !desc.ServerStreams, opts: opts}, nil
}

// inprocPipe is what both ends of a stream share.
type inprocPipe struct {
	hop      *hop
	up, down chan proto.Message
	// closed: the caller sends no more. over: the callee has returned, and err holds.
	closed, over chan struct{}
	closing      sync.Once
	err          error
}

func carry(m any) (proto.Message, error) {
	message, ok := m.(proto.Message)
	if !ok {
		return nil, status.Errorf(codes.Internal, "send %T: it is no protocol buffer", m)
	}
	return proto.Clone(message), nil
}

func deliver(to any, m proto.Message) error {
	message, ok := to.(proto.Message)
	if !ok {
		return status.Errorf(codes.Internal, "receive %T: it is no protocol buffer", to)
	}
	proto.Reset(message)
	proto.Merge(message, m)
	return nil
}

// inprocClientStream is the caller's end.
type inprocClientStream struct {
	*inprocPipe
	ctx  context.Context
	one  bool // exactly one message comes back
	opts []grpc.CallOption
}

func (s *inprocClientStream) Context() context.Context { return s.ctx }

// Header waits for the callee's header, or the end.
func (s *inprocClientStream) Header() (metadata.MD, error) {
	select {
	case <-s.hop.sent:
		return s.hop.sentHeader(), nil
	case <-s.ctx.Done():
		return nil, status.FromContextError(s.ctx.Err()).Err()
	}
}

func (s *inprocClientStream) Trailer() metadata.MD { return s.hop.sentTrailer() }

func (s *inprocClientStream) CloseSend() error {
	s.closing.Do(func() { close(s.closed) })
	return nil
}

// SendMsg returns io.EOF when the callee has ended; RecvMsg tells why.
func (s *inprocClientStream) SendMsg(m any) error {
	message, err := carry(m)
	if err != nil {
		return err
	}
	select {
	case s.up <- message:
		return nil
	case <-s.over:
		return io.EOF
	case <-s.ctx.Done():
		return io.EOF
	}
}

func (s *inprocClientStream) RecvMsg(m any) error {
	message, err := s.next()
	if err != nil {
		s.hop.tell(s.opts)
		if s.one && err == io.EOF {
			err = status.Error(codes.Internal, "the callee ended without an answer")
		}
		return err
	}
	if err := deliver(m, message); err != nil || !s.one {
		return err
	}
	if _, err := s.next(); err != io.EOF {
		return err
	}
	s.hop.tell(s.opts)
	return nil
}

// next is the next message, else why there is none.
func (s *inprocClientStream) next() (proto.Message, error) {
	select {
	case message := <-s.down:
		return message, nil
	default:
	}
	select {
	case message := <-s.down:
		return message, nil
	case <-s.over:
	case <-s.ctx.Done():
		select {
		case <-s.over:
		default:
			return nil, status.FromContextError(s.ctx.Err()).Err()
		}
	}
	select {
	case message := <-s.down: // sent before the end
		return message, nil
	default:
	}
	if s.err != nil {
		return nil, s.err
	}
	return nil, io.EOF
}

// inprocServerStream is the callee's end.
type inprocServerStream struct {
	*inprocPipe
	ctx context.Context
}

func (s *inprocServerStream) Context() context.Context        { return s.ctx }
func (s *inprocServerStream) SetHeader(md metadata.MD) error  { return s.hop.SetHeader(md) }
func (s *inprocServerStream) SendHeader(md metadata.MD) error { return s.hop.SendHeader(md) }

// SetTrailer cannot fail: the trailer goes with the end.
func (s *inprocServerStream) SetTrailer(md metadata.MD) { _ = s.hop.SetTrailer(md) }

func (s *inprocServerStream) SendMsg(m any) error {
	message, err := carry(m)
	if err != nil {
		return err
	}
	s.hop.send()
	select {
	case s.down <- message:
		return nil
	case <-s.ctx.Done():
		return fmt.Errorf("send on a stream that has ended: %w", status.FromContextError(s.ctx.Err()).Err())
	}
}

func (s *inprocServerStream) RecvMsg(m any) error {
	select {
	case message := <-s.up:
		return deliver(m, message)
	default:
	}
	select {
	case message := <-s.up:
		return deliver(m, message)
	case <-s.closed:
		select {
		case message := <-s.up: // sent before the end
			return deliver(m, message)
		default:
			return io.EOF
		}
	case <-s.ctx.Done():
		return status.FromContextError(s.ctx.Err()).Err()
	}
}
