package observe

import (
	"slices"
	"strings"
	"sync"

	"github.com/shopctl/shopctl/pkg/broadcast"
	"github.com/shopctl/shopctl/pkg/trace"
)

// maxRequests bounds the requests that are kept.
const maxRequests = 2000

// Request is a request as one sidecar saw it.
type Request struct {
	// Sequence numbers requests in the order in which their spans came, from 1.
	Sequence uint64
	trace.Record
	trace.Sidecar
}

// Instance is the name of the instance whose sidecar it is, by the sidecar's id: "sidecar~NAME.NAMESPACE", or as Istio has it,
// "sidecar~ADDRESS~NAME.NAMESPACE~DOMAIN".
func (r Request) Instance() string {
	name := ""
	switch parts := strings.Split(r.Node, "~"); len(parts) {
	case 2:
		name = parts[1]
	case 4:
		name = parts[2]
	}
	return name[:max(0, strings.LastIndexByte(name, '.'))]
}

// Outbound reports whether the request went out of the sidecar's instance.
func (r Request) Outbound() bool { return r.Kind == trace.Client }

// Failed reports whether the request failed, or has a flag.
func (r Request) Failed() bool {
	return r.Error || r.Flags != "" && r.Flags != "-" || r.GRPC != "" && r.GRPC != "OK" || len(r.Status) == 3 && r.Status >= "400"
}

// Requests keeps the newest requests that went through sidecars. It is safe for concurrent use.
type Requests struct {
	changed broadcast.Signal

	mu   sync.Mutex
	ring []Request // oldest first
	seq  uint64
}

// Add takes the requests among the records of spans.
func (q *Requests) Add(records []trace.Record) {
	added := false
	q.mu.Lock()
	for _, r := range records {
		if r.Sidecar == nil {
			continue
		}
		q.seq++
		if len(q.ring) == maxRequests {
			q.ring = append(q.ring[:0:0], q.ring[maxRequests/4:]...)
		}
		request := Request{q.seq, r, *r.Sidecar}
		request.Record.Sidecar = nil
		q.ring = append(q.ring, request)
		added = true
	}
	q.mu.Unlock()
	if added {
		q.changed.Notify()
	}
}

// After returns the requests whose number is higher than seq, oldest first, and a channel that is closed when there are
// more.
func (q *Requests) After(seq uint64) ([]Request, <-chan struct{}) {
	changed := q.changed.Wait() // before the requests are read, or one in between would be missed
	q.mu.Lock()
	defer q.mu.Unlock()
	i := len(q.ring)
	for i > 0 && q.ring[i-1].Sequence > seq {
		i--
	}
	return slices.Clone(q.ring[i:]), changed
}
