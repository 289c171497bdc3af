package behavior

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
)

// program is what a pod runs: it answers by a script.
type program struct {
	pod, addr string
	answers   []string
	ctx       context.Context // of what hangs

	mu      sync.Mutex
	reached int
	last    map[string]string // the fields of its last request
}

// startProgram starts the program of a pod: "grpc", "http" or "tcp".
func startProgram(t *testing.T, ctx context.Context, certificates *certificates, name, kind string, p pod) *program {
	t.Helper()
	if p.Dead {
		return &program{pod: name, addr: deadPort(t), ctx: ctx}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out := &program{pod: name, addr: ln.Addr().String(), answers: p.Answers, ctx: ctx}
	if p.TLS != "" {
		ln = tls.NewListener(ln, certificates.config(p.TLS, kind))
	}
	var tasks sync.WaitGroup
	switch kind {
	case "http":
		server := &http.Server{Handler: out}
		tasks.Go(func() { _ = server.Serve(ln) })
		context.AfterFunc(ctx, func() { _ = server.Close() })
	default:
		serve := out.echo
		if kind == "grpc" {
			serve = out.http2
		}
		tasks.Go(func() { accept(ctx, &tasks, ln, serve) })
		context.AfterFunc(ctx, func() { _ = ln.Close() })
	}
	t.Cleanup(tasks.Wait)
	return out
}

// deadPort is an address that refuses connections until the test ends: its port is taken, by a socket that does not listen.
func deadPort(t *testing.T) string {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(socket) })
	if err := unix.Bind(socket, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", bound.(*unix.SockaddrInet4).Port)
}

func accept(ctx context.Context, tasks *sync.WaitGroup, ln net.Listener, serve func(net.Conn)) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		tasks.Go(func() {
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer stop()
			serve(conn)
		})
	}
}

// next counts a request, and is the answer to it.
func (p *program) next(fields map[string]string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(p.reached, len(p.answers)-1)
	p.reached++
	if fields != nil {
		p.last = fields
	}
	if n < 0 {
		return "ok"
	}
	return p.answers[n]
}

func (p *program) state() (int, map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reached, maps.Clone(p.last)
}

// echo is a program of tcp: it names itself, and sends back what it gets.
func (p *program) echo(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if p.next(nil) == "close" {
		return
	}
	_, _ = io.WriteString(conn, p.pod+"\n")
	_, _ = io.Copy(conn, conn)
}

// ServeHTTP is a program of HTTP/1.1.
func (p *program) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fields := map[string]string{":path": r.RequestURI, ":method": r.Method, ":authority": r.Host}
	for name, values := range r.Header {
		fields[strings.ToLower(name)] = strings.Join(values, ",")
	}
	_, _ = io.Copy(io.Discard, r.Body)
	answer := p.next(fields)
	switch status, _ := strconv.Atoi(answer); {
	case answer == "hang":
		select {
		case <-r.Context().Done():
		case <-p.ctx.Done():
		}
	case answer == "close":
		panic(http.ErrAbortHandler)
	case status > 0:
		w.WriteHeader(status)
	default:
		w.Header().Set("x-pod", p.pod)
		_, _ = io.WriteString(w, p.pod+"\n")
	}
}

// http2 is a program of gRPC.
func (p *program) http2(conn net.Conn) {
	_ = h2.Server(h2.Nonblock(conn), h2.Options{}, func(*h2.Stream) h2.Handler { return &served{program: p} }).Serve(p.ctx)
	_ = conn.Close()
}

// served is a request of gRPC.
type served struct {
	*program
	fields map[string]string
	body   bytes.Buffer
}

// Headers implements h2.Handler.
func (s *served) Headers(st *h2.Stream, fields []hpack.HeaderField, end bool) {
	s.fields = map[string]string{}
	for _, f := range fields {
		s.fields[f.Name] = f.Value
	}
	if end {
		s.answer(st)
	}
}

// Data implements h2.Handler.
func (s *served) Data(st *h2.Stream, p []byte, end bool) {
	s.body.Write(p)
	st.Consumed(len(p))
	if end {
		s.answer(st)
	}
}

// Trailers implements h2.Handler.
func (s *served) Trailers(st *h2.Stream, _ []hpack.HeaderField) { s.answer(st) }

// Reset implements h2.Handler.
func (s *served) Reset(*h2.Stream, *h2.StreamError) {}

// Writable implements h2.Handler.
func (s *served) Writable(*h2.Stream) {}

// answer answers as the script says: see README.md.
func (s *served) answer(st *h2.Stream) {
	answer := s.next(s.fields)
	word, rest, _ := strings.Cut(answer, " ")
	head := []hpack.HeaderField{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/grpc"}, {Name: "x-pod", Value: s.pod}}
	var code codes.Code
	switch {
	case word == "hang":
	case word == "drip":
		_ = st.WriteHeaders(head, false)
	case word == "close":
		st.Conn().Close()
	case word == "reset":
		st.Reset(map[string]http2.ErrCode{
			"REFUSED_STREAM": http2.ErrCodeRefusedStream, "INTERNAL_ERROR": http2.ErrCodeInternal, "CANCEL": http2.ErrCodeCancel,
		}[rest])
	case word == "late":
		_ = st.WriteHeaders(head, false)
		_ = st.WriteTrailers(status(rest))
	case code.UnmarshalJSON([]byte(strconv.Quote(word))) == nil && code != codes.OK:
		_ = st.WriteHeaders(append(head, status(word)...), true)
	default:
		if n, err := strconv.Atoi(word); err == nil {
			_ = st.WriteHeaders([]hpack.HeaderField{{Name: ":status", Value: strconv.Itoa(n)}}, true)
			return
		}
		_ = st.WriteHeaders(head, false)
		_ = st.WriteData(s.body.Bytes(), false)
		_ = st.WriteTrailers(status("OK"))
	}
}

// status is that of gRPC, by its name.
func status(name string) []hpack.HeaderField {
	var code codes.Code
	_ = code.UnmarshalJSON([]byte(strconv.Quote(name)))
	return []hpack.HeaderField{{Name: "grpc-status", Value: strconv.Itoa(int(code))}, {Name: "grpc-message", Value: fmt.Sprintf("the program says %s", name)}}
}
