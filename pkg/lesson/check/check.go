// Package check evaluates the goals of a lesson against the running shop. It never reads what the learner typed: a
// goal that was reached in another terminal is reached.
//
// One evaluation is a pure function of the shop's present state. [Goal] handles everything that takes time:
// a state that must hold for a while, timeouts, and checks that wait for others.
package check

import (
	"context"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// Evaluate asks the check's probe once, then its hint_when conditions; before both, the conditions of a broken setup.
// The result of an answer check is Judge's.
func Evaluate(ctx context.Context, env probe.Env, c *format.Check, base probe.Baseline) probe.Result {
	e := evaluation{env, base}
	for _, w := range c.BrokenSetup {
		if w.Observed != nil {
			continue
		}
		if r := e.ask(ctx, w.Probe); r.Verdict == probe.Pass {
			return probe.Result{
				Verdict: probe.BrokenSetup, Expected: "the setup of this step", Observed: w.Say, Message: w.Say,
				Look: suggest(c, w.Probe), Evidence: r.Evidence,
			}
		}
	}
	r := e.ask(ctx, c.Probe)
	if c.Look != "" || r.Look == "" {
		r.Look = suggest(c, c.Probe)
	}
	if r.Verdict == probe.Pass {
		return e.also(ctx, c, r)
	}
	for _, w := range c.BrokenSetup {
		if w.Observed != nil && w.Observed.Holds(r.Observed) {
			r.Verdict, r.Message = probe.BrokenSetup, w.Say
			return r
		}
	}
	for _, w := range c.HintWhen {
		if w.Observed != nil && w.Observed.Holds(r.Observed) || w.Observed == nil && e.ask(ctx, w.Probe).Verdict == probe.Pass {
			r.Message = w.Say
			return r
		}
	}
	return r
}

// also asks what must hold together with the check's own probe, which has passed.
func (e evaluation) also(ctx context.Context, c *format.Check, r probe.Result) probe.Result {
	for _, w := range c.Also {
		if missing := e.ask(ctx, w.Probe); missing.Verdict != probe.Pass {
			missing.Message, missing.Look = w.Say, suggest(c, w.Probe)
			return missing
		}
	}
	return r
}

// evaluation is one evaluation of a check.
type evaluation struct {
	env  probe.Env
	base probe.Baseline
}

// ask asks a probe once; nil is a question that has no result yet.
func (e evaluation) ask(ctx context.Context, p probe.Probe) probe.Result {
	if relative, ok := p.(probe.Relative); ok && !e.base.Since.IsZero() {
		p = relative.Since(e.env.Now().Sub(e.base.Since))
	}
	if p == nil {
		return probe.Result{Verdict: probe.Pending}
	}
	r := p.Ask(ctx, e.env, e.base)
	if r.Evidence == (probe.Evidence{}) {
		r.Evidence = p.Evidence()
	}
	return r
}

// suggest is the command that shows what a check finds: its own, or that of the probe.
func suggest(c *format.Check, p probe.Probe) string {
	if c.Look != "" || p == nil {
		return c.Look
	}
	return p.Command()
}
