package proxy

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
)

// answers is a connection that notices what net/http answers by itself: a request that it refuses reaches no handler.
type answers struct {
	*sniffed
	d       *downstream
	handled atomic.Bool // the request has reached the handler
	ending  atomic.Bool // the connection ends with the next response
}

// ServeHTTP implements http.Handler.
func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.handled.Store(true)
	if a.ending.Load() {
		w.Header().Set("Connection", "close")
	}
	a.d.handle(w, r)
}

// Write implements net.Conn.
func (a *answers) Write(p []byte) (int, error) {
	if status, ok := strings.CutPrefix(string(p[:min(len(p), 12)]), "HTTP/1.1 "); ok && !a.handled.Load() {
		e := a.d.entry("HTTP/1.1")
		e.Flags, e.Details, e.BytesSent = record.DPE, "http1.codec_error", int64(len(p))
		if e.Status, _ = strconv.Atoi(status); e.Status == http.StatusRequestHeaderFieldsTooLarge {
			e.Details = "http1.headers_too_large"
		}
		a.d.listener.proxy.record(&e)
	}
	return a.sniffed.Write(p)
}

// onlyConn is a listener with one connection, which lasts as long as that.
type onlyConn struct {
	conn net.Conn
	once sync.Once
	took bool
	done chan struct{}
	stop context.CancelFunc // ends Accept
	ctx  context.Context
}

func newOnlyConn(conn net.Conn) *onlyConn {
	o := &onlyConn{conn: conn, done: make(chan struct{})}
	o.ctx, o.stop = context.WithCancel(context.Background())
	return o
}

func (o *onlyConn) end() { o.once.Do(func() { close(o.done) }) }

func (o *onlyConn) Accept() (net.Conn, error) {
	if !o.took {
		o.took = true
		return o.conn, nil
	}
	select {
	case <-o.done:
	case <-o.ctx.Done():
	}
	return nil, net.ErrClosed
}

// Close is for Shutdown, which waits for Accept before it ends an idle connection.
func (o *onlyConn) Close() error   { o.stop(); return nil }
func (o *onlyConn) Addr() net.Addr { return o.conn.LocalAddr() }
