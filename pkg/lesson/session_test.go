package lesson_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
	"github.com/shopctl/shopctl/pkg/lesson/progress"
	"github.com/shopctl/shopctl/pkg/lesson/restore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type world struct {
	t    *testing.T
	shop *lessontest.Shop
	deps lesson.Deps
	l    *lesson.Lesson
}

func newWorld(t *testing.T) *world {
	t.Helper()
	shop := lessontest.New(time.Now)
	d := shop.Deps()
	dir := t.TempDir()
	d.Progress = progress.New(filepath.Join(dir, "progress.json"), time.Now)
	d.Workspace = filepath.Join(dir, "lessons", "sample")
	return &world{t: t, shop: shop, deps: d, l: lessontest.Lesson(t, nil)}
}

// recovery is what the journal of the world is opened with.
func (w *world) recovery() restore.Config {
	return restore.Config{Shop: w.shop, Dir: filepath.Dir(w.deps.Workspace), Now: time.Now}
}

func (w *world) open() *lesson.Session {
	w.t.Helper()
	s, err := lesson.Open(w.t.Context(), w.l, w.deps)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) close(s *lesson.Session) {
	w.t.Helper()
	if err := s.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) play(s *lesson.Session, script string) {
	w.t.Helper()
	sc, err := lesson.ParseScript("test.txtar", []byte(script))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range sc.Actions {
		if err := s.Do(w.t.Context(), sc, a); err != nil {
			w.t.Fatalf("%s:%d: %s: %v", sc.Name, a.Line, a, err)
		}
	}
}

func kinds(v lesson.View) string {
	var names []string
	for _, b := range v.Step.Blocks {
		names = append(names, string(b.Kind))
	}
	return strings.Join(names, " ")
}

func block(t *testing.T, v lesson.View, k lesson.BlockKind) lesson.BlockView {
	t.Helper()
	for _, b := range v.Step.Blocks {
		if b.Kind == k {
			return b
		}
	}
	t.Fatalf("no %s block among %s", k, kinds(v))
	return lesson.BlockView{}
}

// bubble runs a test on a clock of its own.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
}

func TestNothingIsShownBeforeItsTime(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		v := s.Snapshot()
		if got := kinds(v); got != "prose predict prose run" {
			t.Errorf("before the prediction: %s", got)
		}
		if r := block(t, v, lesson.RunBlock).Run; r.Enabled || r.WhyNot != "predict first" {
			t.Errorf("the run is unlocked before the prediction: %+v", r)
		}
		if err := s.Run(t.Context()); err == nil || err.Error() != "run: predict first" {
			t.Errorf("Run before Predict: %v", err)
		}
		if err := s.Observe("69"); err == nil {
			t.Error("observed before predicted")
		}
		w.play(s, "predict 2 sure")
		if got := kinds(s.Snapshot()); got != "prose predict prose run observe" {
			t.Errorf("after the prediction: %s", got)
		}
		if p := block(t, s.Snapshot(), lesson.PredictBlock).Predict; p.Revealed || p.Options[0].Reply != "" {
			t.Errorf("the prediction's reply is given away: %+v", p)
		}
		w.play(s, "run\nobserve 70")
		v = s.Snapshot()
		if got := kinds(v); got != "prose predict prose run observe prose check hints" {
			t.Errorf("after the observation: %s", got)
		}
		o := block(t, v, lesson.ObserveBlock).Observe
		if o.Predicted != "NOT_FOUND (sure)" || o.Answer != "70" || o.Truth != "69" || o.Verdict != lesson.Fail || o.Reply == "" {
			t.Errorf("prediction, observation and truth: %+v", o)
		}
		if r := block(t, v, lesson.RunBlock).Run; r.ExitCode != 69 || !strings.Contains(r.Output, "$ shopctl call") || !strings.Contains(r.Output, "no product with ID NOPE") {
			t.Errorf("run: %+v", r)
		}
	})
}

