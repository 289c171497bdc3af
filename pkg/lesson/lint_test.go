package lesson_test

import (
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
)

func TestScriptsSpeakOfWhatTheLessonHas(t *testing.T) {
	for script, want := range map[string]string{
		"step mising\n":                   `sample/testdata/wrong-one.txtar:1:1: the lesson has no step "mising"; did you mean "missing"? (script)`,
		"step missing\npredict emty sure": `sample/testdata/wrong-one.txtar:2:1: step "missing" has no option "emty"; did you mean "empty"? (script)`,
		"step missing\n\nexpect cod pass": `sample/testdata/wrong-one.txtar:3:1: step "missing" has no check "cod"; did you mean "code"? (script)`,
		"step slow\nrun":                  `sample/testdata/wrong-one.txtar:2:1: step "slow" has nothing to run (script)`,
		"step slow\npredict a":            `sample/testdata/wrong-one.txtar:2:1: step "slow" asks for no prediction (script)`,
		"step missing\nrum":               `sample/testdata/wrong-one.txtar:2:1: unknown action "rum"; did you mean "run"? (script)`,
	} {
		l := lessontest.Lesson(t, map[string]string{"testdata/wrong-one.txtar": script})
		if got := lesson.Lint(l, []string{"catalog"}).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	half, _, _ := strings.Cut(lessontest.Solution, "step slow")
	for want, changed := range map[string]map[string]string{
		`solution does nothing in step "slow": it takes the whole lesson`: {"testdata/solution.txtar": half},
		`alt-half does nothing in step "slow"`:                            {"testdata/alt-half.txtar": half},
		`solution never runs the command of step "missing"`:               {"testdata/solution.txtar": strings.Replace(lessontest.Solution, "\nrun\n", "\n", 1)},
	} {
		l := lessontest.Lesson(t, changed)
		if got := lesson.Lint(l, []string{"catalog"}).Error(); !strings.Contains(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
