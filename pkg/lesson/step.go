package lesson

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/progress"
)

// step is one step while the session lives. What must outlive the session is in rec.
type step struct {
	def   *format.Step
	rec   *progress.Step
	goals []*check.Goal
	base  *baseline
	run   run
	// number counts how often the step was entered or restarted: a result from before does not count.
	number int
	// entered and moved are when the step was entered and when something in it last succeeded.
	entered, moved time.Time
	// hinted is when a hint last opened, attempts how many attempts there were then.
	hinted   time.Time
	attempts int
	// shown is when the goals came before the learner's eyes, shownAttempts how many attempts there were then, and acted
	// whether something was typed since.
	shown         time.Time
	shownAttempts int
	acted         bool
}

// run is the step's experiment.
type run struct {
	running bool
	ran     bool
	output  string
	exit    int
	took    time.Duration
	lines   []ranLine
}

type ranLine struct {
	output string
	exit   int
	took   time.Duration
}

func newStep(def *format.Step, rec *progress.Lesson) *step {
	st := &step{def: def, rec: rec.Steps[def.ID]}
	if st.rec == nil {
		st.rec = &progress.Step{}
		rec.Steps[def.ID] = st.rec
	}
	st.makeGoals()
	return st
}

// makeGoals makes the goals and restores those that passed. In a step that was not finished, what was
// read from the system is read again: the shop has been rolled back since.
func (st *step) makeGoals() {
	st.goals = nil
	checks := st.def.Checks()
	var passed []string
	for i := range checks {
		g := check.NewGoal(&checks[i])
		known := slices.Contains(st.rec.Passed, g.Check.ID)
		if a := g.Check.Answer; a != nil && st.rec.Answers[g.Check.ID] != "" {
			g.Apply(check.Judge(a, st.rec.Answers[g.Check.ID]), time.Time{})
		} else if known && !st.rec.Finished.IsZero() {
			g.Restore()
		}
		if g.Passed() {
			passed = append(passed, g.Check.ID)
		}
		st.goals = append(st.goals, g)
	}
	st.rec.Passed = passed
}

// enter begins the current step: hints and logs count from now.
func (s *Session) enter(ctx context.Context) error {
	st := s.steps[s.at]
	now := s.deps.Now()
	base, err := s.env.Baseline(ctx, now)
	if err != nil {
		return err
	}
	s.begin(st, now)
	st.base.base, st.base.known = base, true
	s.save()
	return nil
}

// begin enters a step; its baseline is read by the next round.
func (s *Session) begin(st *step, now time.Time) {
	st.entered, st.moved, st.hinted, st.attempts = now, now, now, st.rec.Attempts
	st.shown, st.acted = time.Time{}, false
	st.show(now)
	st.base = &baseline{entered: now}
	st.number++
	if st.rec.Started.IsZero() {
		st.rec.Started = now
	}
	if st.def.Block(format.CheckKind) != nil {
		for _, g := range st.goals {
			g.Restart()
		}
	}
}

// show notes when the goals come before the learner's eyes.
func (st *step) show(now time.Time) {
	if st.shown.IsZero() && st.sees(format.CheckKind) {
		st.shown, st.shownAttempts = now, st.rec.Attempts
	}
}

// tried reports whether the learner has tried something since the goals appeared, or has had time to think: before that,
// where to look and what is wrong would give the answer away.
func (st *step) tried(now time.Time) bool {
	return !st.shown.IsZero() && (st.acted || st.rec.Attempts > st.shownAttempts || now.Sub(st.shown) >= hintAfter)
}

// goal returns the step's goal with an id, nil if there is none.
func (st *step) goal(id string) *check.Goal {
	for _, g := range st.goals {
		if g.Check.ID == id {
			return g
		}
	}
	return nil
}

// predicted, observed and passed report whether the gates of the step are open; a step without the block has none.
func (st *step) predicted() bool {
	return st.def.Block(format.PredictKind) == nil || st.rec.Prediction != ""
}

func (st *step) observed() bool {
	return st.def.Block(format.ObserveKind) == nil || st.rec.Observation != ""
}

func (st *step) passed() bool {
	return !slices.ContainsFunc(st.goals, func(g *check.Goal) bool { return !g.Passed() })
}

func (st *step) complete() bool { return st.predicted() && st.observed() && st.passed() }

// visible returns the blocks that may be shown: nothing explains before it was observed, nothing is
// observed before it was predicted, and what is asked again comes when the step is done.
func (st *step) visible() []format.Block {
	for i, b := range st.def.Blocks {
		switch {
		case b.Kind == format.PredictKind && !st.predicted():
			return st.def.Blocks[:st.through(i, format.RunKind)]
		case b.Kind == format.ObserveKind && !st.observed():
			return st.def.Blocks[:i+1]
		case b.Kind == format.RecallKind && !st.complete():
			return st.def.Blocks[:i]
		}
	}
	return st.def.Blocks
}

// through returns the index after the block of a kind, or after block i if there is none behind it.
func (st *step) through(i int, k format.Kind) int {
	for j := i + 1; j < len(st.def.Blocks); j++ {
		if st.def.Blocks[j].Kind == k {
			return j + 1
		}
	}
	return i + 1
}

func (st *step) sees(k format.Kind) bool {
	return slices.ContainsFunc(st.visible(), func(b format.Block) bool { return b.Kind == k })
}

// waits returns the first need of a goal that does not hold, empty if all hold.
func (st *step) waits(g *check.Goal) string {
	for _, n := range g.Check.Needs {
		other := st.goal(n.Check)
		if other == nil || !other.Passed() {
			return n.Check
		}
		if n.Observed != "" && !strings.Contains(other.Last.Observed, n.Observed) {
			return n.Check
		}
	}
	return ""
}

// open returns the first goal that has not passed, nil if all have.
func (st *step) open() *check.Goal {
	for _, g := range st.goals {
		if !g.Passed() {
			return g
		}
	}
	return nil
}

// truth is the right observation by the step's own run; empty if it is not known.
func (st *step) truth(o *format.Observe) string {
	f := o.From
	if f == nil || !st.run.ran || len(st.run.lines) == 0 {
		return ""
	}
	line := st.run.lines[len(st.run.lines)-1]
	if f.Command > 0 && f.Command <= len(st.run.lines) {
		line = st.run.lines[f.Command-1]
	}
	switch f.Take {
	case format.TakeExit:
		return strconv.Itoa(line.exit)
	case format.TakeMilliseconds:
		return strconv.FormatInt(line.took.Milliseconds(), 10)
	}
	if m := f.Match.FindStringSubmatch(line.output); m != nil {
		return inUnit(m[1], o.Unit)
	}
	return ""
}

// inUnit is a duration as commands print it, "991ms" or "1.02s", as a number of the milliseconds that an observation asks
// for; anything else stays as it is.
func inUnit(text, unit string) string {
	d, err := time.ParseDuration(text)
	if unit != "ms" || err != nil {
		return text
	}
	return strconv.FormatInt(d.Milliseconds(), 10)
}
