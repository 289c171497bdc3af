package feed

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
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

// feeding is a feed in simulated time, and the messages that it has sent.
type feeding struct {
	*Feed
	shops chan *tuitest.Shop // what dialing finds; empty: the shop is not running
	mu    sync.Mutex
	got   []tea.Msg
	at    []time.Time
	end   func()
}

func startFeed(t *testing.T, l Lesson) *feeding {
	t.Helper()
	f := &feeding{shops: make(chan *tuitest.Shop, 10)}
	c := Config{Lesson: l, Now: tuitest.Noon, Dial: func(context.Context) (Shop, error) {
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
	f.Feed = New(c)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { f.Run(ctx) })
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

// news waits until nothing more happens, and returns what was sent since the last call.
func (f *feeding) news(wait time.Duration) []Batch {
	time.Sleep(wait) // in the bubble's time
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Batch
	for _, msg := range f.got {
		if b, ok := msg.(Batch); ok {
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
		shop := tuitest.NewShop()
		f.shops <- shop
		f.SetLogs(1, LogQuery{Service: "payment", Active: true})
		f.news(2 * time.Second)
		for i := range 500 {
			shop.LogStream <- &controlpb.LogLine{Time: timestamppb.New(tuitest.Noon()), Message: fmt.Sprint(i)}
			time.Sleep(2 * time.Millisecond)
		}
		all := f.news(time.Second)
		lines := 0
		for _, b := range all {
			lines += len(b.Logs)
			if b.LogSeq != 1 {
				t.Errorf("lines of %d", b.LogSeq)
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
		shop := tuitest.NewShop()
		f.shops <- shop
		shop.Snapshots <- tuitest.Status()
		if all := f.news(2 * time.Second); len(all) == 0 {
			t.Fatal("nothing is sent at all")
		}
		for range 60 {
			shop.Snapshots <- tuitest.Status()
			time.Sleep(time.Second)
		}
		if all := f.news(time.Second); len(all) != 0 {
			t.Errorf("%d messages in a minute in which nothing changed", len(all))
		}
		shop.Snapshots <- tuitest.BrokenStatus()
		if all := f.news(time.Second); len(all) != 1 {
			t.Errorf("%d messages for one change", len(all))
		}
	})
}

func TestALostConnectionIsReportedAndRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		all := f.news(3 * time.Second)
		if len(all) == 0 || all[0].Disconnected == nil || *all[0].Disconnected != "the shop is not running" {
			t.Fatalf("got %+v", all)
		}
		shop := tuitest.NewShop()
		f.shops <- shop
		time.Sleep(time.Second)
		shop.Snapshots <- tuitest.Status()
		all = f.news(time.Second)
		if last := all[len(all)-1]; last.Status == nil || last.Disconnected == nil || *last.Disconnected != "" {
			t.Errorf("got %+v", last)
		}
		close(shop.Broken)
		all = f.news(time.Second)
		if last := all[len(all)-1]; last.Disconnected == nil || *last.Disconnected == "" {
			t.Errorf("got %+v", last)
		}
		if !shop.Closed {
			t.Error("the lost connection is not closed")
		}
		next := tuitest.NewShop()
		f.shops <- next
		time.Sleep(time.Second)
		next.Snapshots <- tuitest.BrokenStatus()
		all = f.news(time.Second)
		if last := all[len(all)-1]; last.Status == nil || *last.Disconnected != "" {
			t.Errorf("got %+v", last)
		}
	})
}

func TestLogQueriesReplaceEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		shop := tuitest.NewShop()
		f.shops <- shop
		f.news(time.Second)
		f.SetLogs(1, LogQuery{Service: "ad", Active: true})
		f.news(time.Second)
		f.SetLogs(3, LogQuery{Service: "", Active: true})
		f.SetLogs(2, LogQuery{Service: "late", Active: true})
		f.news(time.Second)
		shop.LogStream <- &controlpb.LogLine{Service: "cart", Message: "hello"}
		all := f.news(time.Second)
		if len(all) != 1 || all[0].LogSeq != 3 || len(all[0].Logs) != 1 {
			t.Errorf("got %+v", all)
		}
		f.SetLogs(4, LogQuery{Service: "", Active: false})
		f.news(time.Second)
		var asked []string
		for _, r := range shop.LogRequests {
			asked = append(asked, r.GetService())
		}
		if fmt.Sprint(asked) != "[ad ]" {
			t.Errorf("queried the logs of %q", asked)
		}
	})
}

func TestARefusedLogQueryIsShownInPlaceOfTheLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		shop := tuitest.NewShop()
		shop.StreamError = status.Error(codes.NotFound, "no service adds")
		shop.Snapshots = nil
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		close(shop.Broken)
		f.SetLogs(1, LogQuery{Service: "adds", Active: true})
		if err := f.tailLogs(ctx, shop, f.currentLogs()); err != nil {
			t.Errorf("a refusal breaks the connection: %v", err)
		}
		f.news(0)
	})
}

func TestEventsAreReplacedWithEachConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		shop := tuitest.NewShop()
		f.shops <- shop
		time.Sleep(time.Second)
		shop.EventStream <- &controlpb.Event{Reason: "Ready", Service: "ad"}
		all := f.news(time.Second)
		events, reset := 0, false
		for _, b := range all {
			events += len(b.Events)
			reset = reset || b.EventsReset
		}
		if events != 1 || !reset {
			t.Errorf("%d events, reset %v", events, reset)
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

func countLessons(all []Batch) int {
	n := 0
	for _, b := range all {
		if b.Lesson != nil {
			n++
		}
	}
	return n
}

func TestAViewIsRefreshedWhenTimeChangesIt(t *testing.T) {
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
		if got := nextRefresh(c.view); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestAPanicOfTheFeedEndsTheScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		var all sync.WaitGroup
		f.start(&all, func() { panic("boom") })
		all.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, msg := range f.got {
			if c, ok := msg.(Crash); ok && c.Cause == "boom" && len(c.Stack) > 0 {
				return
			}
		}
		t.Errorf("got %v", f.got)
	})
}

func TestSnapshotsWithoutStatsKeepTheLastOnes(t *testing.T) {
	measured, bare := tuitest.Status(), tuitest.Status()
	for _, s := range bare.Services {
		s.Stats = nil
	}
	copyStats(bare, measured)
	if got, want := bare.Services[1].GetStats().GetP95Ms(), measured.Services[1].GetStats().GetP95Ms(); got != want {
		t.Errorf("p95 is %v, want %v", got, want)
	}
}
