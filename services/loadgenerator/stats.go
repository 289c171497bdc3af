package loadgenerator

import (
	"errors"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// States of a load.
const (
	stateIdle    = "idle"
	stateWaiting = "waiting"
	stateRunning = "running"
	stateDone    = "done"
)

// errBacklog is a step that was never sent.
var errBacklog = errors.New("not sent: too many steps of this visitor wait for a response")

// Latencies are kept in microseconds with two significant digits, up to ten minutes.
const (
	longest     = int64(10 * time.Minute / time.Microsecond)
	digits      = 2
	lastFailure = 10 // how many failures are kept word for word
)

// stats count what happened. Safe for concurrent use.
type stats struct {
	config

	mu       sync.Mutex
	state    string
	started  time.Time
	ended    time.Time
	inFlight int64
	all      *tally
	byTask   map[string]*tally
	failures []failure
}

// tally counts one kind of step.
type tally struct {
	requests, errors int64
	latency          *hdrhistogram.Histogram
	slowest          time.Duration
}

type failure struct {
	Time  time.Time `json:"time"`
	Task  string    `json:"task"`
	Error string    `json:"error"`
}

func newStats(c config) *stats {
	s := &stats{config: c, state: stateIdle, all: newTally(), byTask: map[string]*tally{}}
	for _, task := range tasks() {
		s.byTask[task] = newTally()
	}
	return s
}

func newTally() *tally { return &tally{latency: hdrhistogram.New(1, longest, digits)} }

// become sets the state; at is when running began, or ended.
func (s *stats) become(state string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
	switch state {
	case stateRunning:
		s.started = at
	case stateDone:
		s.ended = at
	}
}

// due counts a step that is due; record or drop ends it.
func (s *stats) due() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight++
}

func (s *stats) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
}

// record counts a response or an error. A latency of 0 means that the step was never sent.
func (s *stats) record(task string, latency time.Duration, now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	s.all.add(latency, err)
	s.byTask[task].add(latency, err)
	if err != nil {
		if len(s.failures) == lastFailure {
			s.failures = append(s.failures[:0], s.failures[1:]...)
		}
		s.failures = append(s.failures, failure{now, task, err.Error()})
	}
}

func (t *tally) add(latency time.Duration, err error) {
	t.requests++
	if err != nil {
		t.errors++
	}
	if latency <= 0 {
		return
	}
	t.slowest = max(t.slowest, latency)
	_ = t.latency.RecordValue(min(longest, max(1, latency.Microseconds()))) // always in range
}

// report is the status as JSON, which package load of the command line reads.
type report struct {
	State      string                `json:"state"`
	Rate       float64               `json:"rate"`
	Seed       uint64                `json:"seed"`
	Users      int                   `json:"users"`
	Running    bool                  `json:"running"`
	Started    time.Time             `json:"started,omitzero"`
	DurationMS int64                 `json:"duration_ms"`
	ElapsedMS  int64                 `json:"elapsed_ms"`
	InFlight   int64                 `json:"in_flight"`
	ErrorRatio float64               `json:"error_ratio"`
	RPS        float64               `json:"rps"`
	taskReport                       // of all steps
	ByTask     map[string]taskReport `json:"by_task"`
	LastErrors []failure             `json:"last_errors"`
}

type taskReport struct {
	Requests int64   `json:"requests"`
	Errors   int64   `json:"errors"`
	P50MS    float64 `json:"p50_ms"`
	P95MS    float64 `json:"p95_ms"`
	P99MS    float64 `json:"p99_ms"`
	MaxMS    float64 `json:"max_ms"`
}

func (g *generator) status() report {
	s := g.stats
	s.mu.Lock()
	defer s.mu.Unlock()
	r := report{
		State: s.state, Rate: s.rate, Seed: s.seed, Users: s.users, Running: s.state == stateRunning, Started: s.started,
		DurationMS: s.duration.Milliseconds(), InFlight: s.inFlight, taskReport: s.all.report(),
		ByTask: make(map[string]taskReport, len(s.byTask)), LastErrors: append([]failure{}, s.failures...),
	}
	for task, t := range s.byTask {
		r.ByTask[task] = t.report()
	}
	if r.Requests > 0 {
		r.ErrorRatio = float64(r.Errors) / float64(r.Requests)
	}
	if !s.started.IsZero() {
		end := s.ended
		if end.IsZero() {
			end = g.now()
		}
		elapsed := end.Sub(s.started)
		r.ElapsedMS = elapsed.Milliseconds()
		if elapsed > 0 {
			r.RPS = float64(r.Requests) / elapsed.Seconds()
		}
	}
	return r
}

func (t *tally) report() taskReport {
	r := taskReport{Requests: t.requests, Errors: t.errors, MaxMS: float64(t.slowest) / float64(time.Millisecond)}
	if t.latency.TotalCount() > 0 {
		// The upper edge of a bucket may be above the slowest step; a quantile must not be.
		ms := func(q float64) float64 { return min(float64(t.latency.ValueAtQuantile(q))/1000, r.MaxMS) }
		r.P50MS, r.P95MS, r.P99MS = ms(50), ms(95), ms(99)
	}
	return r
}
