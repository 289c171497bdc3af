package inproc

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// ConnConfig configures a connection.
type ConnConfig struct {
	// Spans is notified of the beginning and the end of each attempt.
	Spans stats.Handler
	// Unary runs around all attempts of a unary call; its *grpc.ClientConn is nil.
	Unary grpc.UnaryClientInterceptor
	Retry RetryPolicy
}

// Conn returns a connection to the services of s.
func (s *Server) Conn(c ConnConfig) grpc.ClientConnInterface {
	return &conn{server: s, config: c, retry: newRetrier(c.Retry)}
}

type conn struct {
	server *Server
	config ConnConfig
	retry  *retrier
}

// Invoke implements grpc.ClientConnInterface.
func (c *conn) Invoke(ctx context.Context, method string, req, resp any, opts ...grpc.CallOption) error {
	if err := c.check(); err != nil {
		return err
	}
	// The callee may read the request after a caller that did not wait has reused it.
	own, err := cloner{}.Clone(req)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	return c.config.Unary(ctx, method, own, resp, nil, c.attempts, opts...)
}

func (c *conn) check() error {
	if !c.server.open.Load() {
		return status.Error(codes.Unavailable, "the process is starting")
	}
	return nil
}

// attempts makes the call, and makes it again where the policy allows.
func (c *conn) attempts(ctx context.Context, method string, req, resp any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
	for n := 1; ; n++ {
		err := c.attempt(ctx, method, req, resp, opts)
		if !c.retry.again(method, n, err) {
			return err
		}
		if err := c.retry.pause(ctx, n); err != nil {
			return err
		}
	}
}

func (c *conn) attempt(ctx context.Context, method string, req, resp any, opts []grpc.CallOption) error {
	ctx, end := c.begin(ctx, method, &stats.Begin{Client: true})
	err := c.server.channel.Invoke(ctx, method, req, resp, opts...)
	end(err)
	return err
}

// NewStream implements grpc.ClientConnInterface.
func (c *conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	ctx, end := c.begin(ctx, method, &stats.Begin{Client: true, IsClientStream: desc.ClientStreams, IsServerStream: desc.ServerStreams})
	s, err := c.server.channel.NewStream(ctx, desc, method, opts...)
	if err != nil {
		end(err)
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { end(status.FromContextError(ctx.Err()).Err()) })
	return &stream{ClientStream: s, end: func(err error) { stop(); end(err) }, oneResponse: !desc.ServerStreams}, nil
}

// begin notifies the spans of an attempt. The returned function notifies them of its end, once; io.EOF is not an error.
func (c *conn) begin(ctx context.Context, method string, event *stats.Begin) (context.Context, func(error)) {
	ctx = c.config.Spans.TagRPC(ctx, &stats.RPCTagInfo{FullMethodName: method})
	event.BeginTime = time.Now()
	c.config.Spans.HandleRPC(ctx, event)
	var once sync.Once
	return ctx, func(err error) {
		once.Do(func() {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			c.config.Spans.HandleRPC(ctx, &stats.End{Client: true, BeginTime: event.BeginTime, EndTime: time.Now(), Error: err})
		})
	}
}

// stream ends its span with the last message, an error, or the caller's context.
type stream struct {
	grpc.ClientStream
	end         func(error)
	oneResponse bool
}

func (s *stream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil || s.oneResponse {
		s.end(err)
	}
	return err
}
