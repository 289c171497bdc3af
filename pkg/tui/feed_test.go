package tui

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/lesson"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// feeding is a feed in simulated time, and what it has sent.
type feeding struct {
	*feed
	shops chan *fakeShop // what dialling finds; nil: nobody
	mu    sync.Mutex
	got   []tea.Msg
	at    []time.Time
	end   func()
}

func startFeed(t *testing.T, l Lesson) *feeding {
	t.Helper()
	f := &feeding{shops: make(chan *fakeShop, 10)}
	c := feedConfig{Lesson: l, Now: noon, Dial: func(context.Context) (feedShop, error) {
		select {
		case shop := <-f.shops:
			return shop, nil
		default:
			return nil, fmt.Errorf("connect: %w", control.ErrNotRunning)
		}
	}}
	c.Send = func(msg tea.Msg) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.got, f.at = append(f.got, msg), append(f.at, time.Now())
	}
	f.feed = newFeed(c)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { f.run(ctx) })
	f.end = func() { stop(); running.Wait() }
	return f
}

// fakeLesson is a lesson whose view a test changes.
type fakeLesson struct {
	view    lesson.View
	changes chan struct{}
}

func newFakeLesson() *fakeLesson {
	return &fakeLesson{view: lesson.View{Step: lesson.StepView{ID: "first"}}, changes: make(chan struct{}, 1)}
}

func (l *fakeLesson) Snapshot() lesson.View    { return l.view }
func (l *fakeLesson) Changes() <-chan struct{} { return l.changes }

// news waits until all is quiet, and returns what was sent since the last time.
func (f *feeding) news(wait time.Duration) []batch {
	time.Sleep(wait) // of the bubble's time
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []batch
	for _, msg := range f.got {
		if b, ok := msg.(batch); ok {
			all = append(all, b)
		}
	}
	f.got, f.at = nil, nil
	return all
}

func TestAFloodBecomesTenMessagesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		shop := newFakeShop()
		f.shops <- shop
		f.listen(1, wanted{service: "payment", on: true})
		f.news(2 * time.Second)
		for i := range 500 {
			shop.logs <- &controlpb.LogLine{Time: timestamppb.New(noon()), Message: fmt.Sprint(i)}
			time.Sleep(2 * time.Millisecond)
		}
		all := f.news(time.Second)
		lines := 0
		for _, b := range all {
			lines += len(b.logs)
			if b.logsOf != 1 {
				t.Errorf("lines of %d", b.logsOf)
			}
		}
		if lines != 500 || len(all) > 12 {
			t.Errorf("%d lines in %d messages, want 500 in about ten", lines, len(all))
		}
	})
}

func TestNothingIsSentWhileNothingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, newFakeLesson())
		defer f.end()
		shop := newFakeShop()
		f.shops <- shop
		shop.watch <- shopStatus()
		if all := f.news(2 * time.Second); len(all) == 0 {
			t.Fatal("nothing is sent at all")
		}
		for range 60 {
			shop.watch <- shopStatus()
			time.Sleep(time.Second)
		}
		if all := f.news(time.Second); len(all) != 0 {
			t.Errorf("%d messages in a minute in which nothing changed", len(all))
		}
		shop.watch <- broken()
		if all := f.news(time.Second); len(all) != 1 {
			t.Errorf("%d messages for one change", len(all))
		}
	})
}

func TestALostShopIsSaidAndFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		all := f.news(3 * time.Second)
		if len(all) == 0 || all[0].link == nil || *all[0].link != "the shop is not running" {
			t.Fatalf("got %+v", all)
		}
		shop := newFakeShop()
		f.shops <- shop
		time.Sleep(time.Second)
		shop.watch <- shopStatus()
		all = f.news(time.Second)
		if last := all[len(all)-1]; last.status == nil || last.link == nil || *last.link != "" {
			t.Errorf("got %+v", last)
		}
		close(shop.broken)
		all = f.news(time.Second)
		if last := all[len(all)-1]; last.link == nil || *last.link == "" {
			t.Errorf("got %+v", last)
		}
		if !shop.closed {
			t.Error("the lost connection is not closed")
		}
		next := newFakeShop()
		f.shops <- next
		time.Sleep(time.Second)
		next.watch <- broken()
		all = f.news(time.Second)
		if last := all[len(all)-1]; last.status == nil || *last.link != "" {
			t.Errorf("got %+v", last)
		}
	})
}

func TestWishesForLogsReplaceEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		shop := newFakeShop()
		f.shops <- shop
		f.news(time.Second)
		f.listen(1, wanted{service: "ad", on: true})
		f.news(time.Second)
		f.listen(3, wanted{service: "", on: true})
		f.listen(2, wanted{service: "late", on: true})
		f.news(time.Second)
		shop.logs <- &controlpb.LogLine{Service: "cart", Message: "hello"}
		all := f.news(time.Second)
		if len(all) != 1 || all[0].logsOf != 3 || len(all[0].logs) != 1 {
			t.Errorf("got %+v", all)
		}
		f.listen(4, wanted{service: "", on: false})
		f.news(time.Second)
		var asked []string
		for _, r := range shop.tailed {
			asked = append(asked, r.GetService())
		}
		if fmt.Sprint(asked) != "[ad ]" {
			t.Errorf("asked for the logs of %q", asked)
		}
	})
}

func TestARefusedRequestForLogsIsSaidInTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		shop := newFakeShop()
		shop.err = status.Error(codes.NotFound, "no service adds")
		shop.watch = nil
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		close(shop.broken)
		f.listen(1, wanted{service: "adds", on: true})
		if err := f.tail(ctx, shop, f.wished()); err != nil {
			t.Errorf("a refusal breaks the connection: %v", err)
		}
		f.news(0)
	})
}

func TestEventsBeginAnewWithEachConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		shop := newFakeShop()
		f.shops <- shop
		time.Sleep(time.Second)
		shop.events <- &controlpb.Event{Reason: "Ready", Service: "ad"}
		all := f.news(time.Second)
		events, afresh := 0, false
		for _, b := range all {
			events += len(b.events)
			afresh = afresh || b.afresh
		}
		if events != 1 || !afresh {
			t.Errorf("%d events, afresh %v", events, afresh)
		}
	})
}

func TestChangesOfALessonArriveOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFakeLesson()
		f := startFeed(t, s)
		defer f.end()
		f.news(time.Second)
		s.changes <- struct{}{}
		if all := f.news(time.Second); countLessons(all) != 0 {
			t.Error("a view that is the same is sent")
		}
		s.view.Step.ID = "second"
		s.changes <- struct{}{}
		if all := f.news(time.Second); countLessons(all) != 1 {
			t.Errorf("%d views for one change", countLessons(all))
		}
	})
}

func countLessons(all []batch) int {
	n := 0
	for _, b := range all {
		if b.lesson != nil {
			n++
		}
	}
	return n
}

func TestAViewIsLookedAtAgainWhenTimeChangesIt(t *testing.T) {
	hints := func(h lesson.HintsView) lesson.View {
		return lesson.View{Step: lesson.StepView{Blocks: []lesson.BlockView{{Kind: lesson.HintsBlock, Hints: &h}}}}
	}
	holds := lesson.View{Step: lesson.StepView{Blocks: []lesson.BlockView{{Kind: lesson.CheckBlock, Checks: []lesson.CheckView{{Verdict: lesson.Pass, For: time.Minute}}}}}}
	for name, c := range map[string]struct {
		view lesson.View
		want time.Duration
	}{
		"a hint opens with time":      {hints(lesson.HintsView{Total: 3, NextIn: 20 * time.Second}), time.Second},
		"a hint may be offered":       {hints(lesson.HintsView{Total: 3}), 10 * time.Second},
		"a hint is offered":           {hints(lesson.HintsView{Total: 3, Offered: true}), 0},
		"all hints are open":          {hints(lesson.HintsView{Total: 1, Opened: []string{"x"}}), 0},
		"a goal must hold for a time": {holds, time.Second},
		"nothing ages":                {lesson.View{Step: lesson.StepView{Blocks: []lesson.BlockView{{Kind: lesson.PredictBlock}}}}, 0},
	} {
		if got := ages(c.view); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestAPanicOfTheFeedEndsTheScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		var all sync.WaitGroup
		f.spawn(&all, func() { panic("boom") })
		all.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, msg := range f.got {
			if c, ok := msg.(crashed); ok && c.cause == "boom" && len(c.stack) > 0 {
				return
			}
		}
		t.Errorf("got %v", f.got)
	})
}

func TestSnapshotsWithoutMeasuresKeepTheLastOnes(t *testing.T) {
	measured, bare := shopStatus(), shopStatus()
	for _, s := range bare.Services {
		s.Stats = nil
	}
	keepStats(bare, measured)
	if got, want := bare.Services[1].GetStats().GetP95Ms(), measured.Services[1].GetStats().GetP95Ms(); got != want {
		t.Errorf("p95 is %v, want %v", got, want)
	}
}
