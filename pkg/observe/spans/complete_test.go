package spans

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

func TestATraceIsCompleteWhenItsRootHasComeAndNothingAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(0)
		start := time.Now()
		completed := func() (ids []int) {
			for _, id := range s.Completed(start, time.Now()) {
				ids = append(ids, int(id[2]))
			}
			return ids
		}
		arriving := func() (ids []int) {
			for _, sum := range s.List(Filter{}, 9) {
				if sum.Arriving {
					ids = append(ids, int(sum.ID[2]))
				}
			}
			return ids
		}
		ingest(t, s,
			span{trace: 1, id: 1, service: "frontend", name: "GET /"},
			span{trace: 2, id: 5, parent: 4, service: "payment", name: "Charge", kind: trace.Server},
		)
		time.Sleep(settled)
		if got := completed(); !slices.Equal(got, []int{1}) {
			t.Errorf("completed %v: the second has no root", got)
		}
		if got := arriving(); !slices.Equal(got, []int{2}) {
			t.Errorf("arriving %v", got)
		}
		time.Sleep(2 * time.Second) // a slow call
		ingest(t, s, span{trace: 2, id: 1, service: "frontend", name: "POST /cart/checkout", kind: trace.Server})
		if got := completed(); !slices.Equal(got, []int{1}) {
			t.Errorf("completed %v at once", got)
		}
		s.Gather(t.Context(), time.Second)
		if got := completed(); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("completed %v after a pause", got)
		}
		if got := s.List(Filter{}, 1)[0]; got.RootService != "frontend" || got.Arriving {
			t.Errorf("the root came last: %+v", got)
		}
		ingest(t, s, span{trace: 3, id: 5, parent: 4, service: "payment", name: "Charge", kind: trace.Server})
		time.Sleep(maxFollow)
		if got := completed(); !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("completed %v: the third's caller sends nothing", got)
		}
	})
}

func TestTheParentThatACallLendsIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(0)
		id := trace.ID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
		if !trace.Outermost(id, trace.LentParent(id)) || !trace.Outermost(id, trace.SpanID{}) || trace.Outermost(id, trace.SpanID{1}) {
			t.Error("which parents are none")
		}
		ingest(t, s, span{trace: 1, id: 1, service: "frontend", name: "GET /"})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		before := time.Now()
		s.Gather(ctx, time.Second)
		if time.Since(before) != 0 {
			t.Error("it waited beyond its context")
		}
	})
}
