package wire

import (
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Conn is a connection that rules act on. Close ends every wait.
type Conn struct {
	net.Conn
	line            *line
	closed          chan struct{}
	once            sync.Once
	readBy, writeBy *deadline

	kept []byte // read, and still on its way when a deadline was over; of the reader
}

// Held reports whether a Write may have to wait even where the socket would take it.
func (c *Conn) Held() bool { return c.line.state.Load() != nil }

// SyscallConn implements syscall.Conn, if the connection beneath does.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, syscall.EINVAL
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.kept) == 0 {
		if s := c.line.state.Load(); s != nil {
			p = p[:min(len(p), s.most)]
		}
		n, err := c.Conn.Read(p)
		if n == 0 || !c.Held() {
			return n, err
		}
		c.kept = append(c.kept, p[:n]...)
	}
	if err := c.pass(len(c.kept), c.readBy, func(s *state) *bucket { return s.in }); err != nil {
		return 0, err
	}
	n := copy(p, c.kept)
	if c.kept = c.kept[n:]; len(c.kept) == 0 {
		c.kept = nil
	}
	return n, nil
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	sent := 0
	for {
		s := c.line.state.Load()
		if s == nil {
			n, err := c.Conn.Write(p[sent:])
			return sent + n, err
		}
		piece := p[sent:min(len(p), sent+s.most)]
		if err := c.pass(len(piece), c.writeBy, func(s *state) *bucket { return s.out }); err != nil {
			return sent, err
		}
		n, err := c.Conn.Write(piece)
		if sent += n; err != nil || sent == len(p) {
			return sent, err
		}
	}
}

// pass waits as long as n bytes are on their way.
func (c *Conn) pass(n int, by *deadline, direction func(*state) *bucket) error {
	for {
		s := c.line.state.Load()
		if s == nil {
			return nil
		}
		late, lost := s.loss(firstRTO)
		late += direction(s).take(n)
		if late == 0 && !lost {
			return nil
		}
		timer := newTimer(late, lost)
		select {
		case <-timer.C:
			return nil
		case <-s.over: // other rules hold for what is on its way
		case <-by.over():
			timer.Stop()
			return os.ErrDeadlineExceeded
		case <-c.closed:
			timer.Stop()
			return net.ErrClosed
		}
		timer.Stop()
	}
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// CloseWrite notifies the peer that nothing more comes, if the connection beneath can.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	c.readBy.set(t)
	c.writeBy.set(t)
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.readBy.set(t)
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.writeBy.set(t)
	return c.Conn.SetWriteDeadline(t)
}

// deadline is when a wait ends without a result.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	done  chan struct{}
}

func newDeadline() *deadline { return &deadline{done: make(chan struct{})} }

// over is closed when the deadline is over. One that is set later holds also for waits that have begun, unless theirs was
// over already.
func (d *deadline) over() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.done
}

// set replaces the deadline; the zero time is none.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.done // the timer is closing it
	}
	d.timer = nil
	select {
	case <-d.done:
		d.done = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return
	}
	done := d.done
	if left := time.Until(t); left > 0 {
		d.timer = time.AfterFunc(left, func() { close(done) })
	} else {
		close(done)
	}
}
