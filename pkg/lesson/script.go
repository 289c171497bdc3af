package lesson

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/shopctl/shopctl/pkg/lesson/command"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Script is a learner written down: a txtar archive whose comment holds one action a line, and whose
// files can be put into the workspace. Words are quoted as in a shell.
//
//	step ID                      go there; what follows belongs to it
//	predict OPTION CONFIDENCE    guess, fairly or sure
//	run                          the step's run block
//	observe VALUE
//	answer CHECK VALUE
//	check | hint | next | reset
//	write [ENTRY] FILE           the archive's file of that name, or of another entry's
//	shopctl ...                  as in another terminal; ! before it: it must fail
//	expect CHECK VERDICT [TEXT]  wait for the verdict, and for the text in the check's message or observation
//	exit CODE [COMMAND]          the exit code of the run's last, or n-th, command
//	output TEXT                  the run printed it
//	capture NAME PATTERN         the pattern's group in the latest output; from then on {NAME} is replaced by it
//	observed VERDICT [TEXT]      the verdict on the observation
type Script struct {
	Name    string
	Actions []Action
	files   map[string][]byte
	vars    variables
}

// Action is one line of a script.
type Action struct {
	Line int
	// Step is the id of the step that the action belongs to.
	Step string
	Verb string
	Args []string
	// Fails is set if the command must fail.
	Fails bool
}

// File is the content of an entry of the archive, nil if it has none of that name.
func (s *Script) File(entry string) []byte { return s.files[entry] }

func (a Action) String() string { return strings.TrimSpace(a.Verb + " " + strings.Join(a.Args, " ")) }

// verbs and how many words they take; -1: any number.
var verbs = [...]struct {
	name        string
	least, most int
}{
	{"step", 1, 1},
	{"predict", 1, 2},
	{"run", 0, 0},
	{"observe", 1, 1},
	{"answer", 2, 2},
	{"check", 0, 0},
	{"hint", 0, 0},
	{"next", 0, 0},
	{"prev", 0, 0},
	{"reset", 0, 0},
	{"write", 1, 2},
	{"shopctl", 1, -1},
	{"expect", 2, 3},
	{"exit", 1, 2},
	{"output", 1, 1},
	{"capture", 2, 2},
	{"take", 2, 2}, // the old name of capture
	{"observed", 1, 2},
}

// renamed returns the action with the words that scripts are written with now.
func (a Action) renamed() Action {
	switch {
	case a.Verb == "take":
		a.Verb = "capture"
	case a.Verb == "expect" && a.Args[1] == "spoiled":
		a.Args = slices.Clone(a.Args)
		a.Args[1] = string(BrokenSetup)
	}
	return a
}

// ScriptError is a line of a script that cannot be read.
type ScriptError struct {
	Name string
	Line int
	Err  error
}

func (e *ScriptError) Error() string { return fmt.Sprintf("%s:%d: %s", e.Name, e.Line, e.Err) }

// Unwrap returns what is wrong with the line.
func (e *ScriptError) Unwrap() error { return e.Err }

// ParseScript reads a script. Errors name the line.
func ParseScript(name string, archive []byte) (*Script, error) {
	ar := txtar.Parse(archive)
	s := &Script{Name: name, files: map[string][]byte{}}
	for _, f := range ar.Files {
		s.files[f.Name] = f.Data
	}
	step := ""
	for i, line := range strings.Split(string(ar.Comment), "\n") {
		words, err := command.Split(strings.TrimSpace(line))
		if err != nil {
			return nil, &ScriptError{name, i + 1, err}
		}
		if len(words) == 0 {
			continue
		}
		a, err := ParseAction(words)
		if err != nil {
			return nil, &ScriptError{name, i + 1, err}
		}
		if a.Verb == "write" && s.files[a.Args[0]] == nil {
			return nil, &ScriptError{name, i + 1, fmt.Errorf("the archive has no file %q", a.Args[0])}
		}
		if a.Verb == "step" {
			step = a.Args[0]
		}
		a.Line, a.Step = i+1, step
		s.Actions = append(s.Actions, a)
	}
	return s, nil
}

// ParseAction reads the words of one action.
func ParseAction(words []string) (Action, error) {
	if words[0] == "!" && len(words) > 1 && words[1] == "shopctl" {
		a, err := ParseAction(words[1:])
		a.Fails = true
		return a, err
	}
	var names []string
	for _, v := range verbs {
		if v.name != "take" {
			names = append(names, v.name)
		}
		if v.name != words[0] {
			continue
		}
		if n := len(words) - 1; n < v.least || v.most >= 0 && n > v.most {
			return Action{}, fmt.Errorf("%s does not take %d words", v.name, n)
		}
		if v.name == "shopctl" {
			if err := command.Allowed(words); err != nil {
				return Action{}, err
			}
		}
		return Action{Verb: words[0], Args: words[1:]}.renamed(), nil
	}
	return Action{}, fmt.Errorf("unknown action %q%s", words[0], strictyaml.DidYouMean(words[0], names))
}

