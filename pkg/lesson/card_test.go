package lesson_test

import (
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
		if diff := cmp.Diff(&lesson.Card{Predicted: "An empty product", Confidence: "sure"}, s.Snapshot().Steps[0].Card); diff != "" {
			t.Error(diff)
		}
		w.play(s, "step missing\nrun\nobserve 0\n")
		v := s.Snapshot()
		if diff := cmp.Diff(&lesson.Card{Predicted: "An empty product", Confidence: "sure", Observed: "0", Truth: "69"}, v.Steps[0].Card); diff != "" {
			t.Error(diff)
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
