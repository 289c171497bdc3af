package proxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
)

// upstream1 is a connection of HTTP/1.1 to a host. It carries one request at a time, and sends none twice.
type upstream1 struct {
	*upstream
	pool *pool
	conn net.Conn
	br   *bufio.Reader
	done chan struct{}
	once sync.Once
}

func (u *upstream1) close() {
	u.once.Do(func() {
		_ = u.conn.Close()
		close(u.done)
	})
}

// serveHTTP1 keeps a connection until it ends.
func (p *pool) serveHTTP1(conn net.Conn, via *upstream) {
	u := &upstream1{upstream: via, pool: p, conn: conn, br: bufio.NewReader(conn), done: make(chan struct{})}
	p.mu.Lock()
	p.dialing--
	p.conns = append(p.conns, via)
	p.free = append(p.free, u)
	p.mu.Unlock()
	p.serve()
	select {
	case <-u.done:
	case <-p.proxy.ctx.Done():
		u.close()
	}
	p.mu.Lock()
	p.conns = remove(p.conns, via)
	p.free = remove(p.free, u)
	p.connect()
	p.mu.Unlock()
}

func remove[T comparable](all []T, one T) []T {
	for i, o := range all {
		if o == one {
			return append(all[:i:i], all[i+1:]...)
		}
	}
	return all
}

// tryFree takes a connection without a request. p.mu is held.
func (p *pool) tryFree(r requester) (stream, *upstream) {
	for len(p.free) > 0 {
		u := p.free[len(p.free)-1]
		p.free = p.free[:len(p.free)-1]
		if !alive(u) {
			go u.close()
			continue
		}
		u.used++
		s := &request1{u: u, h: r}
		s.cond.L = &s.mu
		s.writable = func() { r.Writable(nil) }
		return s, u.upstream
	}
	return nil, nil
}

// alive reports whether the host has neither closed an idle connection nor sent something that no one asked for.
func alive(u *upstream1) bool {
	sc, ok := u.conn.(interface{ NetConn() net.Conn })
	conn := u.conn
	if ok {
		conn = sc.NetConn()
	}
	return u.br.Buffered() == 0 && stillOpen(conn)
}

// release gives a connection back after a request.
func (u *upstream1) release(keep bool) {
	p := u.pool
	p.mu.Lock()
	limit := p.cluster.MaxRequestsPerConnection
	if !keep || p.draining || limit > 0 && u.used >= limit {
		p.mu.Unlock()
		u.close()
		return
	}
	p.free = append(p.free, u)
	p.mu.Unlock()
	p.changed()
}

// request1 is a request over HTTP/1.1 that looks like a stream.
type request1 struct {
	stream1
	u     *upstream1
	h     h2.Handler
	began bool
}

// WriteHeaders sends the request, and has the response read.
func (s *request1) WriteHeaders(fields []hpack.HeaderField, end bool) error {
	r, err := s.request(fields, end)
	if err != nil {
		return err
	}
	if err := s.stream1.WriteHeaders(fields, end); err != nil {
		return err
	}
	s.began = true
	s.u.pool.proxy.wg.Go(func() { s.exchange(r) })
	return nil
}

// Reset ends the request and, unless its response has been read, the connection.
func (s *request1) Reset(code http2.ErrCode) {
	s.stream1.Reset(code)
	if !s.began {
		s.u.release(true)
		return
	}
	if !s.bodyRead() {
		s.u.close()
	}
}

