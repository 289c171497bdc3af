package tuitest

import (
	"context"
	"io"
	"slices"
	"sync"

	"google.golang.org/grpc"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Shop is a daemon in memory: its streams deliver what a test puts into its channels.
type Shop struct {
	controlpb.ShopClient
	controlpb.TracesClient
	controlpb.MetricsClient
	controlpb.TopologyClient
	Snapshots   chan *controlpb.StatusResponse
	EventStream chan *controlpb.Event
	LogStream   chan *controlpb.LogLine
	// Broken, once closed, ends every stream with StreamError.
	Broken      chan struct{}
	StreamError error

	Mu          sync.Mutex
	Did         []string
	LogRequests []*controlpb.LogsRequest
	Closed      bool
	Failure     error
	OnEdit      func() // called by Edit; nil: nothing more happens
	Data        Data
}

func NewShop() *Shop {
	return &Shop{
		Snapshots: make(chan *controlpb.StatusResponse), EventStream: make(chan *controlpb.Event), LogStream: make(chan *controlpb.LogLine),
		Broken: make(chan struct{}), StreamError: io.EOF,
		Data: Data{alerts: &controlpb.ListAlertsResponse{}, Graph: &controlpb.GetMapResponse{}, traces: TraceList()},
	}
}

func (s *Shop) Close() error {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Closed = true
	return nil
}

func (s *Shop) note(what string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Did = append(s.Did, what)
}

type stream[T any] struct {
	grpc.ClientStream
	ctx  context.Context
	from <-chan *T
	shop *Shop
}

func (s *stream[T]) Recv() (*T, error) {
	select {
	case v := <-s.from:
		if v == nil {
			panic("the stream delivers nothing")
		}
		return v, nil
	case <-s.shop.Broken:
		return nil, s.shop.StreamError
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
}

func (s *Shop) Watch(ctx context.Context, r *controlpb.WatchRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.StatusResponse], error) {
	from := s.Snapshots
	if !r.GetStats() {
		from = nil
	}
	return &stream[controlpb.StatusResponse]{ctx: ctx, from: from, shop: s}, nil
}

func (s *Shop) Events(ctx context.Context, _ *controlpb.EventsRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.Event], error) {
	return &stream[controlpb.Event]{ctx: ctx, from: s.EventStream, shop: s}, nil
}

func (s *Shop) Logs(ctx context.Context, r *controlpb.LogsRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.LogLine], error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.LogRequests = append(s.LogRequests, r)
	return &stream[controlpb.LogLine]{ctx: ctx, from: s.LogStream, shop: s}, nil
}

func (s *Shop) Edit(_ context.Context, r *controlpb.EditRequest, _ ...grpc.CallOption) (*controlpb.EditResponse, error) {
	if s.OnEdit != nil {
		s.OnEdit()
	}
	switch r.GetOperation().(type) {
	case *controlpb.EditRequest_Restart:
		s.note("restart " + r.GetServices()[0])
	case *controlpb.EditRequest_Stop:
		s.note("stop " + r.GetServices()[0])
	case *controlpb.EditRequest_Start:
		s.note("start " + r.GetServices()[0])
	}
	return &controlpb.EditResponse{}, s.Failure
}

func (s *Shop) Get(_ context.Context, r *controlpb.GetRequest, _ ...grpc.CallOption) (*controlpb.GetResponse, error) {
	resp := &controlpb.GetResponse{}
	for _, o := range ObjectList() {
		if o.GetKind() == r.GetKind() && (len(r.GetNames()) == 0 || slices.Contains(r.GetNames(), o.GetName())) {
			resp.Objects = append(resp.Objects, o)
		}
	}
	return resp, s.Failure
}

func (s *Shop) InjectFault(_ context.Context, r *controlpb.InjectFaultRequest, _ ...grpc.CallOption) (*controlpb.InjectFaultResponse, error) {
	s.note("inject " + r.GetFault().GetService() + " " + r.GetFault().GetError())
	f := r.GetFault()
	f.Phrase = f.GetError() + " 100%, 2m00s left"
	return &controlpb.InjectFaultResponse{Fault: f}, s.Failure
}

func (s *Shop) ClearFaults(_ context.Context, r *controlpb.ClearFaultsRequest, _ ...grpc.CallOption) (*controlpb.ClearFaultsResponse, error) {
	s.note("clear " + r.GetServices()[0])
	return &controlpb.ClearFaultsResponse{Faults: []*controlpb.Fault{{}}}, s.Failure
}

// Asked counts the requests by kind since the last call.
func (s *Shop) Asked() map[string]int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	all := map[string]int{}
	for _, what := range s.Did {
		all[what]++
	}
	s.Did = nil
	return all
}
