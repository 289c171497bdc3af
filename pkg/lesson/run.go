package lesson

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/shopctl/shopctl/pkg/lesson/command"
	"github.com/shopctl/shopctl/pkg/lesson/format"
)

// maxOutput bounds what is kept of a run's output, in bytes.
const maxOutput = 256 << 10

// Run runs the step's experiment and returns when it has ended. It can be run again. A command
// that fails is not an error: experiments may.
func (s *Session) Run(ctx context.Context) error {
	if !s.running.TryLock() {
		return errors.New("run: a command is running already")
	}
	defer s.running.Unlock()
	var st *step
	err := s.do(func(current *step) error {
		if why := whyNotRun(current); why != "" {
			return errors.New("run: " + why)
		}
		st = current
		st.run = run{running: true}
		s.changed()
		return nil
	})
	if err != nil {
		return err
	}
	start := s.deps.Now()
	for _, line := range st.def.Block(format.RunKind).Run.Lines {
		if err = s.runLine(ctx, st, line); err != nil {
			break
		}
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	st.run.running = false
	st.run.took = s.deps.Now().Sub(start)
	st.run.ran = err == nil
	st.rec.Attempts++
	s.progressed(st)
	s.requestRound()
	return err
}

func whyNotRun(st *step) string {
	switch {
	case st.def.Block(format.RunKind) == nil:
		return "this step has nothing to run"
	case !st.predicted():
		return "predict first"
	case st.run.running:
		return "it is running"
	}
	return ""
}

func (s *Session) runLine(ctx context.Context, st *step, line command.Line) error {
	out := &output{session: s, step: st}
	out.print("$ " + line.Text + "\n")
	out.own.Reset()
	start := s.deps.Now()
	exit, err := s.line(ctx, line, out)
	if err != nil {
		out.print(err.Error() + "\n")
		return fmt.Errorf("run %s: %w", line.Text, err)
	}
	out.endLine()
	s.mu.Lock()
	defer s.mu.Unlock()
	took := s.deps.Now().Sub(start)
	st.run.exit = exit
	st.run.lines = append(st.run.lines, ranLine{output: out.own.String(), exit: exit, took: took})
	switch {
	case exit != 0:
		st.run.output += fmt.Sprintf("exit code %d after %d ms\n", exit, took.Milliseconds())
	case st.asksForTime():
		st.run.output += fmt.Sprintf("done after %d ms\n", took.Milliseconds())
	}
	s.changed()
	return nil
}

// asksForTime reports whether the observation is the duration of a command, which commands do not print.
func (st *step) asksForTime() bool {
	b := st.def.Block(format.ObserveKind)
	return b != nil && b.Observe.From != nil && b.Observe.From.Take == format.TakeMilliseconds
}

// line runs a command, and the one that reads its output. As in a shell, the second runs even if the first fails, and
// the exit code is the second's; unlike there, it starts when the first has ended.
func (s *Session) line(ctx context.Context, line command.Line, out io.Writer) (int, error) {
	if !s.lesson.Trusted {
		if err := command.AllowedForeign(line); err != nil {
			return 0, err
		}
	}
	if line.Into == nil {
		return s.shopctl(ctx, Command{Args: line.Args}, out)
	}
	var between pipe
	if _, err := s.shopctl(ctx, Command{Args: line.Args, Out: &between}, out); err != nil {
		return 0, err
	}
	return s.shopctl(ctx, Command{Args: line.Into, In: &between.held}, out)
}

// pipe holds the output of one command for another, up to the bound.
type pipe struct{ held bytes.Buffer }

// Write takes a piece of output.
func (p *pipe) Write(b []byte) (int, error) {
	p.held.Write(b[:min(len(b), maxOutput-p.held.Len())])
	return len(b), nil
}

// shopctl runs one command; closing the session ends it.
func (s *Session) shopctl(ctx context.Context, c Command, out io.Writer) (int, error) {
	ctx, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-s.closing:
			stop()
		case <-ctx.Done():
		}
	})
	defer watching.Wait()
	defer stop()
	if !s.lesson.Trusted {
		if err := command.AllowedForeign(command.Line{Args: c.Args}); err != nil {
			return 0, err
		}
	}
	c.Dir, c.Owner, c.Columns = s.deps.Workspace, Owner(s.lesson), int(s.columns.Load())
	return s.deps.Runner.Run(ctx, c, out)
}

// SetColumns sets how wide the output of commands is to be from now on, in cells; 0: as wide as it likes.
func (s *Session) SetColumns(n int) { s.columns.Store(int32(n)) }

// Owner is the owner of a lesson's faults.
func Owner(l *Lesson) string { return "lesson " + l.Key() }

// output shows the output of a command while it runs.
type output struct {
	session *Session
	step    *step
	own     strings.Builder
	broken  bool // the last line has not ended
}

// Write takes a piece of output. Output beyond the bound is dropped.
func (o *output) Write(p []byte) (int, error) {
	o.print(string(p))
	return len(p), nil
}

func (o *output) print(text string) {
	if text == "" {
		return
	}
	s := o.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if room := maxOutput - len(o.step.run.output); room > 0 {
		text = text[:min(len(text), room)]
		o.step.run.output += text
		o.own.WriteString(text)
	}
	o.broken = !strings.HasSuffix(text, "\n")
	s.changed()
}

func (o *output) endLine() {
	if o.broken {
		o.print("\n")
	}
}

// Typed runs one command that the learner typed, with its output as it is written. In a lesson by another author it is
// limited as the lesson's own commands are: its text may have told the learner what to type.
func (s *Session) Typed(ctx context.Context, args []string, out io.Writer) (exit int, err error) {
	s.act()
	return s.shopctl(ctx, Command{Args: args}, out)
}

// act notes that the learner tries something, so that goals say where to look.
func (s *Session) act() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps[s.at].acted = true
	s.changed()
}

// Shopctl runs one command as the learner could in another terminal, and returns its output. It does not count as an attempt:
// the checks see its effect.
func (s *Session) Shopctl(ctx context.Context, args []string) (out string, exit int, err error) {
	var b strings.Builder
	exit, err = s.shopctl(ctx, Command{Args: args}, &b)
	if err != nil {
		return b.String(), exit, fmt.Errorf("run shopctl %s: %w", strings.Join(args, " "), err)
	}
	return b.String(), exit, nil
}
