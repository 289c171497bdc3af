package proxy

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
)

// window is how much of a body of HTTP/1.1 is on its way through.
const window = 64 << 10

// lastRequest is how long a connection of HTTP/1.1 that is to end waits for one more request, whose response says so. A
// request on its way to a connection that is closed would be lost.
const lastRequest = 300 * time.Millisecond

// serveHTTP1 serves a connection of HTTP/1.1 until it ends.
func (d *downstream) serveHTTP1(conn *sniffed) {
	answers := &answers{sniffed: conn, d: d}
	only := newOnlyConn(answers)
	server := &http.Server{
		Handler: answers, ReadHeaderTimeout: helloTime, MaxHeaderBytes: 60 << 10, ErrorLog: log.New(io.Discard, "", 0),
		DisableGeneralOptionsHandler: true,
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateIdle:
				answers.handled.Store(false)
			case http.StateClosed:
				only.end()
			}
		},
	}
	d.hijacked = only.end
	d.onGraceful(func() {
		answers.ending.Store(true)
		time.AfterFunc(lastRequest, func() { _ = server.Shutdown(d.listener.proxy.ctx) })
	})
	_ = server.Serve(only)
	if only.took { // else it was shut down before it began
		<-only.done
	}
}

// handle passes a request on as a stream.
func (d *downstream) handle(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).EnableFullDuplex()
	s := &stream1{}
	s.cond.L = &s.mu
	c := d.newCall(s, r.Proto)
	s.writable = func() { c.Writable(nil) }
	noBody := r.Body == http.NoBody
	s.read = noBody
	asks := upgrades(r.Header) && noBody && r.ProtoAtLeast(1, 1)
	fields := requestFields(r)
	if asks {
		fields = append(fields, upgradeFields()...)
	}
	c.Headers(nil, fields, noBody && !asks)
	stop := context.AfterFunc(r.Context(), func() {
		s.fail()
		c.Reset(nil, &h2.StreamError{Kind: h2.ConnectionLost, Reason: "EOF"})
	})
	defer stop()
	var wg sync.WaitGroup
	if !noBody {
		wg.Go(func() { s.readBody(r, c) })
	}
	ok := s.respond(w, c)
	s.fail()
	if !s.bodyRead() || !ok {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // the rest of the request is not wanted
	}
	wg.Wait()
	if !ok {
		panic(http.ErrAbortHandler)
	}
}

// stream1 is a request of HTTP/1.1 that looks like a stream: what is written to it waits for the goroutine of its handler.
type stream1 struct {
	mu       sync.Mutex
	cond     sync.Cond
	headers  field.Fields
	queue    []byte
	trailers field.Fields
	ended    bool
	failed   bool
	held     int // read of the request, and not yet consumed
	read     bool
	writable func()
	full     bool
}

func (s *stream1) locked(f func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed || s.ended {
		return h2.ErrStreamClosed
	}
	f()
	s.cond.Broadcast()
	return nil
}

// WriteHeaders begins the message.
func (s *stream1) WriteHeaders(fields []hpack.HeaderField, end bool) error {
	return s.locked(func() { s.headers, s.ended = slices.Clone(fields), end })
}

// WriteData queues a part of the body.
func (s *stream1) WriteData(p []byte, end bool) error {
	return s.locked(func() {
		s.queue = append(s.queue, p...)
		s.ended = end
		s.full = s.full || len(s.queue) >= h2.HighWater
	})
}

// WriteTrailers ends the message.
func (s *stream1) WriteTrailers(fields []hpack.HeaderField) error {
	return s.locked(func() { s.trailers, s.ended = slices.Clone(fields), true })
}

// Reset cuts the message short.
func (s *stream1) Reset(http2.ErrCode) { s.fail() }

func (s *stream1) fail() {
	s.mu.Lock()
	s.failed = true
	s.cond.Broadcast()
	s.mu.Unlock()
}

// Consumed lets more be read.
func (s *stream1) Consumed(n int) {
	s.mu.Lock()
	s.held -= n
	s.cond.Broadcast()
	s.mu.Unlock()
}

// Queued is what waits to be written.
func (s *stream1) Queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