func TestTheSolutionReachesEveryGoalAndLeavingRestoresTheShop(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		w.play(s, lessontest.Solution)
		if v := s.Snapshot(); !v.Done || v.Message != "The lesson is done." {
			t.Errorf("at the end: done %v, %q", v.Done, v.Message)
		}
		w.shop.Inject("cli", time.Second)
		before := w.shop.Object("Deployment", "productcatalogservice")
		w.shop.Put("Deployment", "productcatalogservice", strings.Replace(before, `"replicas":1`, `"replicas":3`, 1))
		w.shop.Put("ConfigMap", "new", `{"kind":"ConfigMap","metadata":{"name":"new"}}`)
		w.shop.Put("PrometheusRule", "slow", `{"kind":"PrometheusRule","metadata":{"name":"slow"}}`)
		w.close(s)
		if f := w.shop.Faults(); len(f) != 0 {
			t.Errorf("faults stay: %q", f)
		}
		if o := w.shop.Object("Deployment", "productcatalogservice"); !strings.Contains(o, `"replicas":1`) || strings.Contains(o, "status") {
			t.Errorf("the Deployment is now %s", o)
		}
		if w.shop.Object("ConfigMap", "new") != "" || w.shop.Object("PrometheusRule", "slow") != "" {
			t.Error("an object that the lesson made stays")
		}
		f, _, err := w.deps.Progress.Read()
		if err != nil {
			t.Fatal(err)
		}
		rec := f.Lessons["sample"]
		if rec.Status != progress.Done || rec.Review["code"].Due.IsZero() || rec.Steps["missing"].Confidence != "sure" || !*rec.Steps["missing"].Predicted {
			t.Errorf("remembered: %+v", rec)
		}
		if err := s.Predict("empty", "sure"); !errors.Is(err, lesson.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestANextStepWaitsForEveryGoal(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		w.play(s, "predict empty guess\nrun\nobserve 69\nexpect logged pass")
		if err := s.Next(); err == nil || err.Error() != "next: not reached yet: You know the number of NOT_FOUND" {
			t.Errorf("Next: %v", err)
		}
		w.play(s, "answer code 69\nexpect code fail 'That is the exit code'\nanswer code 7\nexpect code fail '64 and the number'\nanswer code 5")
		if v := s.Snapshot(); v.Step.Locked != "" || v.Step.Next != "next" || !strings.HasSuffix(kinds(v), " recall") {
			t.Errorf("locked %q, next %q", v.Step.Locked, v.Step.Next)
		}
		w.play(s, "next")
		if s.Snapshot().StepIndex != 1 {
			t.Error("Next did not move")
		}
	})
}

func TestACommandInAnotherTerminalCountsAsMuch(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		w.play(s, "predict empty guess\n! shopctl call catalog GetProduct '{\"id\":\"NOPE\"}'\nobserve 69\nobserved pass\nexpect logged pass")
	})
}

func TestAGoalMustHoldWithoutABreakAndThenStays(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		w.play(s, "step slow\nshopctl fault inject catalog --delay 2s\nexpect timed-out pass\nexpect fast fail 'still there'\nshopctl fault clear")
		start := time.Now()
		w.play(s, "expect fast pass")
		if held := time.Since(start); held < 2*time.Second || held > 5*time.Second {
			t.Errorf("reached after %s, must hold for 2s", held)
		}
		w.play(s, "shopctl fault inject catalog --delay 2s\nexpect fast pass")
	})
}

func TestABrokenSetUpIsSpoiledAndResetLeadsBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		w.play(s, lessontest.BrokenSetup)
		w.shop.SetState("ok")
		if err := s.Write("note.yaml", []byte("a: 2\n")); err != nil {
			t.Fatal(err)
		}
		w.play(s, "reset\nexpect timed-out fail")
		if m := s.Snapshot().Message; m != "" && !strings.Contains(m, "note.yaml.before-") {
			t.Errorf("message %q", m)
		}
		raw, err := os.ReadFile(filepath.Join(w.deps.Workspace, "note.yaml"))
		if err != nil || string(raw) != lessontest.Note {
			t.Errorf("the file is %q, %v", raw, err)
		}
	})
}

