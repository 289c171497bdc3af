package otlp

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// firstBytes is how the connection preface of HTTP/2, and so of gRPC, begins (RFC 9113, section 3.4). No
// request of HTTP/1 does.
const firstBytes = "PRI "

const (
	// peekTimeout is how long a connection may take to say what it speaks.
	peekTimeout = 5 * time.Second
	// acceptPause follows a failure to take a connection that may pass: there are too many of them.
	acceptPause = 50 * time.Millisecond
)

// split hands the connections of some listeners to two servers, by what they speak. SDKs differ in which
// protocol they take an endpoint for; so either port takes both.
type split struct {
	grpc, http *door
	listeners  []net.Listener
	done       sync.WaitGroup

	mu      sync.Mutex
	peeking map[net.Conn]struct{}
	closed  bool
}

func newSplit(listeners ...net.Listener) *split {
	s := &split{
		grpc: newDoor(listeners[0].Addr()), http: newDoor(listeners[1].Addr()), listeners: listeners, peeking: map[net.Conn]struct{}{},
	}
	for _, l := range listeners {
		s.done.Go(func() { s.accept(l) })
	}
	return s
}

// accept takes the connections of one listener until that is closed.
func (s *split) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil && !errors.Is(err, net.ErrClosed) {
			select {
			case <-s.grpc.over:
				return
			case <-time.After(acceptPause):
				continue
			}
		}
		if err != nil {
			return
		}
		if !s.begin(conn) {
			return
		}
		s.done.Go(func() { s.hand(conn) })
	}
}

// begin notes a connection that is looked at; false, and the connection closed, once all is over.
func (s *split) begin(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return false
	}
	s.peeking[conn] = struct{}{}
	return true
}

// hand reads the first bytes of a connection and gives it to the server that understands them.
func (s *split) hand(conn net.Conn) {
	first := make([]byte, len(firstBytes))
	_ = conn.SetReadDeadline(time.Now().Add(peekTimeout))
	_, err := io.ReadFull(conn, first)
	s.mu.Lock()
	delete(s.peeking, conn)
	s.mu.Unlock()
	if err != nil {
		_ = conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	to := s.http
	if string(first) == firstBytes {
		to = s.grpc
	}
	to.enter(&begun{Conn: conn, first: first})
}

// close ends the listeners, the connections that nobody serves yet, and the doors.
func (s *split) close() {
	s.mu.Lock()
	s.closed = true
	for conn := range s.peeking {
		_ = conn.Close()
	}
	s.mu.Unlock()
	for _, l := range s.listeners {
		_ = l.Close()
	}
	_ = s.grpc.Close()
	_ = s.http.Close()
	s.done.Wait()
}

// door is a listener whose connections somebody else accepts.
type door struct {
	addr  net.Addr
	conns chan net.Conn
	over  chan struct{}
	close func()
}

func newDoor(addr net.Addr) *door {
	d := &door{addr: addr, conns: make(chan net.Conn), over: make(chan struct{})}
	d.close = sync.OnceFunc(func() { close(d.over) })
	return d
}

func (d *door) enter(conn net.Conn) {
	select {
	case d.conns <- conn:
	case <-d.over:
		_ = conn.Close()
	}
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	select {
	case conn := <-d.conns:
		return conn, nil
	case <-d.over:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (d *door) Close() error {
	d.close()
	return nil
}

// Addr implements net.Listener.
func (d *door) Addr() net.Addr { return d.addr }

// begun is a connection whose first bytes have been read.
type begun struct {
	net.Conn
	first []byte
}

func (c *begun) Read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}
