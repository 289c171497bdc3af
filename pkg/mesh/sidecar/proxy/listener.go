package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/sys/unix"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/rbac"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
)

// helloTime is how long a caller may take to say what it speaks.
const helloTime = 10 * time.Second

// listener takes connections at an address, which it keeps over configurations.
type listener struct {
	proxy        *Proxy
	name, wanted string // wanted is the address in the configuration, whose port can be 0
	ln           net.Listener
	config       atomic.Pointer[listenerConfig]
	accepted     chan struct{} // closed when accept has returned

	mu      sync.Mutex
	stopped bool
	conns   map[*downstream]struct{}
	idle    chan struct{} // closed when the listener has stopped and its last connection has ended
}

// downstream is a connection that a listener has taken.
type downstream struct {
	listener  *listener
	conn      net.Conn
	raw       *bufio.Reader // of conn
	secure    bool          // it speaks TLS
	alpn      []string      // that the caller offers
	server    string        // the name that it requests
	peer      *rbac.Peer    // the caller's certificate; nil: none
	local     string
	remote    string
	from, to  netip.AddrPort // remote and local
	forwarded atomic.Pointer[forwarded]
	hijacked  func()                 // to be called when a connection ends that HTTP/1.1 has left
	graceful  atomic.Pointer[func()] // ends it when its requests have ended
}

func (l *listener) accept() {
	defer close(l.accepted)
	for {
		conn, err := l.ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(5 * time.Millisecond) // too many files are open
			continue
		}
		d := &downstream{listener: l, conn: conn, raw: bufio.NewReader(conn), local: conn.LocalAddr().String(), remote: conn.RemoteAddr().String()}
		d.from, _ = netip.ParseAddrPort(d.remote) // an address of another kind has no port
		d.to, _ = netip.ParseAddrPort(d.local)
		l.add(d)
		l.proxy.wg.Go(func() {
			defer l.remove(d)
			stop := context.AfterFunc(l.proxy.ctx, func() { _ = conn.Close() })
			defer stop()
			d.serve()
		})
	}
}

func (l *listener) add(d *downstream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[d] = struct{}{}
}

func (l *listener) remove(d *downstream) {
	_ = d.conn.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, d)
	if l.stopped && len(l.conns) == 0 {
		close(l.idle)
	}
}

// emptyTime bounds how long the connections that wait to be taken may keep a listener open.
const emptyTime = time.Second

// empty waits until no connection waits to be taken: those that did when the listener is closed would be reset.
func (l *listener) empty() {
	raw, err := l.ln.(syscall.Conn).SyscallConn()
	if err != nil {
		return // it is closed
	}
	for end := time.Now().Add(emptyTime); time.Now().Before(end); time.Sleep(time.Millisecond) {
		var waiting int
		if raw.Control(func(fd uintptr) {
			waiting, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		}) != nil || waiting <= 0 {
			return
		}
	}
}

// stop takes no more connections, and lets those that there are end with their requests. It returns what is closed then.
func (l *listener) stop() <-chan struct{} {
	l.empty()
	_ = l.ln.Close()
	<-l.accepted
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return l.idle
	}
	l.stopped = true
	l.idle = make(chan struct{})
	if len(l.conns) == 0 {
		close(l.idle)
	}
	for d := range l.conns {
		if end := d.graceful.Load(); end != nil {
			go (*end)()
		}
	}
	return l.idle
}

// recheck closes the connections that the listener would not take any more: that are secured otherwise, or whose policies
// deny them now.
func (l *listener) recheck() {
	config := l.config.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	for d := range l.conns {
		if d.graceful.Load() != nil && !d.fits(config) { // it is known what the others are once they have begun
			_ = d.conn.Close()
		}
	}
}

// onGraceful sets how the connection ends with its requests.
func (d *downstream) onGraceful(end func()) {
	d.graceful.Store(&end)
	d.listener.mu.Lock()
	stopped := d.listener.stopped
	d.listener.mu.Unlock()
	if stopped {
		end()
	}
	if !d.fits(d.listener.config.Load()) {
		_ = d.conn.Close() // the configuration changed while the connection began
	}
}

