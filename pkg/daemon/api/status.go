package api

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/observe/scrape"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// statusServer serves the state of the shop.
type statusServer struct {
	view    *view
	stats   watchedStats
	leaving <-chan struct{}
}

// watchedStats are request statistics, which are only measured while there are watchers.
type watchedStats interface {
	Watch() (release func())
	Stats() (map[string]scrape.Stats, <-chan struct{})
}

const (
	// watchPause and statsPause are the minimum times between two messages of Watch.
	watchPause = 50 * time.Millisecond
	statsPause = time.Second
)

func (s *statusServer) Status(ctx context.Context, req *controlpb.StatusRequest) (*controlpb.StatusResponse, error) {
	if req.GetStats() {
		s.measure(ctx)
	}
	resp, _ := s.view.status(req.GetStats(), req.GetMemory())
	return resp, nil
}

// measure waits until there are statistics.
func (s *statusServer) measure(ctx context.Context) {
	release := s.stats.Watch()
	defer release()
	for {
		results, changed := s.stats.Stats()
		for _, stats := range results {
			if stats.Window > 0 {
				return
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-s.leaving:
			return
		case <-time.After(2 * time.Second):
			return // no instance serves metrics
		}
	}
}

func (s *statusServer) Watch(req *controlpb.WatchRequest, stream grpc.ServerStreamingServer[controlpb.StatusResponse]) error {
	pause := watchPause
	if req.GetStats() {
		pause = statsPause
		release := s.stats.Watch()
		defer release()
	}
	if d := req.GetInterval(); d != nil {
		pause = max(10*time.Millisecond, d.AsDuration())
	}
	for {
		resp, changed := s.view.status(req.GetStats(), false)
		if err := stream.Send(resp); err != nil {
			return err
		}
		if !s.wait(stream.Context(), pause, nil) || !s.wait(stream.Context(), 0, changed) {
			return nil
		}
	}
}

// wait waits for d, or for one of the channels if there are any; false if the call or the shop ends first.
func (s *statusServer) wait(ctx context.Context, d time.Duration, changed *changes) bool {
	var timer <-chan time.Time
	if changed == nil {
		changed = &changes{}
		timer = time.After(d)
	}
	select {
	case <-ctx.Done():
		return false
	case <-s.leaving:
		return false
	case <-timer:
	case <-changed.workloads:
	case <-changed.faults:
	case <-changed.stats:
	case <-changed.clock:
	}
	return true
}

// changes are closed or receive when a status is out of date.
type changes struct {
	workloads, faults, stats <-chan struct{}
	// clock is for the time left of a fault.
	clock <-chan time.Time
}
