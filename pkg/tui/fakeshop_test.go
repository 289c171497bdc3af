package tui

import (
	"context"
	"io"
	"slices"
	"sync"

	"google.golang.org/grpc"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// fakeShop is a daemon in memory: what a test puts into its channels, its streams deliver.
type fakeShop struct {
	controlpb.ShopClient
	controlpb.TracesClient
	controlpb.MetricsClient
	controlpb.TopologyClient
	watch  chan *controlpb.StatusResponse
	events chan *controlpb.Event
	logs   chan *controlpb.LogLine
	// broken, once closed, ends every stream with err.
	broken chan struct{}
	err    error

	mu     sync.Mutex
	did    []string
	tailed []*controlpb.LogsRequest
	closed bool
	fail   error
	edit   func() // when something is edited; nil: nothing more
	seen   watchable
}

func newFakeShop() *fakeShop {
	return &fakeShop{
		watch: make(chan *controlpb.StatusResponse), events: make(chan *controlpb.Event), logs: make(chan *controlpb.LogLine),
		broken: make(chan struct{}), err: io.EOF,
		seen: watchable{alerts: &controlpb.ListAlertsResponse{}, graph: &controlpb.GetMapResponse{}, traces: traceList()},
	}
}

func (s *fakeShop) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *fakeShop) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did = append(s.did, what)
}

type stream[T any] struct {
	grpc.ClientStream
	ctx  context.Context
	from <-chan *T
	shop *fakeShop
}

func (s *stream[T]) Recv() (*T, error) {
	select {
	case v := <-s.from:
		if v == nil {
			panic("the stream delivers nothing")
		}
		return v, nil
	case <-s.shop.broken:
		return nil, s.shop.err
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
}

func (s *fakeShop) Watch(ctx context.Context, r *controlpb.WatchRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.StatusResponse], error) {
	from := s.watch
	if !r.GetStats() {
		from = nil
	}
	return &stream[controlpb.StatusResponse]{ctx: ctx, from: from, shop: s}, nil
}

func (s *fakeShop) Events(ctx context.Context, _ *controlpb.EventsRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.Event], error) {
	return &stream[controlpb.Event]{ctx: ctx, from: s.events, shop: s}, nil
}

func (s *fakeShop) Logs(ctx context.Context, r *controlpb.LogsRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.LogLine], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tailed = append(s.tailed, r)
	return &stream[controlpb.LogLine]{ctx: ctx, from: s.logs, shop: s}, nil
}

func (s *fakeShop) Edit(_ context.Context, r *controlpb.EditRequest, _ ...grpc.CallOption) (*controlpb.EditResponse, error) {
	if s.edit != nil {
		s.edit()
	}
	switch r.GetOperation().(type) {
	case *controlpb.EditRequest_Restart:
		s.note("restart " + r.GetServices()[0])
	case *controlpb.EditRequest_Stop:
		s.note("stop " + r.GetServices()[0])
	case *controlpb.EditRequest_Start:
		s.note("start " + r.GetServices()[0])
	}
	return &controlpb.EditResponse{}, s.fail
}

func (s *fakeShop) Get(_ context.Context, r *controlpb.GetRequest, _ ...grpc.CallOption) (*controlpb.GetResponse, error) {
	resp := &controlpb.GetResponse{}
	for _, o := range objectList() {
		if o.GetKind() == r.GetKind() && (len(r.GetNames()) == 0 || slices.Contains(r.GetNames(), o.GetName())) {
			resp.Objects = append(resp.Objects, o)
		}
	}
	return resp, s.fail
}

func (s *fakeShop) InjectFault(_ context.Context, r *controlpb.InjectFaultRequest, _ ...grpc.CallOption) (*controlpb.InjectFaultResponse, error) {
	s.note("inject " + r.GetFault().GetService() + " " + r.GetFault().GetError())
	f := r.GetFault()
	f.Phrase = f.GetError() + " 100%, 2m00s left"
	return &controlpb.InjectFaultResponse{Fault: f}, s.fail
}

func (s *fakeShop) ClearFaults(_ context.Context, r *controlpb.ClearFaultsRequest, _ ...grpc.CallOption) (*controlpb.ClearFaultsResponse, error) {
	s.note("clear " + r.GetServices()[0])
	return &controlpb.ClearFaultsResponse{Faults: []*controlpb.Fault{{}}}, s.fail
}

// asked counts what a shop was asked for, and forgets it.
func (s *fakeShop) asked() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]int{}
	for _, what := range s.did {
		all[what]++
	}
	s.did = nil
	return all
}
