package tui

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

// checking is a lesson whose goals are being checked; the id of each goal is the kind of its evidence.
func checking(found ...probe.Evidence) lesson.View {
	v := answering()
	v.Step.Next, v.Step.Locked = "check", "not reached yet"
	v.Workspace = "/w"
	checks := []lesson.CheckView{{ID: "reached", Title: "The catalog refuses an id that it does not know", Kind: "rpc", Verdict: lesson.Pass}}
	for _, e := range found {
		checks = append(checks, lesson.CheckView{
			ID: string(e.Kind), Title: "The " + string(e.Kind) + " is as it should be", Verdict: lesson.Fail, Expected: "one thing", Observed: "another", Look: "shopctl ps", Evidence: e,
		})
	}
	v.Step.Blocks = append(v.Step.Blocks[:0:0], lesson.BlockView{Kind: lesson.CheckBlock, Checks: checks})
	return v
}

// openedAt is a lesson in which enter has opened the evidence of the goal.
func openedAt(t *testing.T, e probe.Evidence) *screen {
	t.Helper()
	s, _ := lessonOn(t, Config{}, checking(e), tuitest.BrokenStatus())
	s.send(feed.Batch{Alerts: alertList(), Topology: tuitest.CallMap()})
	s.wantText("enter evidence")
	s.press("enter")
	return s
}

func (s *screen) wantPane(want paneID) {
	s.t.Helper()
	if s.focus != want {
		s.t.Errorf("the focus is on %s, want %s", s.focus.name(), want.name())
	}
}

// wantBack leaves the pane by esc.
func (s *screen) wantBack() {
	s.t.Helper()
	s.press("esc")
	s.wantPane(paneLesson)
}

func TestATraceThatDecidedIsOpenedAtItsSpan(t *testing.T) {
	trace := order(t)
	span := trace.Spans[4]
	s := openedAt(t, probe.Evidence{Kind: probe.TraceEvidence, Service: "checkout", Trace: trace.ID.String(), Span: span.Span.String()})
	s.wantPane(paneTraces)
	s.see(feed.Result{Trace: trace})
	s.press("enter") // into the span
	if got := s.traces.Span(); got != span.Span.String() {
		t.Errorf("the cursor is on span %s, want %s", got, span.Span)
	}
	s.press("esc")
	s.wantPane(paneTraces)
	s.wantBack()
	s.press("7")
	if s.traces.IsOpen() {
		t.Error("the trace stays open")
	}
}

func TestWithoutATraceThoseOfTheServiceAreListed(t *testing.T) {
	s := openedAt(t, probe.Evidence{Kind: probe.TraceEvidence, Service: "paymentservice"})
	s.wantText("7 Traces payment")
	s.see(feed.Result{Traces: tuitest.TraceList()})
	s.press("enter", "esc")
	s.wantPane(paneTraces)
	s.wantBack()
}

func TestALogIsOpenedAtTheLineThatDecided(t *testing.T) {
	at := tuitest.Noon().Add(-time.Minute)
	s := openedAt(t, probe.Evidence{Kind: probe.LogEvidence, Service: "payment", Time: at, Text: "the one"})
	s.wantText("3 Logs payment")
	if want := at.Add(-logLead); !s.logQuery.Since.Equal(want) {
		t.Errorf("queries since %s, want %s", s.logQuery.Since, want)
	}
	line := func(at time.Time, message string) feed.Entry {
		return feed.LogEntry(&controlpb.LogLine{Time: timestamppb.New(at), Service: "payment", Level: "info", Message: message}, time.UTC, false)
	}
	lines := []feed.Entry{line(at, "another of the same time"), line(at, "the one")}
	for i := range 100 {
		lines = append(lines, line(at.Add(time.Duration(i)*time.Second), "later"))
	}
	s.send(feed.Batch{Logs: lines, LogSeq: s.logSeq})
	s.wantText("▸ 11:59:00.000 info  the one", "G to follow")
	s.press("G")
	s.wantNoText("the one")
	s.wantBack()
	if !s.logQuery.Since.IsZero() {
		t.Error("it still queries the old lines")
	}
}

func TestAnExpressionThatDecidedIsPlotted(t *testing.T) {
	s := openedAt(t, probe.Evidence{Kind: probe.MetricEvidence, Expr: "rate(up[5m])", Window: 5 * time.Minute})
	s.wantPane(paneMetrics)
	if want := (feed.Query{Topic: feed.TopicMetrics, Expr: "rate(up[5m])", Range: 15 * time.Minute}); s.query != want {
		t.Errorf("queries %+v", s.query)
	}
	s.wantBack()
	if s.metrics.Expr != "" {
		t.Error("the expression stays")
	}
}

func TestAnEdgeThatDecidedIsPointedAtOnTheMap(t *testing.T) {
	for _, look := range []struct {
		c    Config
		here string
	}{{Config{}, "p95 9.0ms   <- here"}, {Config{Accessible: true}, "> checkout calls payment: 2.0/s"}} {
		s, _ := lessonOn(t, look.c, checking(probe.Evidence{Kind: probe.EdgeEvidence, Caller: "checkout", Callee: "payment"}), tuitest.BrokenStatus())
		s.send(feed.Batch{Topology: tuitest.CallMap()})
		s.press("enter", "z")
		s.wantPane(paneMap)
		s.wantText(look.here)
		s.press("z")
		s.wantBack()
		s.press("0", "z")
		s.wantNoText(look.here)
	}
}

