// Package connlimit bounds the connections of a listener, and is fair about it: where all are taken, the one that has moved
// the fewest bytes lately gives way to a new one. A client that holds connections open without using them, or sends
// its requests byte by byte, so loses them to those that use theirs.
package connlimit

import (
	"math"
	"net"
	"sync"
	"time"
)

const (
	// grace is how long a connection is left alone at least.
	grace = 20 * time.Millisecond
	// stalled is how many bytes of the last seconds are next to none.
	stalled = 64
)

// Listener is a listener with a bound. It is safe for concurrent use.
type Listener struct {
	net.Listener
	most   int
	closed chan struct{}
	close  func()

	mu    sync.Mutex
	conns map[*conn]struct{}
	freed chan struct{} // has a value when a connection has been closed
}

// Listen bounds a listener to so many open connections.
func Listen(l net.Listener, most int) *Listener {
	b := &Listener{Listener: l, most: max(1, most), closed: make(chan struct{}), conns: map[*conn]struct{}{}, freed: make(chan struct{}, 1)}
	b.close = sync.OnceFunc(func() { close(b.closed) })
	return b
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for {
		c, wait := l.admit(accepted)
		if c != nil {
			return c, nil
		}
		select {
		case <-l.closed:
			_ = accepted.Close()
			return nil, net.ErrClosed
		case <-l.freed:
		case <-time.After(wait):
		}
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.close()
	return l.Listener.Close()
}

// admit takes a connection in, in place of the slowest if need be. Without one that is old enough, it returns how long to wait.
func (l *Listener) admit(accepted net.Conn) (c *conn, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if len(l.conns) >= l.most {
		slowest, wait := l.slowest(now)
		if slowest == nil {
			return nil, wait
		}
		delete(l.conns, slowest)
		_ = slowest.Conn.Close()
	}
	c = &conn{Conn: accepted, listener: l, since: now}
	l.conns[c] = struct{}{}
	return c, 0
}

// slowest is the connection that moved the fewest bytes lately, of several the oldest. One that is young may be about to move
// some: it is waited for, unless an older one is stalled.
func (l *Listener) slowest(now time.Time) (slowest *conn, wait time.Duration) {
	var least, leastOld float64
	var old *conn // of those that are no longer young
	for c := range l.conns {
		moved := c.moved.by(now)
		if slowest == nil || moved < least || moved == least && c.since.Before(slowest.since) {
			slowest, least = c, moved
		}
		if now.Sub(c.since) >= grace && (old == nil || moved < leastOld || moved == leastOld && c.since.Before(old.since)) {
			old, leastOld = c, moved
		}
	}
	if old != nil && (leastOld < stalled || old == slowest) {
		return old, 0
	}
	return nil, grace - now.Sub(slowest.since)
}

// conn counts what it moves.
type conn struct {
	net.Conn
	listener *Listener
	since    time.Time
	moved    recent
}

// halfLife is the time after which bytes count half.
const halfLife = time.Second

// recent is a count that fades.
type recent struct {
	mu    sync.Mutex
	count float64
	at    time.Time
}

func (r *recent) add(n int) {
	if n <= 0 {
		return
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count = r.faded(now) + float64(n)
	r.at = now
}

func (r *recent) by(now time.Time) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.faded(now)
}

func (r *recent) faded(now time.Time) float64 {
	return r.count * math.Exp2(-float64(now.Sub(r.at))/float64(halfLife))
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.moved.add(n)
	return n, err
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.moved.add(n)
	return n, err
}

// CloseWrite ends one direction of a TCP connection; others are closed whole.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// SetLinger sets what closing a TCP connection does with unsent data.
func (c *conn) SetLinger(seconds int) error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return tcp.SetLinger(seconds)
	}
	return nil
}

// Close implements net.Conn.
func (c *conn) Close() error {
	l := c.listener
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
	select {
	case l.freed <- struct{}{}:
	default:
	}
	return c.Conn.Close()
}
