package h2_test

import (
	"errors"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2/h2test"
)

func TestAStreamTellsWhoEndedIt(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(p *peer)
		kind h2.Kind
		code http2.ErrCode
	}{
		"reset":            {func(p *peer) { p.must(p.WriteRSTStream(1, http2.ErrCodeInternal)) }, h2.RemoteReset, http2.ErrCodeInternal},
		"refused":          {func(p *peer) { p.must(p.WriteRSTStream(1, http2.ErrCodeRefusedStream)) }, h2.RemoteReset, http2.ErrCodeRefusedStream},
		"excluded":         {func(p *peer) { p.must(p.WriteGoAway(0, http2.ErrCodeNo, nil)) }, h2.RemoteReset, http2.ErrCodeRefusedStream},
		"lost":             {func(p *peer) { p.conn.Close() }, h2.ConnectionLost, http2.ErrCodeCancel},
		"no status":        {func(p *peer) { p.headers(1, true, fields("a", "b")) }, h2.ProtocolError, http2.ErrCodeProtocol},
		"DATA first":       {func(p *peer) { p.must(p.WriteData(1, true, nil)) }, h2.ProtocolError, http2.ErrCodeProtocol},
		"101":              {func(p *peer) { p.headers(1, false, fields(":status", "101")) }, h2.ProtocolError, http2.ErrCodeProtocol},
		"an ending 1xx":    {func(p *peer) { p.headers(1, true, fields(":status", "103")) }, h2.ProtocolError, http2.ErrCodeProtocol},
		"an invalid frame": {func(p *peer) { p.must(p.WriteRawFrame(http2.FramePing, 0, 0, []byte("x"))) }, h2.ProtocolError, http2.ErrCodeFrameSize},
		"a push": {func(p *peer) {
			p.must(p.WriteRawFrame(http2.FramePushPromise, http2.FlagPushPromiseEndHeaders, 1, []byte{0, 0, 0, 2}))
		}, h2.ProtocolError, http2.ErrCodeProtocol},
	} {
		p, c := server(t, h2.Options{})
		_, e := opened(t, c)
		await[*http2.MetaHeadersFrame](p)
		tc.do(p)
		if <-e.done; e.err == nil || e.err.Kind != tc.kind || e.err.Code != tc.code || e.err.Error() == "" {
			t.Errorf("%s: heard %v", name, e.err)
		}
	}
}

