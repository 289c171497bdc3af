package verify

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
)

// stopping is the sample lesson with a second goal that a stopped catalog reaches; allows is added to that goal.
func stopping(t *testing.T, allows string) map[string]string {
	t.Helper()
	text := lessontest.Text
	i, j := strings.Index(text, "- id: fast"), strings.LastIndex(text, "```yaml hints")
	text = text[:i] + "- id: fast\n  title: The catalog rests\n  needs: [timed-out]\n  instance: {service: catalog, state: stopped}\n  for: 2s\n" + allows + "```\n" + text[j:]
	solution := strings.NewReplacer(
		"expect fast fail 'still there'\n", "", "shopctl fault clear\n", "shopctl stop catalog --now\n",
		"expect fast pass\n", "expect fast pass\nshopctl fault clear\nshopctl start catalog\n",
	).Replace(lessontest.Solution)
	return map[string]string{"lesson.md": text, "testdata/solution.txtar": solution}
}

func played(t *testing.T, changed map[string]string) (outcomes map[string]Outcome, detail string) {
	t.Helper()
	outcomes = map[string]Outcome{}
	l := lessontest.Lesson(t, changed)
	synctest.Test(t, func(t *testing.T) {
		err := Verify(t.Context(), l, &booter{}, Options{Script: CheatsScript, Cheats: AllCheats}, time.Now, func(r Result) {
			if !r.OK {
				detail += r.Detail
			}
			for _, c := range r.Cheats {
				outcomes[c.Goal+": "+c.Cheat] = c.Outcome
			}
		})
		if err != nil {
			t.Error(err)
		}
	})
	return outcomes, detail
}

func TestACheatThatReachesAGoalFailsTheTestWithItsName(t *testing.T) {
	outcomes, detail := played(t, stopping(t, ""))
	if outcomes["fast: stop catalog"] != Accepted || outcomes["fast: idle"] == Accepted {
		t.Errorf("outcomes: %v", outcomes)
	}
	if want := "lesson sample, step slow: fast passes by a cheat: stop catalog (shopctl stop catalog)"; !strings.Contains(detail, want) {
		t.Errorf("%q is not in %q", want, detail)
	}
}

func TestWhatALessonDeclaresAsItsRepairIsNoCheat(t *testing.T) {
	outcomes, detail := played(t, stopping(t, "  allows:\n    - {cheat: stop, because: it is the repair}\n"))
	if outcomes["fast: stop catalog"] != Allowed || strings.Contains(detail, "fast passes by a cheat: stop") {
		t.Errorf("outcomes: %v, %s", outcomes, detail)
	}
}

func TestCheatsAreRefusedByAGoalThatWantsTheServiceToWork(t *testing.T) {
	outcomes, detail := played(t, nil)
	if detail != "" || len(outcomes) == 0 {
		t.Errorf("%d cheats, %s", len(outcomes), detail)
	}
	for _, want := range []string{"fast: stop catalog", "fast: idle", "fast: weaken catalog", "fast: scale catalog"} {
		if outcomes[want] == "" || outcomes[want] == Accepted {
			t.Errorf("%s: %q of %v", want, outcomes[want], fmt.Sprint(outcomes))
		}
	}
}
