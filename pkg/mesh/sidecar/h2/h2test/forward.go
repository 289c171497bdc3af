// Package h2test has what tests and benchmarks of HTTP/2 put at the other end: a proxy that only forwards, and a server that
// sends back what it gets.
package h2test

import (
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/h2"
)

// Forward returns what a server accepts streams with to forward them to up, unchanged.
func Forward(up *h2.Conn) func(*h2.Stream) h2.Handler {
	return func(down *h2.Stream) h2.Handler {
		r := &relay{}
		r.down.to, r.up.from = down, down
		r.up.relay, r.down.relay = r, r
		return &request{relay: r, conn: up}
	}
}

// relay is one request on its way through.
type relay struct {
	mu   sync.Mutex
	up   half // to the upstream
	down half // to the downstream
}

// half is one direction.
type half struct {
	relay *relay
	to    *h2.Stream
	from  *h2.Stream
	owed  int // forwarded, and not yet consumed
}

func (h *half) data(p []byte, end bool) {
	h.relay.mu.Lock()
	defer h.relay.mu.Unlock()
	if h.to == nil || h.to.WriteData(p, end) != nil {
		h.from.Consumed(len(p))
		return
	}
	h.owed += len(p)
	if h.to.Queued() < h2.HighWater {
		h.settle()
	}
}

func (h *half) settle() {
	if h.from != nil && h.owed > 0 {
		h.from.Consumed(h.owed)
		h.owed = 0
	}
}

func (h *half) writable() {
	h.relay.mu.Lock()
	defer h.relay.mu.Unlock()
	h.settle()
}

// request receives the downstream's stream.
type request struct {
	*relay
	conn *h2.Conn
}

func (r *request) Headers(s *h2.Stream, fields []hpack.HeaderField, end bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	up, err := r.conn.Open(&response{r.relay})
	if err == nil {
		r.up.to, r.down.from = up, up
		err = up.WriteHeaders(fields, end)
	}
	if err != nil {
		s.Reset(http2.ErrCodeRefusedStream)
	}
}

func (r *request) Data(_ *h2.Stream, p []byte, end bool) { r.up.data(p, end) }

func (r *request) Trailers(_ *h2.Stream, fields []hpack.HeaderField) {
	if r.up.to != nil {
		_ = r.up.to.WriteTrailers(fields)
	}
}

func (r *request) Reset(*h2.Stream, *h2.StreamError) {
	if r.up.to != nil {
		r.up.to.Reset(http2.ErrCodeCancel)
	}
}

func (r *request) Writable(*h2.Stream) { r.down.writable() }

// response receives the upstream's stream.
type response struct{ *relay }

func (r *response) Headers(s *h2.Stream, fields []hpack.HeaderField, end bool) {
	_ = r.down.to.WriteHeaders(fields, end)
	r.ended(s, end)
}

func (r *response) Data(s *h2.Stream, p []byte, end bool) {
	r.down.data(p, end)
	r.ended(s, end)
}

func (r *response) Trailers(s *h2.Stream, fields []hpack.HeaderField) {
	_ = r.down.to.WriteTrailers(fields)
	r.ended(s, true)
}

// ended stops a request whose response is complete.
func (r *response) ended(s *h2.Stream, end bool) {
	if end {
		s.Reset(http2.ErrCodeNo)
	}
}

func (r *response) Reset(_ *h2.Stream, err *h2.StreamError) {
	code := http2.ErrCodeInternal
	if err.Kind == h2.RemoteReset {
		code = err.Code
	}
	r.down.to.Reset(code)
}

func (r *response) Writable(*h2.Stream) { r.up.writable() }