func TestAConnectionThatIsLostAfterAGoAwaySaysWhy(t *testing.T) {
	p, c := server(t, h2.Options{})
	_, e := opened(t, c)
	await[*http2.MetaHeadersFrame](p)
	p.must(p.WriteGoAway(1, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings")))
	p.conn.Close()
	if <-e.done; e.err.Kind != h2.ConnectionLost || e.err.Reason != "GOAWAY ENHANCE_YOUR_CALM: too_many_pings" {
		t.Errorf("heard %v", e.err)
	}
}

func TestInformationalResponsesAreLeftOut(t *testing.T) {
	p, c := server(t, h2.Options{})
	_, e := opened(t, c)
	await[*http2.MetaHeadersFrame](p)
	p.headers(1, false, fields(":status", "100"))
	p.headers(1, false, fields(":status", "103", "link", "x"))
	p.headers(1, true, fields(":status", "204"))
	if <-e.done; get(e.headers, ":status") != "204" || !e.trailersOnly {
		t.Errorf("heard %v, error %v", e.headers, e.err)
	}
}

func TestAClientWaitsForCapacity(t *testing.T) {
	changed := make(chan struct{}, 4)
	limit := func(n uint32) http2.Setting { return http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: n} }
	p, c := server(t, h2.Options{Changed: func(*h2.Conn) { changed <- struct{}{} }}, limit(1))
	s, e := opened(t, c)
	if _, err := c.Open(newExchange()); !errors.Is(err, h2.ErrNoCapacity) {
		t.Fatalf("a second stream: %v", err)
	}
	await[*http2.MetaHeadersFrame](p)
	if err := s.WriteData(nil, true); err != nil {
		t.Fatal(err)
	}
	p.headers(1, true, fields(":status", "200"))
	<-e.done
	<-changed // the stream has ended
	opened(t, c)
	if _, err := c.Open(newExchange()); !errors.Is(err, h2.ErrNoCapacity) {
		t.Fatalf("a second stream: %v", err)
	}
	p.must(p.WriteSettings(limit(2)))
	<-changed // the limit has been raised
	opened(t, c)
	if c.Active() != 2 {
		t.Errorf("%d streams are open", c.Active())
	}
}

func TestAServerGoesAwayWithoutLosingARequest(t *testing.T) {
	p, c := client(t, h2.Options{}, h2test.Echo)
	p.headers(1, false, request("/a"))
	await[*http2.MetaHeadersFrame](p)
	c.GoAway()
	if g := await[*http2.GoAwayFrame](p); g.LastStreamID != 1<<31-1 {
		t.Errorf("announced with %d as the last", g.LastStreamID)
	}
	ping := await[*http2.PingFrame](p)
	p.headers(3, true, request("/b")) // sent before the announcement was seen
	p.must(p.WritePing(true, ping.Data))
	answered, last := false, uint32(0)
	for last == 0 {
		switch f := p.next().(type) {
		case *http2.MetaHeadersFrame:
			answered = f.StreamID == 3
		case *http2.GoAwayFrame:
			last = f.LastStreamID
		}
	}
	if !answered || last != 3 {
		t.Errorf("stream 3 answered: %v; the last is %d", answered, last)
	}
	p.headers(5, true, request("/c")) // has no answer
	p.must(p.WriteData(1, true, []byte("hello")))
	if got := string(p.data(5)); got != "hello" {
		t.Errorf("an open stream got %q", got)
	}
	if code, said := p.ended(); said {
		t.Errorf("it ended with %v", code)
	}
	p.conn.Close()
	if <-c.Done(); c.Active() != 0 {
		t.Errorf("%d streams are open", c.Active())
	}
}

func TestAClientGoesAwayAfterItsLastStream(t *testing.T) {
	p, c := server(t, h2.Options{})
	s, e := opened(t, c)
	await[*http2.MetaHeadersFrame](p)
	c.GoAway()
	if _, err := c.Open(newExchange()); !errors.Is(err, h2.ErrGoingAway) {
		t.Errorf("another stream: %v", err)
	}
	if err := s.WriteData([]byte("x"), true); err != nil {
		t.Fatal(err)
	}
	p.data(1)
	p.headers(1, true, fields(":status", "200"))
	if <-e.done; e.err != nil {
		t.Errorf("the stream heard %v", e.err)
	}
	if code, said := p.ended(); !said || code != http2.ErrCodeNo {
		t.Errorf("it ended with %v, %v", said, code)
	}
	p.conn.Close()
	<-c.Done()
}

func TestAResponseBeforeTheEndOfItsRequestStopsTheRequest(t *testing.T) {
	p, c := client(t, h2.Options{}, func(*h2.Stream) h2.Handler { return early{} })
	p.headers(1, false, request("/a"))
	if f := await[*http2.MetaHeadersFrame](p); get(f.Fields, ":status") != "100" || f.StreamEnded() {
		t.Errorf("first came %v", f.Fields)
	}
	if f := await[*http2.MetaHeadersFrame](p); get(f.Fields, ":status") != "413" || !f.StreamEnded() {
		t.Errorf("then came %v", f.Fields)
	}
	if f := await[*http2.RSTStreamFrame](p); f.ErrCode != http2.ErrCodeNo {
		t.Errorf("reset with %v", f.ErrCode)
	}
	p.must(p.WriteData(1, false, []byte("on its way"))) // no violation, and no trailers either
	p.headers(1, true, fields("a", "b"))
	if got := p.reaction(); got != "nothing" || c.Active() != 0 {
		t.Errorf("%s; %d streams are open", got, c.Active())
	}
}

type early struct{ absorb }

func (early) Headers(s *h2.Stream, _ []hpack.HeaderField, _ bool) {
	_ = s.WriteHeaders(fields(":status", "100"), false)
	_ = s.WriteHeaders(fields(":status", "413"), true)
}
