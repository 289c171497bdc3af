package tui

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/lesson"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

const (
	// frame is the least time between two messages: ten redraws a second.
	frame = 100 * time.Millisecond
	// redial is how long a lost connection waits for the next attempt.
	redial = 500 * time.Millisecond
)

// batch is all that is new since the last message.
type batch struct {
	status *controlpb.StatusResponse
	// link is why there is no connection, "" that there is one again; nil if that did not change.
	link   *string
	lesson *lesson.View
	events []entry
	// afresh says that events begins anew.
	afresh bool
	logs   []entry
	// logsOf names the stream that logs belong to, by its number; logsAfresh says that it begins anew.
	logsOf     int
	logsAfresh bool
	output     []entry
	alerts     *controlpb.ListAlertsResponse
	topology   *controlpb.GetMapResponse
	seen       *seen
	// answer is what a call answers, a line each; answerOf names the call by its number.
	answer   []string
	answerOf int
}

// feed turns streams into batches. It is the only writer of what it holds.
type feed struct {
	dial    func(ctx context.Context) (feedShop, error)
	session Lesson
	send    func(tea.Msg)
	now     func() time.Time
	zone    *time.Location // in which times are shown

	mu      sync.Mutex
	pending batch
	latest  *controlpb.StatusResponse
	wish    wish
	vision  vision
	wake    chan struct{}
	// lastAlerts and lastMap are what was handed on.
	lastAlerts *controlpb.ListAlertsResponse
	lastMap    *controlpb.GetMapResponse
}

// wish is which logs are wanted; changed is closed when another wish replaces it.
type wish struct {
	wanted
	number  int
	changed chan struct{}
}

// feedConfig is what a feed reads from, and where its messages go.
type feedConfig struct {
	// Dial connects to the daemon. It is called again whenever the connection is lost.
	Dial func(ctx context.Context) (feedShop, error)
	// Lesson is the lesson that is shown; nil: none.
	Lesson Lesson
	// Send takes batches, and a Crash.
	Send func(tea.Msg)
	// Now returns the current time; times are shown in its zone.
	Now func() time.Time
}

func newFeed(c feedConfig) *feed {
	return &feed{
		dial: c.Dial, session: c.Lesson, send: c.Send, now: c.Now, zone: c.Now().Location(),
		wish: wish{changed: make(chan struct{})}, vision: vision{changed: make(chan struct{})}, wake: make(chan struct{}, 1),
	}
}

// run feeds until ctx ends, and returns when all its goroutines have.
func (f *feed) run(ctx context.Context) {
	var all sync.WaitGroup
	f.spawn(&all, func() { f.flush(ctx) })
	f.spawn(&all, func() { f.connect(ctx) })
	if f.session != nil {
		f.spawn(&all, func() { f.watchLesson(ctx) })
	}
	all.Wait()
}

// spawn runs f in a goroutine that cannot leave the terminal in disorder.
func (f *feed) spawn(all *sync.WaitGroup, run func()) {
	all.Go(func() {
		defer func() {
			if cause := recover(); cause != nil {
				f.send(crashed{what: "follow the shop", cause: cause, stack: debug.Stack()})
			}
		}()
		run()
	})
}

