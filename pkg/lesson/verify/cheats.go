package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/cheat"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// Cheats is a selection of cheats.
type Cheats string

// Selections: those that may come to something, once; every one on every goal with every seed; none.
const (
	SomeCheats Cheats = "some"
	AllCheats  Cheats = "all"
	NoCheats   Cheats = "none"
)

// Played is one cheat on one goal, and its outcome.
type Played struct {
	Step  string `json:"step"`
	Goal  string `json:"goal"`
	Cheat string `json:"cheat"`
	// Outcome is refused, accepted (which fails the test), allowed by the lesson, or not played, since the shop refused
	// the command.
	Outcome Outcome `json:"outcome"`
}

// Outcome is how a cheat ended.
type Outcome string

// Outcomes.
const (
	Refused   Outcome = "refused"
	Accepted  Outcome = "accepted"
	Allowed   Outcome = "allowed"
	NotPlayed Outcome = "not played"
)

// How long the goals are watched after a cheat, beyond the time that they look back and must hold; and at most.
const (
	cheatMargin = 2 * time.Second
	cheatLimit  = 25 * time.Second
)

// cheats plays, in each place where the solution repairs something, other ways to reach the goals there, and requires
// that none does. Those of one place share a session as long as each can be undone.
func (p *prover) cheats(ctx context.Context, seeds []int64) {
	if p.options.Cheats != AllCheats {
		seeds = seeds[:1]
	}
	for _, p.seed = range seeds {
		solution, err := lesson.ParseScript("solution.txtar", p.lesson.Scripts["solution"])
		if err != nil {
			p.done("cheats", p.now(), err)
			return
		}
		for _, stage := range cheat.Stages(p.lesson, solution) {
			start := p.now()
			p.done("cheats "+stage.Step.ID, start, p.cheatAt(ctx, &stage))
		}
	}
}

