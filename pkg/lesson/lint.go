package lesson

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Lint finds problems of a lesson and its scripts that show without running them. services are the names of the
// shop's services.
func Lint(l *Lesson, services []string) format.Problems {
	problems := format.Lint(l, services)
	for _, name := range l.ScriptNames("") {
		problems = append(problems, lintScript(l, name)...)
	}
	return problems
}

// lintScript reports steps, options and checks of a script that the lesson does not have.
func lintScript(l *Lesson, name string) format.Problems {
	file := l.Dir() + "/testdata/" + name + ".txtar"
	problem := func(line int, text string, args ...any) format.Problem {
		return format.Problem{File: file, Line: max(line, 1), Column: 1, Code: "script", Text: fmt.Sprintf(text, args...)}
	}
	sc, err := ParseScript(name+".txtar", l.Scripts[name])
	var at *ScriptError
	if errors.As(err, &at) {
		return format.Problems{problem(at.Line, "%s", at.Err)}
	}
	if err != nil {
		return format.Problems{problem(1, "%s", err)}
	}
	var problems format.Problems
	var step *format.Step
	seen, ran := map[string]bool{}, map[string]bool{}
	for _, a := range sc.Actions {
		if a.Verb == "step" {
			i := l.Step(a.Args[0])
			if i < 0 {
				problems = append(problems, problem(a.Line, "the lesson has no step %q%s", a.Args[0], strictyaml.DidYouMean(a.Args[0], stepIDs(l))))
				step = nil
				continue
			}
			step = &l.Steps[i]
			seen[step.ID] = true
		}
		if step == nil {
			continue
		}
		ran[step.ID] = ran[step.ID] || a.Verb == "run"
		if text := unknownIn(step, a); text != "" {
			problems = append(problems, problem(a.Line, "%s", text))
		}
	}
	if strings.HasPrefix(name, "wrong-") {
		return problems
	}
	for i := range l.Steps {
		s := &l.Steps[i]
		switch {
		case !seen[s.ID]:
			problems = append(problems, problem(1, "%s does nothing in step %q: it takes the whole lesson", name, s.ID))
		case name == "solution" && !ran[s.ID] && s.Block(format.RunKind) != nil:
			problems = append(problems, problem(1, "%s never runs the command of step %q: nothing proves that it works", name, s.ID))
		}
	}
	return problems
}

// unknownIn describes what an action names and its step does not have; empty if nothing is missing.
func unknownIn(step *format.Step, a Action) string {
	switch a.Verb {
	case "predict":
		b := step.Block(format.PredictKind)
		if b == nil {
			return fmt.Sprintf("step %q asks for no prediction", step.ID)
		}
		if check.PickOption(b.Predict.Options, a.Args[0]) == nil {
			var ids []string
			for _, o := range b.Predict.Options {
				ids = append(ids, o.ID)
			}
			return fmt.Sprintf("step %q has no option %q%s", step.ID, a.Args[0], strictyaml.DidYouMean(a.Args[0], ids))
		}
	case "answer", "expect":
		var ids []string
		for _, c := range step.Checks() {
			ids = append(ids, c.ID)
		}
		if !slices.Contains(ids, a.Args[0]) {
			return fmt.Sprintf("step %q has no check %q%s", step.ID, a.Args[0], strictyaml.DidYouMean(a.Args[0], ids))
		}
	case "run":
		if step.Block(format.RunKind) == nil {
			return fmt.Sprintf("step %q has nothing to run", step.ID)
		}
	}
	return ""
}

func stepIDs(l *Lesson) []string {
	ids := make([]string, len(l.Steps))
	for i, s := range l.Steps {
		ids[i] = s.ID
	}
	return ids
}
