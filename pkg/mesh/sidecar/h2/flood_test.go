package h2_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
)

// Each flood is sent until the connection ends, which it does long before that.
const enough = 1 << 20

func TestFloodsEndTheirConnection(t *testing.T) {
	floods := map[string]func(p *peer, i int) error{
		"rapid reset": func(p *peer, i int) error {
			id := uint32(2*i + 1)
			if err := p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(request("/a")), EndHeaders: true}); err != nil {
				return err
			}
			return p.WriteRSTStream(id, http2.ErrCodeCancel)
		},
		"streams that reset themselves": func(p *peer, i int) error {
			id := uint32(2*i + 1)
			if err := p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(request("/a")), EndHeaders: true}); err != nil {
				return err
			}
			return p.WriteWindowUpdate(id, 1<<31-1)
		},
		"malformed requests": func(p *peer, i int) error {
			fields := []hpack.HeaderField{{Name: ":method", Value: "GET"}}
			return p.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: p.encode(fields), EndHeaders: true})
		},
		"streams beyond the limit": func(p *peer, i int) error {
			return p.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: p.encode(request("/a")), EndHeaders: true})
		},
		"PING": func(p *peer, _ int) error { return p.WritePing(false, [8]byte{}) },
		"SETTINGS": func(p *peer, i int) error {
			return p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i)})
		},
		"PRIORITY": func(p *peer, _ int) error {
			return p.WritePriority(1, http2.PriorityParam{StreamDep: 3})
		},
		"unknown frames": func(p *peer, _ int) error { return p.WriteRawFrame(0xee, 0, 0, nil) },
		"empty DATA": func(p *peer, i int) error {
			if i == 0 {
				p.headers(1, false, request("/a"))
			}
			return p.WriteData(1, false, nil)
		},
		"tiny windows": func(p *peer, i int) error {
			if i == 0 {
				p.headers(1, false, request("/a"))
			}
			return p.WriteWindowUpdate(1, 1)
		},
		"CONTINUATION without bytes": func(p *peer, i int) error {
			if i == 0 {
				return p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.encode(request("/a"))})
			}
			return p.WriteContinuation(1, false, nil)
		},
		"CONTINUATION without end": func(p *peer, i int) error {
			block := p.encode([]hpack.HeaderField{{Name: "a", Value: strings.Repeat("{", 10000), Sensitive: true}})
			if i == 0 {
				return p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block})
			}
			return p.WriteContinuation(1, false, block)
		},
		"DATA on closed streams": func(p *peer, i int) error {
			if i == 0 {
				p.headers(1, true, request("/a"))
				p.must(p.WriteRSTStream(1, http2.ErrCodeCancel))
			}
			return p.WriteData(1, false, []byte("x"))
		},
	}
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, c := client(t, h2.Options{}, absorbing)
			type end struct {
				code http2.ErrCode
				said bool
			}
			ended := make(chan end)
			go func() {
				code, said := p.ended()
				ended <- end{code, said}
			}()
			for i := range enough {
				if err := flood(p, i); err != nil {
					break
				}
			}
			<-c.Done()
			if e := <-ended; e.said && e.code != http2.ErrCodeEnhanceYourCalm {
				t.Errorf("GOAWAY with %v", e.code)
			}
			if err := c.Err(); err == nil || !strings.Contains(err.Error(), "ENHANCE_YOUR_CALM") {
				t.Errorf("the connection ended with %v", err)
			}
		})
	}
}

func TestWhatIsPermittedInModerationIsNoFlood(t *testing.T) {
	p, _ := client(t, h2.Options{}, absorbing)
	for i := range 400 {
		id := uint32(2*i + 1)
		p.headers(id, false, request("/a"))
		p.must(p.WritePing(false, [8]byte{1}))
		p.must(p.WriteSettings())
		p.must(p.WriteData(id, false, nil))
		p.must(p.WriteRSTStream(id, http2.ErrCodeCancel))
		if got := p.reaction(); got != "nothing" {
			t.Fatalf("after %d requests: %s", i, got)
		}
	}
}

func TestAPeerThatDoesNotReadCostsBoundedMemory(t *testing.T) {
	p, c := client(t, h2.Options{MaxPending: 256 << 10}, func(*h2.Stream) h2.Handler { return large{} })
	for i := range enough {
		err := p.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: p.encode(request("/a")), EndHeaders: true, EndStream: true})
		if err != nil {
			break
		}
	}
	<-c.Done()
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "does not read") {
		t.Errorf("the connection ended with %v", err)
	}
}

// large answers with large headers.
type large struct{ absorb }

func (large) Headers(s *h2.Stream, _ []hpack.HeaderField, _ bool) {
	_ = s.WriteHeaders([]hpack.HeaderField{{Name: ":status", Value: "200"}, {Name: "x", Value: strings.Repeat("{", 30000)}}, true)
}

// A proxy's connection to a server carries the requests of many callers, each of which may reset as many as a server permits of one.
func TestResetsOfManyCallersAreNoFloodForTheServer(t *testing.T) {
	ours, theirs := sockets(t)
	s := serve(t, h2.Server(theirs, h2.Options{}, absorbing))
	c := serve(t, h2.Client(ours, h2.Options{}))
	sent := 0
	for range 3000 {
		st, err := c.Open(absorb{})
		if err != nil {
			if !errors.Is(err, h2.ErrNoCapacity) {
				t.Fatalf("after %d resets: %v; the server ends with %v, the client with %v", sent, err, s.Err(), c.Err())
			}
			eventually.True(t, "resets that were kept back have been sent", func() bool { return c.Active() == 0 })
			continue
		}
		if err := st.WriteHeaders(request("/a"), false); err != nil {
			t.Fatal(err)
		}
		st.Reset(http2.ErrCodeCancel)
		sent++
	}
	eventually.True(t, "the server knows that all are over", func() bool { return c.Active() == 0 && s.Active() == 0 })
	if s.Err() != nil || c.Err() != nil || sent < 1500 {
		t.Errorf("after %d resets the server ends with %v, the client with %v", sent, s.Err(), c.Err())
	}
}
