package delivery

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func plan() Plan {
	return Plan{
		Service: "catalog", Host: "catalogservice", From: "v1", To: "v2", Steps: []int{5, 50, 100}, Check: DefaultCheck,
		Hold: 10 * time.Second, Deadline: time.Minute,
	}
}

var (
	began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	fine  = Finding{Criterion: "error rate < 1%", Old: Counts{Calls: 900}, New: Counts{Calls: 300}, Verdict: Fine}
	vague = Finding{Criterion: "error rate < 1%", Old: Counts{Calls: 900}, New: Counts{Calls: 3}, Verdict: Unknown, Because: "3 of at least 299 calls"}
	worse = Finding{Criterion: "error rate < 1%", Old: Counts{Calls: 900}, New: Counts{Calls: 30, Bad: 9}, Verdict: Worse, Because: "30% of the calls"}
)

func saw(findings ...Finding) Observation {
	return Observation{InForce: true, Ready: 1, Findings: findings}
}

// after advances a canary by an observation at a time since it began.
func (c Canary) after(seconds int, o Observation) Canary {
	return c.Next(began.Add(time.Duration(seconds)*time.Second), o)
}

func TestACanaryGoesFromStepToStepAndIsPromoted(t *testing.T) {
	c := Begin(plan(), began)
	want := func(phase Phase, step, weight int) {
		t.Helper()
		if c.Phase != phase || c.Step != step || c.Weight() != weight {
			t.Fatalf("%s, step %d, %d%%: want %s, step %d, %d%%", c.Phase, c.Step, c.Weight(), phase, step, weight)
		}
	}
	want(Starting, 0, 0)
	c = c.after(1, Observation{Ready: 1})
	want(Starting, 0, 0) // the routes are not in force
	c = c.after(2, Observation{InForce: true})
	want(Starting, 0, 0) // it is not ready
	c = c.after(3, saw())
	want(Running, 1, 5)
	c = c.after(12, saw(fine))
	want(Running, 1, 5) // not held for long enough
	c = c.after(14, saw(vague, fine))
	want(Running, 1, 5) // one criterion is not known
	c = c.after(15, saw(fine, fine))
	want(Running, 2, 50)
	c = c.after(25, saw(fine))
	want(Running, 3, 100)
	c = c.after(35, saw(fine))
	want(Promoted, 3, 100)
	if len(c.Passed) != 3 || c.Passed[0].Weight != 5 || c.Passed[0].Took != 12*time.Second || !c.Over() {
		t.Errorf("passed %+v", c.Passed)
	}
	if again := c.after(99, saw(worse)); !reflect.DeepEqual(again, c) {
		t.Errorf("what has ended became %+v", again)
	}
}

func TestACanaryIsRolledBackAtOnceWhenItIsWorseOrGone(t *testing.T) {
	running := Begin(plan(), began).after(1, saw())
	for name, o := range map[string]Observation{
		"error rate < 1% at 5%: 30% of the calls": saw(fine, worse),
		"no instance of v2 is ready":              {InForce: true},
	} {
		if c := running.after(2, o); c.Phase != RolledBack || c.Weight() != 0 || c.Reason != name {
			t.Errorf("%s: %s with %d%%, %q", name, c.Phase, c.Weight(), c.Reason)
		}
	}
}

func TestWhatIsNotDecidedPausesAndKeepsItsWeight(t *testing.T) {
	running := Begin(plan(), began).after(1, saw())
	for name, c := range map[string]Canary{
		"step 1 is not decided after 1m0s":                                           running.after(61, saw(vague)),
		"its weights were changed by another hand: spec.http[0] gives v2 7%, not 5%": running.after(2, Observation{InForce: true, Ready: 1, Foreign: "spec.http[0] gives v2 7%, not 5%"}),
	} {
		if c.Phase != Paused || c.Reason != name || c.Weight() != 5 {
			t.Errorf("%s with %d%%: %q, want %q", c.Phase, c.Weight(), c.Reason, name)
		}
		if later := c.after(999, saw(worse)); later.Phase != Paused {
			t.Errorf("a paused canary became %s", later.Phase)
		}
		resumed, err := c.Resume(began.Add(time.Hour))
		if err != nil || resumed.Phase != Starting || resumed.Step != 1 || resumed.Weight() != 5 {
			t.Errorf("resumed: %+v, %v", resumed, err)
		}
		if on := resumed.Next(began.Add(time.Hour+time.Second), saw()); on.Phase != Running || on.Step != 1 {
			t.Errorf("after it was resumed: %s, step %d", on.Phase, on.Step)
		}
	}
	if c := Begin(plan(), began).after(60, Observation{InForce: true}); c.Phase != Paused || !strings.Contains(c.Reason, "no instance of v2 was ready") {
		t.Errorf("without an instance: %s, %q", c.Phase, c.Reason)
	}
}

func TestTheVerbsSayWhatTheyCannotDo(t *testing.T) {
	running := Begin(plan(), began).after(1, saw())
	paused, err := running.Pause(began)
	if err != nil || paused.Phase != Paused || paused.Weight() != 5 {
		t.Errorf("pause: %+v, %v", paused, err)
	}
	promoted, err := paused.Promote(began)
	if err != nil || promoted.Weight() != 100 {
		t.Errorf("promote: %+v, %v", promoted, err)
	}
	aborted, err := running.Abort(began)
	if err != nil || aborted.Weight() != 0 {
		t.Errorf("abort: %+v, %v", aborted, err)
	}
	if _, err := running.Resume(began); err == nil || !strings.Contains(err.Error(), "cannot be resumed: it is running") {
		t.Errorf("resume what runs: %v", err)
	}
	for name, verb := range map[string]func(Canary, time.Time) (Canary, error){"pause": Canary.Pause, "promote": Canary.Promote, "abort": Canary.Abort} {
		if _, err := verb(aborted, began); !errors.Is(err, ErrOver) {
			t.Errorf("%s what is aborted: %v", name, err)
		}
	}
}

func TestACanaryIsReadAsItWasWritten(t *testing.T) {
	c := Begin(plan(), began).after(1, saw()).after(20, saw(fine))
	text, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Decode(text); err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("%+v, %v", again, err)
	}
	if got := c.Baseline("error rate < 1%"); got.Calls != 900 {
		t.Errorf("the baseline is %+v", got)
	}
	for _, wrong := range []string{"", "{", "{}", `{"steps":[5,100],"check":"p99 < 1ms","step":9}`, `{"steps":[100,5],"check":"p99 < 1ms"}`, `{"steps":[100],"check":"good"}`} {
		if _, err := Decode(wrong); err == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}

func TestStepsRiseToAHundred(t *testing.T) {
	for _, right := range [][]int{{100}, {1, 2, 100}, DefaultSteps()} {
		if err := CheckSteps(right); err != nil {
			t.Error(err)
		}
	}
	for _, wrong := range [][]int{nil, {50}, {0, 100}, {50, 50, 100}, {100, 50}, {5, 101}, {-1, 100}} {
		if CheckSteps(wrong) == nil {
			t.Errorf("%v was taken", wrong)
		}
	}
}
