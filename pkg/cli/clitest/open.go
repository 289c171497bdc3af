package clitest

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

// open counts the connections and calls that a server is not done with. It is done with a call once its response is written: the
// call's handler has returned before.
type open struct {
	mu   sync.Mutex
	n    int
	none chan struct{} // closed when n falls to 0, if anybody waits
}

func (o *open) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (o *open) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (o *open) HandleConn(_ context.Context, s stats.ConnStats) {
	switch s.(type) {
	case *stats.ConnBegin:
		o.add(1)
	case *stats.ConnEnd:
		o.add(-1)
	}
}

func (o *open) HandleRPC(_ context.Context, s stats.RPCStats) {
	switch s.(type) {
	case *stats.Begin:
		o.add(1)
	case *stats.End:
		o.add(-1)
	}
}

func (o *open) add(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n += n; o.n == 0 && o.none != nil {
		close(o.none)
		o.none = nil
	}
}

// wait waits until nothing is open. It returns how many still are after a minute.
func (o *open) wait() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n > 0 {
		none := make(chan struct{})
		o.none = none
		o.mu.Unlock()
		select {
		case <-none:
		case <-time.After(time.Minute):
		}
		o.mu.Lock()
	}
	return o.n
}