func (p *prover) cheatAt(ctx context.Context, stage *cheat.Stage) error {
	left := cheat.Find(p.lesson, stage, p.options.Cheats == AllCheats)
	var errs []error
	for len(left) > 0 && ctx.Err() == nil {
		before := len(left)
		err := p.session(ctx, func(ctx context.Context, s *lesson.Session) error {
			if err := p.arrive(ctx, s, stage); err != nil {
				return fmt.Errorf("the way to the repair: %w", err)
			}
			for len(left) > 0 && ctx.Err() == nil {
				c := left[0]
				left = left[1:]
				again, err := p.try(ctx, s, stage, c)
				if err != nil {
					errs = append(errs, err)
				}
				if !again {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			errs = append(errs, err)
		}
		if len(left) == before {
			break // the place was not reached
		}
	}
	return errors.Join(errs...)
}

// arrive plays the solution up to the repair: the steps before only if this one needs them.
func (p *prover) arrive(ctx context.Context, s *lesson.Session, stage *cheat.Stage) error {
	solution, err := lesson.ParseScript("solution.txtar", p.lesson.Scripts["solution"])
	if err != nil {
		return err
	}
	if err := s.Goto(stage.Step.ID); err != nil {
		return err
	}
	for _, a := range stage.Before {
		if err := s.Do(ctx, solution, a); err != nil {
			return fmt.Errorf("solution.txtar:%d: %s: %w", a.Line, a, err)
		}
	}
	return nil
}

// try plays one cheat. It reports whether the next one can be tried in the same session.
func (p *prover) try(ctx context.Context, s *lesson.Session, stage *cheat.Stage, c cheat.Cheat) (again bool, err error) {
	undo := c.Undo
	switch c.Kind {
	case format.CheatScale, format.CheatStop, format.CheatDelete:
		undo = p.undoGone(ctx, s, c)
	case format.CheatConstant:
		content, err := p.constant(ctx, s, stage, c.Constant)
		if err != nil {
			return true, nil // there is no such file of rules in the workspace
		}
		defer func() { err = errors.Join(err, s.Write(c.Constant, content.before)) }()
		if err := s.Write(c.Constant, content.after); err != nil {
			return true, err
		}
	}
	outcome := Refused
	if !run(ctx, s, c.Do) {
		outcome = NotPlayed
	}
	var passed []string
	if outcome != NotPlayed {
		run(ctx, s, stage.Work)
		passed = p.watch(ctx, s, stage)
	}
	var accepted []string
	for _, g := range stage.Goals {
		cell := Played{Step: stage.Step.ID, Goal: g.ID, Cheat: c.String(), Outcome: outcome}
		if slices.Contains(passed, g.ID) {
			cell.Outcome = Accepted
			if slices.ContainsFunc(g.Allows, func(a format.Allow) bool { return a.Cheat == c.Kind }) {
				cell.Outcome = Allowed
			} else {
				accepted = append(accepted, g.ID)
			}
		}
		p.played = append(p.played, cell)
	}
	if len(accepted) > 0 {
		err = fmt.Errorf("lesson %s, step %s: %s passes by a cheat: %s (%s)",
			p.lesson.ID, stage.Step.ID, strings.Join(accepted, ", "), c, commands(c.Do))
	}
	return len(passed) == 0 && len(undo) > 0 && run(ctx, s, undo) || outcome == NotPlayed, err
}

func commands(all [][]string) string {
	var lines []string
	for _, args := range all {
		lines = append(lines, "shopctl "+strings.Join(args, " "))
	}
	return strings.Join(lines, "; ")
}

// run runs commands as in another terminal, and reports whether all succeeded.
func run(ctx context.Context, s *lesson.Session, all [][]string) bool {
	ok := true
	for _, args := range all {
		_, exit, err := s.Shopctl(ctx, args)
		ok = ok && err == nil && exit == 0
	}
	return ok
}

// watch gives the goals of a stage as long as they need, and returns those that passed.
func (p *prover) watch(ctx context.Context, s *lesson.Session, stage *cheat.Stage) []string {
	wait := time.Duration(0)
	for _, g := range stage.Goals {
		wait = max(wait, g.For+g.Lookback())
	}
	until := p.now().Add(min(wait+cheatMargin, cheatLimit))
	var passed []string
	for len(passed) < len(stage.Goals) && p.now().Before(until) {
		if s.Refresh(ctx) != nil {
			break
		}
		v := s.Snapshot()
		p.collectMessages(v)
		for _, b := range v.Step.Blocks {
			for _, c := range b.Checks {
				isGoal := slices.ContainsFunc(stage.Goals, func(g *format.Check) bool { return g.ID == c.ID })
				if isGoal && c.Verdict == lesson.Pass && !slices.Contains(passed, c.ID) {
					passed = append(passed, c.ID)
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(watchPause):
		}
	}
	return passed
}

const watchPause = 500 * time.Millisecond

var replicas = regexp.MustCompile(`(?m)^  replicas: (\d+)`)

// undoGone are the commands that bring a service back which is about to go.
func (p *prover) undoGone(ctx context.Context, s *lesson.Session, c cheat.Cheat) [][]string {
	switch c.Kind {
	case format.CheatStop:
		return [][]string{{"start", c.Target, "--wait"}}
	case format.CheatScale:
		out, _, err := s.Shopctl(ctx, []string{"get", "deployment", c.Target, "-o", "yaml"})
		if m := replicas.FindStringSubmatch(out); err == nil && m != nil {
			return [][]string{{"scale", c.Target, "--replicas", m[1], "--wait"}}
		}
	}
	return nil // another session begins with the shop as it was
}

// rewritten is a file before and after its expressions became constants.
type rewritten struct{ before, after []byte }

// constant replaces each expression of a file of rules, as the solution has it, by the value that it has now, and an
// alert's by one that is always true.
func (p *prover) constant(ctx context.Context, s *lesson.Session, stage *cheat.Stage, name string) (rewritten, error) {
	path := filepath.Join(s.Snapshot().Workspace, filepath.FromSlash(name))
	before, err := os.ReadFile(path)
	if err != nil {
		return rewritten{}, err
	}
	right := before
	if entry, writes := stage.Files[name]; writes {
		solution, err := lesson.ParseScript("solution.txtar", p.lesson.Scripts["solution"])
		if err != nil {
			return rewritten{}, err
		}
		right = solution.File(entry)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(right, &doc); err != nil {
		return rewritten{}, err
	}
	p.flatten(ctx, s, &doc)
	after, err := yaml.Marshal(&doc)
	return rewritten{before, after}, err
}

func (p *prover) flatten(ctx context.Context, s *lesson.Session, n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		alert := false
		for i := 0; i+1 < len(n.Content); i += 2 {
			alert = alert || n.Content[i].Value == "alert"
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value != "expr" {
				continue
			}
			value := "1"
			if !alert {
				value = p.value(ctx, s, n.Content[i+1].Value)
			}
			n.Content[i+1].SetString("vector(" + value + ")")
		}
	}
	for _, child := range n.Content {
		p.flatten(ctx, s, child)
	}
}

// value is what an expression comes to now; 0 if to nothing.
func (p *prover) value(ctx context.Context, s *lesson.Session, expr string) string {
	everything := -1e300
	q := &probe.PromQL{Expr: expr, BoundFields: probe.BoundFields{AtLeast: &everything}}
	r := s.Evaluate(ctx, &format.Check{One: probe.One{Probe: q}})
	number, _, _ := strings.Cut(r.Observed, " ")
	if _, err := strconv.ParseFloat(number, 64); err != nil {
		return "0"
	}
	return number
}
