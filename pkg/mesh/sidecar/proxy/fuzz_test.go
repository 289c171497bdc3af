package proxy_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/proxy"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
	"github.com/shopctl/shopctl/pkg/mesh/translate"
)

// fuzzed is a whole proxy with routes of every kind before a program of HTTP/1.1. Both count.
type fuzzed struct {
	address           string
	reached, attempts atomic.Int64
	inputs            int
}

// Record implements proxy.Recorder.
func (z *fuzzed) Record(e *record.Entry) { z.attempts.Add(int64(e.Attempts)) }

func newFuzzed(f *testing.F) *fuzzed {
	z := &fuzzed{}
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		z.reached.Add(1)
		_, _ = io.Copy(w, r.Body)
		if strings.HasPrefix(r.URL.Path, "/broken") {
			panic(http.ErrAbortHandler)
		}
	}))
	f.Cleanup(program.Close)
	uri := func(prefix string) []*networking.HTTPMatchRequest {
		return []*networking.HTTPMatchRequest{{Uri: &networking.StringMatch{MatchType: &networking.StringMatch_Prefix{Prefix: prefix}}}}
	}
	b := behavior{route: retries(2, "5xx,reset")}
	m := b.mesh()
	m.Services[0].Ports[0].Protocol = translate.HTTP
	to := b.route.Route
	spec := m.VirtualServices[0].Spec
	spec.Http = append([]*networking.HTTPRoute{
		{Match: uri("/moved"), Redirect: &networking.HTTPRedirect{Uri: "/new"}},
		{Match: uri("/teapot"), DirectResponse: &networking.HTTPDirectResponse{Status: 418}},
		{Match: uri("/aborted"), Route: to, Fault: abortHTTP(503).Fault},
		{Match: uri("/rewritten"), Route: to, Rewrite: &networking.HTTPRewrite{Uri: "/b"}, Headers: &networking.Headers{
			Request: &networking.Headers_HeaderOperations{Set: map[string]string{"x-set": "%REQ(X-A)%"}, Remove: []string{"x-b"}},
		}},
	}, spec.Http...)
	p := proxy.New(proxy.Options{Recorder: z})
	f.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		p.Drain(ctx)
	})
	r := outbound(f, m, false, program.Listener.Addr().String())
	for _, config := range r.Routes {
		for _, host := range config.GetVirtualHosts() {
			host.Domains = []string{"*"} // the host of an input is any
		}
	}
	if err := p.Update(r); err != nil {
		f.Fatal(err)
	}
	z.address = p.Listeners()[outer]
	if err := z.serves(); err != nil || z.reached.Load() != 1 {
		f.Fatalf("the program is reached %d times by one request: %v", z.reached.Load(), err)
	}
	return z
}

// serves is nil if a request of another caller is served.
func (z *fuzzed) serves() error {
	response, err := http.Get("http://" + z.address + "/")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the response is %s", response.Status)
	}
	return nil
}

// feed sends an input as a whole connection. It must end, and no request may reach the program that the proxy has not routed:
// what one side reads as one request and the other as two would. Others are served meanwhile.
func (z *fuzzed) feed(t *testing.T, input []byte) {
	conn, err := net.Dial("tcp", z.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	go func() {
		_, _ = conn.Write(input)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	if _, err := io.Copy(io.Discard, conn); err != nil {
		if timed, ok := err.(net.Error); ok && timed.Timeout() {
			t.Fatal("the connection does not end with its caller")
		}
	}
	eventually.True(t, "every request that has reached the program is recorded", func() bool { return z.reached.Load() <= z.attempts.Load() })
	if z.inputs++; z.inputs%64 != 0 {
		return
	}
	if err := z.serves(); err != nil {
		t.Fatalf("another caller: %v", err)
	}
}

// FuzzHTTP1 gives a proxy any bytes that do not begin HTTP/2.
func FuzzHTTP1(f *testing.F) {
	z := newFuzzed(f)
	for _, text := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /rewritten?a=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-A: 1\r\nX-B: 2\r\n\r\nhelloGET /moved HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;x=y\r\nhello\r\n0\r\nX: 1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET http://b/teapot HTTP/1.1\r\nHost: a\r\nConnection: close, x-a\r\nX-A: 1\r\n\r\n",
		"GET /broken HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
		"GET /a/../%2f//;x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"POST /aborted HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if bytes.HasPrefix(input, []byte("PRI")) {
			return
		}
		z.feed(t, input)
	})
}

// FuzzHTTP2 gives a proxy any bytes after the preface of HTTP/2; what it makes of them goes on as HTTP/1.1.
func FuzzHTTP2(f *testing.F) {
	z := newFuzzed(f)
	seed := func(path string, body string, more ...hpack.HeaderField) {
		var out, block bytes.Buffer
		framer, encoder := http2.NewFramer(&out, nil), hpack.NewEncoder(&block)
		framer.AllowIllegalWrites = true
		for _, field := range append([]hpack.HeaderField{
			{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":path", Value: path}, {Name: ":authority", Value: "a"},
		}, more...) {
			_ = encoder.WriteField(field)
		}
		_ = framer.WriteSettings()
		_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
		_ = framer.WriteData(1, true, []byte(body))
		_ = framer.WriteGoAway(0, http2.ErrCodeNo, nil)
		f.Add(out.Bytes())
	}
	seed("/", "hello")
	seed("/rewritten", "", hpack.HeaderField{Name: "x-a", Value: "1"}, hpack.HeaderField{Name: "content-length", Value: "0"})
	seed("/ HTTP/1.1", "x", hpack.HeaderField{Name: "transfer-encoding", Value: "chunked"})
	seed("/teapot", "x", hpack.HeaderField{Name: "x", Value: "y\r\nGET /z"}, hpack.HeaderField{Name: "content-type", Value: "application/grpc"})
	seed("/broken", "x", hpack.HeaderField{Name: "te", Value: "trailers"}, hpack.HeaderField{Name: "connection", Value: "close"})
	f.Fuzz(func(t *testing.T, input []byte) {
		z.feed(t, append([]byte(http2.ClientPreface), input...))
	})
}
