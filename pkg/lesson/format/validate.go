package format

import (
	"slices"
	"strconv"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// maxLoad is the highest load that a lesson may declare, in journey steps per second: a laptop can serve it.
const maxLoad = 500

// validate reports what would keep the engine from running the lesson; Lint reports what makes it worse.
func (r *reporter) validate(l *Lesson) {
	r.front(l)
	if len(l.Steps) == 0 {
		r.add("no-steps", 1, 1, "the lesson has no steps: ## Title {#step-id}")
	}
	steps := map[string]bool{}
	checks := map[string]bool{}
	for i := range l.Steps {
		s := &l.Steps[i]
		r.id("step", s.ID, strictyaml.Position{Line: s.Line, Column: 1}, steps)
		r.stepBlocks(s, checks)
	}
	questions := map[string]bool{}
	for _, q := range l.Recall() {
		r.id("question", q.ID, q.At, questions)
		if q.Ask == "" || len(q.Accept)+len(q.Options) == 0 {
			r.add("recall", q.At.Line, q.At.Column, "question %q needs ask, and accept or options", q.ID)
		}
	}
}

func (r *reporter) front(l *Lesson) {
	at := l.Front.At
	for _, field := range []struct{ name, value string }{{"id", l.ID}, {"title", l.Title}, {"track", l.Track}} {
		if field.value == "" {
			r.add("front-matter", at.Line, at.Column, "the front matter has no %s", field.name)
		}
	}
	if l.ID != "" && !validID().MatchString(l.ID) {
		r.add("id", at.Line, at.Column, "id %q: use lower case letters, digits and dashes", l.ID)
	}
	for _, what := range l.Rollback {
		if all := what.Values(); !slices.Contains(all, string(what)) {
			r.add("rollback", at.Line, at.Column, "unknown rollback %q%s", what, strictyaml.DidYouMean(string(what), all))
		}
	}
	if l.Shop.Load < 0 || l.Shop.Load > maxLoad || l.Shop.Seed < 0 {
		r.add("shop", at.Line, at.Column, "shop: load must be 0 to %d steps per second, and seed at least 0", maxLoad)
	}
	if l.Order < 0 {
		r.add("order", at.Line, at.Column, "order %d: use a number above zero", l.Order)
	}
	if p := l.Shop.Profile; p != "" && p != "full" {
		r.add("shop", at.Line, at.Column, "shop: unknown profile %q; want full", p)
	}
	r.checks(l.SteadyState, map[string]bool{})
	for _, c := range l.SteadyState {
		if c.Answer != nil {
			r.add("check", c.At.Line, c.At.Column, "check %q: the steady state is read from the system, so it cannot be an answer", c.ID)
		}
	}
}

func (r *reporter) id(what, id string, at strictyaml.Position, seen map[string]bool) {
	switch {
	case !validID().MatchString(id):
		r.add("id", at.Line, at.Column, "%s id %q: use lower case letters, digits and dashes", what, id)
	case seen[id]:
		r.add("id", at.Line, at.Column, "%s id %q is used twice", what, id)
	}
	seen[id] = true
}

func (r *reporter) stepBlocks(s *Step, checks map[string]bool) {
	order := map[Kind]int{PredictKind: 0, RunKind: 1, ObserveKind: 2, CheckKind: 3, HintsKind: 4, RecallKind: 5}
	last := -1
	for i := range s.Blocks {
		b := &s.Blocks[i]
		if n, ok := order[b.Kind]; ok {
			if n < last {
				r.add("order", b.Line, 1, "the %s block comes too late: predict, run, observe, check, hints, recall", b.Kind)
			}
			last = max(last, n)
		}
		switch {
		case b.Predict != nil:
			r.predict(b.Predict)
		case b.Observe != nil:
			r.observe(b.Observe, s.Block(RunKind))
		case b.Run != nil && len(b.Run.Lines) == 0:
			r.add("command", b.Line, 1, "the run block has no command")
		case b.Checks != nil:
			r.checks(b.Checks, checks)
		}
	}
}

func (r *reporter) predict(p *Predict) {
	if p.Question == "" {
		r.add("predict", p.At.Line, p.At.Column, "the prediction has no question")
	}
	if len(p.Options) < 2 {
		r.add("predict", p.At.Line, p.At.Column, "a prediction has at least two options")
	}
	r.options(p.Options, p.At, true)
}

func (r *reporter) options(options []Option, at strictyaml.Position, oneCorrect bool) {
	seen := map[string]bool{}
	correct := 0
	for _, o := range options {
		r.id("option", o.ID, o.At, seen)
		if o.Say == "" {
			r.add("option", o.At.Line, o.At.Column, "option %q has no text: add say", o.ID)
		}
		if o.Correct {
			correct++
		}
	}
	if oneCorrect && len(options) > 0 && correct != 1 {
		r.add("no-correct-option", at.Line, at.Column, "%d options are correct, want one", correct)
	}
}

func (r *reporter) observe(o *Observe, run *Block) {
	bad := func(format string, args ...any) { r.add("observe", o.At.Line, o.At.Column, format, args...) }
	if o.Question == "" {
		bad("the observation has no question")
	}
	switch o.Kind {
	case NumberAnswer:
		if o.Value == nil && o.From == nil {
			bad("an observed number has a value, or comes from the run")
		}
	case TextAnswer:
		if len(o.Accept) == 0 && o.From == nil {
			bad("an observed text has a list of what to accept, or comes from the run")
		}
	case OptionAnswer:
		if len(o.Options) < 2 {
			bad("an observation of kind option has at least two options")
		}
		r.options(o.Options, o.At, true)
	default:
		bad("unknown kind %q%s", o.Kind, strictyaml.DidYouMean(string(o.Kind), o.Kind.Values()))
	}
	if o.From != nil {
		r.from(o, run, bad)
	}
}

func (r *reporter) from(o *Observe, run *Block, bad func(string, ...any)) {
	f := o.From
	if run == nil || run.Run == nil {
		bad("from: the step has no run block to take it from")
	} else if f.Command < 0 || f.Command > len(run.Run.Lines) {
		bad("from: the run block has %d commands, not %d", len(run.Run.Lines), f.Command)
	}
	switch f.Take {
	case TakeExit, TakeMilliseconds:
	case TakeMatch:
		if f.Match.Regexp == nil || f.Match.NumSubexp() != 1 {
			bad("from: take: match needs a match with one group")
		}
	default:
		bad("unknown take %q%s", f.Take, strictyaml.DidYouMean(string(f.Take), f.Take.Values()))
	}
}

// checks validates a list of checks and fills in defaults; seen holds the ids of the lesson's other checks.
func (r *reporter) checks(checks []Check, seen map[string]bool) {
	var here []string
	for i := range checks {
		c := &checks[i]
		r.id("check", c.ID, c.At, seen)
		here = append(here, c.ID)
		if c.Title == "" {
			r.add("check", c.At.Line, c.At.Column, "check %q has no title", c.ID)
		}
		if c.Timeout == 0 {
			c.Timeout = defaultTimeout
		}
		r.check(c)
		for _, need := range c.Needs {
			if !slices.Contains(here[:i], need.Check) {
				r.add("needs", c.At.Line, c.At.Column, "check %q needs %q, which does not come before it in the step%s",
					c.ID, need.Check, strictyaml.DidYouMean(need.Check, here[:i]))
			}
		}
	}
}

func (r *reporter) check(c *Check) {
	kinds := c.Count()
	if c.Answer != nil {
		kinds++
	}
	if kinds != 1 {
		r.add("check", c.At.Line, c.At.Column, "check %q has %d probes, want exactly one of %s", c.ID, kinds, strictyaml.Or(append(probe.Kinds(), "answer")))
	}
	if c.For > 0 && c.Timeout <= c.For {
		r.add("check", c.At.Line, c.At.Column, "check %q must hold for %s, but times out after %s", c.ID, c.For, c.Timeout)
	}
	r.probe(c.Probe)
	if c.Answer != nil {
		r.answer(c)
	}
	for _, w := range c.Also {
		if w.Observed != nil {
			r.add("also", w.At.Line, w.At.Column, "also asks one of %s; what the check itself observed is its own bound", strictyaml.Or(probe.Kinds()))
		}
	}
	for _, a := range c.Allows {
		if all := a.Cheat.Values(); !slices.Contains(all, string(a.Cheat)) {
			r.add("allows", a.At.Line, a.At.Column, "unknown cheat %q%s", a.Cheat, strictyaml.DidYouMean(string(a.Cheat), all))
		}
		if a.Because == "" {
			r.add("allows", a.At.Line, a.At.Column, "because is missing: why is %s an honest repair of %q?", a.Cheat, c.ID)
		}
	}
	for _, w := range c.States() {
		n := w.Count()
		if w.Observed != nil {
			n++
		}
		if n != 1 || w.Say == "" {
			r.add("when", w.At.Line, w.At.Column, "a state is one of observed, %s, and has a say", strictyaml.Or(probe.Kinds()))
		}
		r.probe(w.Probe)
	}
}

// probe validates a probe, if there is one.
func (r *reporter) probe(p probe.Probe) {
	if p == nil {
		return
	}
	p.Validate(func(at strictyaml.Position, format string, args ...any) {
		r.add(p.ProbeKind(), at.Line, at.Column, format, args...)
	})
}

func (r *reporter) answer(c *Check) {
	a := c.Answer
	bad := func(format string, args ...any) { r.add("answer", a.At.Line, a.At.Column, format, args...) }
	if a.Question == "" {
		bad("the question is missing")
	}
	switch a.Kind {
	case NumberAnswer:
		for _, n := range a.Accept {
			if _, err := strconv.ParseFloat(n, 64); err != nil {
				bad("accept: %q is not a number", n)
			}
		}
		fallthrough
	case TextAnswer:
		if len(a.Accept) == 0 {
			bad("accept is missing: no answer would be right")
		}
	case OptionAnswer:
		r.options(a.Options, a.At, true)
	default:
		bad("unknown kind %q%s", a.Kind, strictyaml.DidYouMean(string(a.Kind), a.Kind.Values()))
	}
	for _, w := range a.Wrong {
		if len(w.Given) == 0 || w.Say == "" {
			r.add("answer", w.At.Line, w.At.Column, "a known mistake has given and say")
		}
	}
}
