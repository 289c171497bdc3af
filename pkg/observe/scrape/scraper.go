package scrape

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/broadcast"
	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

// Interval is the usual time between scrapes, Timeout how long one may take by default.
const (
	Interval = 5 * time.Second
	Timeout  = 2 * time.Second
)

// The paces of scraping.
const (
	// watchedEvery is the interval while there are watchers.
	watchedEvery = time.Second
	// backgroundEvery is for alerts and for who looks later.
	backgroundEvery = Interval
	// quietEvery is for a shop that served no request in the last quietAfter scrapes.
	quietEvery = 15 * time.Second
	quietAfter = 10
	// firstPause separates the two scrapes that the first statistics need.
	firstPause = 300 * time.Millisecond
	// beginning is how many passes have the interval of watchers, with or without any.
	beginning = 15
	// linger is how long the interval stays after the last watcher left.
	linger = 10 * time.Second
	// passTimeout is how long a pass waits for its scrapes. A slower one continues in the background.
	passTimeout = 400 * time.Millisecond
	// atOnce is how many responses are parsed at the same time.
	atOnce = 2
	// tolerance is how late a pass may be.
	tolerance = 50 * time.Millisecond
)

// Config configures a Scraper. Targets, DB and Now are required.
type Config struct {
	Targets func() []Target
	DB      *tsdb.DB
	Now     func() time.Time
	Limits  Limits
	// Latencies are the quantiles of workloads that send spans, by their "namespace/name": they are more exact than those of
	// their histograms. May be nil.
	Latencies func() map[string]Latency
	// After is called when a pass is over, with its time. May be nil.
	After func(time.Time)
}

// Scraper reads targets into a store and measures requests. It is safe for concurrent use.
type Scraper struct {
	cfg  Config
	http *http.Client
	wake chan struct{}
	// asked takes what is closed when a pass is over that began later; answers are those to close.
	asked   chan chan struct{}
	answers []chan struct{}
	work    sync.WaitGroup
	turn    chan struct{}
	// changed is notified of new results.
	changed broadcast.Signal

	mu       sync.Mutex
	loops    map[string]*loopState
	results  map[string]Stats
	watchers int
	until    time.Time
}

// loopState is a loop and its published state. The Scraper's lock guards it, except for the loop, which belongs to the
// goroutine that set busy.
type loopState struct {
	*loop
	status Status
	busy   bool
	gone   bool
	// requests as of the last successful scrape.
	requests float64
}

// New makes a Scraper. Run does the work.
func New(cfg Config) *Scraper {
	cfg.Limits.setDefaults()
	return &Scraper{
		cfg: cfg,
		http: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		wake: make(chan struct{}, 1), asked: make(chan chan struct{}), turn: make(chan struct{}, atOnce),
		loops:   map[string]*loopState{},
		results: map[string]Stats{},
	}
}

// Watch makes the scraper measure at the pace of a live view, until release is called.
func (s *Scraper) Watch() (release func()) {
	s.mu.Lock()
	s.watchers++
	s.mu.Unlock()
	s.Wake()
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watchers--
		s.until = s.cfg.Now().Add(linger)
	})
}

// Stats returns the newest measurements by workload ("namespace/name"), and a channel that is closed when
// there are newer ones; nothing is measured without a Watch. The map and its values never change.
func (s *Scraper) Stats() (map[string]Stats, <-chan struct{}) {
	changed := s.changed.Wait() // before the results are read, or newer ones in between would be missed
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.results, changed
}

// Wake notifies the scraper that there may be requests again.
func (s *Scraper) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// refreshTimeout bounds the wait of Refresh.
const refreshTimeout = 2 * passTimeout

// Refresh scrapes now, and returns when that is over. It waits a second at most.
func (s *Scraper) Refresh(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, refreshTimeout)
	defer stop()
	done := make(chan struct{})
	select {
	case s.asked <- done:
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Targets returns the outcome of the last scrape of each target, by job and instance.
func (s *Scraper) Targets() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Status
	for _, l := range s.loops {
		if !l.gone {
			all = append(all, l.status)
		}
	}
	slices.SortFunc(all, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Labels.Get("job"), b.Labels.Get("job")), cmp.Compare(a.Labels.Get("instance"), b.Labels.Get("instance")))
	})
	return all
}

func (s *Scraper) watched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watchers > 0 || s.cfg.Now().Before(s.until)
}

