package check

import (
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// Goal is a check over time. It passes when looks have passed for as long as the check says without a
// break, and then stays passed: what the learner has shown once is shown. Looking ends at the check's
// timeout, until somebody asks again.
//
//	pending ─ look ─> fail / inconclusive / broken_setup <─> holding ─ for ─> pass
type Goal struct {
	Check *format.Check
	// Last is the last look.
	Last Result
	// began is when looking began, holds since when looks have passed; both zero until then.
	began, holds time.Time
	passed       bool
	rests        bool
}

// NewGoal returns a goal that has not been looked at.
func NewGoal(c *format.Check) *Goal {
	return &Goal{Check: c, Last: Result{Verdict: Pending}}
}

// Passed tells whether the goal is reached.
func (g *Goal) Passed() bool { return g.passed }

// Rests tells whether looking has ended without success.
func (g *Goal) Rests() bool { return g.rests }

// Again begins looking anew.
func (g *Goal) Again() {
	if !g.passed {
		g.began, g.rests = time.Time{}, false
	}
}

// Restore makes a goal that passed in an earlier session.
func (g *Goal) Restore() {
	g.passed = true
	g.Last.Verdict = Pass
}

// See takes one look into account.
func (g *Goal) See(r Result, now time.Time) {
	if g.passed {
		return
	}
	if g.began.IsZero() {
		g.began = now
	}
	if r.Verdict != Pass {
		g.holds = time.Time{}
	} else if g.holds.IsZero() {
		g.holds = now
	}
	if r.Verdict == Pass && now.Sub(g.holds) >= g.Check.For {
		g.passed = true
	} else if r.Verdict == Pass {
		r.Verdict = Pending
	}
	if !g.passed && now.Sub(g.began) >= g.Check.Timeout {
		g.rests = true
	}
	g.Last = r
}

// Held tells how long the goal has held by now, at most as long as it must.
func (g *Goal) Held(now time.Time) time.Duration {
	switch {
	case g.passed:
		return g.Check.For
	case g.holds.IsZero():
		return 0
	}
	return min(now.Sub(g.holds), g.Check.For)
}
