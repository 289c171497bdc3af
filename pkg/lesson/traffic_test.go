package lesson_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
)

// underLoad is the sample with a load of its own.
func underLoad(t *testing.T) *lesson.Lesson {
	text := strings.Replace(lessontest.Text, "rollback:", "shop: {seed: 42, load: 20}\nrollback:", 1)
	return lessontest.Lesson(t, map[string]string{"lesson.md": text})
}

func TestALessonsLoadRunsForAsLongAsTheLesson(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.l = underLoad(t)
		s := w.open()
		if got := w.shop.Commands(); !slices.Equal(got, []string{"load start --rate 20 --seed 42"}) {
			t.Errorf("commands: %q", got)
		}
		w.play(s, "step slow\nreset")
		if w.shop.Object("Deployment", "loadgenerator") == "" {
			t.Error("a reset of the step ended the load")
		}
		w.close(s)
		if o := w.shop.Object("Deployment", "loadgenerator"); o != "" {
			t.Errorf("the load goes on: %s", o)
		}
	})
}

func TestALoadOfTheUsersIsBroughtBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const own = `{"kind":"Deployment","metadata":{"name":"loadgenerator"},"spec":{"template":{"spec":{"containers":[{"args":["own"]}]}}}}`
		w.l = underLoad(t)
		w.l.Rollback = nil
		w.deps.Seed = 7
		w.shop.Put("Deployment", "loadgenerator", own)
		s := w.open()
		if !strings.Contains(w.shop.Object("Deployment", "loadgenerator"), "--seed 7") {
			t.Error("the load does not have the seed that was asked for")
		}
		w.close(s)
		if o := w.shop.Object("Deployment", "loadgenerator"); !strings.Contains(o, `"own"`) {
			t.Errorf("the load is now %s", o)
		}
	})
}

func TestALessonThatCannotBeginLeavesNoLoad(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.l = underLoad(t)
		w.shop.SetState("stopped")
		if s, err := lesson.Open(t.Context(), w.l, w.deps); err == nil {
			w.close(s)
			t.Fatal("opened on a shop that is not sound")
		}
		if o := w.shop.Object("Deployment", "loadgenerator"); o != "" {
			t.Errorf("the load goes on: %s", o)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(w.deps.Workspace), ".before-*.json")); len(left) > 0 {
			t.Errorf("the journal stays: %q", left)
		}
	})
}

func TestTheLoadOfAKilledSessionIsEndedByTheNext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.l = underLoad(t)
		s := w.open()
		journal := filepath.Join(filepath.Dir(w.deps.Workspace), ".before-test.json")
		left, err := os.ReadFile(journal)
		if err != nil {
			t.Fatal(err)
		}
		load := w.shop.Object("Deployment", "loadgenerator")
		w.close(s)
		w.shop.Put("Deployment", "loadgenerator", load)
		if err := os.WriteFile(journal, left, 0o600); err != nil {
			t.Fatal(err)
		}
		w.l = lessontest.Lesson(t, nil)
		s = w.open()
		if o := w.shop.Object("Deployment", "loadgenerator"); o != "" {
			t.Errorf("the load goes on: %s", o)
		}
		w.close(s)
	})
}