// put adds to what the next message brings.
func (f *feed) put(change func(*batch)) {
	f.mu.Lock()
	change(&f.pending)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// AddOutput shows more lines in the output pane.
func (f *feed) AddOutput(lines []entry) {
	f.put(func(b *batch) { b.output = last(append(b.output, lines...)) })
}

// AddResponse shows more lines of the response to a call.
func (f *feed) AddResponse(call int, lines []string) {
	f.put(func(b *batch) {
		if b.answerOf != call {
			b.answer, b.answerOf = nil, call
		}
		b.answer = append(b.answer, lines...)
		b.answer = b.answer[max(0, len(b.answer)-kept):]
	})
}

// Take returns what is new since the last message; the next message will not have it.
func (f *feed) Take() batch {
	f.mu.Lock()
	defer f.mu.Unlock()
	news := f.pending
	f.pending = batch{}
	return news
}

// flush sends what is new, at once after a silence and then once a frame.
func (f *feed) flush(ctx context.Context) {
	for {
		select {
		case <-f.wake:
		case <-ctx.Done():
			return
		}
		f.send(f.Take())
		if !pause(ctx, frame) {
			return
		}
	}
}

// pause waits; it returns false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connect keeps a connection to the daemon and follows its streams.
func (f *feed) connect(ctx context.Context) {
	for {
		shop, err := f.dial(ctx)
		if err == nil {
			f.forgetLast()
			err = f.follow(ctx, shop)
			shop.Close() // the connection is of no more use, whatever Close returns
		}
		if ctx.Err() != nil {
			return
		}
		why := downText(err)
		f.put(func(b *batch) { b.link = &why })
		if !pause(ctx, redial) {
			return
		}
	}
}

// forgetLast makes everything of a new connection news.
func (f *feed) forgetLast() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latest, f.lastAlerts, f.lastMap = nil, nil, nil
}

// follow reads all streams until one of them breaks.
func (f *feed) follow(ctx context.Context, shop feedShop) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	f.put(func(b *batch) { b.events, b.afresh = nil, true })
	var all sync.WaitGroup
	for name, read := range map[string]func(context.Context, feedShop) error{
		"measures": func(ctx context.Context, s feedShop) error { return f.watch(ctx, s, true) },
		"changes":  func(ctx context.Context, s feedShop) error { return f.watch(ctx, s, false) },
		"events":   f.events,
		"logs":     f.logs,
		"sights":   f.looks,
		"alerts":   f.glances,
	} {
		f.spawn(&all, func() {
			if err := read(ctx, shop); err != nil {
				stop(fmt.Errorf("follow %s: %w", name, err))
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// watch reads snapshots: with stats once a second, without at every change. One that says nothing new
// is dropped.
func (f *feed) watch(ctx context.Context, shop feedShop, stats bool) error {
	stream, err := shop.Watch(ctx, &controlpb.WatchRequest{Stats: stats})
	if err != nil {
		return err
	}
	for {
		news, err := stream.Recv()
		if err != nil {
			return err
		}
		f.mu.Lock()
		last := f.latest
		if !stats {
			keepStats(news, last)
		}
		same := proto.Equal(last, news)
		f.latest = news
		f.mu.Unlock()
		if !same {
			up := ""
			f.put(func(b *batch) { b.status, b.link = news, &up })
		}
	}
}

// keepStats gives a snapshot without measures those of the last one.
func keepStats(news, last *controlpb.StatusResponse) {
	measured := map[string]*controlpb.Stats{}
	for _, s := range last.GetServices() {
		measured[s.GetName()] = s.GetStats()
	}
	for _, s := range news.GetServices() {
		s.Stats = measured[s.GetName()]
	}
}

func (f *feed) watchLesson(ctx context.Context) {
	var last lesson.View
	for {
		view := f.session.Snapshot()
		if !reflect.DeepEqual(view, last) {
			last = view
			f.put(func(b *batch) { b.lesson = &view })
		}
		if !f.changed(ctx, ages(view)) {
			return
		}
	}
}

// changed waits for the next change, or until the view has aged; it returns false when ctx ended first.
func (f *feed) changed(ctx context.Context, aged time.Duration) bool {
	var tick <-chan time.Time
	if aged > 0 {
		timer := time.NewTimer(aged)
		defer timer.Stop()
		tick = timer.C
	}
	select {
	case <-f.session.Changes():
		return true
	case <-tick:
		return true
	case <-ctx.Done():
		return false
	}
}

// ages is after how long a view is different without a change: hints open with time, goals must hold.
func ages(v lesson.View) time.Duration {
	var after time.Duration
	for _, b := range v.Step.Blocks {
		for _, c := range b.Checks {
			if c.Verdict == lesson.Pass && c.Held < c.For {
				return time.Second
			}
		}
		switch h := b.Hints; {
		case h == nil || len(h.Opened) == h.Total || h.Offered:
		case h.NextIn > 0:
			return time.Second
		default:
			after = 10 * time.Second
		}
	}
	return after
}
