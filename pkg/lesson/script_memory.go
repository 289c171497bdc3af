package lesson

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// memory is what a script remembers, as a learner does who reads an id and types it into the next command.
type memory struct {
	// printed is what the last run, or the last command, wrote.
	printed string
	taken   map[string]string
}

// fill puts what was taken into the words of an action.
func (m *memory) fill(a Action) Action {
	if len(m.taken) == 0 {
		return a
	}
	words := make([]string, len(a.Args))
	for i, w := range a.Args {
		for name, value := range m.taken {
			w = strings.ReplaceAll(w, "{"+name+"}", value)
		}
		words[i] = w
	}
	a.Args = words
	return a
}

// take remembers what the group of a pattern finds in what was printed last.
func (sc *Script) take(a Action) error {
	if sc == nil {
		return errors.New("take: only a script remembers")
	}
	re, err := regexp.Compile(a.Args[1])
	if err != nil || re.NumSubexp() != 1 {
		return fmt.Errorf("take: %q is no pattern with one group", a.Args[1])
	}
	found := re.FindStringSubmatch(sc.memory.printed)
	if found == nil {
		return fmt.Errorf("what was printed is %q", sc.memory.printed)
	}
	if sc.memory.taken == nil {
		sc.memory.taken = map[string]string{}
	}
	sc.memory.taken[a.Args[0]] = found[1]
	return nil
}

// runAs runs the step's experiment, and remembers what it printed.
func (s *Session) runAs(ctx context.Context, sc *Script) error {
	err := s.Run(ctx)
	if sc != nil {
		s.mu.Lock()
		sc.memory.printed = s.steps[s.at].run.output
		s.mu.Unlock()
	}
	return err
}
