package check

import (
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// Goal is a check over time. It passes when evaluations have passed for as long as the check says without a break, and
// then stays passed: what the learner has shown once is shown. Evaluation ends at the check's timeout, until the learner
// asks again.
//
//	pending ─ evaluate ─> fail / inconclusive / broken_setup <─> holding ─ for ─> pass
type Goal struct {
	Check *format.Check
	// Last is the last result.
	Last probe.Result
	// began is when evaluation began, holds since when it has passed; both zero until then.
	began, holds time.Time
	passed       bool
	timedOut     bool
}

// NewGoal returns a goal that has not been evaluated.
func NewGoal(c *format.Check) *Goal {
	return &Goal{Check: c, Last: probe.Result{Verdict: probe.Pending}}
}

// Passed reports whether the goal is reached.
func (g *Goal) Passed() bool { return g.passed }

// TimedOut reports whether evaluation has ended without success.
func (g *Goal) TimedOut() bool { return g.timedOut }

// Restart begins the check's timeout again.
func (g *Goal) Restart() {
	if !g.passed {
		g.began, g.timedOut = time.Time{}, false
	}
}

// Restore marks a goal that passed in an earlier session.
func (g *Goal) Restore() {
	g.passed = true
	g.Last.Verdict = probe.Pass
}

// Apply takes one result into account.
func (g *Goal) Apply(r probe.Result, now time.Time) {
	if g.passed {
		return
	}
	if g.began.IsZero() {
		g.began = now
	}
	if r.Verdict != probe.Pass {
		g.holds = time.Time{}
	} else if g.holds.IsZero() {
		g.holds = now
	}
	if r.Verdict == probe.Pass && now.Sub(g.holds) >= g.Check.For {
		g.passed = true
	} else if r.Verdict == probe.Pass {
		r.Verdict = probe.Pending
	}
	if !g.passed && now.Sub(g.began) >= g.Check.Timeout {
		g.timedOut = true
	}
	g.Last = r
}

// Held is how long the goal has held by now, at most as long as it must.
func (g *Goal) Held(now time.Time) time.Duration {
	switch {
	case g.passed:
		return g.Check.For
	case g.holds.IsZero():
		return 0
	}
	return min(now.Sub(g.holds), g.Check.For)
}
