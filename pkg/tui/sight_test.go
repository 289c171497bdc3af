package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// asked counts what a shop was asked for, and forgets it.
func (s *fakeShop) asked() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]int{}
	for _, what := range s.did {
		all[what]++
	}
	s.did = nil
	return all
}

// feedingFrom is a feed that has found a shop with a status.
func feedingFrom(t *testing.T, st *controlpb.StatusResponse) (*feeding, *fakeShop) {
	f, shop := startFeed(t, nil), newFakeShop()
	f.shops <- shop
	shop.watch <- st
	f.news(time.Second)
	shop.asked()
	return f, shop
}

func TestOnlyTheTabInViewIsAskedForOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, shopStatus())
		defer f.end()
		f.news(30 * time.Second)
		if got := shop.asked(); got["alerts"] > 11 || len(got) > 1 {
			t.Errorf("without a tab in view it asks %v in 30 s", got)
		}
		f.look(1, sight{topic: topicTraces, service: "cart"})
		f.news(30 * time.Second)
		if got := shop.asked(); got["traces cart"] < 28 || got["traces cart"] > 32 || got["map"]+got["query"] > 0 {
			t.Errorf("with the traces in view it asks %v in 30 s", got)
		}
		f.look(2, sight{topic: topicAlerts})
		f.news(30 * time.Second)
		if got := shop.asked(); got["alerts"] < 28 || got["alerts"] > 32 || got["traces cart"] > 0 {
			t.Errorf("with the alerts in view it asks %v in 30 s", got)
		}
		f.look(3, sight{})
		f.look(2, sight{topic: topicMap}) // overtaken
		f.news(30 * time.Second)
		if got := shop.asked(); got["alerts"] > 11 || got["map"] > 0 {
			t.Errorf("with no such tab in view it asks %v in 30 s", got)
		}
	})
}

func TestWhatFaultsDoIsAskedForWhileThereAreAny(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, broken())
		defer f.end()
		shop.mu.Lock()
		shop.seen.graph = shopMap()
		shop.mu.Unlock()
		all := f.news(10 * time.Second)
		if got := shop.asked(); got["map"] < 3 || got["map"] > 4 {
			t.Errorf("it asks %v in 10 s", got)
		}
		maps := 0
		for _, b := range all {
			if b.topology != nil {
				maps++
			}
		}
		if maps != 1 {
			t.Errorf("a map that stays the same is handed on %d times", maps)
		}
	})
}

func TestATraceIsAskedForUntilItIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, shopStatus())
		defer f.end()
		shop.seen.otlp = otlpOf(t)
		f.now = func() time.Time { return noon().Add(time.Minute) }
		f.look(1, sight{topic: topicTraces, trace: "0707"})
		all := f.news(30 * time.Second)
		if got := shop.asked(); got["trace 0707"] != 1 {
			t.Errorf("an old trace is asked for: %v", got)
		}
		if last := all[0].seen; last == nil || last.trace == nil || len(last.trace.Spans) != 1 || last.of != 1 {
			t.Errorf("got %+v", last)
		}
		f.look(2, sight{topic: topicTraces, trace: newest})
		f.news(10 * time.Second)
		if got := shop.asked(); got["traces "] < 9 || got["trace "+traceList().Traces[0].TraceId] < 9 {
			t.Errorf("the newest trace is asked for: %v", got)
		}
	})
}

func TestWhatCannotBeShownSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		sight sight
		fail  error
		otlp  []byte
		want  string
	}{
		"an older daemon":   {sight: sight{topic: topicMap}, fail: status.Error(codes.Unimplemented, "unknown service"), want: "of another version"},
		"a slow answer":     {sight: sight{topic: topicAlerts}, fail: status.Error(codes.DeadlineExceeded, "context deadline exceeded"), want: "takes too long"},
		"a broken trace":    {sight: sight{topic: topicTraces, trace: "x"}, otlp: []byte("nonsense"), want: "read trace"},
		"an empty trace":    {sight: sight{topic: topicTraces, trace: "x"}, want: "no spans"},
		"a bad expression":  {sight: sight{topic: topicMetrics, expr: "up{", last: time.Minute}, want: "parse error"},
		"a failing service": {sight: sight{topic: topicMetrics, service: "ad", last: time.Minute}, fail: errors.New("the disk is full"), want: "the disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, shop := feedingFrom(t, shopStatus())
				defer f.end()
				shop.fail, shop.seen.otlp = c.fail, c.otlp
				f.look(1, c.sight)
				all := f.news(time.Second / 2)
				if len(all) == 0 || all[0].seen == nil || !strings.Contains(all[0].seen.fail, c.want) {
					t.Errorf("got %+v, want %q", all, c.want)
				}
			})
		})
	}
}

func TestTheChartsOfAServiceAreItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shop := feedingFrom(t, shopStatus())
		defer f.end()
		f.look(1, sight{topic: topicMetrics, service: "payment", last: 5 * time.Minute})
		all := f.news(time.Second / 2)
		charts := all[0].seen.charts
		if len(charts) != 6 || len(charts[2].series) != 3 || len(charts[0].series[0].Points) != 60 {
			t.Fatalf("got %+v", charts)
		}
		if from := charts[0].from; from.Before(noon().Add(-time.Minute-time.Second)) || !from.Before(noon()) {
			t.Errorf("the charts begin at %s although the first point is a minute old", from)
		}
		for _, expr := range shop.seen.queried {
			if !strings.Contains(expr, `service="payment"`) {
				t.Errorf("%s is not of the service alone", expr)
			}
		}
		f.look(2, sight{topic: topicMetrics, expr: "up", last: time.Minute})
		all = f.news(time.Second / 2)
		one := all[len(all)-1].seen.charts
		if len(one) != 1 || one[0].series[0].Name != `up{job="cart"}` {
			t.Errorf("got %+v", one)
		}
	})
}

func TestTabsAreGoneIntoAndOutOf(t *testing.T) {
	s := dash(t, Config{}, broken())
	s.press("2", "G", "k", "k", "k", "t")
	if s.focus != paneTraces || s.gazing.service != "payment" {
		t.Fatalf("t leads to %s of %q", s.focus.name(), s.gazing.service)
	}
	s.wantText("asking for traces")
	s.see(seen{traces: traceList()})
	s.press("a", "j")
	if s.gazing.service != "" {
		t.Error("a does not ask for the traces of all services")
	}
	s.see(seen{traces: traceList()})
	s.press("j", "enter")
	if want := traceList().Traces[1].TraceId; s.gazing.trace != want {
		t.Fatalf("enter opens %q, want %q", s.gazing.trace, want)
	}
	s.see(seen{trace: order(t)})
	s.wantText("payment Charge", "try 1 of 2", "critical path")
	s.press("j", "j", "j", "j", "enter")
	s.wantText("UNAVAILABLE", "parent", "payment Charge")
	s.press("l")
	if want := (wanted{trace: order(t).ID.String(), span: "0800000000000000", on: true}); s.listening != want {
		t.Errorf("l asks for %+v, want %+v", s.listening, want)
	}
	s.wantText("of span 08000000")
	s.press("esc")
	s.wantText("parent", "payment Charge")
	s.press("esc", "l")
	if s.focus != paneLogs || s.listening.trace != order(t).ID.String() {
		t.Fatalf("l leads to %s of trace %q", s.focus.name(), s.listening.trace)
	}
	s.wantText("of trace 01000000", "esc goes back")
	s.press("esc")
	s.wantText("try 1 of 2")
	s.press("l", "t")
	if s.focus != paneTraces || s.logsTrace != "" {
		t.Error("t does not lead from the lines of a trace back to it")
	}
	s.press("esc")
	s.wantText("SPANS")
	s.press("F")
	if s.gazing.trace != newest {
		t.Error("F does not show the newest trace")
	}
	s.press("F", "q")
	if s.focus != paneServices {
		t.Errorf("q leads to %s", s.focus.name())
	}
}

