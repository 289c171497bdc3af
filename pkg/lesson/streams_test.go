package lesson_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/lesson"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// oneEach is a daemon whose streams tell one thing each time they are opened, and break a moment later;
// it refuses the first time that traces are followed.
type oneEach struct {
	mu     sync.Mutex
	opened map[lesson.Happened]int
}

func (o *oneEach) open(h lesson.Happened) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened[h]++
	return o.opened[h]
}

func (o *oneEach) Watch(ctx context.Context, _ *controlpb.WatchRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[controlpb.StatusResponse], error) {
	o.open(lesson.StateChanged)
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
		var noted []lesson.Happened
		lesson.HappeningsOf(&oneEach{opened: map[lesson.Happened]int{}}, time.Now)(ctx, func(h lesson.Happened) {
			mu.Lock()
			defer mu.Unlock()
			noted = append(noted, h)
		})
		count := func(h lesson.Happened) int {
			return len(slices.DeleteFunc(slices.Clone(noted), func(n lesson.Happened) bool { return n != h }))
		}
		// Opened at 0, 1.1 and 2.2 s; traces at 1 and 2.1 s.
		if s, l, tr := count(lesson.StateChanged), count(lesson.LineWritten), count(lesson.TraceEnded); s != 3 || l != 3 || tr != 2 {
			t.Errorf("noted %d states, %d lines, %d traces", s, l, tr)
		}
	})
}
