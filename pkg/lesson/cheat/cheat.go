// Package cheat finds ways to reach a lesson's goals without what they are about: with nothing that runs, no one who
// calls, nothing that measures, a rule that says a number, a fault that hits few calls. Package verify plays them, and none
// may pass.
//
// Which cheats apply follows from the probes of the goals, so that a new lesson is held to them without any work of its
// author. What may pass, since it is the honest repair, a check declares with a reason (allows).
package cheat

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// Kind is one way to cheat.
type Kind = format.Cheat

// Cheat is one way on one target.
type Cheat struct {
	Kind Kind
	// Target is the service, the file or the fault that it is about; empty: the load.
	Target string
	// Do are the commands, in order, each without "shopctl"; Undo leads back.
	Do, Undo [][]string
	// Constant replaces the expressions of a file of rules, by the value that they have now, before Do is run.
	Constant string
}

// String names the cheat: "scale email", "idle".
func (c Cheat) String() string { return strings.TrimSpace(string(c.Kind) + " " + c.Target) }

// Stage is the part of a step in which the learner repairs something: how one comes there, and which goals the repair
// reaches.
type Stage struct {
	Step *format.Step
	// Before are the actions of the solution that lead there.
	Before []lesson.Action
	// Work are the calls and the load that belong to the repair: a learner who cheats makes them, too.
	Work [][]string
	// Repair are its other commands, and Files what it writes: the file, and the entry of the solution's archive.
	Repair [][]string
	Files  map[string]string
	// Goals are the checks to be reached.
	Goals []*format.Check
}

// Stages finds where the solution of a lesson repairs something, in the order of the lesson.
func Stages(l *lesson.Lesson, solution *lesson.Script) []Stage {
	var stages []Stage
	for i := range l.Steps {
		step := &l.Steps[i]
		var own []lesson.Action
		for _, a := range solution.Actions {
			if a.Step == step.ID && a.Verb != "step" && a.Verb != "next" {
				own = append(own, a)
			}
		}
		stages = append(stages, stagesOf(step, own)...)
	}
	return stages
}

func stagesOf(step *format.Step, actions []lesson.Action) []Stage {
	checks := step.Checks()
	goal := func(id string) *format.Check {
		i := slices.IndexFunc(checks, func(c format.Check) bool { return c.ID == id && c.Answer == nil })
		if i < 0 {
			return nil
		}
		return &checks[i]
	}
	var stages []Stage
	var now *Stage
	repairing := false
	for i, a := range actions {
		switch {
		case a.Verb == "shopctl" || a.Verb == "write":
			if !repairing {
				stages = append(stages, Stage{Step: step, Before: actions[:i]})
				now, repairing = &stages[len(stages)-1], true
			}
			now.add(a)
		case a.Verb == "expect":
			if a.Args[1] != string(probe.Pass) {
				continue
			}
			repairing = false
			if c := goal(a.Args[0]); c != nil && now != nil {
				now.Goals = append(now.Goals, c)
			}
		}
	}
	return slices.DeleteFunc(stages, func(s Stage) bool { return len(s.Goals) == 0 })
}

// working are the verbs that use the shop and change nothing in it.
var working = []string{"call", "http", "load"}

func (s *Stage) add(a lesson.Action) {
	switch {
	case a.Verb == "write":
		if s.Files == nil {
			s.Files = map[string]string{}
		}
		s.Files[a.Args[len(a.Args)-1]] = a.Args[0]
	case slices.Contains(working, a.Args[0]):
		s.Work = append(s.Work, a.Args)
	default:
		s.Repair = append(s.Repair, a.Args)
	}
}

// Commands are those of the step's experiment, each without "shopctl".
func (s *Stage) Commands() [][]string {
	var all [][]string
	if b := s.Step.Block(format.RunKind); b != nil {
		for _, line := range b.Run.Lines {
			all = append(all, line.Args)
		}
	}
	for _, a := range s.Before {
		if a.Verb == "shopctl" {
			all = append(all, a.Args)
		}
	}
	return all
}

// Services are those that the goals of the stage name, and those that the experiment changes.
func (s *Stage) Services() []string {
	var all []string
	for _, c := range s.Goals {
		all = append(all, services(c)...)
	}
	for _, args := range s.Commands() {
		if name := changed(args); name != "" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// changed is the service that a command changes, empty if there is none.
func changed(args []string) string {
	switch {
	case len(args) > 2 && args[0] == "fault" && args[1] == "inject", len(args) > 2 && args[0] == "set" && args[1] == "env":
		return args[2]
	case len(args) > 1 && (args[0] == "scale" || args[0] == "restart"):
		return args[1]
	}
	return ""
}

// weaker is the command of a fault with a percentage; nil for another command.
func weaker(args []string, percent int) []string {
	if len(args) < 3 || args[0] != "fault" || args[1] != "inject" {
		return nil
	}
	out := slices.Clone(args)
	if i := slices.Index(out, "--percent"); i >= 0 && i+1 < len(out) {
		out = slices.Delete(out, i, i+2)
	}
	return append(out, "--percent", strconv.Itoa(percent))
}
