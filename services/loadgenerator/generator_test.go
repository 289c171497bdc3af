package loadgenerator

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pretend is a shop without a network: it notes what is asked of it, and takes its time.
type pretend struct {
	mu     sync.Mutex
	seen   []string
	active int
	most   int
	// answer returns the status and how long it takes; nil: 200 at once.
	answer func(r *http.Request) (int, time.Duration)
}

func (p *pretend) RoundTrip(r *http.Request) (*http.Response, error) {
	form := ""
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		form = string(b)
	}
	code, takes := http.StatusOK, time.Duration(0)
	if p.answer != nil {
		code, takes = p.answer(r)
	}
	p.mu.Lock()
	if r.URL.Path != "/_healthz" {
		p.seen = append(p.seen, r.Method+" "+r.URL.Path+" "+form)
	}
	p.active++
	p.most = max(p.most, p.active)
	p.mu.Unlock()
	defer func() { p.mu.Lock(); p.active--; p.mu.Unlock() }()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if code == 0 {
		return nil, fmt.Errorf("connection refused")
	}
	resp := &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("<h1>The payment service &amp; all</h1>")), Request: r}
	if code == http.StatusOK && r.URL.Path == "/cart/checkout" {
		resp.StatusCode = http.StatusFound
		resp.Header.Set("Location", "/order/1")
	}
	return resp, nil
}

func (p *pretend) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.seen...)
}

func start(p *pretend, c config) *generator {
	if c.users == 0 {
		c.users = minUsers
	}
	return newGenerator(c, shop{"http://shop", &http.Client{Transport: p}, func() string { return "key" }}, time.Now)
}

func TestAHealthyShopHasNoErrorsAndTheRequestedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(&pretend{answer: func(*http.Request) (int, time.Duration) { return 200, 5 * time.Millisecond }},
			config{rate: 50, seed: 42, duration: time.Minute})
		if err := g.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := g.status()
		if s.State != "done" || s.Running || s.Errors != 0 || s.ErrorRatio != 0 || len(s.LastErrors) != 0 || s.InFlight != 0 {
			t.Errorf("status %+v", s)
		}
		if math.Abs(s.RPS-50) > 3 {
			t.Errorf("%.1f steps per second, want about 50", s.RPS)
		}
		if s.P50MS < 5 || s.P50MS > 11 {
			t.Errorf("p50 %.1f ms, want 5 to 11: a step, or a form and where it leads", s.P50MS)
		}
		var sum int64
		for _, task := range s.ByTask {
			sum += task.Requests
		}
		if sum != s.Requests || s.ByTask[taskCheckout].Requests == 0 {
			t.Errorf("by task %+v of %d", s.ByTask, s.Requests)
		}
	})
}

func TestTheSameSeedSendsTheSameStepsAtTheSameTimes(t *testing.T) {
	walk := func(seed uint64) (seen []string) {
		synctest.Test(t, func(t *testing.T) {
			p := &pretend{}
			begin := time.Now()
			p.answer = func(r *http.Request) (int, time.Duration) {
				p.mu.Lock()
				p.seen = append(p.seen, time.Since(begin).String())
				p.mu.Unlock()
				return 200, 0
			}
			if err := start(p, config{rate: 20, seed: seed, duration: 20 * time.Second}).run(t.Context()); err != nil {
				t.Fatal(err)
			}
			seen = p.requests()
		})
		return seen
	}
	one, two, other := walk(42), walk(42), walk(43)
	if strings.Join(one, "\n") != strings.Join(two, "\n") {
		t.Error("two runs of one seed differ")
	}
	if strings.Join(one, "\n") == strings.Join(other, "\n") {
		t.Error("two seeds do the same")
	}
}

func TestAStallShowsInTheLatencyOfEveryStepThatWasDueMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		stallEnds := begin.Add(12 * time.Second)
		g := start(&pretend{answer: func(*http.Request) (int, time.Duration) {
			// Between 10 and 12 s nothing is answered; else everything at once.
			if now := time.Now(); now.Sub(begin) >= 10*time.Second && now.Before(stallEnds) {
				return 200, stallEnds.Sub(now)
			}
			return 200, time.Millisecond
		}}, config{rate: 100, seed: 1, users: 100, duration: 20 * time.Second})
		if err := g.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := g.status()
		// A tenth of all steps were due in the two seconds; their mean wait is one.
		if s.P50MS > 10 || s.P95MS < 500 || s.P95MS > 2000 || s.P99MS < 1500 || s.MaxMS > 2100 {
			t.Errorf("p50 %.1f, p95 %.1f, p99 %.1f, max %.1f ms", s.P50MS, s.P95MS, s.P99MS, s.MaxMS)
		}
		if s.Errors != 0 {
			t.Errorf("%d errors: %v", s.Errors, s.LastErrors)
		}
	})
}

