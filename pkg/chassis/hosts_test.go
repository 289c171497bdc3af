package chassis

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/connlimit"
)

func env(values map[string]string) func(string) string {
	return func(key string) string { return values[key] }
}

func TestAServerOnLoopbackServesOnlyItsOwnNames(t *testing.T) {
	served := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for name, tt := range map[string]struct {
		env   map[string]string
		hosts map[string]int
	}{
		"by default": {nil, map[string]int{
			"127.0.0.1:8080": 200, "localhost": 200, "LOCALHOST:8080": 200, "[::1]:8080": 200, "shop.localhost:8080": 200, "127.8.9.1": 200,
			"frontend": 200, "frontend-external": 200, "frontend:80": 200, "frontend.production.svc.cluster.local": 200, "frontend.production.svc:80": 200,
			"evil.example": 403, "evil.example:8080": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example": 403, "192.168.1.5": 403,
			"evil.svc.example": 403, "evil": 403, "evil:8080": 403, "frontend-evil": 403, "2130706433": 403, "localhost.": 403, "0.0.0.0": 403, "[fe80::1]": 403,
		}},
		"configured":   {map[string]string{"ALLOWED_HOSTS": "shop.test, other.test"}, map[string]int{"shop.test:8080": 200, "Other.test": 200, "evil.test": 403, "a.shop.test": 403}},
		"any":          {map[string]string{"ALLOWED_HOSTS": "*"}, map[string]int{"evil.example": 200}},
		"in a cluster": {map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, map[string]int{"shop.example": 200}},
	} {
		srv := httptest.NewServer(hostsOf(env(tt.env), "frontend").guard(served))
		for host, want := range tt.hosts {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			resp, err := srv.Client().Do(req)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, host, err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s: %q gets %d, want %d", name, host, resp.StatusCode, want)
			}
		}
		srv.Close()
	}
}

func TestAHostThatIsNoneIsRefused(t *testing.T) {
	for _, host := range []string{"user@localhost", "localhost/", "localhost?", "localhost#", "a b", "%31", "[", ":80", "localhost:x"} {
		if hostsOf(env(nil)).allowed(host) {
			t.Errorf("%q is served", host)
		}
	}
}

func TestBodiesThatNeverEndDoNotShutOthersOut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	if srv.ReadTimeout == 0 || srv.ReadHeaderTimeout == 0 || srv.WriteTimeout == 0 || srv.IdleTimeout == 0 {
		t.Errorf("a server without a timeout: %+v", srv)
	}
	var all, conns sync.WaitGroup
	srv.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			conns.Add(1)
		case http.StateClosed:
			conns.Done()
		}
	}
	all.Go(func() { _ = srv.Serve(connlimit.Listen(l, 10)) })
	for range 50 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nslow"); err != nil {
			continue // it had to give way
		}
	}
	client := &http.Client{Timeout: 20 * time.Second}
	for range 5 {
		resp, err := client.Get("http://" + l.Addr().String())
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", resp, err)
		}
		resp.Body.Close()
		client.CloseIdleConnections()
	}
	_ = srv.Close()
	all.Wait()
	conns.Wait()
}