func TestAnAlertThatDecidedIsChosen(t *testing.T) {
	name := alertList().GetRules()[1].GetName()
	s := openedAt(t, probe.Evidence{Kind: probe.AlertEvidence, Name: name})
	s.wantPane(paneAlerts)
	s.text()
	if got, want := s.alerts.Expr(), alertList().GetRules()[1].GetExpr(); got != want {
		t.Errorf("the selected rule has the expression %s, want %s", got, want)
	}
	s.wantBack()
}

func TestTheInstancesThatDecidedAreShown(t *testing.T) {
	s := openedAt(t, probe.Evidence{Kind: probe.InstanceEvidence, Service: "cart"})
	s.wantText("5 Details cart", "cart-5d8f-1")
	s.wantBack()
}

func TestTheOutputOfTestsIsShown(t *testing.T) {
	s := openedAt(t, probe.Evidence{Kind: probe.OutputEvidence, Text: "--- FAIL: TestPrice\nFAIL\n"})
	s.wantText("6 Output", "--- FAIL: TestPrice")
	s.wantBack()
}

func TestAFileThatDecidedTheVerdictIsShown(t *testing.T) {
	v := checking(probe.Evidence{Kind: probe.FileEvidence, Name: "a/cart.yaml"})
	v.Workspace = t.TempDir()
	s, _ := lessonOn(t, Config{}, v, tuitest.BrokenStatus())
	s.press("enter")
	s.wantText("no such file")
	s.wantBack()
	if err := os.Mkdir(filepath.Join(v.Workspace, "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(v.Workspace, "a", "cart.yaml"), []byte("kind: Service\nspec:\n\tx: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.press("enter")
	s.wantText("$ cat a/cart.yaml", "   1  kind: Service", "   3      x: 1")
	s.wantBack()
}

func TestWithoutEvidenceTheCommandRuns(t *testing.T) {
	v := checking(probe.Evidence{Kind: "unknown"})
	s, _ := lessonOn(t, Config{}, v, tuitest.BrokenStatus())
	s.press("enter")
	s.wantPane(paneOutput)
	s.wantText("$ shopctl ps")
	s.wantBack()
	checks := v.Step.Blocks[0].Checks
	checks[1].Look = "go test ./catalog/..."
	s.send(feed.Batch{Lesson: &v})
	s.press("enter")
	s.wantText("in a shell: go test ./catalog/...")
	s.wantPane(paneLesson)
}

func TestTheCursorGoesOverTheGoalsBeforeTheTextMoves(t *testing.T) {
	v := checking(probe.Evidence{Kind: probe.AlertEvidence}, probe.Evidence{Kind: probe.EdgeEvidence}, probe.Evidence{Kind: probe.LogEvidence})
	long := lesson.BlockView{Kind: lesson.ProseBlock, Markdown: "one\n\ntwo\n\nthree\n\nfour\n\nfive\n\nsix\n\nseven"}
	v.Step.Blocks = append([]lesson.BlockView{long}, append(v.Step.Blocks, long)...)
	s, _ := lessonOn(t, Config{}, v, tuitest.BrokenStatus())
	s.size(120, 30)
	at := func(want string) {
		t.Helper()
		s.text()
		if got := s.lesson.Cursor(); got != want {
			t.Errorf("the cursor is on %q, want %q", got, want)
		}
	}
	at("alert") // the first that is not reached
	s.press("k")
	at("reached")
	s.press("enter")
	s.wantPane(paneLesson)
	s.wantText("enter evidence: no goal is selected")
	s.press("j", "j")
	at("edge")
	s.press("j", "j", "j", "j")
	at("log")
	if atTop(s.lesson) {
		t.Error("behind the last goal the text does not move")
	}
	s.press("g", "G")
	at("log")
	again := v
	again.Step.ID = "next"
	s.send(feed.Batch{Lesson: &again})
	at("alert")
}

func TestTheFilesOfALessonAreNamedBelowItsGoals(t *testing.T) {
	v := checking(probe.Evidence{Kind: probe.AlertEvidence})
	v.Files, v.Workspace = []string{"burn.yaml", "orders.yaml"}, "/w/alerts"
	s, _ := lessonOn(t, Config{}, v, tuitest.BrokenStatus())
	s.size(120, 40)
	s.wantText("Files  burn.yaml, orders.yaml", "/w/alerts")
}

func TestEnterAnswersWhereTheCursorIsOnTheQuestion(t *testing.T) {
	v := answering()
	v.Step.Blocks[4].Checks[1].Evidence = probe.Evidence{Kind: probe.InstanceEvidence, Service: "payment"}
	s, _ := lessonOn(t, Config{}, v, tuitest.Status())
	s.text()
	s.press("k", "enter")
	s.wantPane(paneDetails)
	s.wantBack()
	s.press("j", "enter")
	s.wantText("your answer:")
}
