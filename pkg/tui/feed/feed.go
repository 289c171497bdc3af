package feed

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
	// minInterval is the least time between two messages: ten redraws a second.
	minInterval = 100 * time.Millisecond
	// redialInterval is the time between two attempts to connect.
	redialInterval = 500 * time.Millisecond
)

// Batch is everything that is new since the last message.
type Batch struct {
	Status *controlpb.StatusResponse
	// Disconnected is why there is no connection, "" once there is one again; nil if that has not changed.
	Disconnected *string
	Lesson       *lesson.View
	Events       []Entry
	// EventsReset is true if Events replace all earlier ones.
	EventsReset bool
	Logs        []Entry
	// LogSeq is the number of the log query that Logs belong to; LogsReset is true if they replace all earlier ones.
	LogSeq    int
	LogsReset bool
	Output    []Entry
	Alerts    *controlpb.ListAlertsResponse
	Topology  *controlpb.GetMapResponse
	Result    *Result
	// Response is more of the response to a call, one line each; CallSeq is the number of the call.
	Response []string
	CallSeq  int
}

// Feed turns streams and polls into batches. It is the only writer of its fields.
type Feed struct {
	dial   func(ctx context.Context) (Shop, error)
	lesson Lesson
	send   func(tea.Msg)
	now    func() time.Time
	zone   *time.Location // of the times that are shown

	mu           sync.Mutex
	pending      Batch
	latest       *controlpb.StatusResponse
	subscription subscription
	request      pollRequest
	wake         chan struct{}
	// lastAlerts and lastMap are what was sent last.
	lastAlerts *controlpb.ListAlertsResponse
	lastMap    *controlpb.GetMapResponse
}

// subscription is the current log query; changed is closed when another one replaces it.
type subscription struct {
	LogQuery
	seq     int
	changed chan struct{}
}

// Config is the sources of a feed, and the destination of its messages.
type Config struct {
	// Dial connects to the daemon. It is called again whenever the connection is lost.
	Dial func(ctx context.Context) (Shop, error)
	// Lesson is the lesson that is shown; nil: none.
	Lesson Lesson
	// Send takes batches, and a Crash.
	Send func(tea.Msg)
	// Now returns the current time; times are shown in its zone.
	Now func() time.Time
}

func New(c Config) *Feed {
	return &Feed{
		dial: c.Dial, lesson: c.Lesson, send: c.Send, now: c.Now, zone: c.Now().Location(),
		subscription: subscription{changed: make(chan struct{})}, request: pollRequest{changed: make(chan struct{})}, wake: make(chan struct{}, 1),
	}
}

// Run feeds until ctx ends, and returns when all its goroutines have.
func (f *Feed) Run(ctx context.Context) {
	var all sync.WaitGroup
	f.start(&all, func() { f.sendBatches(ctx) })
	f.start(&all, func() { f.connect(ctx) })
	if f.lesson != nil {
		f.start(&all, func() { f.watchLesson(ctx) })
	}
	all.Wait()
}

// start runs a goroutine whose panic ends the program in order.
func (f *Feed) start(all *sync.WaitGroup, run func()) {
	all.Go(func() {
		defer func() {
			if cause := recover(); cause != nil {
				f.send(Crash{What: "read from the shop", Cause: cause, Stack: debug.Stack()})
			}
		}()
		run()
	})
}

