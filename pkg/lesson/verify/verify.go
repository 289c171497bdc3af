// Package verify shows that a lesson works: on a real shop of its own, without a screen, by scripts.
//
// The commonest rot in lessons is a text that promises a symptom which does not happen, and only
// running finds it. So a lesson is booted; its steady state must hold; every check must be red before
// anything was done, or it would prove nothing; the solution must turn all of them green; leaving must
// restore the steady state; other ways that are valid must pass as well; and each mistake must stay red
// with the message that it deserves.
package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/lesson/progress"
)

// Booter starts a shop of its own for a lesson.
type Booter interface {
	Boot(ctx context.Context, l *lesson.Lesson) (Shop, error)
}

// Shop is a shop that was booted.
type Shop interface {
	// Deps returns what a session needs; Prove fills in progress and workspace.
	Deps() lesson.Deps
	// Close stops the shop and removes what it left on disk.
	Close(ctx context.Context) error
}

// Result is what one proof of a lesson came to.
type Result struct {
	Lesson string `json:"lesson"`
	// Seed of the load, where the lesson declares one.
	Seed int64 `json:"seed,omitempty"`
	// Proof is boot, red, solution, the name of another script, or hints.
	Proof string `json:"proof"`
	OK    bool   `json:"ok"`
	// Detail says what went wrong.
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds"`
}

// closeTime bounds the stopping of a shop.
const closeTime = 30 * time.Second

// Options narrow a proof down, for authors who work on one thing.
type Options struct {
	// Script is the only one to play: solution, alt-x, wrong-y. What needs all of them is not judged then.
	Script string
	// Seed is the only one of the load; 0: three of them.
	Seed int64
}

// Verify proves one lesson and reports each proof when it is done. The error is not nil if the lesson
// could not be tried; that a proof failed is told by its result.
func Verify(ctx context.Context, l *lesson.Lesson, b Booter, o Options, now func() time.Time, report func(Result)) (err error) {
	p := &prover{lesson: l, now: now, report: report, options: o, said: map[string]bool{}}
	start := now()
	shop, err := b.Boot(ctx, l)
	if err != nil {
		p.done("boot", start, err)
		return nil
	}
	p.done("boot", start, nil)
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		if closeErr := shop.Close(closing); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("stop the shop of lesson %s: %w", l.ID, closeErr))
		}
	}()
	p.shop = shop
	seeds := p.seeds()
	for _, p.seed = range seeds {
		if o.Script == "" {
			p.timed(ctx, "red", p.red)
		}
		p.rightScripts(ctx, "solution")
		if p.failed {
			break // another sequence of customers would fail in the same line
		}
	}
	p.seed = seeds[0]
	p.rightScripts(ctx, "alt-")
	for _, name := range p.scripts("wrong-") {
		p.timed(ctx, name, func(ctx context.Context, s *lesson.Session) error { return p.wrong(ctx, s, name) })
	}
	if o.Script == "" {
		start = now()
		p.done("hints", start, p.hints())
	}
	return ctx.Err()
}

// scripts are those to play, of those whose names begin with a prefix.
func (p *prover) scripts(prefix string) []string {
	return slices.DeleteFunc(p.lesson.ScriptNames(prefix), func(name string) bool {
		return p.options.Script != "" && p.options.Script != name
	})
}

// seedsUnderLoad is with how many seeds a lesson under load is verified: what one sequence of customers happens
// to show, another may not.
const seedsUnderLoad = 3

// seeds of the load; 0 where the lesson has none.
func (p *prover) seeds() []int64 {
	if p.lesson.Shop.Load <= 0 {
		return []int64{0}
	}
	if p.options.Seed > 0 {
		return []int64{p.options.Seed}
	}
	first := max(p.lesson.Shop.Seed, 1)
	seeds := make([]int64, seedsUnderLoad)
	for i := range seeds {
		seeds[i] = first + int64(i)
	}
	return seeds
}

func (p *prover) rightScripts(ctx context.Context, prefix string) {
	for _, name := range p.scripts(prefix) {
		p.timed(ctx, name, func(ctx context.Context, s *lesson.Session) error { return p.right(ctx, s, name) })
	}
}

type prover struct {
	lesson  *lesson.Lesson
	shop    Shop
	now     func() time.Time
	report  func(Result)
	options Options
	// failed tells that something was not proven.
	failed bool
	// seed of the load in what is being proven.
	seed int64
	// said are the messages of the lesson that were seen.
	said map[string]bool
}

func (p *prover) done(proof string, start time.Time, err error) {
	r := Result{Lesson: p.lesson.ID, Seed: p.seed, Proof: proof, OK: err == nil, Seconds: p.now().Sub(start).Seconds()}
	if err != nil {
		p.failed = true
		r.Detail = err.Error()
	}
	p.report(r)
}

// timed opens the lesson afresh, lets prove look at it, leaves it and wants the shop as it was.
func (p *prover) timed(ctx context.Context, name string, prove func(context.Context, *lesson.Session) error) {
	if ctx.Err() != nil {
		return
	}
	start := p.now()
	p.done(name, start, p.session(ctx, prove))
}

