package lesson_test

import (
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	lessoncmd "github.com/shopctl/shopctl/pkg/cli/lesson"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
)

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
