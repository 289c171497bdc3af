package tunnel

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Client is the side of the daemon. Its methods are safe for concurrent use.
type Client struct {
	conn   *http.ClientConn
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

// Open begins to speak to a pod over a connection, which Close ends.
func Open(conn net.Conn) (*Client, error) {
	transport := &http.Transport{
		Protocols: protocols(), DisableCompression: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}
	h2, err := transport.NewClientConn(context.Background(), "http", "pod:80")
	if err != nil {
		return nil, fmt.Errorf("open tunnel: %w", err)
	}
	c := &Client{conn: h2}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Close ends all connections.
func (c *Client) Close() {
	c.cancel()
	_ = c.conn.Close()
	c.tasks.Wait()
}

// request begins an exchange, and returns what the pod sends. Closing it ends the exchange.
func (c *Client) request(ctx context.Context, path, subject string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://pod"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set(subjectName, subject)
	resp, err := c.conn.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		_ = resp.Body.Close()
		return nil, errors.New(strings.TrimSpace(string(text)))
	}
	return resp.Body, nil
}

// Dial reports whether something listens at an address in the pod.
func (c *Client) Dial(ctx context.Context, addr string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, err := c.request(ctx, dialPath, addr, http.NoBody)
	if err != nil {
		return fmt.Errorf("dial %s in the pod: %w", addr, err)
	}
	return body.Close()
}

// Join hands a connection of this machine to an address in the pod, and returns when it has ended.
func (c *Client) Join(conn net.Conn, addr string) error { return c.join(conn, dialPath, addr) }

func (c *Client) join(conn net.Conn, path, subject string) error {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	body, err := c.request(ctx, path, subject, source{conn})
	if err != nil {
		reset(conn)
		return err
	}
	_, err = io.CopyBuffer(onlyWriter{conn}, onlyReader{body}, make([]byte, bufferSize))
	_ = conn.Close()
	_ = body.Close()
	return err
}

// source is what is read from a connection. Closing it ends the reading alone: what the pod has sent may still be on its way to
// the connection.
type source struct{ conn net.Conn }

func (s source) Read(p []byte) (int, error) { return s.conn.Read(p) }

func (s source) Close() error { return s.conn.SetReadDeadline(time.Unix(1, 0)) }

// onlyReader hides io.WriterTo, which would not use the buffer.
type onlyReader struct{ io.Reader }

// reset ends a connection so that its other side takes it for a refused one.
func reset(conn net.Conn) {
	if tcp, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// Listen listens at an address in the pod, and hands what connects there to what dial makes, until the tunnel ends. It returns
// once the pod listens.
func (c *Client) Listen(addr string, dial func(context.Context) (net.Conn, error)) error {
	body, err := c.request(c.ctx, listenPath, addr, http.NoBody)
	if err != nil {
		return fmt.Errorf("listen at %s in the pod: %w", addr, err)
	}
	c.tasks.Go(func() {
		defer body.Close()
		for lines := bufio.NewScanner(body); lines.Scan(); {
			id := lines.Text()
			c.tasks.Go(func() { c.take(id, dial) })
		}
	})
	return nil
}

// take takes an accepted connection. Where it leads to is gone as a rule if it cannot be made: the other side then sees its end.
func (c *Client) take(id string, dial func(context.Context) (net.Conn, error)) {
	conn, err := dial(c.ctx)
	if err != nil {
		if body, err := c.request(c.ctx, acceptPath, id, http.NoBody); err == nil {
			_ = body.Close()
		}
		return
	}
	_ = c.join(conn, acceptPath, id)
}

// Forward listens at a free port of this machine's loopback interface, and hands what connects there to an address in the pod.
type Forward struct {
	listener net.Listener
	tasks    sync.WaitGroup
}

// Forward opens one; wrap, if it is not nil, decides whose connections are let in.
func (c *Client) Forward(addr string, wrap func(net.Listener) net.Listener) (*Forward, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("forward to %s in the pod: %w", addr, err)
	}
	f := &Forward{listener: l}
	if wrap != nil {
		f.listener = wrap(l)
	}
	f.tasks.Go(func() {
		for {
			conn, err := f.listener.Accept()
			if err != nil {
				return
			}
			f.tasks.Go(func() { _ = c.Join(conn, addr) })
		}
	})
	return f, nil
}

// Addr is where it listens: "127.0.0.1:41000".
func (f *Forward) Addr() string { return f.listener.Addr().String() }

// Close ends it. Its connections end with the tunnel.
func (f *Forward) Close() { _ = f.listener.Close() }
