// Package verify tests a lesson by scripts, on a separate real shop and without a screen.
//
// The most common rot in lessons is a text that promises a symptom which does not happen, and only running finds it. So
// a shop is booted for the lesson and its steady state must hold; every check must fail before the solution, or it would
// prove nothing; the solution must pass them all; leaving must restore the steady state; other valid ways must pass as
// well; each mistake must fail with its own message; and no cheat may pass.
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
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/lesson/progress"
)

// Booter starts a separate shop for a lesson.
type Booter interface {
	Boot(ctx context.Context, l *lesson.Lesson) (Shop, error)
}

// Shop is a shop that was booted.
type Shop interface {
	// Deps returns what a session needs; Verify fills in progress and workspace.
	Deps() lesson.Deps
	// Close stops the shop and removes what it left on disk.
	Close(ctx context.Context) error
}

// Result is the outcome of one proof.
type Result struct {
	Lesson string `json:"lesson"`
	// Seed of the load, where the lesson declares one.
	Seed int64 `json:"seed,omitempty"`
	// Proof is boot, red, solution, the name of another script, or hints.
	Proof string `json:"proof"`
	OK    bool   `json:"ok"`
	// Detail describes the failure.
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds"`
	// Cheats are those that were played in the proof "cheats", each with each goal.
	Cheats []Played `json:"cheats,omitempty"`
}

// closeTime bounds the stopping of a shop.
const closeTime = 30 * time.Second

// CheatsScript is what Options.Script calls the cheats, which no file has.
const CheatsScript = "cheats"

// Options narrow a proof down, for authors who work on one thing.
type Options struct {
	// Script is the only one to play: solution, alt-x, wrong-y, or CheatsScript. Proofs that need all of them are left out
	// then.
	Script string
	// Seed is the only one of the load; 0: three of them.
	Seed int64
	// Cheats selects the cheats to play; empty is SomeCheats.
	Cheats Cheats
}

// Verify tests one lesson and reports each proof when it is done. The error is not nil if the lesson could not be
// tried; a proof that failed is reported as a result.
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
	if o.Script == CheatsScript || o.Script == "" && o.Cheats != NoCheats && !p.failed {
		p.cheats(ctx, seeds)
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
	// failed is set if a proof failed.
	failed bool
	// seed of the load in the present proof.
	seed int64
	// said are the messages of the lesson that appeared.
	said map[string]bool
	// played are the cheats of the present proof.
	played []Played
}

func (p *prover) done(proof string, start time.Time, err error) {
	r := Result{Lesson: p.lesson.ID, Seed: p.seed, Proof: proof, OK: err == nil, Seconds: p.now().Sub(start).Seconds(), Cheats: p.played}
	p.played = nil
	if err != nil {
		p.failed = true
		r.Detail = err.Error()
	}
	p.report(r)
}

// timed opens the lesson from scratch, runs a proof, leaves it and requires that the shop is restored.
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
		return fmt.Errorf("create workspace: %w", err)
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

// red requires every check to fail before anything was done. Checks that wait for others do.
func (p *prover) red(ctx context.Context, s *lesson.Session) error {
	var errs []error
	for i := range p.lesson.Steps {
		step := &p.lesson.Steps[i]
		for _, c := range byEffect(step.Checks()) {
			if len(c.Needs) > 0 || c.Answer != nil {
				continue
			}
			if r := s.Evaluate(ctx, &c); r.Verdict == probe.Pass {
				errs = append(errs, fmt.Errorf("%s/%s passes before anything was done: %s", step.ID, c.ID, r.Observed))
			}
		}
	}
	return errors.Join(errs...)
}

// byEffect puts checks with an effect on the shop behind those that might find it.
func byEffect(checks []format.Check) []format.Check {
	var readOnly, mutating []format.Check
	for _, c := range checks {
		if _, calls := c.Probe.(*probe.RPC); !calls {
			readOnly = append(readOnly, c)
		} else {
			mutating = append(mutating, c)
		}
	}
	return append(readOnly, mutating...)
}

// right plays a script that must pass all checks.
func (p *prover) right(ctx context.Context, s *lesson.Session, name string) error {
	if err := p.play(ctx, s, name); err != nil {
		return err
	}
	v := s.Snapshot()
	for _, step := range v.Steps {
		if !step.Done {
			return fmt.Errorf("%s.txtar: step %s is not done after the last action; solutions and alternatives must play the whole lesson", name, step.ID)
		}
	}
	if !v.Done {
		return fmt.Errorf("%s.txtar: the lesson is not done after the last action: the script ends with next", name)
	}
	return nil
}

// wrong plays a script of a mistake. It must expect a message, and must not finish the lesson.
func (p *prover) wrong(ctx context.Context, s *lesson.Session, name string) error {
	sc, err := lesson.ParseScript(name+".txtar", p.lesson.Scripts[name])
	if err != nil {
		return err
	}
	expects := false
	for _, a := range sc.Actions {
		// A mistake has a message of its own: expect CHECK fail "message".
		expects = expects || a.Verb == "expect" && a.Args[1] != string(probe.Pass) && len(a.Args) == 3
	}
	if !expects {
		return errors.New("the script expects no message: expect CHECK fail TEXT")
	}
	if err := p.play(ctx, s, name); err != nil {
		return err
	}
	if s.Snapshot().Done {
		return errors.New("the lesson is finished despite the mistake")
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
		p.collectMessages(s.Snapshot())
	}
	return nil
}

// collectMessages keeps the messages of the checks.
func (p *prover) collectMessages(v lesson.View) {
	for _, b := range v.Step.Blocks {
		for _, c := range b.Checks {
			p.said[c.Message] = true
		}
	}
}

// hints requires that every message which a check declares for a state appeared in some script.
func (p *prover) hints() error {
	if p.failed {
		return errors.New("skipped, since a script failed")
	}
	var errs []error
	for i := range p.lesson.Steps {
		for _, c := range p.lesson.Steps[i].Checks() {
			for _, w := range c.States() {
				if !p.said[w.Say] {
					errs = append(errs, fmt.Errorf("%s:%d: no script made check %s report %q", p.lesson.File, w.At.Line, c.ID, w.Say))
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
