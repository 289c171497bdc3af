package lesson

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// variables are the values that a script has captured, as a learner reads an id and types it into the next command.
type variables struct {
	// output is that of the latest run or command.
	output   string
	captured map[string]string
}

// fill replaces variables in the words of an action.
func (v *variables) fill(a Action) Action {
	if len(v.captured) == 0 {
		return a
	}
	words := make([]string, len(a.Args))
	for i, w := range a.Args {
		for name, value := range v.captured {
			w = strings.ReplaceAll(w, "{"+name+"}", value)
		}
		words[i] = w
	}
	a.Args = words
	return a
}

// capture stores what the group of a pattern matches in the latest output.
func (sc *Script) capture(a Action) error {
	if sc == nil {
		return errors.New("capture: only a script has variables")
	}
	re, err := regexp.Compile(a.Args[1])
	if err != nil || re.NumSubexp() != 1 {
		return fmt.Errorf("capture: %q is not a pattern with one group", a.Args[1])
	}
	found := re.FindStringSubmatch(sc.vars.output)
	if found == nil {
		return fmt.Errorf("capture: no match in the latest output, %q", sc.vars.output)
	}
	if sc.vars.captured == nil {
		sc.vars.captured = map[string]string{}
	}
	sc.vars.captured[a.Args[0]] = found[1]
	return nil
}

// runAs runs the step's experiment, and keeps its output for capture.
func (s *Session) runAs(ctx context.Context, sc *Script) error {
	err := s.Run(ctx)
	if sc != nil {
		s.mu.Lock()
		sc.vars.output = s.steps[s.at].run.output
		s.mu.Unlock()
	}
	return err
}
