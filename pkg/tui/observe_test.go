package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

func TestTabsAreEnteredAndLeft(t *testing.T) {
	s := dash(t, Config{}, tuitest.BrokenStatus())
	s.press("2", "G", "k", "k", "k", "t")
	if s.focus != paneTraces || s.query.Service != "payment" {
		t.Fatalf("t leads to %s of %q", s.focus.name(), s.query.Service)
	}
	s.wantText("loading traces")
	s.see(feed.Result{Traces: tuitest.TraceList()})
	s.press("a", "j")
	if s.query.Service != "" {
		t.Error("a does not ask for the traces of all services")
	}
	s.see(feed.Result{Traces: tuitest.TraceList()})
	s.press("j", "enter")
	if want := tuitest.TraceList().Traces[1].TraceId; s.query.Trace != want {
		t.Fatalf("enter opens %q, want %q", s.query.Trace, want)
	}
	s.see(feed.Result{Trace: order(t)})
	s.wantText("payment Charge", "try 1 of 2", "critical path")
	s.press("j", "j", "j", "j", "enter")
	s.wantText("UNAVAILABLE", "parent", "payment Charge")
	s.press("l")
	if want := (feed.LogQuery{Trace: order(t).ID.String(), Span: "0800000000000000", Active: true}); s.logQuery != want {
		t.Errorf("l queries %+v, want %+v", s.logQuery, want)
	}
	s.wantText("of span 08000000")
	s.press("esc")
	s.wantText("parent", "payment Charge")
	s.press("esc", "l")
	if s.focus != paneLogs || s.logQuery.Trace != order(t).ID.String() {
		t.Fatalf("l leads to %s of trace %q", s.focus.name(), s.logQuery.Trace)
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
	if s.query.Trace != feed.Newest {
		t.Error("F does not show the newest trace")
	}
	s.press("F", "q")
	if s.focus != paneServices {
		t.Errorf("q leads to %s", s.focus.name())
	}
}

func TestTracesAreFilteredAndFollowed(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.press("7")
	s.see(feed.Result{Traces: tuitest.TraceList()})
	s.wantText("newest first")
	s.press("/")
	s.typing("placeorder")
	s.wantNoText("GET /")
	s.press("enter", "enter")
	if want := tuitest.TraceList().Traces[2].TraceId; s.query.Trace != want {
		t.Errorf("enter opens %q, want %q", s.query.Trace, want)
	}
	s.see(feed.Result{Failure: "no trace 03abcdef"})
	s.wantText("no trace 03abcdef")
	s.press("esc", "esc")
	s.wantText("GET /")
	s.press("/")
	s.wantText("error, >200ms")
	s.typing("error >200ms checkout")
	if !s.query.ErrorsOnly || s.query.MinDuration != 200*time.Millisecond {
		t.Errorf("the query is %+v", s.query)
	}
	s.wantText("3 errors")
	s.wantNoText("2 errors", "GET /")
	s.press("esc")
	if s.query.ErrorsOnly {
		t.Errorf("the query is %+v", s.query)
	}
	s.send(feed.Batch{Result: &feed.Result{Seq: s.querySeq - 1, Failure: "too late"}})
	s.wantNoText("too late")
}

func TestMetricsArePlottedAndExpressionsToo(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.press("8")
	s.wantText("loading metrics")
	s.see(feed.Result{Charts: chartList()})
	s.wantText("requests/s", "in flight", "p95", "last 5m")
	s.press("j")
	if s.query.Service != "cart" {
		t.Errorf("j plots %q", s.query.Service)
	}
	s.press(">", ">", ">")
	if s.query.Range != time.Hour {
		t.Errorf("> plots %s", s.query.Range)
	}
	s.press("<", "enter")
	s.typing("up")
	s.press("enter")
	if s.query.Expr != "up" || s.query.Range != 15*time.Minute {
		t.Errorf("got %+v", s.query)
	}
	s.see(feed.Result{Failure: "parse error"})
	s.wantText("parse error")
	s.press("esc")
	if s.query.Expr != "" {
		t.Error("esc does not lead back to the charts")
	}
}

func TestAFiringAlertIsShownInEveryView(t *testing.T) {
	for _, size := range [][2]int{{120, 30}, {80, 24}, {50, 15}} {
		s := dash(t, Config{}, tuitest.Status())
		s.size(size[0], size[1])
		s.send(feed.Batch{Alerts: alertList()})
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
	s := dash(t, Config{}, tuitest.Status())
	s.send(feed.Batch{Alerts: alertList()})
	s.press("9", "G", "g", "j", "enter")
	if want := "search:p95 > 0.2"; s.focus != paneMetrics || s.query.Expr != want {
		t.Errorf("enter plots %q in %s, want %q", s.query.Expr, s.focus.name(), want)
	}
	s.press("9", "/")
	s.typing("cartmisses")
	s.wantText("CartMisses")
	s.wantNoText("HISTORY")
}

func TestTheEffectsOfFaultsAreShownInEveryView(t *testing.T) {
	s := dash(t, Config{}, tuitest.BrokenStatus())
	s.wantText("payment 50% errors → checkout 48% errors")
	s.send(feed.Batch{Topology: tuitest.CallMap()})
	for _, key := range strings.Split("234567890", "") {
		s.press(key)
		s.wantText("payment UNAVAILABLE 50% → checkout errors 48% → 47% of orders fail")
	}
	lines := strings.Split(s.topology.Render(100, 100), "\n")
	if !slices.Contains(lines, "payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail") {
		t.Errorf("the map does not show it: %q", lines)
	}
}