// update adds to the next message.
func (f *Feed) update(change func(*Batch)) {
	f.mu.Lock()
	change(&f.pending)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// AddOutput shows more lines in the output pane.
func (f *Feed) AddOutput(lines []Entry) {
	f.update(func(b *Batch) { b.Output = latest(append(b.Output, lines...)) })
}

// AddResponse shows more lines of the response to a call.
func (f *Feed) AddResponse(call int, lines []string) {
	f.update(func(b *Batch) {
		if b.CallSeq != call {
			b.Response, b.CallSeq = nil, call
		}
		b.Response = append(b.Response, lines...)
		b.Response = b.Response[max(0, len(b.Response)-MaxEntries):]
	})
}

// Take returns what is new since the last message; the next message will not have it.
func (f *Feed) Take() Batch {
	f.mu.Lock()
	defer f.mu.Unlock()
	news := f.pending
	f.pending = Batch{}
	return news
}

// sendBatches sends what is new: at once after a pause, and then at most once per minInterval.
func (f *Feed) sendBatches(ctx context.Context) {
	for {
		select {
		case <-f.wake:
		case <-ctx.Done():
			return
		}
		f.send(f.Take())
		if !sleep(ctx, minInterval) {
			return
		}
	}
}

// sleep reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connect keeps a connection to the daemon and reads its streams.
func (f *Feed) connect(ctx context.Context) {
	for {
		shop, err := f.dial(ctx)
		if err == nil {
			f.forgetLast()
			err = f.readStreams(ctx, shop)
			shop.Close() // the connection is of no more use, whatever Close returns
		}
		if ctx.Err() != nil {
			return
		}
		why := disconnectedReason(err)
		f.update(func(b *Batch) { b.Disconnected = &why })
		if !sleep(ctx, redialInterval) {
			return
		}
	}
}

// forgetLast makes everything that a new connection delivers new.
func (f *Feed) forgetLast() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latest, f.lastAlerts, f.lastMap = nil, nil, nil
}

// readStreams reads all streams until one of them breaks.
func (f *Feed) readStreams(ctx context.Context, shop Shop) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	f.update(func(b *Batch) { b.Events, b.EventsReset = nil, true })
	var all sync.WaitGroup
	for name, read := range map[string]func(context.Context, Shop) error{
		"measures": func(ctx context.Context, s Shop) error { return f.watchStatus(ctx, s, true) },
		"changes":  func(ctx context.Context, s Shop) error { return f.watchStatus(ctx, s, false) },
		"events":   f.readEvents,
		"logs":     f.readLogs,
		"sights":   f.pollLoop,
		"alerts":   f.backgroundLoop,
	} {
		f.start(&all, func() {
			if err := read(ctx, shop); err != nil {
				stop(fmt.Errorf("follow %s: %w", name, err))
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// watchStatus reads snapshots: with stats once a second, without them at every change. A snapshot that changes
// nothing is dropped.
func (f *Feed) watchStatus(ctx context.Context, shop Shop, stats bool) error {
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
			copyStats(news, last)
		}
		same := proto.Equal(last, news)
		f.latest = news
		f.mu.Unlock()
		if !same {
			up := ""
			f.update(func(b *Batch) { b.Status, b.Disconnected = news, &up })
		}
	}
}

// copyStats gives a snapshot without stats those of the last one.
func copyStats(news, last *controlpb.StatusResponse) {
	measured := map[string]*controlpb.Stats{}
	for _, s := range last.GetServices() {
		measured[s.GetName()] = s.GetStats()
	}
	for _, s := range news.GetServices() {
		s.Stats = measured[s.GetName()]
	}
}

func (f *Feed) watchLesson(ctx context.Context) {
	var last lesson.View
	for {
		view := f.lesson.Snapshot()
		if !reflect.DeepEqual(view, last) {
			last = view
			f.update(func(b *Batch) { b.Lesson = &view })
		}
		if !f.waitForChange(ctx, nextRefresh(view)) {
			return
		}
	}
}

// waitForChange waits for the next change, at most for the time given if it is positive; it reports false if ctx
// ended first.
func (f *Feed) waitForChange(ctx context.Context, aged time.Duration) bool {
	var tick <-chan time.Time
	if aged > 0 {
		timer := time.NewTimer(aged)
		defer timer.Stop()
		tick = timer.C
	}
	select {
	case <-f.lesson.Changes():
		return true
	case <-tick:
		return true
	case <-ctx.Done():
		return false
	}
}

// nextRefresh is the time after which a view is different without a change: hints open with time, and goals must hold
// for a while. 0: never.
func nextRefresh(v lesson.View) time.Duration {
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
