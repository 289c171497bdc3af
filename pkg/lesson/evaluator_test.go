package lesson_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
)

// twoGoals is a step whose first goal calls, and whose second reads a log.
const twoGoals = `
## Two {#two}

Look.

` + "```yaml check" + `
- id: answered
  title: The list is there
  rpc: {service: catalog, method: ListProducts, deadline: 30s, expect: {code: NOT_FOUND}}
- id: written
  title: The catalog wrote it down
  log: {service: catalog, contains: seen}
- id: after
  title: And again
  needs: [written]
  log: {service: catalog, contains: seen}
` + "```" + `
`

// watched opens a session whose shop reports events.
func watched(t *testing.T, w *world) (s *lesson.Session, happen func(lesson.Event)) {
	t.Helper()
	w.l = lessontest.Lesson(t, map[string]string{"lesson.md": lessontest.Text + twoGoals, "testdata/solution.txtar": "step two\n"})
	events := make(chan lesson.Event)
	w.deps.Events = func(ctx context.Context, note func(lesson.Event)) {
		for {
			select {
			case h := <-events:
				note(h)
			case <-ctx.Done():
				return
			}
		}
	}
	s = w.open()
	w.play(s, "step two")
	synctest.Wait()
	return s, func(h lesson.Event) { events <- h }
}

func verdicts(s *lesson.Session) string {
	var all []string
	for _, b := range s.Snapshot().Step.Blocks {
		for _, c := range b.Checks {
			all = append(all, string(c.Verdict))
		}
	}
	return strings.Join(all, " ")
}

func TestAVerdictFollowsWhatHappenedWithinAQuarterOfASecond(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s, happen := watched(t, w)
		defer w.close(s)
		time.Sleep(1010 * time.Millisecond) // a round is over, the next is far
		synctest.Wait()
		before := verdicts(s)
		w.shop.Write("catalog", "seen", "seen", w.shop.Now())
		happen(lesson.StateChanged)
		time.Sleep(300 * time.Millisecond)
		synctest.Wait()
		if got := verdicts(s); got != before {
			t.Errorf("a log is read because an instance changed: %s", got)
		}
		happen(lesson.LineWritten)
		time.Sleep(260 * time.Millisecond)
		synctest.Wait()
		if got := verdicts(s); got != "pending pass pass" {
			t.Errorf("the verdicts are %q, they were %q", got, before)
		}
	})
}

func TestACallThatTakesLongHoldsUpNoOtherVerdict(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s, _ := watched(t, w)
		defer w.close(s)
		w.shop.SlowCalls(20 * time.Second)
		time.Sleep(3 * time.Second) // a look hangs by now
		w.shop.Write("catalog", "seen", "seen", w.shop.Now())
		time.Sleep(time.Second)
		synctest.Wait()
		if got := verdicts(s); got != "pending pass pass" {
			t.Errorf("a second later the verdicts are %q", got)
		}
	})
}

func TestALookOfAStepThatWasLeftIsEndedAndCountsForNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		s, _ := watched(t, w)
		defer w.close(s)
		w.shop.SlowCalls(20 * time.Second)
		time.Sleep(2 * time.Second)
		w.shop.SlowCalls(0)
		began := time.Now()
		w.play(s, "step slow\nexpect timed-out fail\nstep two\nexpect answered fail")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("going there and back waited %s for a look of the step that was left", took)
		}
	})
}

// afterObserving is a step whose goal is seen only after an observation.
const afterObserving = `
## Three {#three}

` + "```yaml observe" + `
question: How often was it restarted?
kind: number
value: 1
right: Once.
wrong: Look again.
` + "```" + `

` + "```yaml check" + `
- id: restarted
  title: The sidecar was restarted
  mesh: {service: catalog, restarts: {at_least: 1}}
` + "```" + `
`

func TestABaselineIsThatOfTheBeginningAlthoughItsGoalIsSeenLater(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.l = lessontest.Lesson(t, map[string]string{"lesson.md": lessontest.Text + afterObserving, "testdata/solution.txtar": "step three\n"})
		w.shop.SetSidecarRestarts(4)
		s := w.open()
		defer w.close(s)
		w.play(s, "step three")
		synctest.Wait()
		w.shop.SetSidecarRestarts(5) // as by the run, before the observation
		w.play(s, "observe 1\nexpect restarted pass")
	})
}
