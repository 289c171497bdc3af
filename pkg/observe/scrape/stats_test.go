package scrape

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestOnlyRequestsAreCounted(t *testing.T) {
	text := strings.NewReplacer(" 1000", " 0", " 90", " 0", " 10\n", " 0\n", " 5\n", " 0\n", " 50", " 0", " 105", " 0", " 7", " 0", " 3", " 0").Replace(metricsText)
	r := newRig(t, Limits{})
	r.targets = []Target{target("currency", serve(t, func() string { return text }))}
	r.scrapeAfter(t.Context(), 0)
	text = metricsText
	r.scrapeAfter(t.Context(), 10*time.Second)
	w := r.windows(r.at)["production/currency"]
	if w == nil || w.requests != 115 || w.errors != 13 || w.span != 10*time.Second {
		t.Fatalf("%+v", w)
	}
	if w.buckets[0.001] != 50 || w.buckets[math.Inf(1)] != 105 || w.buckets[0.5] != 7 {
		t.Errorf("buckets %v", w.buckets)
	}
	results, _ := r.Stats()
	if st := results["production/currency"]; st.Requests != 115 || st.Rate != 11.5 || len(st.RateHistory) != 2 {
		t.Errorf("stats %v", st)
	}
}

func TestAWindowForgetsWhatIsOldAndSurvivesARestart(t *testing.T) {
	n := 0
	addr := serve(t, func() string { return fmt.Sprintf("http_requests_total{code=\"200\"} %d\n", n) })
	r := newRig(t, Limits{})
	r.targets = []Target{target("front", addr)}
	for range 60 {
		n += 10
		r.scrapeAfter(t.Context(), time.Second)
	}
	w := r.windows(r.at)["production/front"]
	if got := w.stats().Rate; got != 10 || w.span != statsWindow {
		t.Errorf("%v requests a second over %s", got, w.span)
	}
	n = 3
	r.scrapeAfter(t.Context(), time.Second)
	if w := r.windows(r.at)["production/front"]; w.requests != 3 {
		t.Errorf("a restart counts as %v requests", w.requests)
	}
	r.targets = nil
	r.scrapeAfter(t.Context(), time.Second)
	if w := r.windows(r.at)["production/front"]; w.span == 0 {
		t.Error("what a gone instance served just now is forgotten")
	}
	r.scrapeAfter(t.Context(), statsWindow)
	if w := r.windows(r.at)["production/front"]; w.span != 0 {
		t.Errorf("what a gone instance served is remembered for %s", w.span)
	}
}

func TestACodeThatComesLateCountsFromNothing(t *testing.T) {
	text := `http_requests_total{code="200"} 100` + "\n"
	r := newRig(t, Limits{})
	r.targets = []Target{target("front", serve(t, func() string { return text }))}
	r.scrapeAfter(t.Context(), 0)
	text += `http_requests_total{code="500"} 4` + "\n"
	r.scrapeAfter(t.Context(), time.Second)
	if w := r.windows(r.at)["production/front"]; w.requests != 4 || w.errors != 4 {
		t.Errorf("%+v", w)
	}
}

func TestQuantilesAreInterpolatedWithinTheirBucket(t *testing.T) {
	bounds := sortedBounds(map[float64]float64{0.01: 50, 0.1: 90, 1: 100, math.Inf(1): 100})
	for q, want := range map[float64]float64{0.25: 0.005, 0.5: 0.01, 0.7: 0.055, 0.95: 0.55} {
		if got := quantile(q, bounds); math.Abs(got-want) > 1e-9 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := quantile(0.99, []bound{{0.1, 1}, {math.Inf(1), 10}}); got != 0.1 {
		t.Errorf("beyond the last bound: %v", got)
	}
	if got := quantile(0.5, nil); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