func TestAStoppedServiceMakesACheckInconclusive(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		w.play(s, "step slow")
		w.shop.SetState("crashloop")
		w.play(s, "expect timed-out inconclusive 'not running'")
		w.shop.SetState("ok")
	})
}

func TestEvaluationEndsAtTheTimeoutUntilItIsRequested(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		w.play(s, "step slow\nshopctl fault inject catalog --delay 2s\nexpect timed-out pass")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		calls := len(w.shop.Commands())
		w.play(s, "shopctl fault clear")
		time.Sleep(10 * time.Second)
		v := s.Snapshot()
		if c := block(t, v, lesson.CheckBlock).Checks[1]; c.Verdict == lesson.Pass {
			t.Errorf("%d commands later it passed although looking had ended: %+v", calls, c)
		}
		w.play(s, "check\nexpect fast pass")
	})
}

func TestHintsOpenAfterAnAttemptOrHalfAMinute(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		w.play(s, "predict empty guess\nrun\nobserve 69\nhint")
		hints := func() *lesson.HintsView { return block(t, s.Snapshot(), lesson.HintsBlock).Hints }
		if h := hints(); len(h.Opened) != 1 || h.Total != 3 || h.NextIn != 30*time.Second {
			t.Errorf("after the first: %+v", h)
		}
		if err := s.Hint(); err == nil || err.Error() != "hint: try something first, or wait 30s" {
			t.Errorf("a second at once: %v", err)
		}
		time.Sleep(30 * time.Second)
		w.play(s, "hint")
		w.play(s, "answer code 1\nanswer code 2")
		if h := hints(); !h.Offered || h.WhyNot != "" {
			t.Errorf("after two failures none is offered: %+v", h)
		}
		w.play(s, "hint")
		if h := hints(); !strings.HasSuffix(h.Opened[2], "Why is it not 0?") || h.Offered || h.WhyNot != "all hints are open" {
			t.Errorf("after the last: %+v", h)
		}
	})
}

func TestAHintIsOfferedAfterAMinuteAndAHalfWithoutProgress(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		w.play(s, "predict empty guess\nrun\nobserve 69\nexpect logged pass")
		time.Sleep(85 * time.Second)
		if block(t, s.Snapshot(), lesson.HintsBlock).Hints.Offered {
			t.Error("offered too early")
		}
		time.Sleep(6 * time.Second)
		if !block(t, s.Snapshot(), lesson.HintsBlock).Hints.Offered {
			t.Error("not offered after 90 s")
		}
	})
}

func TestTheTimeOfACommandIsPrintedWhereItIsWanted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		text := strings.Replace(lessontest.Text, "from: {take: exit}", "from: {take: milliseconds}", 1)
		text = strings.Replace(text, `GetProduct '{"id":"NOPE"}'`, "ListProducts", 1)
		w.l = lessontest.Lesson(t, map[string]string{"lesson.md": text})
		s := w.open()
		defer w.close(s)
		w.play(s, "predict empty guess\nrun")
		if r := block(t, s.Snapshot(), lesson.RunBlock).Run; !strings.HasSuffix(r.Output, "done after 0 ms\n") {
			t.Errorf("output: %s", r.Output)
		}
	})
}

func TestADurationIsObservedAsItIsPrinted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		text := strings.Replace(lessontest.Text, "kind: number\n", "kind: number\nunit: ms\n", 1)
		w.l = lessontest.Lesson(t, map[string]string{"lesson.md": text})
		s := w.open()
		defer w.close(s)
		w.play(s, "predict empty guess\nrun\nobserve 0.069s\nobserved pass 69")
	})
}
