// Package protomux serves gRPC and HTTP/1 on the same port: it reads how a connection begins and hands it to the
// listener of its protocol.
package protomux

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// preface is how every connection of HTTP/2 begins, and so of gRPC (RFC 9113, section 3.4); no request of HTTP/1
// does.
const preface = "PRI "

const (
	// peekTimeout is how long a connection may take to send its first bytes.
	peekTimeout = 5 * time.Second
	// acceptPause follows a failure to accept that may pass, such as too many open files.
	acceptPause = 50 * time.Millisecond
)

// Mux splits the connections of its listeners. Either protocol is accepted on each of them.
type Mux struct {
	outer      []net.Listener
	grpc, http *listener

	peeks   sync.WaitGroup
	mu      sync.Mutex
	peeking map[net.Conn]struct{} // accepted, protocol not known yet
	closed  chan struct{}
	close   func()
}

// New returns a mux for one or more listeners. The inner listeners have the addresses of the first and the last of
// them. Serve must run for connections to arrive.
func New(outer ...net.Listener) *Mux {
	m := &Mux{
		outer: outer, grpc: newListener(outer[0].Addr()), http: newListener(outer[len(outer)-1].Addr()),
		peeking: map[net.Conn]struct{}{}, closed: make(chan struct{}),
	}
	m.close = sync.OnceFunc(func() { close(m.closed) })
	return m
}

// GRPC is the listener for connections of gRPC.
func (m *Mux) GRPC() net.Listener { return m.grpc }

// HTTP is the listener for connections of HTTP/1.
func (m *Mux) HTTP() net.Listener { return m.http }

// Serve accepts connections until Close, and returns when each of them is closed or handed over. Its error is
// net.ErrClosed.
func (m *Mux) Serve() error {
	var accepting sync.WaitGroup
	for _, l := range m.outer {
		accepting.Go(func() { m.accept(l) })
	}
	accepting.Wait()
	m.peeks.Wait()
	return net.ErrClosed
}

func (m *Mux) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil && m.note(conn):
			m.peeks.Go(func() { m.route(conn) })
		case err == nil || errors.Is(err, net.ErrClosed):
			return
		default:
			select {
			case <-m.closed:
				return
			case <-time.After(acceptPause):
			}
		}
	}
}

// note keeps a connection to be closed with the mux. It closes it and returns false if the mux is closed.
func (m *Mux) note(conn net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.closed:
		_ = conn.Close()
		return false
	default:
		m.peeking[conn] = struct{}{}
		return true
	}
}

// route reads the first bytes of a connection and hands it to the listener of its protocol.
func (m *Mux) route(conn net.Conn) {
	first := make([]byte, len(preface))
	_ = conn.SetReadDeadline(time.Now().Add(peekTimeout))
	_, err := io.ReadFull(conn, first)
	m.mu.Lock()
	delete(m.peeking, conn)
	m.mu.Unlock()
	if err != nil || conn.SetReadDeadline(time.Time{}) != nil {
		_ = conn.Close()
		return
	}
	to := m.http
	if string(first) == preface {
		to = m.grpc
	}
	to.hand(&peekedConn{Conn: conn, first: first})
}

// Close closes all listeners, and the connections that were not handed over. It does not wait for Serve.
func (m *Mux) Close() {
	m.mu.Lock()
	m.close()
	for conn := range m.peeking {
		_ = conn.Close()
	}
	m.mu.Unlock()
	for _, l := range m.outer {
		_ = l.Close()
	}
	_ = m.grpc.Close()
	_ = m.http.Close()
}

// listener is that of one protocol.
type listener struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func newListener(addr net.Addr) *listener {
	l := &listener{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// hand gives the listener a connection, or closes it if the listener is closed.
func (l *listener) hand(conn net.Conn) {
	select {
	case l.conns <- conn:
	case <-l.closed:
		_ = conn.Close()
	}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.close()
	return nil
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }

// peekedConn is a connection whose first bytes have been read.
type peekedConn struct {
	net.Conn
	first []byte
}

func (c *peekedConn) Read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}