// Run scrapes until ctx ends, and returns when the last scrape has.
func (s *Scraper) Run(ctx context.Context) {
	defer s.http.CloseIdleConnections()
	defer s.work.Wait()
	describeOwn(s.cfg.DB)
	quiet, first := 0, true
	at := s.cfg.Now()
	for passes := 1; ctx.Err() == nil; passes++ {
		watched := s.watched()
		if s.pass(ctx, at, watched) {
			quiet = 0
		} else {
			quiet++
		}
		for _, done := range s.answers {
			close(done)
		}
		s.answers = nil
		// The shop has only begun: targets appear, and rates need two samples.
		pause, rousable := s.pace(watched || passes < beginning, quiet, watched && first)
		first = !watched
		planned := at.Add(pause)
		if s.wait(ctx, planned.Sub(s.cfg.Now()), rousable) {
			quiet = 0
		}
		// What comes nearly on time is taken to be on time: samples at regular times take a bit each to
		// say when they are from, others two bytes.
		if at = s.cfg.Now(); at.Sub(planned) >= 0 && at.Sub(planned) < tolerance {
			at = planned
		}
	}
}

// pace is how long to wait for the next pass, and whether new requests end the wait.
func (s *Scraper) pace(watched bool, quiet int, first bool) (pause time.Duration, rousable bool) {
	switch {
	case first:
		return firstPause, false
	case quiet >= quietAfter:
		return quietEvery, true
	case watched:
		return watchedEvery, false
	}
	return backgroundEvery, false
}

// wait ends after d, or early when a watcher arrives; true if it was cut short.
func (s *Scraper) wait(ctx context.Context, d time.Duration, rousable bool) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
			return false
		case done := <-s.asked:
			s.answers = append(s.answers, done)
			return true
		case <-s.wake:
			if rousable || d > watchedEvery && s.watched() {
				return true
			}
		}
	}
}

// pass scrapes every target once; true if any served a request since the last pass.
func (s *Scraper) pass(ctx context.Context, at time.Time, watched bool) (active bool) {
	due := s.due(at)
	finished := make(chan bool, len(due))
	for _, l := range due {
		s.work.Go(func() { finished <- s.scrape(ctx, l, at) })
	}
	timer := time.NewTimer(passTimeout)
	defer timer.Stop()
	for left := len(due); left > 0; left-- {
		select {
		case served := <-finished:
			active = active || served
		case <-timer.C:
			left = 0
		}
	}
	s.measure(at, watched)
	if s.cfg.After != nil && ctx.Err() == nil {
		s.cfg.After(at)
	}
	return active
}

// due updates the targets and returns those to scrape.
func (s *Scraper) due(at time.Time) []*loopState {
	targets := s.cfg.Targets()
	s.mu.Lock()
	defer s.mu.Unlock()
	there := map[string]bool{}
	var due []*loopState
	for _, t := range targets {
		there[t.Run] = true
		l := s.loops[t.Run]
		if l == nil {
			l = &loopState{loop: newLoop(t), status: Status{Target: t, Health: Unknown}}
			s.loops[t.Run] = l
		}
		if !l.busy {
			l.busy = true
			due = append(due, l)
		}
	}
	for run, l := range s.loops {
		if there[run] {
			continue
		}
		delete(s.loops, run)
		if l.gone = true; !l.busy {
			l.end(s.cfg.DB, at.UnixMilli())
		}
	}
	return due
}

// scrape reads one target; true if it served a request since the last time.
func (s *Scraper) scrape(ctx context.Context, l *loopState, at time.Time) (served bool) {
	begin := s.cfg.Now()
	b, err := s.read(ctx, l.target)
	var requests float64
	if err == nil {
		s.turn <- struct{}{}
		requests, err = l.parse(b, s.cfg.Limits)
		<-s.turn
	}
	took := s.cfg.Now().Sub(begin)
	if ctx.Err() == nil {
		l.store(s.cfg.DB, at.UnixMilli(), took, err)
		if err == nil && l.fresh {
			l.describe(b, s.cfg.DB)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.busy = false
	l.status.Last, l.status.Took, l.status.Err, l.status.Health = at, took, err, Up
	if err != nil {
		l.status.Health = Down
	} else {
		served = requests != l.requests && l.requests+requests > 0 && l.target.Gatherer == nil
		l.requests = requests
	}
	if l.gone {
		l.end(s.cfg.DB, s.cfg.Now().UnixMilli())
	}
	return served
}