func (p *prover) session(ctx context.Context, prove func(context.Context, *lesson.Session) error) (err error) {
	dir, err := os.MkdirTemp("", "shopctl-lesson-")
	if err != nil {
		return fmt.Errorf("make a workspace: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := p.shop.Deps()
	d.Progress = progress.New(filepath.Join(dir, "progress.json"), p.now)
	d.Seed = p.seed
	d.Workspace = filepath.Join(dir, "lessons", p.lesson.ID)
	s, err := lesson.Open(ctx, p.lesson, d)
	var unsteady *lesson.Unsteady
	if errors.As(err, &unsteady) {
		return fmt.Errorf("the steady state does not hold: %w", err)
	} else if err != nil {
		return fmt.Errorf("the lesson does not open: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*closeTime)
		defer cancel()
		if closeErr := s.Close(closing); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("leaving did not restore the shop: %w", closeErr))
		}
	}()
	return prove(ctx, s)
}

// red wants every check to fail before anything was done. Those that wait for others are red by that.
func (p *prover) red(ctx context.Context, s *lesson.Session) error {
	var errs []error
	for i := range p.lesson.Steps {
		step := &p.lesson.Steps[i]
		for _, c := range byEffect(step.Checks()) {
			if len(c.Needs) > 0 || c.Answer != nil {
				continue
			}
			if r := s.Evaluate(ctx, &c); r.Verdict == check.Pass {
				errs = append(errs, fmt.Errorf("%s/%s is green before anything was done: %s", step.ID, c.ID, r.Observed))
			}
		}
	}
	return errors.Join(errs...)
}

// byEffect puts looks that leave traces behind those that might find them.
func byEffect(checks []format.Check) []format.Check {
	var silent, loud []format.Check
	for _, c := range checks {
		if _, mutating := c.Probe.(*probe.RPC); !mutating {
			silent = append(silent, c)
		} else {
			loud = append(loud, c)
		}
	}
	return append(silent, loud...)
}

// right plays a script that must turn everything green.
func (p *prover) right(ctx context.Context, s *lesson.Session, name string) error {
	if err := p.play(ctx, s, name); err != nil {
		return err
	}
	v := s.Snapshot()
	for _, step := range v.Steps {
		if !step.Done {
			return fmt.Errorf("%s.txtar: step %s is not done after the last action; a right way takes the whole lesson", name, step.ID)
		}
	}
	if !v.Done {
		return fmt.Errorf("%s.txtar: the lesson is not done after the last action: the script ends with next", name)
	}
	return nil
}

// wrong plays a script of a mistake. It must expect something, and the lesson must not be done by it.
func (p *prover) wrong(ctx context.Context, s *lesson.Session, name string) error {
	sc, err := lesson.ParseScript(name+".txtar", p.lesson.Scripts[name])
	if err != nil {
		return err
	}
	expects := false
	for _, a := range sc.Actions {
		// A mistake is told with a text of its own: expect CHECK fail "what it says".
		expects = expects || a.Verb == "expect" && a.Args[1] != string(check.Pass) && len(a.Args) == 3
	}
	if !expects {
		return errors.New("the script expects no message: expect CHECK fail TEXT")
	}
	if err := p.play(ctx, s, name); err != nil {
		return err
	}
	if s.Snapshot().Done {
		return errors.New("the lesson is done in spite of the mistake")
	}
	return nil
}

func (p *prover) play(ctx context.Context, s *lesson.Session, name string) error {
	sc, err := lesson.ParseScript(name+".txtar", p.lesson.Scripts[name])
	if err != nil {
		return err
	}
	for _, a := range sc.Actions {
		if err := s.Do(ctx, sc, a); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", sc.Name, a.Line, a, err)
		}
		p.listen(s.Snapshot())
	}
	return nil
}

// listen notes what the checks said.
func (p *prover) listen(v lesson.View) {
	for _, b := range v.Step.Blocks {
		for _, c := range b.Checks {
			p.said[c.Message] = true
		}
	}
}

// hints wants every message that a check declares for a state to have been said in some script.
func (p *prover) hints() error {
	if p.failed {
		return errors.New("not judged, since not every script was played to its end")
	}
	var errs []error
	for i := range p.lesson.Steps {
		for _, c := range p.lesson.Steps[i].Checks() {
			for _, w := range append(append([]format.When{}, c.HintWhen...), c.BrokenSetup...) {
				if !p.said[w.Say] {
					errs = append(errs, fmt.Errorf("%s:%d: no script made check %s say %q", p.lesson.File, w.At.Line, c.ID, w.Say))
				}
			}
			if c.Answer == nil {
				continue
			}
			for _, w := range c.Answer.Wrong {
				if !p.said[w.Say] {
					errs = append(errs, fmt.Errorf("%s:%d: no script gave check %s the wrong answer %s", p.lesson.File, w.At.Line, c.ID, w.Given[0]))
				}
			}
		}
	}
	return errors.Join(errs...)
}
