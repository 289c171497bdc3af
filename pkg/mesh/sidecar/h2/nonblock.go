package h2

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

// Nonblock returns conn with a Write that does not wait: what the socket does not take at once is written by a goroutine of
// the returned connection, which ends when all is written or the connection is closed. TLS between h2 and the network belongs
// above it, tls.Server(h2.Nonblock(conn), config), so that encrypting a write does not wait either.
//
// A Write takes everything. The writer must stop by itself while the last write is still on its way, as h2 does.
func Nonblock(conn net.Conn) net.Conn {
	if n, ok := conn.(*nonblock); ok {
		return n
	}
	n := &nonblock{Conn: conn}
	n.attempt = n.try
	n.holds, _ = conn.(interface{ Held() bool })
	if sc, ok := conn.(syscall.Conn); ok {
		n.raw, _ = sc.SyscallConn() // without it every write takes the goroutine
	}
	return n
}

type nonblock struct {
	net.Conn
	raw     syscall.RawConn
	attempt func(fd uintptr) bool    // n.try, made once
	holds   interface{ Held() bool } // nil, or whether writes of conn may wait for something other than the socket
	wg      sync.WaitGroup           // the goroutine that drains

	mu       sync.Mutex
	p        []byte // of the attempt
	sent     int
	errno    error
	backlog  []byte
	draining bool
	err      error
	waiter   func()
}

// nonblocking returns the Nonblock connection that writes to conn end in, or nil.
func nonblocking(conn net.Conn) *nonblock {
	for {
		switch c := conn.(type) {
		case *nonblock:
			return c
		case interface{ NetConn() net.Conn }: // tls.Conn
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

func (n *nonblock) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err != nil {
		return 0, n.err
	}
	sent := 0
	if n.raw != nil && !n.draining && (n.holds == nil || !n.holds.Held()) {
		var err error
		if sent, err = n.tryWrite(p); err != nil {
			n.err = &net.OpError{Op: "write", Net: "tcp", Addr: n.RemoteAddr(), Err: err}
			return sent, n.err
		}
	}
	if sent < len(p) {
		n.backlog = append(n.backlog, p[sent:]...)
		if !n.draining {
			n.draining = true
			n.wg.Go(n.drain)
		}
	}
	return len(p), nil
}

// tryWrite writes what the socket takes without waiting. n.mu is held.
func (n *nonblock) tryWrite(p []byte) (int, error) {
	n.p, n.sent, n.errno = p, 0, nil
	err := n.raw.Write(n.attempt)
	n.p = nil
	if err == nil && n.errno != nil && !errors.Is(n.errno, syscall.EAGAIN) {
		err = n.errno
	}
	return n.sent, err
}

func (n *nonblock) try(fd uintptr) bool {
	for n.sent < len(n.p) {
		w, err := syscall.Write(int(fd), n.p[n.sent:])
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			n.errno = err
			break
		}
		n.sent += w
	}
	return true // done: do not wait until the socket takes more
}

func (n *nonblock) drain() {
	var spare []byte
	n.mu.Lock()
	for len(n.backlog) > 0 && n.err == nil {
		p := n.backlog
		n.backlog = spare[:0]
		n.mu.Unlock()
		_, err := n.Conn.Write(p)
		n.mu.Lock()
		if err != nil && n.err == nil {
			n.err = err
		}
		spare = p
	}
	n.draining = false
	n.backlog = nil
	waiter := n.waiter
	n.waiter = nil
	n.mu.Unlock()
	if waiter != nil {
		waiter()
	}
}

// wait arranges for f to be called once all is written, and reports whether something is not.
func (n *nonblock) wait(f func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.draining {
		n.waiter = f
	}
	return n.draining
}

// CloseWrite notifies the peer that nothing more comes, if the network can.
func (n *nonblock) CloseWrite() error {
	if c, ok := n.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

func (n *nonblock) Close() error {
	n.mu.Lock()
	if n.err == nil {
		n.err = net.ErrClosed
	}
	n.mu.Unlock()
	return n.Conn.Close()
}
