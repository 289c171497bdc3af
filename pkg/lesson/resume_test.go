package lesson_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
	"github.com/shopctl/shopctl/pkg/lesson/restore"
)

func TestALessonResumesWhereItWasLeft(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		w.play(s, "predict empty guess\nrun\nobserve 69\nexpect logged pass\nanswer code 5\nnext\nshopctl fault inject catalog --delay 2s\nexpect timed-out pass")
		w.close(s)

		s = w.open()
		v := s.Snapshot()
		if v.Step.ID != "slow" || !v.Steps[0].Done {
			t.Errorf("resumed at %s, first step done: %v", v.Step.ID, v.Steps[0].Done)
		}
		if c := block(t, v, lesson.CheckBlock).Checks[0]; c.Verdict == lesson.Pass {
			t.Error("a goal of an unfinished step stays reached although the shop was rolled back")
		}
		w.play(s, "prev")
		if o := block(t, s.Snapshot(), lesson.ObserveBlock).Observe; o.Answer != "69" {
			t.Errorf("the observation is forgotten: %+v", o)
		}
		w.close(s)

		w.deps.Fresh = true
		s = w.open()
		if v := s.Snapshot(); v.Step.ID != "missing" || v.Steps[0].Done {
			t.Error("a fresh start resumed")
		}
		w.close(s)
	})
}

func TestWhatAKilledSessionLeftIsUndoneByTheNext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		w.play(s, "step slow\nshopctl fault inject catalog --delay 2s\nexpect timed-out pass")
		journal := filepath.Join(filepath.Dir(w.deps.Workspace), ".before-test.json")
		left, err := os.ReadFile(journal)
		if err != nil {
			t.Fatal(err)
		}
		w.close(s)
		// As kill -9 leaves it: the fault is there, and so is the journal.
		w.shop.Inject("lesson sample", 2*time.Second)
		if err := os.WriteFile(journal, left, 0o600); err != nil {
			t.Fatal(err)
		}
		s = w.open()
		if f := w.shop.Faults(); len(f) != 0 {
			t.Errorf("faults stay: %q", f)
		}
		if m := s.Snapshot().Message; m != "What lesson sample left behind is undone." {
			t.Errorf("message %q", m)
		}
		w.close(s)
		if _, err := os.Stat(journal); err == nil {
			t.Error("the journal stays after Close")
		}
	})
}

func TestWhatAKilledSessionLeftIsUndoneWithoutANextOne(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		w.play(s, "step slow\nshopctl fault inject catalog --delay 2s\nexpect timed-out pass")
		if err := restore.Recover(t.Context(), w.recovery()); err != nil || len(w.shop.Faults()) != 1 {
			t.Errorf("undone under an open session: %q, %v", w.shop.Faults(), err)
		}
		journal := filepath.Join(filepath.Dir(w.deps.Workspace), ".before-test.json")
		left, err := os.ReadFile(journal)
		if err != nil {
			t.Fatal(err)
		}
		w.close(s)
		w.shop.Inject("lesson sample", 2*time.Second)
		if err := os.WriteFile(journal, left, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := restore.Recover(t.Context(), w.recovery()); err != nil || len(w.shop.Faults()) != 0 {
			t.Errorf("faults stay: %q, %v", w.shop.Faults(), err)
		}
		if err := restore.Recover(t.Context(), w.recovery()); err != nil {
			t.Errorf("with nothing to undo: %v", err)
		}
	})
}

func TestALessonStartsFromTheSteadyState(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.shop.Inject("cli", time.Second)
		_, err := lesson.Open(t.Context(), w.l, w.deps)
		var unsteady *lesson.Unsteady
		if !errors.As(err, &unsteady) || !strings.Contains(err.Error(), "faults 1") {
			t.Errorf("Open on a broken shop: %v", err)
		}
		if f := w.shop.Faults(); len(f) != 1 {
			t.Errorf("somebody else's fault was cleared: %q", f)
		}
	})
}

func TestTwoLessonsOnOneShopAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		if _, err := lesson.Open(t.Context(), w.l, w.deps); !errors.Is(err, lesson.ErrBusy) {
			t.Errorf("a second Open: %v", err)
		}
	})
}

func TestClosingEndsACommandUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		w.play(s, "predict empty guess")
		defer w.shop.Block()()
		result := make(chan error, 1)
		go func() { result <- s.Run(context.Background()) }()
		synctest.Wait()
		if r := block(t, s.Snapshot(), lesson.RunBlock).Run; !r.Running || r.Enabled {
			t.Errorf("while it runs: %+v", r)
		}
		if err := s.Run(t.Context()); err == nil || err.Error() != "run: a command is running already" {
			t.Errorf("a second run: %v", err)
		}
		w.close(s)
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("the command ended with %v", err)
		}
	})
}

func TestSolveDoesWhatTheLearnerHasNotDone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		w.play(s, "predict empty guess")
		if err := s.Solve(t.Context(), "missing"); err != nil {
			t.Fatal(err)
		}
		v := s.Snapshot()
		if p := block(t, v, lesson.PredictBlock).Predict; p.Chosen != "empty" {
			t.Errorf("the learner's own prediction is gone: %+v", p)
		}
		if v.Step.Next != "next" || v.Step.ID != "missing" {
			t.Errorf("next %q at %s", v.Step.Next, v.Step.ID)
		}
	})
}

func TestChangesAreSignaledAndNotCounted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		for len(s.Changes()) > 0 {
			<-s.Changes()
		}
		w.play(s, "predict empty guess")
		<-s.Changes()
		w.play(s, "run")
		<-s.Changes()
		synctest.Wait()
		if n := len(s.Changes()); n > 1 {
			t.Errorf("%d signals wait", n)
		}
	})
}

func TestScriptsAreReadStrictly(t *testing.T) {
	for script, want := range map[string]string{
		"step a\npredcit b sure": `s.txtar:2: unknown action "predcit"; did you mean "predict"?`,
		"predict":                "s.txtar:1: predict does not take 0 words",
		"write x.yaml":           `s.txtar:1: the archive has no file "x.yaml"`,
		"answer a 'b":            "s.txtar:1: 1:10: this quote is not closed",
	} {
		if _, err := lesson.ParseScript("s.txtar", []byte(script)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", script, err, want)
		}
	}
	if l := lessontest.Lesson(t, nil); lesson.Find([]*lesson.Lesson{l}, "sample") != l || lesson.Find(nil, "sample") != nil {
		t.Error("Find")
	}
}

// holdLock locks the progress as a process does that was stopped in the middle of a write.
func (w *world) holdLock(t *testing.T) (release func()) {
	t.Helper()
	lock, err := os.OpenFile(w.deps.Progress.Path()+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { lock.Close() }
}

func TestAStoppedProcessThatHoldsTheProgressDoesNotFreezeTheLesson(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		synctest.Wait()
		release := w.holdLock(t)
		begin := time.Now()
		w.play(s, "predict empty guess")
		v := s.Snapshot()
		if p := block(t, v, lesson.PredictBlock).Predict; p.Chosen != "empty" || time.Since(begin) != 0 {
			t.Errorf("chosen %q after %s", p.Chosen, time.Since(begin))
		}
		time.Sleep(3 * time.Second)
		if m := s.Snapshot().Message; !strings.Contains(m, "Progress is not saved: lock progress: another shopctl has held") || !strings.Contains(m, "continue it with fg") {
			t.Errorf("message %q", m)
		}
		w.play(s, "run")
		release()
		w.play(s, "observe 69")
		w.close(s)
		f, _, err := w.deps.Progress.Read()
		if err != nil {
			t.Fatal(err)
		}
		if st := f.Lessons["sample"].Steps["missing"]; st.Prediction != "empty" || st.Observation != "69" {
			t.Errorf("saved %+v", st)
		}
	})
}

func TestLeavingEndsThoughTheProgressStaysLocked(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		synctest.Wait()
		defer w.holdLock(t)()
		w.play(s, "predict empty guess")
		begin := time.Now()
		w.close(s)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("leaving took %s", took)
		}
	})
}
