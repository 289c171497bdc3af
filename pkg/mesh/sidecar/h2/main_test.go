package h2_test

import (
	"context"
	"net"
	"slices"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a connection until the test ends.
func serve(t testing.TB, c *h2.Conn) *h2.Conn {
	t.Helper()
	go c.Serve(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		c.Close()
		<-c.Done()
	})
	return c
}

// listen accepts connections for a server whose streams accept takes, and returns its address.
func listen(t testing.TB, opt h2.Options, accept func(*h2.Stream) h2.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns []*h2.Conn
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c := h2.Server(conn, opt, accept)
			conns = append(conns, c)
			go c.Serve(context.WithoutCancel(t.Context()))
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-accepted
		for _, c := range conns {
			c.Close()
			<-c.Done()
		}
	})
	return l.Addr().String()
}

// dial returns a client's connection to an address.
func dial(t testing.TB, addr string, opt h2.Options) *h2.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, h2.Client(conn, opt))
}

// exchange collects what a stream receives.
type exchange struct {
	headers, trailers []hpack.HeaderField
	trailersOnly      bool
	body              []byte
	hold              bool // consume nothing
	err               *h2.StreamError
	done              chan struct{} // closed at the end of the response, or by Reset
	writable          chan struct{}
}

func newExchange() *exchange {
	return &exchange{done: make(chan struct{}), writable: make(chan struct{}, 1)}
}

func (e *exchange) Headers(_ *h2.Stream, fields []hpack.HeaderField, end bool) {
	e.headers, e.trailersOnly = slices.Clone(fields), end
	e.finish(end)
}

func (e *exchange) Data(s *h2.Stream, p []byte, end bool) {
	e.body = append(e.body, p...)
	if !e.hold {
		s.Consumed(len(p))
	}
	e.finish(end)
}

func (e *exchange) Trailers(_ *h2.Stream, fields []hpack.HeaderField) {
	e.trailers = slices.Clone(fields)
	e.finish(true)
}

func (e *exchange) Reset(_ *h2.Stream, err *h2.StreamError) {
	e.err = err
	e.finish(true)
}

func (e *exchange) Writable(*h2.Stream) {
	select {
	case e.writable <- struct{}{}:
	default:
	}
}

func (e *exchange) finish(end bool) {
	if end {
		close(e.done)
	}
}

func get(fields []hpack.HeaderField, name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// request is the header of a gRPC call, with more fields.
func request(path string, more ...hpack.HeaderField) []hpack.HeaderField {
	return append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: path},
		{Name: ":authority", Value: "payment:50051"},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
	}, more...)
}

// send opens a stream and writes a request and its body. It waits for the other side where the queue is full.
func send(t testing.TB, c *h2.Conn, e *exchange, fields []hpack.HeaderField, body []byte) *h2.Stream {
	t.Helper()
	s, err := c.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteHeaders(fields, false); err != nil {
		t.Fatal(err)
	}
	for {
		n := min(len(body), 32<<10)
		if err := s.WriteData(body[:n], n == len(body)); err != nil {
			t.Fatal(err)
		}
		if body = body[n:]; len(body) == 0 {
			return s
		}
		for s.Queued() >= h2.HighWater {
			select {
			case <-e.writable:
			case <-e.done:
				t.Fatalf("the stream ended: %v", e.err)
			}
		}
	}
}