func TestTracesAreFilteredAndFollowed(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	s.press("7")
	s.see(seen{traces: traceList()})
	s.wantText("newest first")
	s.press("/")
	s.typing("placeorder")
	s.wantNoText("GET /")
	s.press("enter", "enter")
	if want := traceList().Traces[2].TraceId; s.gazing.trace != want {
		t.Errorf("enter opens %q, want %q", s.gazing.trace, want)
	}
	s.see(seen{fail: "no trace 03abcdef"})
	s.wantText("no trace 03abcdef")
	s.press("esc", "esc")
	s.wantText("GET /")
	s.press("/")
	s.wantText("error, >200ms")
	s.typing("error >200ms checkout")
	if !s.gazing.failed || s.gazing.slower != 200*time.Millisecond {
		t.Errorf("the daemon is asked for %+v", s.gazing)
	}
	s.wantText("3 errors")
	s.wantNoText("2 errors", "GET /")
	s.press("esc")
	if s.gazing.failed {
		t.Errorf("the daemon is asked for %+v", s.gazing)
	}
	s.send(batch{seen: &seen{of: s.gazed - 1, fail: "too late"}})
	s.wantNoText("too late")
}

func TestMetricsArePlottedAndExpressionsToo(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	s.press("8")
	s.wantText("asking for metrics")
	s.see(seen{charts: chartList()})
	s.wantText("requests/s", "in flight", "p95", "last 5m")
	s.press("j")
	if s.gazing.service != "cart" {
		t.Errorf("j plots %q", s.gazing.service)
	}
	s.press(">", ">", ">")
	if s.gazing.last != time.Hour {
		t.Errorf("> plots %s", s.gazing.last)
	}
	s.press("<", "enter")
	s.typing("up")
	s.press("enter")
	if s.gazing.expr != "up" || s.gazing.last != 15*time.Minute {
		t.Errorf("got %+v", s.gazing)
	}
	s.see(seen{fail: "parse error"})
	s.wantText("parse error")
	s.press("esc")
	if s.gazing.expr != "" {
		t.Error("esc does not lead back to the charts")
	}
}

func TestAFiringAlertIsSeenInEveryView(t *testing.T) {
	for _, size := range [][2]int{{120, 30}, {80, 24}, {50, 15}} {
		s := dash(t, Config{}, shopStatus())
		s.size(size[0], size[1])
		s.send(batch{alerts: alertList()})
		for _, key := range strings.Split("234567890", "") {
			s.press(key)
			lines, _ := s.draw()
			if !strings.Contains(lines[0], "alert") {
				t.Errorf("%v, pane %s: %s", size, key, lines[0])
			}
		}
	}
}

func TestTheRuleOfAnAlertIsPlotted(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	s.send(batch{alerts: alertList()})
	s.press("9", "G", "g", "j", "enter")
	if want := "search:p95 > 0.2"; s.focus != paneMetrics || s.gazing.expr != want {
		t.Errorf("enter plots %q in %s, want %q", s.gazing.expr, s.focus.name(), want)
	}
	s.press("9", "/")
	s.typing("cartmisses")
	s.wantText("CartMisses")
	s.wantNoText("HISTORY")
}

func TestWhatFaultsDoIsSaidInEveryView(t *testing.T) {
	s := dash(t, Config{}, broken())
	s.wantText("payment 50% errors → checkout 48% errors")
	s.send(batch{topology: shopMap()})
	for _, key := range strings.Split("234567890", "") {
		s.press(key)
		s.wantText("payment UNAVAILABLE 50% → checkout errors 48% → 47% of orders fail")
	}
	lines := strings.Split(s.topology.Render(100, 100), "\n")
	if !slices.Contains(lines, "payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail") {
		t.Errorf("the map does not show it: %q", lines)
	}
}

func TestALegendNamesWhatDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFeed(t, nil)
		defer f.end()
		series := func(v float64, labels map[string]string) *controlpb.MetricSeries {
			return &controlpb.MetricSeries{Labels: labels, Samples: []*controlpb.MetricSample{{TimeMs: 1, Value: v}}}
		}
		resp := &controlpb.QueryMetricsResponse{}
		for i := range 20 {
			resp.Series = append(resp.Series, series(float64(i), map[string]string{"__name__": "up", "namespace": "production", "pod": string(rune('a' + i))}))
		}
		got := f.allSeries(resp)
		if len(got) != mostSeries || got[0].Name != `{pod="t"}` || got[mostSeries-1].Name != `{pod="i"} (and 8 more)` {
			t.Errorf("got %d series from %q to %q", len(got), got[0].Name, got[len(got)-1].Name)
		}
	})
}
