package tui

import (
	"slices"
	"strings"
	"testing"
	"time"
)

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
