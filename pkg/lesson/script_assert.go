package lesson

import (
	"fmt"
	"strconv"
	"strings"
)

// assertRun does the actions that assert something about the run and the observation.
func (s *Session) assertRun(a Action) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.steps[s.at]
	switch a.Verb {
	case "exit":
		return st.exited(a.Args)
	case "output":
		if !strings.Contains(st.run.output, a.Args[0]) {
			return fmt.Errorf("the run printed %q", st.run.output)
		}
		return nil
	}
	v := Verdict(Inconclusive)
	if right := st.rec.Observed; right != nil {
		v = map[bool]Verdict{true: Pass, false: Fail}[*right]
	}
	switch {
	case string(v) != a.Args[0]:
		return fmt.Errorf("the observation is %s; the true value is %q", v, st.rec.Truth)
	case len(a.Args) == 2 && !strings.Contains(st.rec.Truth, a.Args[1]):
		return fmt.Errorf("the true value is %q", st.rec.Truth)
	}
	return nil
}

func (st *step) exited(args []string) error {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("want a number, got %q", args[0])
	}
	n := len(st.run.lines)
	if len(args) == 2 {
		if n, err = strconv.Atoi(args[1]); err != nil {
			return fmt.Errorf("want a number, got %q", args[1])
		}
	}
	if n < 1 || n > len(st.run.lines) {
		return fmt.Errorf("the run has %d commands that ended", len(st.run.lines))
	}
	if got := st.run.lines[n-1].exit; got != want {
		return fmt.Errorf("exit code %d: %s", got, strings.TrimSpace(st.run.lines[n-1].output))
	}
	return nil
}
