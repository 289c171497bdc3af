package h2spec

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2/h2test"
)

func TestNoCaseFailsThatNetHTTPPasses(t *testing.T) {
	theirs := results(t, netHTTP(t))
	ours := results(t, forwarder(t))
	failed := func(cases map[string]string) (n int) {
		for _, err := range cases {
			if err != "" {
				n++
			}
		}
		return n
	}
	t.Logf("%d cases; a proxy of net/http fails %d, ours %d", len(ours), failed(theirs), failed(ours))
	var again map[string]string // a case waits for a second, which a busy machine can exceed: one that fails is tried once more
	for name, err := range ours {
		if err == "" || theirs[name] != "" {
			continue
		}
		if again == nil {
			again = results(t, forwarder(t))
		}
		if again[name] != "" {
			t.Errorf("%s: %s, and again: %s", name, err, again[name])
		}
	}
	if len(ours) < 140 || len(ours) != len(theirs) {
		t.Errorf("%d cases ran, and %d against net/http", len(ours), len(theirs))
	}
}

// results runs all cases and returns for each by its name what is wrong, or "".
func results(t *testing.T, addr string) map[string]string {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &config.Config{Host: "127.0.0.1", Port: tcp.Port, Path: "/", Timeout: time.Second, MaxHeaderLen: 4000, Strict: true}
	found := make(map[string]string)
	for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		group.Test(c)
		collect(group, found)
	}
	return found
}

func collect(group *spec.TestGroup, found map[string]string) {
	for _, cases := range [][]*spec.TestCase{group.Tests, group.StrictTests} {
		for _, tc := range cases {
			name := group.ID() + " " + tc.Desc
			switch {
			case tc.Result == nil:
			case tc.Result.Failed:
				found[name] = tc.Result.Error.Error()
			default:
				found[name] = ""
			}
		}
	}
	for _, g := range group.Groups {
		collect(g, found)
	}
}

func cleartext() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// backend answers every request with a few bytes.
func backend(t *testing.T) *url.URL {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A server of net/http that answers earlier takes trailers which are on their way for an error of the connection.
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte("the response, which is longer than a few of the windows"))
	}))
	s.Config.Protocols = cleartext()
	s.Start()
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func netHTTP(t *testing.T) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(backend(t))
	proxy.Transport = &http.Transport{Protocols: cleartext()}
	s := httptest.NewUnstartedServer(proxy)
	s.Config.Protocols = cleartext()
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func forwarder(t *testing.T) string {
	t.Helper()
	opt := h2.Options{Group: new(h2.Group)}
	conn, err := net.Dial("tcp", backend(t).Host)
	if err != nil {
		t.Fatal(err)
	}
	up := h2.Client(conn, opt)
	conns := []*h2.Conn{up}
	go up.Serve(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c := h2.Server(conn, opt, h2test.Forward(up))
			conns = append(conns, c)
			go c.Serve(context.Background())
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-accepted
		for _, c := range conns {
			c.Close()
			<-c.Done()
		}
	})
	return l.Addr().String()
}
