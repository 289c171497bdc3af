package lesson_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// oneEach is a daemon whose streams tell one thing each time they are opened, and break a moment later;
// it refuses the first time that traces are followed.
type oneEach struct {
	mu     sync.Mutex
	opened map[lesson.Event]int
}

func (o *oneEach) open(h lesson.Event) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened[h]++
	return o.opened[h]
}

func (o *oneEach) Watch(ctx context.Context, r *controlpb.WatchRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.StatusResponse], error) {
	if r.GetStats() {
		o.open(lesson.MetricsScraped)
	} else {
		o.open(lesson.StateChanged)
	}
	return &once[controlpb.StatusResponse]{ctx: ctx}, nil
}

func (o *oneEach) Logs(ctx context.Context, _ *controlpb.LogsRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.LogLine], error) {
	o.open(lesson.LineWritten)
	return &once[controlpb.LogLine]{ctx: ctx}, nil
}

func (o *oneEach) FollowTraces(ctx context.Context, _ *controlpb.FollowTracesRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.TraceSummary], error) {
	if o.open(lesson.TraceEnded) == 1 {
		return nil, errors.New("not now")
	}
	return &once[controlpb.TraceSummary]{ctx: ctx}, nil
}

type once[M any] struct {
	grpc.ClientStream
	ctx  context.Context
	told bool
}

func (o *once[M]) Recv() (*M, error) {
	if !o.told {
		o.told = true
		return new(M), nil
	}
	select {
	case <-time.After(100 * time.Millisecond):
		return nil, errors.New("broken")
	case <-o.ctx.Done():
		return nil, o.ctx.Err()
	}
}

func TestWhatTheShopStreamsIsNotedAndABrokenStreamIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		var mu sync.Mutex
		var noted []lesson.Event
		shop := &oneEach{opened: map[lesson.Event]int{}}
		lesson.WatchEvents(shop, lessontest.Lesson(t, nil), time.Now)(ctx, func(h lesson.Event) {
			mu.Lock()
			defer mu.Unlock()
			noted = append(noted, h)
		})
		count := func(h lesson.Event) int {
			return len(slices.DeleteFunc(slices.Clone(noted), func(n lesson.Event) bool { return n != h }))
		}
		// Opened at 0, 1.1 and 2.2 s; traces at 1 and 2.1 s.
		if s, l, tr := count(lesson.StateChanged), count(lesson.LineWritten), count(lesson.TraceEnded); s != 3 || l != 3 || tr != 2 {
			t.Errorf("noted %d states, %d lines, %d traces", s, l, tr)
		}
		if shop.opened[lesson.MetricsScraped] != 0 {
			t.Error("metrics are followed for a lesson that does not ask for them")
		}
	})
}

func TestMetricsAreFollowedForALessonThatReadsThem(t *testing.T) {
	asks := map[string]format.Check{
		"a goal":  {One: probe.One{Probe: &probe.PromQL{}}},
		"a hint":  {HintWhen: []format.When{{One: probe.One{Probe: &probe.Alert{}}}}},
		"a start": {One: probe.One{Probe: &probe.Alert{}}},
	}
	for name, c := range asks {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				l := &lesson.Lesson{Steps: []format.Step{{Blocks: []format.Block{{Kind: format.CheckKind, Checks: []format.Check{c}}}}}}
				if name == "a start" {
					l = &lesson.Lesson{Front: format.Front{SteadyState: []format.Check{c}}}
				}
				shop := &oneEach{opened: map[lesson.Event]int{}}
				var noted atomic.Int64
				lesson.WatchEvents(shop, l, time.Now)(ctx, func(h lesson.Event) {
					if h == lesson.MetricsScraped {
						noted.Add(1)
					}
				})
				if noted.Load() != 1 {
					t.Errorf("noted %d times that metrics were read", noted.Load())
				}
			})
		})
	}
}