func TestTheShopsSlownessDoesNotSlowTheVisitors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pretend{answer: func(*http.Request) (int, time.Duration) { return 200, 800 * time.Millisecond }}
		g := start(p, config{rate: 100, seed: 1, users: 400, duration: 10 * time.Second})
		if err := g.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := g.status(); s.Requests < 900 || p.most < 70 {
			t.Errorf("%d steps, at most %d at the same time", s.Requests, p.most)
		}
	})
}

func TestWhatWaitsForOneVisitorIsCountedInItsLatencyAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pretend{answer: func(r *http.Request) (int, time.Duration) {
			if r.URL.Path == "/_healthz" {
				return 200, 0
			}
			return 200, 10 * time.Second
		}}
		g := start(p, config{rate: 10, seed: 1, users: 1, duration: 20 * time.Second})
		if err := g.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := g.status()
		if p.most != 1 {
			t.Errorf("%d steps of one visitor at the same time", p.most)
		}
		if s.MaxMS < 60_000 {
			t.Errorf("slowest step %.0f ms: waiting for the visitor does not count", s.MaxMS)
		}
		if s.Errors == 0 || !strings.Contains(s.LastErrors[0].Error, "not sent") || s.InFlight != 0 {
			t.Errorf("%d errors %v, %d in flight", s.Errors, s.LastErrors, s.InFlight)
		}
	})
}

func TestErrorsAreCountedAndTheLastAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(&pretend{answer: func(r *http.Request) (int, time.Duration) {
			if strings.HasPrefix(r.URL.Path, "/product/") {
				return http.StatusServiceUnavailable, 0
			}
			return 200, 0
		}}, config{rate: 50, seed: 3, duration: 10 * time.Second})
		if err := g.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := g.status()
		if s.Errors != s.ByTask[taskBrowse].Requests || s.Errors == 0 || len(s.LastErrors) != lastFailure {
			t.Errorf("%d errors of %+v; %d kept", s.Errors, s.ByTask, len(s.LastErrors))
		}
		if e := s.LastErrors[0]; !strings.HasSuffix(e.Error, "HTTP 503 The payment service & all") || e.Task != taskBrowse {
			t.Errorf("kept %+v", e)
		}
	})
}

func TestAnOrderWithoutAConfirmationIsAnError(t *testing.T) {
	p := &pretend{answer: func(*http.Request) (int, time.Duration) { return http.StatusNoContent, 0 }}
	err := shop{"http://shop", &http.Client{Transport: p}, func() string { return "key" }}.do(t.Context(), post(taskCheckout, "/cart/checkout", nil))
	if err == nil || !strings.Contains(err.Error(), "no confirmation") {
		t.Errorf("got %v", err)
	}
}

func TestTheLoadWaitsForTheShopAndMeasuresFromThenOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		g := start(&pretend{answer: func(*http.Request) (int, time.Duration) {
			if time.Since(begin) < 3*time.Second {
				return 0, 0
			}
			return 200, 0
		}}, config{rate: 20, seed: 1, duration: 5 * time.Second})
		done := make(chan error, 1)
		go func() { done <- g.run(t.Context()) }()
		time.Sleep(time.Second)
		synctest.Wait()
		if s := g.status(); s.State != "waiting" || s.Running || s.Requests != 0 {
			t.Errorf("before: %+v", s)
		}
		time.Sleep(4 * time.Second)
		if s := g.status(); s.State != "running" || !s.Running || s.Started.Sub(begin) < 3*time.Second {
			t.Errorf("meanwhile: %+v", s)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if s := g.status(); s.Errors != 0 || s.ElapsedMS != 5000 {
			t.Errorf("after: %+v", s)
		}
	})
}

func TestTheEndOfTheServiceCountsNothingAsAnErrorAndWaitsBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		g := start(&pretend{answer: func(r *http.Request) (int, time.Duration) {
			if r.URL.Path == "/_healthz" {
				return 200, 0
			}
			return 200, 10 * time.Second
		}}, config{rate: 20, seed: 1})
		done := make(chan error, 1)
		go func() { done <- g.run(ctx) }()
		time.Sleep(5 * time.Second)
		stop()
		ending := time.Now()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(ending); took > leaveTimeout {
			t.Errorf("ended after %v", took)
		}
		if s := g.status(); s.Errors != 0 || s.InFlight != 0 {
			t.Errorf("status %+v", s)
		}
	})
}
