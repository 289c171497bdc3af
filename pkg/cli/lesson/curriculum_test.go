package lesson_test

import (
	"slices"
	"testing"
	"time"

	"github.com/shopctl/shopctl/lessons"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	lessoncmd "github.com/shopctl/shopctl/pkg/cli/lesson"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
)

func TestTheLessonsStandInReadingOrder(t *testing.T) {
	all, err := lessoncmd.OwnLessons()
	if err != nil {
		t.Fatal(err)
	}
	if got := lessoncmd.LessonIDs(all); !slices.Equal(got, lessons.Curriculum()) {
		t.Errorf("the binary has %q, the curriculum %q", got, lessons.Curriculum())
	}
}

func TestTheNextLessonIsTheOneUnderWayOrTheFirstThatIsNew(t *testing.T) {
	order := []string{"a", "b", "c"}
	done, started := lessonprogress.Done, lessonprogress.Started
	at := func(minute int) time.Time { return clitest.TestNow().Add(time.Duration(minute) * time.Minute) }
	for want, known := range map[string]map[string]*lessonprogress.Lesson{
		"a": {},
		"b": {"a": {Status: done}, "c": {Status: done}},
		"c": {"a": {Status: started, Updated: at(1)}, "c": {Status: started, Updated: at(2)}},
		"":  {"a": {Status: done}, "b": {Status: done}, "c": {Status: done}},
	} {
		if got := lessoncmd.NextOf(order, known); got != want {
			t.Errorf("%v: %q, want %q", known, got, want)
		}
	}
}
