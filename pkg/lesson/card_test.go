package lesson_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
)

func TestPredictionObservationAndTruthStandSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := w.open()
		defer w.close(s)
		if card := s.Snapshot().Steps[0].Card; card != nil {
			t.Errorf("a card before a prediction: %+v", card)
		}
		w.play(s, "step missing\npredict empty sure\n")
		want := &lesson.Card{Question: "What comes back for an unknown id?", Predicted: "An empty product", Confidence: "sure"}
		if diff := cmp.Diff(want, s.Snapshot().Steps[0].Card); diff != "" {
			t.Error(diff)
		}
		w.play(s, "step missing\nrun\nobserve 0\n")
		v := s.Snapshot()
		want.Revealed, want.Right, want.Reply = true, "NOT_FOUND", "Then it would look the same as a product without a name."
		want.Asked, want.Observed, want.Verdict = "Which exit code did the command end with?", "0", lesson.Fail
		want.Truth, want.Measured, want.Feedback = "69", true, "The line after the output says it."
		if diff := cmp.Diff(want, v.Steps[0].Card); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want, v.Step.Card); diff != "" {
			t.Errorf("the card of the step on the screen is another one: %s", diff)
		}
		if v.Steps[1].Card != nil {
			t.Errorf("a step without a prediction has a card: %+v", v.Steps[1].Card)
		}
	})
}

func TestTheSteadyStateIsShownBeforeAndAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := w.open()
		defer w.close(s)
		holds := func(want lesson.Verdict, observed string) {
			t.Helper()
			got := s.Snapshot().SteadyState
			if len(got) != 1 || got[0].ID != "up" || got[0].Verdict != want || got[0].Observed != observed {
				t.Errorf("%+v, want %s: %s", got, want, observed)
			}
		}
		holds(lesson.Pass, "catalog: state ok, faults 0")
		w.shop.Inject("lesson sample", time.Second)
		if err := s.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		holds(lesson.Pass, "catalog: state ok, faults 0") // it is checked again when the lesson is done
		if _, err := w.shop.ClearFaults(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		w.play(s, lessontest.Solution)
		w.shop.Inject("lesson sample", time.Second)
		if err := s.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !s.Snapshot().Done {
			t.Fatal("the lesson is not done")
		}
		holds(lesson.Fail, "catalog: state ok, faults 1")
		if _, err := w.shop.ClearFaults(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		holds(lesson.Pass, "catalog: state ok, faults 0")
	})
}

func TestAGoalGivesNothingAwayBeforeAnAttemptOrHalfAMinute(t *testing.T) {
	goal := func(t *testing.T, s *lesson.Session) lesson.CheckView {
		t.Helper()
		if err := s.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		return block(t, s.Snapshot(), lesson.CheckBlock).Checks[0]
	}
	silent := func(t *testing.T, c lesson.CheckView) {
		t.Helper()
		if c.Tried || c.Verdict != lesson.Pending || c.Look != "" || c.Message != "" {
			t.Errorf("given away: %+v", c)
		}
	}
	for name, try := range map[string]func(*testing.T, *world, *lesson.Session){
		"an attempt":    func(_ *testing.T, w *world, s *lesson.Session) { w.play(s, "check") },
		"half a minute": func(*testing.T, *world, *lesson.Session) { time.Sleep(30 * time.Second) },
		"a command of one's own": func(t *testing.T, _ *world, s *lesson.Session) {
			if _, err := s.Typed(t.Context(), []string{"call", "catalog", "ListProducts"}, io.Discard); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				s := w.open()
				defer w.close(s)
				w.play(s, "predict empty guess\nobserve 69")
				silent(t, goal(t, s))
				try(t, w, s)
				if c := goal(t, s); !c.Tried || c.Verdict != lesson.Fail || c.Look == "" {
					t.Errorf("still nothing after %s: %+v", name, c)
				}
			})
		})
	}
	bubble(t, func(t *testing.T, w *world) {
		s := w.open()
		defer w.close(s)
		w.play(s, "predict empty guess")
		time.Sleep(time.Minute)
		w.play(s, "run\nobserve 69") // the time before the goals appeared does not count, nor does the run
		if c := block(t, s.Snapshot(), lesson.CheckBlock).Checks[1]; c.Tried {
			t.Errorf("tried before it appeared: %+v", c)
		}
	})
}
