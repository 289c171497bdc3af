package observe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// Target is one running instance that serves metrics.
type Target struct {
	// Workload groups instances, Run names one run of one instance.
	Workload, Run string
	// Addr serves /metrics.
	Addr string
}

const (
	// scrapeEvery is the pace while requests flow, quietEvery when the last quietAfter scrapes found
	// none and nobody roused the scraper since.
	scrapeEvery = time.Second
	quietEvery  = 10 * time.Second
	quietAfter  = 10
	// firstPause separates the two scrapes that a first answer needs.
	firstPause = 300 * time.Millisecond
	// linger is how long measuring goes on after the last who asked.
	linger = 10 * time.Second
)

// Scraper measures requests while somebody wants to know. It is safe for concurrent use.
type Scraper struct {
	targets func() []Target
	now     func() time.Time
	http    *http.Client

	mu       sync.Mutex
	series   map[string]*series
	results  map[string]*controlpb.Stats
	changed  chan struct{}
	watchers int
	until    time.Time
	wake     chan struct{}
}

// NewScraper measures what targets returns. Run does the work.
func NewScraper(targets func() []Target, now func() time.Time) *Scraper {
	return &Scraper{
		targets: targets, now: now,
		http:    &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second, DisableCompression: true}},
		series:  map[string]*series{},
		results: map[string]*controlpb.Stats{},
		changed: make(chan struct{}),
		wake:    make(chan struct{}, 1),
	}
}

// Watch makes the scraper measure until release is called.
func (s *Scraper) Watch() (release func()) {
	s.mu.Lock()
	s.watchers++
	s.mu.Unlock()
	s.Rouse()
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watchers--
		s.until = s.now().Add(linger)
	})
}

// Stats returns the newest measurements by workload, and a channel that is closed when there are
// newer ones. The map and what is in it never change.
func (s *Scraper) Stats() (map[string]*controlpb.Stats, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.results, s.changed
}

// Rouse tells that requests may be flowing again.
func (s *Scraper) Rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Scraper) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watchers > 0 || s.now().Before(s.until)
}

// Run measures until ctx ends.
func (s *Scraper) Run(ctx context.Context) {
	defer s.http.CloseIdleConnections()
	for ctx.Err() == nil {
		if !s.wanted() {
			s.forget()
			select {
			case <-ctx.Done():
				return
			case <-s.wake:
			}
			continue
		}
		s.measure(ctx)
	}
}

// measure scrapes until nobody wants it any more.
func (s *Scraper) measure(ctx context.Context) {
	pause, quiet := firstPause, 0
	for s.wanted() {
		if s.scrape(ctx) {
			quiet = 0
		} else {
			quiet++
		}
		var roused <-chan struct{}
		if quiet >= quietAfter {
			pause, roused = quietEvery, s.wake
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-roused:
			quiet = 0
		case <-t.C:
		}
		t.Stop()
		pause = scrapeEvery
	}
}

func (s *Scraper) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.series = map[string]*series{}
	s.results = map[string]*controlpb.Stats{}
	s.http.CloseIdleConnections()
}

// scrape asks every instance once; true if any served a request since the last time.
func (s *Scraper) scrape(ctx context.Context) bool {
	targets := s.targets()
	found := make([]*counters, len(targets))
	var wg sync.WaitGroup
	limit := make(chan struct{}, 4)
	for i, t := range targets {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			if c, err := s.fetch(ctx, t.Addr); err == nil {
				found[i] = &c
			}
		})
	}
	wg.Wait()
	return s.take(targets, found)
}

// take adds what was found and computes all windows anew.
func (s *Scraper) take(targets []Target, found []*counters) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, active := s.now(), false
	alive := map[string]bool{}
	for i, t := range targets {
		alive[t.Run] = true
		if found[i] == nil {
			continue
		}
		sr := s.series[t.Run]
		if sr == nil {
			sr = &series{workload: t.Workload}
			s.series[t.Run] = sr
		} else if n := len(sr.samples); n > 0 && sr.samples[n-1].requests != found[i].requests {
			active = true
		}
		sr.add(now, *found[i])
	}
	windows := map[string]*window{}
	for _, t := range targets {
		windows[t.Workload] = &window{buckets: map[string]float64{}}
	}
	for run, sr := range s.series {
		switch w := windows[sr.workload]; {
		case w != nil && (alive[run] || now.Sub(sr.samples[len(sr.samples)-1].at) < statsWindow):
			sr.addTo(w)
		default:
			delete(s.series, run)
		}
	}
	results := make(map[string]*controlpb.Stats, len(windows))
	for workload, w := range windows {
		st := w.stats()
		before := s.results[workload]
		st.P95History = history(slices.Clone(before.GetP95History()), st.P95Ms)
		st.RpsHistory = history(slices.Clone(before.GetRpsHistory()), st.RequestsPerSecond)
		results[workload] = st
	}
	s.results = results
	close(s.changed)
	s.changed = make(chan struct{})
	return active
}

func (s *Scraper) fetch(ctx context.Context, addr string) (counters, error) {
	only := url.Values{"name[]": {grpcHandled, grpcSeconds, httpTotal, httpSeconds}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics?"+only.Encode(), nil)
	if err != nil {
		return counters{}, err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return counters{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return counters{}, fmt.Errorf("read metrics of %s: %s", addr, resp.Status)
	}
	return parseMetrics(io.LimitReader(resp.Body, 8<<20))
}
