package lesson

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/command"
)

// plainLesson is a lesson as linear text: news is printed, and answers are read from standard input.
type plainLesson struct {
	ios   *iostreams.IO
	s     *lesson.Session
	lines <-chan string

	step    string // the one that was printed
	blocks  int    // how many of its blocks were
	run     bool   // its run's output was
	replied bool   // what was thought of the observation was
	checks  map[string]string
	message string
	hints   int
}

// errLeave leaves a lesson without an error.
var errLeave = errors.New("leave the lesson")

const plainHelp = `  Enter   go on: run the command, have the goals checked, go to the next step
  shopctl ...  is run as in another terminal, in the directory with this lesson's files
  :h      open a hint
  :c      have the goals checked
  :n :p   next step, previous step
  :x      restart the step, and restore the shop
  :s      let the solution do the step
  :q      leave; the lesson resumes here`

// lessonPlain runs a lesson as plain text.
func lessonPlain(ctx context.Context, f *cmdutil.Factory, s *lesson.Session) error {
	p := &plainLesson{ios: f.IO, s: s, lines: readLines(ctx, f.IO), checks: map[string]string{}}
	v := s.Snapshot()
	p.print("%s\n%s\n", v.Title, strings.Repeat("=", cells.Width(v.Title)))
	p.print("Files of this lesson: %s\n:? lists what can be typed.\n", v.Workspace)
	p.steady("Before you begin", v)
	for {
		if err := s.Refresh(ctx); err != nil {
			return context.Cause(ctx)
		}
		p.show()
		if p.s.Snapshot().Done && p.s.Snapshot().Step.Next == "done" {
			p.print("\nThe lesson is done.\n")
			p.cards(p.s.Snapshot())
			p.steady("The steady state now", p.s.Snapshot())
			return nil
		}
		err := p.turn(ctx)
		switch {
		case errors.Is(err, errLeave):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			p.print("! %s\n", err)
		}
	}
}

// readLines reads standard input in the background; the channel is closed at its end.
func readLines(ctx context.Context, ios *iostreams.IO) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for sc := bufio.NewScanner(ios.In); sc.Scan(); {
			select {
			case lines <- sc.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

func (p *plainLesson) print(format string, args ...any) { fmt.Fprintf(p.ios.Out, format, args...) }

// turn prompts for the next action, and does it.
func (p *plainLesson) turn(ctx context.Context) error {
	v := p.s.Snapshot()
	p.print("%s ", prompt(v))
	line, err := p.read(ctx)
	if err != nil {
		return err
	}
	if command, ok := strings.CutPrefix(strings.TrimSpace(line), ":"); ok {
		return p.command(ctx, command)
	}
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "shopctl ") {
		return p.shopctl(ctx, line)
	}
	switch v.Step.Next {
	case "predict":
		return p.predict(ctx, v, line)
	case "run":
		if line != "" {
			return p.s.Observe(line) // it was run in another terminal
		}
		return p.s.Run(ctx)
	case "observe":
		return p.s.Observe(line)
	case "answer":
		return p.s.Answer(question(v).ID, line)
	case "next", "done":
		return p.s.Next()
	}
	return p.s.Check()
}

// read waits for a line, and meanwhile prints goals that change.
func (p *plainLesson) read(ctx context.Context) (string, error) {
	was := p.s.Snapshot().Step.Next
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				return "", errLeave
			}
			return line, nil
		case <-ctx.Done():
			return "", ctx.Err()
		case <-p.s.Changes():
			if p.showChecks() {
				p.print("%s ", prompt(p.s.Snapshot()))
			} else if now := p.s.Snapshot().Step.Next; now != was {
				was = now
				p.print("\n%s ", prompt(p.s.Snapshot()))
			}
		}
	}
}

func prompt(v lesson.View) string {
	switch v.Step.Next {
	case "predict":
		return "your prediction (number):"
	case "run":
		return "Enter runs it (or type what you saw in another terminal):"
	case "observe":
		return "you saw:"
	case "answer":
		return question(v).Question + "\nyour answer:"
	case "next":
		return "Enter goes on to the next step:"
	case "done":
		return "Enter ends the lesson:"
	}
	return "type a shopctl command, here or in another terminal; Enter checks, :h opens a hint:"
}

// question is the next check to answer.
func question(v lesson.View) lesson.CheckView {
	for _, b := range v.Step.Blocks {
		for _, c := range b.Checks {
			if c.Kind == "answer" && c.Verdict != lesson.Pass && !strings.HasPrefix(c.Message, "waits for") {
				return c
			}
		}
	}
	return lesson.CheckView{}
}

func (p *plainLesson) predict(ctx context.Context, v lesson.View, line string) error {
	words := strings.Fields(line)
	if len(words) == 0 {
		return errors.New("choose an option by its number")
	}
	confidence := strings.Join(words[1:], " ")
	for _, b := range v.Step.Blocks {
		if b.Predict == nil || !b.Predict.AsksConfidence || confidence != "" {
			continue
		}
		p.print("how sure are you (1 guess, 2 fairly, 3 sure)? ")
		answer, err := p.read(ctx)
		if err != nil {
			return err
		}
		confidence = strings.TrimSpace(answer)
	}
	if known := lesson.Confidence(confidence); known != "" {
		confidence = known
	}
	return p.s.Predict(words[0], confidence)
}

// shopctl runs a command that the learner typed.
func (p *plainLesson) shopctl(ctx context.Context, line string) error {
	words, err := command.Split(line)
	if err != nil {
		return err
	}
	if err := command.Allowed(words); err != nil {
		return err
	}
	out, exit, err := p.s.Shopctl(ctx, words[1:])
	if err != nil {
		return err
	}
	p.print("%s\n", iostreams.Indented(strings.TrimRight(out, "\n")))
	if exit != 0 {
		p.print("  exit code %d\n", exit)
	}
	return nil
}

func (p *plainLesson) command(ctx context.Context, name string) error {
	switch name {
	case "h":
		return p.s.Hint()
	case "c":
		return p.s.Check()
	case "n":
		return p.s.Next()
	case "p":
		return p.s.Prev()
	case "x":
		p.step = ""
		return p.s.Reset(ctx)
	case "s":
		return p.solve(ctx)
	case "q":
		return errLeave
	}
	p.print("%s\n", plainHelp)
	return nil
}

// solveTime limits the wait for goals that the solution reaches after a while.
const solveTime = time.Minute

func (p *plainLesson) solve(ctx context.Context) error {
	if err := p.s.Solve(ctx, p.s.Snapshot().Step.ID); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, solveTime)
	defer cancel()
	return p.s.Settle(ctx)
}