// Solve does what the lesson's solution does in one step, and leaves the learner there.
func (s *Session) Solve(ctx context.Context, step string) error {
	raw, ok := s.lesson.Scripts["solution"]
	if !ok {
		return errors.New("solve: the lesson has no solution")
	}
	sc, err := ParseScript("solution.txtar", raw)
	if err != nil {
		return fmt.Errorf("solve: %w", err)
	}
	if err := s.Goto(step); err != nil {
		return err
	}
	s.mu.Lock()
	s.steps[s.at].rec.Solved = true
	s.mu.Unlock()
	for _, a := range sc.Actions {
		if a.Step != step || a.Verb == "step" || a.Verb == "next" || s.doneAlready(a) {
			continue
		}
		if err := s.Do(ctx, sc, a); err != nil {
			return fmt.Errorf("solve %s: %w", step, err)
		}
	}
	return nil
}

// doneAlready reports whether the learner did by hand what the solution is about to do.
func (s *Session) doneAlready(a Action) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.steps[s.at]
	switch a.Verb {
	case "predict":
		return st.rec.Prediction != ""
	case "observe":
		return st.rec.Observation != ""
	case "observed":
		return true // what the learner saw is theirs
	case "answer":
		g := st.goal(a.Args[0])
		return g != nil && g.Passed()
	}
	return false
}

// Do does one action.
func (s *Session) Do(ctx context.Context, sc *Script, a Action) error {
	if sc != nil {
		a = sc.vars.fill(a)
	}
	switch a.Verb {
	case "step":
		return s.Goto(a.Args[0])
	case "predict":
		return s.Predict(a.Args[0], strings.Join(a.Args[1:], ""))
	case "run":
		return s.runAs(ctx, sc)
	case "observe":
		return s.Observe(a.Args[0])
	case "answer":
		return s.Answer(a.Args[0], a.Args[1])
	case "check":
		return s.Check()
	case "hint":
		return s.Hint()
	case "next":
		return s.Next()
	case "prev":
		return s.Prev()
	case "reset":
		return s.Reset(ctx)
	case "write":
		if sc == nil {
			return errors.New("write: there is no archive to take the file from")
		}
		return s.Write(a.Args[len(a.Args)-1], sc.files[a.Args[0]])
	case "shopctl":
		return s.runCommand(ctx, sc, a)
	case "capture":
		return sc.capture(a)
	case "expect":
		return s.expect(ctx, a.Args[0], Verdict(a.Args[1]), strings.Join(a.Args[2:], ""))
	}
	return s.assertRun(a)
}

// runCommand runs a command as in another terminal. It must succeed or fail as the action says.
func (s *Session) runCommand(ctx context.Context, sc *Script, a Action) error {
	out, exit, err := s.Shopctl(ctx, a.Args)
	if err != nil {
		return err
	}
	if sc != nil {
		sc.vars.output = out
	}
	if (exit != 0) != a.Fails {
		return fmt.Errorf("exit code %d: %s", exit, strings.TrimSpace(out))
	}
	return nil
}

// expectTimeout is how long Expect waits beyond the time that the check must hold and its lookback.
const expectTimeout = 20 * time.Second

// expect waits until a check of the current step has a verdict, and the text in its message or observation. A verdict
// other than pass comes from an evaluation that began after the call.
func (s *Session) expect(ctx context.Context, id string, want Verdict, text string) error {
	s.mu.Lock()
	g := s.steps[s.at].goal(id)
	s.mu.Unlock()
	if g == nil {
		return fmt.Errorf("step %s has no check %q", s.Snapshot().Step.ID, id)
	}
	s.act() // who asks for a verdict has tried
	ctx, cancel := context.WithTimeout(ctx, g.Check.For+g.Check.Lookback()+expectTimeout)
	defer cancel()
	for err := s.nextRound(ctx); ; err = await(ctx, s.roundEnded.Wait()) {
		v := s.checkNow(id)
		if v.Verdict == want && says(v, text) {
			return nil
		}
		if err != nil || want != Pass && v.Verdict == Pass {
			return fmt.Errorf("it is %s: expected %s, observed %s %s", v.Verdict, v.Expected, v.Observed, v.Message)
		}
	}
}

func says(v CheckView, text string) bool {
	return strings.Contains(v.Message+"\n"+v.Observed, text)
}

func (s *Session) checkNow(id string) CheckView {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.steps[s.at]
	if g := st.goal(id); g != nil {
		return s.checkView(st, g)
	}
	return CheckView{Verdict: probe.Pending}
}

// Settle waits until all goals of the current step are reached, as they will be some time after Solve.
func (s *Session) Settle(ctx context.Context) error {
	s.mu.Lock()
	goals := s.steps[s.at].goals
	s.mu.Unlock()
	for _, g := range goals {
		if err := s.expect(ctx, g.Check.ID, Pass, ""); err != nil {
			return fmt.Errorf("wait for %q: %w", g.Check.Title, err)
		}
	}
	return nil
}
