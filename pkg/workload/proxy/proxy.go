// Package proxy keeps the stable addresses of Services: one loopback listener for each, which
// splices every connection to one of the ready instances in turn, as kube-proxy does. It works on
// connections and knows nothing of what they carry.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/portowner"
	"github.com/shopctl/shopctl/pkg/connlimit"
	"github.com/shopctl/shopctl/pkg/localuser"
)

// Host is where stable addresses are opened: nothing but this machine can connect.
const Host = "127.0.0.1"

// Address is one stable address.
type Address struct {
	listener net.Listener
	connect  func(ctx context.Context, network, address string) (net.Conn, error)
	mu       sync.Mutex
	ready    []string
	next     int
	conns    map[net.Conn]struct{}
	closed   bool
	wg       sync.WaitGroup
	buffers  buffers
}

// PortTakenError reports that a port is in use, and by which program if that is known.
type PortTakenError struct {
	Addr  string
	Owner string
}

func (e *PortTakenError) Error() string {
	if e.Owner == "" {
		return fmt.Sprintf("listen on %s: the port is taken", e.Addr)
	}
	return fmt.Sprintf("listen on %s: the port is taken by %s", e.Addr, e.Owner)
}

// Listen opens a stable address; port 0 lets the kernel choose. A taken port is a *PortTakenError.
func Listen(addr string) (*Address, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		taken := &PortTakenError{Addr: addr}
		if tcp, resolveErr := net.ResolveTCPAddr("tcp", addr); resolveErr == nil {
			if owner, ok := portowner.Find(tcp.Port); ok {
				taken.Owner = owner.String()
			}
		}
		return nil, taken
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	// A connection takes two descriptors here: its own, and that to the instance.
	a := &Address{
		listener: connlimit.Listen(localuser.Only(l), connlimit.Share(2)), connect: new(net.Dialer).DialContext, conns: map[net.Conn]struct{}{},
	}
	a.wg.Go(a.accept)
	return a, nil
}

// String is the address: "127.0.0.1:41000".
func (a *Address) String() string { return a.listener.Addr().String() }

// Set replaces the instances that new connections go to. Established connections are left alone.
func (a *Address) Set(ready []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ready = ready
}

// Close stops listening, ends every connection and returns when the last is gone.
func (a *Address) Close() error {
	a.mu.Lock()
	a.closed = true
	err := a.listener.Close()
	for c := range a.conns {
		_ = c.Close()
	}
	a.mu.Unlock()
	a.wg.Wait()
	return err
}

func (a *Address) accept() {
	for {
		conn, err := a.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors: let others finish
			time.Sleep(10 * time.Millisecond)
			continue
		}
		a.wg.Go(func() { a.serve(conn) })
	}
}

func (a *Address) serve(in net.Conn) {
	defer in.Close()
	out := a.dial()
	if out == nil {
		// No instance is ready: the client gets a reset, as from a refused connection.
		if tcp, ok := in.(interface{ SetLinger(seconds int) error }); ok {
			_ = tcp.SetLinger(0)
		}
		return
	}
	defer out.Close()
	if !a.hold(in, out) {
		return
	}
	defer a.release(in, out)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.splice(out, in)
	}()
	a.splice(in, out)
	<-done
}

// buffers are those of copies. The kernel could do it with less copying (splice), but that takes two pipes for each
// connection: four more descriptors, which stay for minutes after it.
type buffers struct{ sync.Pool }

const bufferSize = 16 << 10

func (b *buffers) get() *[bufferSize]byte {
	if buf, ok := b.Get().(*[bufferSize]byte); ok {
		return buf
	}
	return new([bufferSize]byte)
}

// splice copies one direction until it ends, and hands the end on. When the other side takes no more,
// neither does ours.
func (a *Address) splice(dst, src net.Conn) {
	buf := a.buffers.get()
	_, err := io.CopyBuffer(struct{ io.Writer }{dst}, struct{ io.Reader }{src}, buf[:])
	a.buffers.Put(buf)
	if half, ok := dst.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	_ = dst.Close()
	_ = src.Close()
}

// dial connects to a ready instance, the next in turn first. An instance that stopped being ready while the connection was
// made is about to end, and may not take it any more: then another is tried.
func (a *Address) dial() net.Conn {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for ready := a.turn(); len(ready) > 0; ready = ready[1:] {
		conn, err := a.connect(ctx, "tcp", ready[0])
		if err != nil {
			continue
		}
		if a.has(ready[0]) {
			return conn
		}
		_ = conn.Close()
		ready = append(ready[:1], a.turn()...)
	}
	return nil
}

// turn are the ready instances, the next in turn first.
func (a *Address) turn() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.ready) == 0 {
		return nil
	}
	start := a.next % len(a.ready)
	a.next++
	return slices.Concat(a.ready[start:], a.ready[:start])
}

func (a *Address) has(instance string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.ready, instance)
}

func (a *Address) hold(conns ...net.Conn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	for _, c := range conns {
		a.conns[c] = struct{}{}
	}
	return true
}

func (a *Address) release(conns ...net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range conns {
		delete(a.conns, c)
	}
}
