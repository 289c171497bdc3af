package h2_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
)

// peer is the other end of a connection, which sends what it likes.
type peer struct {
	*http2.Framer
	t    testing.TB
	conn net.Conn
	buf  bytes.Buffer
	enc  *hpack.Encoder
}

func sockets(t testing.TB) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	theirs, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ours, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	return ours, theirs
}

func newPeer(t testing.TB, conn net.Conn) *peer {
	p := &peer{Framer: http2.NewFramer(conn, conn), t: t, conn: conn}
	p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.enc = hpack.NewEncoder(&p.buf)
	return p
}

// client is a peer in front of a server that has sent its preface and these settings.
func client(t testing.TB, opt h2.Options, accept func(*h2.Stream) h2.Handler, settings ...http2.Setting) (*peer, *h2.Conn) {
	t.Helper()
	ours, theirs := sockets(t)
	c := serve(t, h2.Server(ours, opt, accept))
	p := newPeer(t, theirs)
	if _, err := io.WriteString(theirs, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	p.must(p.WriteSettings(settings...))
	return p, c
}

// server is a peer behind a client, with these settings, which the client has acknowledged.
func server(t testing.TB, opt h2.Options, settings ...http2.Setting) (*peer, *h2.Conn) {
	t.Helper()
	ours, theirs := sockets(t)
	c := serve(t, h2.Client(ours, opt))
	p := newPeer(t, theirs)
	if _, err := io.CopyN(io.Discard, theirs, int64(len(http2.ClientPreface))); err != nil {
		t.Fatal(err)
	}
	p.must(p.WriteSettings(settings...))
	p.settled()
	return p, c
}

// settled waits until the other end has acknowledged settings.
func (p *peer) settled() {
	p.t.Helper()
	for {
		if f, ok := p.next().(*http2.SettingsFrame); ok && f.IsAck() {
			return
		}
	}
}

func (p *peer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) next() http2.Frame {
	p.t.Helper()
	f, err := p.ReadFrame()
	if err != nil {
		p.t.Fatal(err)
	}
	return f
}

func (p *peer) encode(fields []hpack.HeaderField) []byte {
	p.buf.Reset()
	for _, f := range fields {
		p.must(p.enc.WriteField(f))
	}
	return bytes.Clone(p.buf.Bytes())
}

func (p *peer) headers(id uint32, end bool, fields []hpack.HeaderField) {
	p.t.Helper()
	p.must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(fields), EndStream: end, EndHeaders: true}))
}

// await reads until a frame of the type arrives that is not an acknowledgement.
func await[F http2.Frame](p *peer) F {
	p.t.Helper()
	for {
		if f, ok := p.next().(F); ok && !(f.Header().Type == http2.FrameSettings && f.Header().Flags.Has(http2.FlagSettingsAck)) {
			return f
		}
	}
}

// ended reads until the connection ends, and returns the code of the GOAWAY before it, if one came.
func (p *peer) ended() (code http2.ErrCode, said bool) {
	for {
		f, err := p.ReadFrame()
		if err != nil {
			return code, said
		}
		if g, ok := f.(*http2.GoAwayFrame); ok {
			code, said = g.ErrCode, true
		}
	}
}

// reaction is how the other end answers something: "RST_STREAM code", "GOAWAY code" or "nothing".
func (p *peer) reaction() string {
	p.t.Helper()
	mark := [8]byte{'m', 'a', 'r', 'k'}
	_ = p.WritePing(false, mark)
	for {
		f, err := p.ReadFrame()
		if err != nil {
			return "closed"
		}
		switch f := f.(type) {
		case *http2.RSTStreamFrame:
			return "RST_STREAM " + f.ErrCode.String()
		case *http2.GoAwayFrame:
			return "GOAWAY " + f.ErrCode.String()
		case *http2.PingFrame:
			if f.IsAck() && f.Data == mark {
				return "nothing"
			}
		}
	}
}

// absorb answers nothing and consumes everything.
type absorb struct{}

func (absorb) Headers(*h2.Stream, []hpack.HeaderField, bool) {}
func (absorb) Data(s *h2.Stream, p []byte, _ bool)           { s.Consumed(len(p)) }
func (absorb) Trailers(*h2.Stream, []hpack.HeaderField)      {}
func (absorb) Reset(*h2.Stream, *h2.StreamError)             {}
func (absorb) Writable(*h2.Stream)                           {}

func absorbing(*h2.Stream) h2.Handler { return absorb{} }

func TestAConnectionEndsWithItsContext(t *testing.T) {
	ours, _ := sockets(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	c := h2.Server(ours, h2.Options{}, absorbing)
	served := make(chan error)
	go func() { served <- c.Serve(ctx) }()
	want := errors.New("enough")
	cancel(want)
	if err := <-served; !errors.Is(err, want) {
		t.Errorf("Serve returned %v", err)
	}
}
