package h2_test

import (
	"bytes"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
)

// opened starts a request of a client to a peer.
func opened(t testing.TB, c *h2.Conn) (*h2.Stream, *exchange) {
	t.Helper()
	e := newExchange()
	s, err := c.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteHeaders(request("/a"), false); err != nil {
		t.Fatal(err)
	}
	return s, e
}

// data reads DATA until it has n bytes.
func (p *peer) data(n int) []byte {
	p.t.Helper()
	var got []byte
	for len(got) < n {
		got = append(got, await[*http2.DataFrame](p).Data()...)
	}
	return got
}

func TestDataWaitsForBothWindows(t *testing.T) {
	p, c := server(t, h2.Options{}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10})
	s, _ := opened(t, c)
	body := pattern(100000)
	if err := s.WriteData(body, true); err != nil {
		t.Fatal(err)
	}
	if got := p.data(10); !bytes.Equal(got, body[:10]) || p.reaction() != "nothing" {
		t.Fatalf("%d bytes of a window of 10", len(got))
	}
	if s.Queued() != len(body)-10 {
		t.Errorf("%d bytes are queued", s.Queued())
	}
	p.must(p.WriteWindowUpdate(1, 1<<20)) // now the connection's is the smaller one
	if got := p.data(65535 - 10); !bytes.Equal(got, body[10:65535]) || p.reaction() != "nothing" {
		t.Fatalf("%d bytes of the connection's window", len(got))
	}
	p.must(p.WriteWindowUpdate(0, 1<<20))
	if got := p.data(len(body) - 65535); !bytes.Equal(got, body[65535:]) {
		t.Fatal("the rest is another")
	}
}

func TestANewInitialWindowAppliesToOpenStreams(t *testing.T) {
	window := func(n uint32) http2.Setting { return http2.Setting{ID: http2.SettingInitialWindowSize, Val: n} }
	p, c := server(t, h2.Options{}, window(100))
	s, _ := opened(t, c)
	body := pattern(200)
	if err := s.WriteData(body, false); err != nil {
		t.Fatal(err)
	}
	p.data(100)
	p.must(p.WriteSettings(window(20))) // 80 less than nothing
	p.must(p.WriteWindowUpdate(1, 80))
	if got := p.reaction(); got != "nothing" || s.Queued() != 100 {
		t.Fatalf("%s; %d bytes are queued", got, s.Queued())
	}
	p.must(p.WriteSettings(window(50)))
	if got := p.data(30); !bytes.Equal(got, body[100:130]) {
		t.Error("the window's growth gave other bytes")
	}
}

func TestWindowsBeyondTheMaximumAreViolations(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(p *peer) error
		want string
	}{
		"connection": {func(p *peer) error { return p.WriteWindowUpdate(0, 1<<31-1) }, "GOAWAY FLOW_CONTROL_ERROR"},
		"stream":     {func(p *peer) error { return p.WriteWindowUpdate(1, 1<<31-1) }, "RST_STREAM FLOW_CONTROL_ERROR"},
		"settings": {func(p *peer) error {
			p.must(p.WriteWindowUpdate(1, 1<<30))
			return p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
		}, "GOAWAY FLOW_CONTROL_ERROR"},
	} {
		p, c := server(t, h2.Options{})
		_, e := opened(t, c)
		p.must(tc.do(p))
		if got := p.reaction(); got != tc.want {
			t.Errorf("%s: %s", name, got)
		}
		if <-e.done; e.err.Kind != h2.ProtocolError || e.err.Code != http2.ErrCodeFlowControl {
			t.Errorf("%s: the stream heard %v", name, e.err)
		}
	}
}

func TestMoreThanTheWindowIsRefused(t *testing.T) {
	p, _ := client(t, h2.Options{}, func(*h2.Stream) h2.Handler { return hold{} })
	p.headers(1, false, request("/a"))
	for range 4 {
		p.must(p.WriteData(1, false, make([]byte, 16<<10)))
	}
	if got := p.reaction(); got != "nothing" {
		t.Errorf("the whole window: %s", got)
	}
	p.must(p.WriteData(1, false, make([]byte, 1)))
	if got := p.reaction(); got != "RST_STREAM FLOW_CONTROL_ERROR" {
		t.Errorf("a byte more: %s", got)
	}
}

func TestPaddingIsConsumedAtOnce(t *testing.T) {
	p, _ := client(t, h2.Options{}, func(*h2.Stream) h2.Handler { return hold{} })
	p.headers(1, false, request("/a"))
	for range 1000 {
		p.must(p.WriteDataPadded(1, false, make([]byte, 1), make([]byte, 255)))
	}
	if got := p.reaction(); got != "nothing" {
		t.Error(got)
	}
}

// hold consumes nothing.
type hold struct{ absorb }

func (hold) Data(*h2.Stream, []byte, bool) {}

func TestWhatAStreamHeldIsTheConnectionsAgainWhenItEnds(t *testing.T) {
	p, _ := client(t, h2.Options{ConnWindow: 64 << 10}, func(*h2.Stream) h2.Handler { return hold{} })
	for id := uint32(1); id < 201; id += 2 {
		p.headers(id, false, request("/a"))
		p.must(p.WriteData(id, false, make([]byte, 16<<10)))
		p.must(p.WriteRSTStream(id, http2.ErrCodeCancel))
		if got := p.reaction(); got != "nothing" {
			t.Fatalf("stream %d: %s", id, got)
		}
	}
}

func TestTheQueueTellsWhenItHasRoom(t *testing.T) {
	p, c := server(t, h2.Options{})
	s, e := opened(t, c)
	if err := s.WriteData(make([]byte, 65535+h2.HighWater), false); err != nil {
		t.Fatal(err)
	}
	p.data(65535)
	p.must(p.WriteWindowUpdate(0, 1<<20))
	p.must(p.WriteWindowUpdate(1, h2.HighWater/2-1))
	p.data(h2.HighWater/2 - 1)
	select {
	case <-e.writable:
		t.Fatal("writable above half of the limit")
	default:
	}
	p.must(p.WriteWindowUpdate(1, 1))
	p.data(1)
	<-e.writable
}

func TestTrailersWaitForTheBody(t *testing.T) {
	p, c := server(t, h2.Options{}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
	s, _ := opened(t, c)
	if err := s.WriteData([]byte("abc"), false); err != nil {
		t.Fatal(err)
	}
	if err := s.WriteTrailers([]hpack.HeaderField{{Name: "x", Value: "y"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.WriteData([]byte("more"), false); err == nil {
		t.Error("data after trailers were taken")
	}
	p.data(1)
	if got := p.reaction(); got != "nothing" {
		t.Fatal(got)
	}
	p.must(p.WriteWindowUpdate(1, 2))
	if f := await[*http2.DataFrame](p); string(f.Data()) != "bc" || f.StreamEnded() {
		t.Errorf("%q, ended %v", f.Data(), f.StreamEnded())
	}
	if f := await[*http2.MetaHeadersFrame](p); !f.StreamEnded() || get(f.Fields, "x") != "y" {
		t.Errorf("trailers %v", f.Fields)
	}
}