func (s *stream1) bodyRead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read
}

// room waits until more may be read, and reports false when nothing will.
func (s *stream1) room(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held += n
	for s.held >= window && !s.failed {
		s.cond.Wait()
	}
	return !s.failed
}

func (s *stream1) readBody(r *http.Request, c *call) {
	err := copyBody(r.Body, s.room, func(p []byte) { c.Data(nil, p, false) })
	s.mu.Lock()
	s.read = err == io.EOF
	s.mu.Unlock()
	if err == io.EOF {
		if t := headerFields(r.Trailer); len(t) > 0 {
			c.Trailers(nil, t)
		} else {
			c.Data(nil, nil, true)
		}
	} else if err != nil {
		kind := h2.ProtocolError
		if _, lost := errors.AsType[net.Error](err); lost || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
			kind = h2.ConnectionLost
		}
		c.Reset(nil, &h2.StreamError{Kind: kind, Reason: err.Error()})
		s.fail() // nothing of what follows can be read
	}
}

// copyBody hands on a body, part by part, while there is room.
func copyBody(body io.Reader, room func(int) bool, data func([]byte)) error {
	p := make([]byte, 16<<10)
	for {
		n, err := body.Read(p)
		more := true
		if n > 0 {
			more = room(0)
			data(p[:n])
			more = room(n) && more
		}
		if err != nil || !more {
			return err
		}
	}
}

// next waits for something to write.
func (s *stream1) next() (p []byte, end, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 && !s.ended && !s.failed {
		s.cond.Wait()
	}
	p, s.queue = s.queue, nil
	if s.full && s.writable != nil {
		s.full = false
		go s.writable()
	}
	return p, s.ended, s.ended || !s.failed
}

// respond writes the response, and reports whether it is whole.
func (s *stream1) respond(w http.ResponseWriter, c *call) bool {
	s.mu.Lock()
	for s.headers == nil && !s.failed {
		s.cond.Wait()
	}
	headers := s.headers
	s.mu.Unlock()
	if headers == nil {
		return false
	}
	status, _ := strconv.Atoi(headers.Get(":status"))
	if status == http.StatusSwitchingProtocols {
		return s.upgrade(w, c, headers)
	}
	for _, f := range headers {
		if !strings.HasPrefix(f.Name, ":") && !hopByHop(f.Name) {
			w.Header().Add(f.Name, f.Value)
		}
	}
	w.WriteHeader(status)
	flusher := http.NewResponseController(w)
	for {
		p, end, ok := s.next()
		if !ok {
			return false
		}
		if _, err := w.Write(p); err != nil && len(p) > 0 {
			return false
		}
		if end {
			for _, f := range s.trailers {
				w.Header().Add(http.TrailerPrefix+f.Name, f.Value)
			}
			return true
		}
		_ = flusher.Flush()
	}
}

func requestFields(r *http.Request) field.Fields {
	f := field.Fields{
		{Name: ":method", Value: r.Method},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: r.RequestURI},
		{Name: ":authority", Value: r.Host},
	}
	if u := r.URL; u.IsAbs() { // in the form for proxies
		f[2].Value = u.RequestURI()
	}
	if r.ContentLength > 0 {
		f = append(f, hpack.HeaderField{Name: "content-length", Value: strconv.FormatInt(r.ContentLength, 10)})
	}
	return append(f, headerFields(r.Header)...)
}

// headerFields are the headers that concern more than one connection.
func headerFields(h http.Header) field.Fields {
	var f field.Fields
	var named []string
	for _, v := range h.Values("Connection") {
		for name := range strings.SplitSeq(v, ",") {
			named = append(named, strings.ToLower(strings.TrimSpace(name)))
		}
	}
	for name, values := range h {
		name = strings.ToLower(name)
		if hopByHop(name) || name == "content-length" || contains(named, name) {
			continue
		}
		for _, v := range values {
			f = append(f, hpack.HeaderField{Name: name, Value: v})
		}
	}
	return f
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

// hopByHop reports whether a header is about one connection.
func hopByHop(name string) bool {
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer", "http2-settings":
		return true
	}
	return false
}
