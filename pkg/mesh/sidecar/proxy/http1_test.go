package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/translate"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// website is a program of HTTP/1.1 that answers with what it got.
func website(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Certificate", r.Header.Get("X-Forwarded-Client-Cert"))
		switch r.URL.Path {
		case "/broken":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/large":
			_, _ = w.Write(make([]byte, large))
			return
		}
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.RequestURI, body)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// large is more than all buffers on the way take.
const large = 32 << 20

func webMesh(route *networking.HTTPRoute) *translate.Mesh {
	b := behavior{route: route}
	m := b.mesh()
	m.Services[0].Ports[0].Protocol = translate.HTTP
	return m
}

// web is a client's connection of HTTP/1.1.
func web(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func get(t *testing.T, c *http.Client, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(got)
}

func TestHTTP1GoesThroughTwoSidecars(t *testing.T) {
	m := webMesh(nil)
	mtls(m, security.PeerAuthentication_MutualTLS_STRICT)
	root, later := newAuthority(t), time.Now().Add(time.Hour)
	r := inbound(t, m, website(t))
	r.Clusters[0].TypedExtensionProtocolOptions = nil
	in, _ := newProxy(t, root.identity(t, "payment", later), r)
	out, log := newProxy(t, root.identity(t, "checkout", later), outbound(t, m, true, in.Listeners()["inbound_50051"]))
	c := web(t)
	big := strings.Repeat("x", 1<<20)
	for i, body := range []string{"", "small", big} {
		response, got := get(t, c, "POST", "http://"+out.Listeners()[outer]+"/pay?a=1", body, "X-Forwarded-Client-Cert", "URI=spiffe://cluster.local/ns/shop/sa/admin")
		if response.StatusCode != 200 || got != "POST /pay?a=1 "+body {
			t.Errorf("the answer is %d, %d bytes", response.StatusCode, len(got))
		}
		cert := response.Header.Get("X-Certificate")
		if !strings.Contains(cert, "URI=spiffe://cluster.local/ns/shop/sa/checkout") || strings.Contains(cert, "admin") {
			t.Errorf("the program is shown the caller %q", cert)
		}
		if e := log.wait(t, i+1); e.Flags != 0 || e.Protocol != "HTTP/1.1" || !e.MutualTLS {
			t.Errorf("recorded is %+v", e)
		}
	}
}

func TestHTTP1Behavior(t *testing.T) {
	for _, b := range []struct {
		name   string
		route  *networking.HTTPRoute
		path   string
		status int
		body   string
		flags  string
	}{
		{"no VS: default route", nil, "/", 200, "GET / ", "-"},
		{"redirect", &networking.HTTPRoute{Redirect: &networking.HTTPRedirect{Uri: "/new", RedirectCode: 302}}, "/old", 302, "", "-"},
		{"directResponse", &networking.HTTPRoute{DirectResponse: &networking.HTTPDirectResponse{
			Status: 418, Body: &networking.HTTPBody{Specifier: &networking.HTTPBody_String_{String_: "short and stout"}},
		}}, "/", 418, "short and stout", "-"},
		{"rewrite replaces the prefix that matched", &networking.HTTPRoute{Rewrite: &networking.HTTPRewrite{Uri: "/b"}}, "/a", 200, "GET /ba ", "-"},
		{"retryOn gateway-error sees an HTTP status", retries(1, "gateway-error"), "/broken", 503, "GET /broken ", "URX"},
		{"fault.abort httpStatus on HTTP", abortHTTP(555), "/", 555, "fault filter abort", "FI"},
		{"fault.abort grpcStatus on HTTP is 200", abort(100, &networking.HTTPRoute{}), "/", 200, "fault filter abort", "FI"},
		{"NR on HTTP", onHeader("x-canary", "yes"), "/", 404, "", "NR"},
		{"NC on HTTP", toSubset("ghost"), "/", 503, "", "NC"},
	} {
		t.Run(b.name, func(t *testing.T) {
			m := webMesh(b.route)
			if b.route != nil && (b.route.Redirect != nil || b.route.DirectResponse != nil) {
				b.route.Route = nil
			}
			out, log := newProxy(t, nil, outbound(t, m, false, website(t)))
			response, got := get(t, web(t), "GET", "http://"+out.Listeners()[outer]+b.path, "")
			if response.StatusCode != b.status || got != b.body {
				t.Errorf("the answer is %d, %q", response.StatusCode, got)
			}
			if e := log.wait(t, 1); e.Flags.String() != b.flags {
				t.Errorf("recorded are flags %s", e.Flags)
			}
		})
	}
}

func TestRequestsOfTwoMeaningsAreRefused(t *testing.T) {
	out, _ := newProxy(t, nil, outbound(t, webMesh(nil), false, website(t)))
	for name, text := range map[string]string{
		"two lengths":          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
		"unknown coding":       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n",
		"no host":              "GET / HTTP/1.1\r\n\r\n",
		"space before a colon": "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", out.Listeners()[outer])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, text)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode/100 != 4 && response.StatusCode != 501 {
			t.Errorf("%s: the answer is %v, %v", name, response, err)
		}
		_ = conn.Close()
	}
}

func TestALargeResponseToARequestWithoutABodyArrives(t *testing.T) {
	out, _ := newProxy(t, nil, outbound(t, webMesh(nil), false, website(t)))
	if _, body := get(t, web(t), "GET", "http://"+out.Listeners()[outer]+"/large", ""); len(body) != large {
		t.Errorf("%d bytes arrive", len(body))
	}
}

func TestARequestWhoseBodyCannotBeReadEnds(t *testing.T) {
	out, log := newProxy(t, nil, outbound(t, webMesh(nil), false, website(t)))
	conn, err := net.Dial("tcp", out.Listeners()[outer])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: "+host+"\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n")
	if e := log.wait(t, 1); e.Flags.String() != "DPE" || e.Details != "http1.codec_error" {
		t.Errorf("recorded is %+v", e)
	}
	if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
		t.Errorf("the answer is %q, %v", rest, err)
	}
}

func TestDrainEndsAnIdleConnectionOfHTTP1(t *testing.T) {
	out, _ := newProxy(t, nil, outbound(t, webMesh(nil), false, website(t)))
	get(t, web(t), "GET", "http://"+out.Listeners()[outer], "")
	out.Drain(context.Background()) // would wait forever
}

func TestAChangedConfigurationLosesNoRequest(t *testing.T) {
	m := mesh()
	one, two := app(t, echo), app(t, echo)
	out, log := newProxy(t, nil, outbound(t, m, false, one))
	conn := dial(t, out.Listeners()[outer])
	before := out.Listeners()[outer]
	for i := range 200 {
		var r *xds.Resources
		switch i % 3 {
		case 0:
			r = outbound(t, m, false, one)
		case 1:
			r = outbound(t, m, false, two)
		default:
			r = outbound(t, m, false, one, two)
			r.Clusters[0].ConnectTimeout.Seconds = int64(i + 1) // another cluster, with connections of its own
		}
		done := make(chan error, 1)
		go func() { done <- conn.Invoke(t.Context(), charge, wrapperspb.String("x"), new(wrapperspb.StringValue)) }()
		if err := out.Update(r); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if e := log.wait(t, 200); e.Flags != 0 {
		t.Errorf("recorded is %+v", e)
	}
	if after := out.Listeners()[outer]; after != before {
		t.Errorf("the listener has moved from %s to %s", before, after)
	}
}
