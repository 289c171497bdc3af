package h2_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2/h2test"
)

func fields(pairs ...string) []hpack.HeaderField {
	var out []hpack.HeaderField
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	ok := []string{":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a"}
	with := func(pairs ...string) []hpack.HeaderField { return append(fields(ok...), fields(pairs...)...) }
	for name, request := range map[string][]hpack.HeaderField{
		"no method":                      fields(":scheme", "http", ":path", "/"),
		"no path":                        fields(":method", "GET", ":scheme", "http"),
		"an empty path":                  fields(":method", "GET", ":scheme", "http", ":path", ""),
		"no scheme":                      fields(":method", "GET", ":path", "/"),
		"a path of another form":         fields(":method", "GET", ":scheme", "http", ":path", "http://b/"),
		"a path with a space":            fields(":method", "GET", ":scheme", "http", ":path", "/ HTTP/1.1"),
		"a path with a fragment":         fields(":method", "GET", ":scheme", "http", ":path", "/a#b"),
		"a method with a space":          fields(":method", "GET /", ":scheme", "http", ":path", "/"),
		"two paths":                      fields(append(ok, ":path", "/b")...),
		":status":                        fields(append(ok, ":status", "200")...),
		"an unknown pseudo-header":       fields(append(ok, ":protocol", "x")...),
		"a pseudo-header after a field":  fields(append([]string{"a", "b"}, ok...)...),
		"CONNECT with a path":            fields(":method", "CONNECT", ":path", "/", ":authority", "a"),
		"an authority with a user":       fields(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "u@a"),
		"an authority with a path":       fields(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a/b"),
		"two hosts":                      with("host", "a", "host", "b"),
		"an upper-case name":             with("X-A", "b"),
		"a name with a space":            with("a b", "c"),
		"a name with a colon":            with("a:b", "c"),
		"an empty name":                  with("", "c"),
		"a line break in a value":        with("a", "b\r\nc: d"),
		"NUL in a value":                 with("a", "b\x00"),
		"connection":                     with("connection", "close"),
		"keep-alive":                     with("keep-alive", "1"),
		"proxy-connection":               with("proxy-connection", "close"),
		"transfer-encoding":              with("transfer-encoding", "chunked"),
		"upgrade":                        with("upgrade", "h2c"),
		"te other than trailers":         with("te", "gzip"),
		"two content-lengths":            with("content-length", "1", "content-length", "2"),
		"a content-length with a sign":   with("content-length", "+1"),
		"a content-length without bytes": with("content-length", ""),
	} {
		p, _ := client(t, h2.Options{}, func(*h2.Stream) h2.Handler { return &onlyReset{t: t, name: name} })
		p.headers(1, false, request)
		if got := p.reaction(); got != "RST_STREAM PROTOCOL_ERROR" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// onlyReset fails the test if it receives anything but a violation.
type onlyReset struct {
	absorb
	t    *testing.T
	name string
}

func (o *onlyReset) Headers(_ *h2.Stream, fields []hpack.HeaderField, _ bool) {
	o.t.Errorf("%s: got %v", o.name, fields)
}

func (o *onlyReset) Reset(_ *h2.Stream, err *h2.StreamError) {
	if err.Kind != h2.ProtocolError || err.Reason == "" {
		o.t.Errorf("%s: %v", o.name, err)
	}
}

func TestHostBecomesTheAuthority(t *testing.T) {
	for _, tc := range []struct{ request, want []hpack.HeaderField }{
		{fields(":method", "GET", ":scheme", "http", ":path", "/", "a", "1", "host", "h", "b", "2"), fields(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "h", "a", "1", "b", "2")},
		{fields(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a", "b", "1", "host", "other"), fields(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a", "b", "1")},
	} {
		got := make(chan []hpack.HeaderField, 1)
		p, _ := client(t, h2.Options{}, func(*h2.Stream) h2.Handler { return keep{got: got} })
		p.headers(1, true, tc.request)
		if g := <-got; !equal(g, tc.want) {
			t.Errorf("%v: got %v, want %v", tc.request, g, tc.want)
		}
	}
}

type keep struct {
	absorb
	got chan []hpack.HeaderField
}

func (k keep) Headers(_ *h2.Stream, fields []hpack.HeaderField, _ bool) {
	k.got <- slices.Clone(fields)
}

func equal(a, b []hpack.HeaderField) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestABodyOfAnotherLengthThanDeclaredIsRefused(t *testing.T) {
	for name, send := range map[string]func(p *peer){
		"longer":        func(p *peer) { p.must(p.WriteData(1, false, []byte("abcd"))) },
		"shorter":       func(p *peer) { p.must(p.WriteData(1, true, []byte("ab"))) },
		"with trailers": func(p *peer) { p.headers(1, true, fields("a", "b")) },
	} {
		p, _ := client(t, h2.Options{}, absorbing)
		p.headers(1, false, request("/a", hpack.HeaderField{Name: "content-length", Value: "3"}))
		send(p)
		if got := p.reaction(); got != "RST_STREAM PROTOCOL_ERROR" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestAHeaderListThatIsTooLargeHarmsNoOtherStream(t *testing.T) {
	p, _ := client(t, h2.Options{MaxHeaderList: 16 << 10}, h2test.Echo)
	p.headers(1, false, request("/a"))
	await[*http2.MetaHeadersFrame](p)
	block := p.encode(request("/b", hpack.HeaderField{Name: "x", Value: strings.Repeat("{", 20<<10)}))
	p.must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: 3, BlockFragment: block[:16<<10]}))
	p.must(p.WriteContinuation(3, true, block[16<<10:]))
	if f := await[*http2.MetaHeadersFrame](p); f.StreamID != 3 || get(f.Fields, ":status") != "431" || !f.StreamEnded() {
		t.Errorf("stream %d: %v", f.StreamID, f.Fields)
	}
	p.must(p.WriteData(1, true, []byte("hello")))
	if got := string(p.data(5)); got != "hello" {
		t.Errorf("the other stream got %q", got)
	}
	p.headers(5, true, request("/c")) // the tables of both sides are still the same
	for {
		if f := await[*http2.MetaHeadersFrame](p); f.StreamID == 5 {
			return
		}
	}
}