// fits reports whether a configuration takes the connection as it is.
func (d *downstream) fits(config *listenerConfig) bool {
	c := config.find(d.secure, d.alpn, d.server)
	if c == nil {
		return d.secure && d.peer == nil && config.workload() != nil // TLS of the workload's own
	}
	return c.takes(d) && d.denial(c) == nil
}

// chain is that of the connection as the listener is configured now; nil: it must end.
func (d *downstream) chain() *chain {
	c := d.listener.config.Load().find(d.secure, d.alpn, d.server)
	if c == nil || !c.takes(d) {
		return nil
	}
	return c
}

func (d *downstream) serve() {
	config := d.listener.config.Load()
	if config.sniffs {
		_ = d.conn.SetReadDeadline(time.Now().Add(helloTime))
		first, err := d.raw.Peek(1)
		if err != nil {
			return
		}
		d.secure = first[0] == 0x16
	}
	if d.secure {
		hello, err := d.peekHello()
		if err != nil {
			return
		}
		d.alpn, d.server = hello.SupportedProtos, hello.ServerName
	}
	_ = d.conn.SetReadDeadline(time.Time{})
	c := config.find(d.secure, d.alpn, d.server)
	switch {
	case c == nil && d.secure && config.workload() != nil:
		d.splice(&chain{tcp: config.workload()})
	case c == nil:
	case c.tls != nil:
		d.handshake(c)
	case c.http == nil:
		d.serveTCP(c)
	default:
		d.serveHTTP(d.conn, d.raw)
	}
}

// serveHTTP serves the version of HTTP that the caller begins with.
func (d *downstream) serveHTTP(conn net.Conn, r *bufio.Reader) {
	if !d.beginsHTTP2(r) {
		d.serveHTTP1(&sniffed{conn, r})
		return
	}
	if conn == d.conn {
		conn = h2.Nonblock(conn)
	}
	c := h2.Server(&sniffed{conn, r}, h2.Options{Group: &d.listener.proxy.group}, d.acceptStream)
	d.onGraceful(c.GoAway)
	if reason, ok := h2.Violation(c.Serve(d.listener.proxy.ctx)); ok {
		e := d.entry("HTTP/2")
		e.Flags, e.Details = record.DPE, "codec_error:"+reason
		d.listener.proxy.record(&e)
	}
}

// entry is what is recorded of each request of the connection.
func (d *downstream) entry(protocol string) record.Entry {
	return record.Entry{
		Start: time.Now(), Inbound: d.listener.config.Load().inbound, Protocol: protocol, ServerName: d.server, MutualTLS: d.peer != nil,
		DownstreamLocal: d.local, DownstreamRemote: d.remote,
	}
}

// beginsHTTP2 waits only as far as what has come can be the beginning of HTTP/2.
func (d *downstream) beginsHTTP2(r *bufio.Reader) bool {
	_ = d.conn.SetReadDeadline(time.Now().Add(helloTime))
	defer func() { _ = d.conn.SetReadDeadline(time.Time{}) }()
	for n := 1; n <= len(http2.ClientPreface); n++ {
		p, err := r.Peek(max(n, min(r.Buffered(), len(http2.ClientPreface))))
		if err != nil || !strings.HasPrefix(http2.ClientPreface, string(p)) {
			return false
		}
		n = len(p)
	}
	return true
}

// sniffed is a connection of which the beginning has been read.
type sniffed struct {
	net.Conn
	r *bufio.Reader
}

func (s *sniffed) Read(p []byte) (int, error) { return s.r.Read(p) }

// NetConn is the connection below.
func (s *sniffed) NetConn() net.Conn { return s.Conn }

// CloseWrite notifies the other end that no more will come.
func (s *sniffed) CloseWrite() error {
	if c, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return s.Close()
}

var _ io.Reader = (*sniffed)(nil)
