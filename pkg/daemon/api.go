package daemon

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// api is the control API of a shop.
type api struct {
	controlpb.UnimplementedShopServer
	controlpb.UnimplementedTracesServer
	controlpb.UnimplementedMetricsServer
	controlpb.UnimplementedTopologyServer
	*shop
}

const (
	// watchPause and statsPause are the least times between two messages of Watch.
	watchPause = 50 * time.Millisecond
	statsPause = time.Second
)

func (a *api) Status(ctx context.Context, req *controlpb.StatusRequest) (*controlpb.StatusResponse, error) {
	if req.GetStats() {
		a.measure(ctx)
	}
	resp, _ := a.status(req.GetStats(), req.GetMemory())
	return resp, nil
}

// measure makes sure that there are statistics to look at.
func (a *api) measure(ctx context.Context) {
	release := a.stats.Watch()
	defer release()
	for {
		results, changed := a.stats.Stats()
		for _, st := range results {
			if st.Window > 0 {
				return
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-a.leaving.Done():
			return
		case <-time.After(2 * time.Second):
			return // nothing serves metrics
		}
	}
}

func (a *api) Watch(req *controlpb.WatchRequest, stream grpc.ServerStreamingServer[controlpb.StatusResponse]) error {
	pause := watchPause
	if req.GetStats() {
		pause = statsPause
		release := a.stats.Watch()
		defer release()
	}
	if d := req.GetInterval(); d != nil {
		pause = max(10*time.Millisecond, d.AsDuration())
	}
	for {
		resp, changed := a.status(req.GetStats(), false)
		if err := stream.Send(resp); err != nil {
			return err
		}
		if !a.wait(stream.Context(), pause, nil) || !a.wait(stream.Context(), 0, changed) {
			return nil
		}
	}
}

// wait waits for d, or for one of the channels if there are any; false when the call or the shop ends.
func (a *api) wait(ctx context.Context, d time.Duration, changed *changes) bool {
	var timer <-chan time.Time
	if changed == nil {
		changed = &changes{}
		timer = time.After(d)
	}
	select {
	case <-ctx.Done():
		return false
	case <-a.leaving.Done():
		return false
	case <-timer:
	case <-changed.workloads:
	case <-changed.faults:
	case <-changed.stats:
	case <-changed.clock:
	}
	return true
}

// changes tell when a status is out of date.
type changes struct {
	workloads, faults, stats <-chan struct{}
	// clock: what it says of the time left of a fault.
	clock <-chan time.Time
}

// Shutdown takes the shop down and sends each step.
func (a *api) Shutdown(req *controlpb.ShutdownRequest, stream grpc.ServerStreamingServer[controlpb.ShutdownProgress]) error {
	steps := make(chan orchestrator.Progress, 1024)
	a.control.Shutdown(false, func(p orchestrator.Progress) {
		select {
		case steps <- p:
		default: // nobody reads any more
		}
	})
	if req.GetNow() {
		a.kill()
	}
	a.stop()
	for {
		select {
		case p := <-steps:
			if err := stream.Send(a.progress(p)); err != nil {
				return err
			}
		case <-a.control.Done():
			for len(steps) > 0 {
				if err := stream.Send(a.progress(<-steps)); err != nil {
					return err
				}
			}
			return stream.Send(&controlpb.ShutdownProgress{State: "done"})
		}
	}
}

func (a *api) progress(p orchestrator.Progress) *controlpb.ShutdownProgress {
	out := &controlpb.ShutdownProgress{Service: a.displayName(p.Workload), State: p.State}
	for _, key := range p.Alive {
		out.Alive = append(out.Alive, a.displayName(key))
	}
	return out
}

func (a *api) Events(req *controlpb.EventsRequest, stream grpc.ServerStreamingServer[controlpb.Event]) error {
	service := ""
	if req.GetService() != "" {
		key, ok := a.names().find(req.GetService())
		if ok {
			service = a.displayName(key)
		} else if t, ok := a.moduleTarget(req.GetService()); ok {
			service = t.Process
		} else if service = req.GetService(); !a.events.Knows(service) {
			return a.names().unknown(service)
		}
	}
	var seq uint64
	for {
		events, more := a.events.After(seq)
		for _, e := range events {
			seq = e.Sequence
			if service != "" && e.Service != service {
				continue
			}
			if since := req.GetSince(); since != nil && e.Time.Before(since.AsTime()) {
				continue
			}
			if err := stream.Send(protoEvent(e)); err != nil {
				return err
			}
		}
		if !req.GetFollow() {
			return nil
		}
		select {
		case <-more:
		case <-stream.Context().Done():
			return nil
		case <-a.leaving.Done():
			return nil
		}
	}
}
