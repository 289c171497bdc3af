package format

import (
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/lazyregexp"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Limits of a good lesson.
const (
	maxWords  = 120 // between two things that the learner does
	maxSteps  = 7
	maxRecall = 3
)

// Lint finds problems of a lesson that show without running it. services are the names of the shop's services; a lesson
// may mention those and the ones of its own files.
func Lint(l *Lesson, services []string) Problems {
	r := &linter{reporter: reporter{file: l.File}, services: slices.Concat(services, l.workloads())}
	r.lintFront(l)
	for i := range l.Steps {
		r.lintStep(&l.Steps[i])
	}
	r.lintWords(l)
	for _, line := range l.Unfilled {
		r.add("fill-in", line, 1, "this is not written yet: replace the text from %s on", FillIn)
	}
	if n := len(l.Recall()); n < 1 || n > maxRecall {
		r.add("recall", 1, 1, "the lesson has %d questions for review, want 1 to %d", n, maxRecall)
	}
	if _, ok := l.Scripts["solution"]; !ok {
		r.add("no-solution", 1, 1, "testdata/solution.txtar is missing: nothing proves that the lesson can be solved")
	}
	if len(l.ScriptNames("wrong-")) == 0 {
		r.add("no-wrong", 1, 1, "testdata/wrong-*.txtar is missing: nothing proves that mistakes are recognized")
	}
	_ = r.err() // sorts
	problems := r.problems
	for _, lang := range sortedKeys(l.Translations) {
		problems = append(problems, lintTranslation(l, l.Translations[lang])...)
	}
	return problems
}

type linter struct {
	reporter
	services []string
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (r *linter) lintFront(l *Lesson) {
	at := l.Front.At
	if len(l.SteadyState) == 0 {
		r.add("no-steady-state", at.Line, 1, "steady_state is missing: without it, a broken shop is not noticed")
	}
	if len(l.Rollback) == 0 {
		r.add("no-rollback", at.Line, 1, "rollback is missing: leaving the lesson would undo nothing; write rollback: [faults, objects]")
	}
	if l.Minutes < 5 || l.Minutes > 12 {
		r.add("minutes", at.Line, 1, "%d minutes, want 5 to 12", l.Minutes)
	}
	if l.Summary == "" {
		r.add("no-summary", at.Line, 1, "summary is missing: one sentence for the list of lessons")
	}
	if len(l.Steps) > maxSteps {
		r.add("too-many-steps", l.Steps[maxSteps].Line, 1, "%d steps, want at most %d", len(l.Steps), maxSteps)
	}
	for _, c := range l.SteadyState {
		r.lintCheck(c)
	}
}

func (r *linter) lintStep(s *Step) {
	if run := s.Block(RunKind); run != nil {
		if s.Block(PredictKind) == nil {
			r.add("no-prediction", run.Line, 1, "step %q runs a command without a prediction: add a predict block before it", s.ID)
		}
		if s.Block(ObserveKind) == nil {
			r.add("no-observation", run.Line, 1, "step %q explains a run without asking for an observation: add an observe block", s.ID)
		}
		for _, line := range run.Run.Lines {
			r.lintPort(line.Text, line.Number)
			r.lintService(line.Args, line.Number)
			r.lintService(line.Into, line.Number)
		}
	}
	if checks := s.Block(CheckKind); checks != nil {
		if h := s.Block(HintsKind); h == nil || h.Hints.Look == "" || h.Hints.Principle == "" || h.Hints.Worked == "" {
			r.add("no-hints", checks.Line, 1, "step %q has goals without a full ladder of hints: look, principle, worked", s.ID)
		}
		for _, c := range checks.Checks {
			r.lintCheck(c)
		}
	}
	for _, b := range s.Blocks {
		if b.Predict != nil {
			r.lintReplies(b.Predict.Options)
		}
		if b.Observe != nil {
			r.lintReplies(b.Observe.Options)
		}
		if b.Kind == Prose {
			r.lintProse(b)
		}
	}
}

func (r *linter) lintReplies(options []Option) {
	for _, o := range options {
		if o.Reply == "" {
			r.add("option-without-reply", o.At.Line, o.At.Column, "option %q has no reply: explain what it would mean, not only that it is wrong", o.ID)
		}
	}
}

func (r *linter) lintCheck(c Check) {
	if c.Answer != nil && c.Answer.Kind != OptionAnswer && len(c.Answer.Wrong) == 0 {
		r.add("no-wrong-answer", c.At.Line, c.At.Column, "check %q lists no mistake: add wrong, with given and say", c.ID)
	}
	if c.Answer != nil {
		r.lintReplies(c.Answer.Options)
	}
	r.lintProbe(c.Probe)
	for _, w := range c.States() {
		r.lintProbe(w.Probe)
	}
}

// lintProbe reports services that a probe names and the shop does not have.
func (r *linter) lintProbe(p probe.Probe) {
	if p == nil {
		return
	}
	for _, named := range p.NamedServices() {
		if named.Name != "" {
			r.service(named.Name, named.At.Line, named.At.Column)
		}
	}
}

// verbsWithService are the verbs whose first argument names a service.
var verbsWithService = [...]string{"call", "logs", "restart", "stop", "start", "scale"}

func (r *linter) lintService(args []string, line int) {
	if len(args) > 2 && args[0] == "fault" && args[1] == "inject" {
		args = args[1:]
	} else if len(args) == 0 || !slices.Contains(verbsWithService[:], args[0]) {
		return
	}
	if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		r.service(args[1], line, 1)
	}
}

func (r *linter) service(name string, line, column int) {
	if !slices.Contains(r.services, name) {
		r.add("unknown-service", line, column, "the shop has no service %q%s", name, strictyaml.DidYouMean(name, r.services))
	}
}

// literalPort is an address that holds on one machine and one day only.
var literalPort = lazyregexp.New(`(?:localhost|127\.0\.0\.1|\[::1\]):\d+`)

func (r *linter) lintPort(text string, line int) {
	if found := literalPort().FindString(text); found != "" {
		r.add("literal-port", line, 1, "%s is a port of one machine: name the service", found)
	}
}

// belittling words blame a reader who is stuck.
var belittling = lazyregexp.New(`(?i)\b(simply|just|obviously|of course|trivial(?:ly)?|easy|easily)\b`)

func (r *linter) lintProse(b Block) {
	for i, line := range strings.Split(b.Markdown, "\n") {
		r.lintPort(line, b.Line+i)
		if found := belittling().FindStringIndex(line); found != nil {
			r.add("belittling", b.Line+i, found[0]+1, "%q belittles a reader who is stuck: leave it out", line[found[0]:found[1]])
		}
	}
}

// lintWords counts the words that are read between two things that the learner does.
func (r *linter) lintWords(l *Lesson) {
	for i := range l.Steps {
		words, reported := 0, false
		for _, b := range l.Steps[i].Blocks {
			if b.Kind != Prose {
				words = 0
				continue
			}
			words += countWords(b.Markdown)
			if words > maxWords && !reported {
				reported = true
				r.add("too-many-words", b.Line, 1, "%d words before the learner does something, want at most %d", words, maxWords)
			}
		}
	}
}

// countWords leaves out examples, which are not read word by word.
func countWords(markdown string) int {
	n, fenced := 0, false
	for line := range strings.SplitSeq(markdown, "\n") {
		if closes(line) {
			fenced = !fenced
			continue
		}
		if !fenced {
			n += len(strings.Fields(line))
		}
	}
	return n
}