func (s *request1) request(fields field.Fields, end bool) (*http.Request, error) {
	v := field.ReadRequest(fields)
	if !httpguts.ValidHeaderFieldName(v.Method) || strings.ContainsAny(v.Path, " \r\n\t") {
		return nil, errors.New("the request cannot be written as HTTP/1.1")
	}
	r := &http.Request{
		Method: v.Method, URL: &url.URL{Opaque: v.Path}, Host: v.Authority, Header: http.Header{}, ProtoMajor: 1, ProtoMinor: 1,
		Body: &body1{s}, ContentLength: -1,
	}
	if strings.HasPrefix(v.Path, "//") {
		r.URL = &url.URL{Path: v.PathOnly(), RawPath: v.PathOnly(), RawQuery: v.Query()}
	}
	for _, f := range fields {
		switch {
		case strings.HasPrefix(f.Name, ":") || hopByHop(f.Name):
		case f.Name == "content-length":
			n, err := strconv.ParseInt(f.Value, 10, 64)
			if err != nil || n < 0 {
				return nil, err
			}
			r.ContentLength = n
		default:
			r.Header.Add(f.Name, f.Value)
		}
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header["User-Agent"] = nil // none of Go's
	}
	if upgrading(fields) {
		end = true // what follows is not a body
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", websocket)
	}
	if end {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	return r, nil
}

// body1 is the body of a request, as it comes.
type body1 struct{ s *request1 }

func (b *body1) Close() error { return nil }

func (b *body1) Read(p []byte) (int, error) {
	s := b.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 && !s.ended && !s.failed {
		s.cond.Wait()
	}
	n := copy(p, s.queue)
	s.queue = s.queue[n:]
	if s.full && len(s.queue) < h2.HighWater/2 {
		s.full = false
		go s.writable()
	}
	switch {
	case n > 0:
		return n, nil
	case s.ended:
		return 0, io.EOF
	}
	return 0, h2.ErrStreamClosed
}

func (s *request1) exchange(r *http.Request) {
	wrote := make(chan error, 1)
	s.u.pool.proxy.wg.Go(func() { wrote <- r.Write(s.u.conn) })
	response, err := s.response(r)
	if err != nil {
		s.lost(err)
		<-wrote
		return
	}
	if response.StatusCode == http.StatusSwitchingProtocols {
		if <-wrote != nil {
			s.lost(errors.New("the request was not sent"))
			return
		}
		s.switched(response)
		return
	}
	fields := append(field.Fields{{Name: ":status", Value: strconv.Itoa(response.StatusCode)}}, headerFields(response.Header)...)
	if n := response.ContentLength; n >= 0 && (n > 0 || response.Header.Get("Content-Length") != "") {
		fields = append(fields, hpack.HeaderField{Name: "content-length", Value: strconv.FormatInt(n, 10)})
	}
	end := response.Body == http.NoBody || r.Method == http.MethodHead
	if !end {
		s.h.Headers(nil, fields, false)
		err = copyBody(response.Body, s.room, func(p []byte) { s.h.Data(nil, p, false) })
		if err != io.EOF {
			s.lost(err)
			<-wrote
			return
		}
	}
	s.mu.Lock()
	whole := s.ended
	s.read = whole
	s.mu.Unlock()
	switch t := headerFields(response.Trailer); {
	case end:
		s.h.Headers(nil, fields, true)
	case len(t) > 0:
		s.h.Trailers(nil, t)
	default:
		s.h.Data(nil, nil, true)
	}
	s.fail()
	if !whole {
		s.u.close()
	}
	s.u.release(<-wrote == nil && whole && !response.Close)
}

// response reads the response, past what only informs.
func (s *request1) response(r *http.Request) (*http.Response, error) {
	for {
		response, err := http.ReadResponse(s.u.br, r)
		if err != nil || response.StatusCode >= 200 {
			return response, err
		}
		if response.StatusCode == http.StatusSwitchingProtocols {
			if upgrades(r.Header) && upgrades(response.Header) {
				return response, nil
			}
			return nil, errors.New("the host changes the protocol")
		}
	}
}

func (s *request1) lost(err error) {
	s.fail()
	s.u.close()
	reason := "EOF"
	if err != nil {
		reason = err.Error()
	}
	s.h.Reset(nil, &h2.StreamError{Kind: h2.ConnectionLost, Reason: reason})
}
