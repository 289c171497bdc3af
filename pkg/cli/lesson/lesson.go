// Package lesson implements the commands for learners and authors of lessons.
package lesson

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/lessons"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/rundir"
)

type lessonOptions struct {
	F     *cmdutil.Factory
	parts Parts
	step  string
	from  string
	reset bool
	json  bool
	lang  string
	// again is the command that takes the lesson again.
	Again string
	// adjust changes the dependencies of the session, for lesson play.
	adjust func(*lesson.Deps) error
}

// Parts are functions of other groups of commands that lessons use.
type Parts struct {
	// Screen shows a lesson in full screen until the user leaves it. plain is the equivalent command line for any
	// terminal.
	Screen func(ctx context.Context, s *lesson.Session, plain string) error
	// Watchdog starts a process that undoes the lesson's changes if this process is killed. end is called when
	// nothing is left to undo.
	Watchdog func() (end func() error, err error)
}

func NewCmd(f *cmdutil.Factory, parts Parts) *cobra.Command {
	o := &lessonOptions{F: f, parts: parts}
	cmd := &cobra.Command{
		Use:   "lesson [LESSON | DIR]",
		Short: "Take a lesson on the live shop: predict, run, observe, repair",
		Long: `Take a lesson on the live shop. You predict what will happen, run the experiment, observe and repair; checks on the
running system verify the repair. A lesson resumes where you left it, and its changes to the shop are undone when you
leave. To take a lesson by another author, pass its directory; such lessons can only run shopctl commands.

Without a terminal, or with --no-tui, the lesson is plain text with questions. With --json, the output is one JSON
object per line, and input lines are actions: predict OPTION CONFIDENCE, run, observe VALUE, answer CHECK VALUE, check,
hint, next, prev, reset.`,
		Example: `shopctl lesson list
shopctl lesson tour
shopctl lesson grpc --step deadline
shopctl lesson grpc --reset --no-tui
shopctl lesson ./lessons/communication/caching`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeLessons,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.step, "step", "", "start at this `STEP` instead of where you left the lesson")
	flags.StringVar(&o.from, "from", "", "solve the steps before this `STEP` automatically and start there")
	flags.BoolVar(&o.reset, "reset", false, "start from the beginning, discarding progress in this lesson")
	flags.BoolVar(&o.json, "json", false, "print events as JSON lines and read actions")
	addLanguage(cmd, &o.lang)
	cmdutil.RenameFlags(cmd, map[string]string{"solve-to": "from", "fresh": "reset"})
	for _, flag := range []string{"step", "from"} {
		cmdutil.Must(cmd.RegisterFlagCompletionFunc(flag, completeSteps))
	}
	cmd.AddCommand(newLessonListCmd(f), newLessonLintCmd(f), newLessonProveCmd(f), newLessonResetCmd(f),
		newLessonExportCmd(f), newLessonImportCmd(f), newLessonNewCmd(f), newLessonPlayCmd(f, parts), newLessonSchemaCmd(f))
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitEnvironment, cmdutil.ExitInterrupted)
}

func (o *lessonOptions) run(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	if len(args) > 1 {
		return cmdutil.UsageErr(o.F.IO.Command("lesson "+args[0]), "unexpected argument %q: one lesson at a time", args[1])
	}
	if o.step != "" && o.from != "" {
		return cmdutil.UsageErr(o.F.IO.Command("lesson "+args[0]+" --step "+o.step), "--step and --from cannot be combined")
	}
	l, err := findLesson(o.F.IO, args[0], cmd)
	if err != nil {
		return err
	}
	for _, step := range []string{o.step, o.from} {
		if step != "" && l.Step(step) < 0 {
			return cmdutil.UnknownNameErr("step", step, stepNames(l))
		}
	}
	o.Again = "lesson " + args[0]
	return o.take(cmd.Context(), l.In(language(o.F, o.lang)))
}

// take opens the lesson, shows it, and leaves it on every exit.
func (o *lessonOptions) take(ctx context.Context, l *lesson.Lesson) (err error) {
	shop, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	if err := refuseMonolith(ctx, o.F.IO, shop); err != nil {
		return err
	}
	deps, done, err := lessonDeps(ctx, o.F, shop, l)
	if err != nil {
		return err
	}
	defer done()
	deps.Fresh = o.reset
	if o.adjust != nil {
		if err := o.adjust(&deps); err != nil {
			return err
		}
	}
	// The watchdog is optional: without it, the changes of a killed lesson are undone when the next one starts.
	end, err := o.parts.Watchdog()
	if err != nil {
		o.F.IO.Warnf("%v", err)
	} else {
		defer func() {
			if err := end(); err != nil {
				o.F.IO.Warnf("%v", err)
			}
		}()
	}
	if l.Shop.Load > 0 {
		o.F.IO.Notef("generating %g steps per second of customer traffic until you leave the lesson", l.Shop.Load)
	}
	s, err := lesson.Open(ctx, l, deps)
	if err != nil {
		return explainOpen(o.F.IO, o.F.Dir, err)
	}
	defer func() { err = errors.Join(err, o.Leave(ctx, s)) }()
	if err := o.gotoStart(ctx, s); err != nil {
		return err
	}
	switch {
	case o.json:
		return lessonEvents(ctx, o.F.IO, s)
	case cmdutil.Interactive(o.F.IO, o.F.Getenv) && !o.F.IO.Accessible:
		return o.parts.Screen(ctx, s, o.Again+" --no-tui")
	}
	return lessonPlain(ctx, o.F, s)
}

// gotoStart goes to the step of the flags.
func (o *lessonOptions) gotoStart(ctx context.Context, s *lesson.Session) error {
	if o.step != "" {
		return s.Goto(o.step)
	}
	if o.from == "" {
		return nil
	}
	for _, step := range s.Lesson().Steps {
		if step.ID == o.from {
			break
		}
		o.F.IO.Notef("solving %s: %s", step.ID, step.Title)
		if err := s.Solve(ctx, step.ID); err != nil {
			return err
		}
		if err := s.Settle(ctx); err != nil {
			return err
		}
	}
	return s.Goto(o.from)
}

// leaveTime limits the time to undo a lesson's changes.
const leaveTime = 90 * time.Second

// Leave undoes the lesson's changes.
func (o *lessonOptions) Leave(ctx context.Context, s *lesson.Session) error {
	f := o.F
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	v := s.Snapshot()
	if err := s.Close(ctx); err != nil {
		return cmdutil.HintErr(cmdutil.ExitFailed, f.IO.Command("fault clear --all")+"\n"+f.IO.Command("ps"), fmt.Errorf("leave lesson %s: %w", v.Lesson, err))
	}
	if v.Done {
		SuggestNext(f, "lesson list")
		return nil
	}
	if o.adjust != nil {
		f.IO.Notef("the shop is restored")
		f.IO.Next(o.Again + " --from " + v.Step.ID)
		return nil
	}
	f.IO.Notef("the shop is restored; the lesson resumes at step %d of %d", v.StepIndex+1, v.StepCount)
	f.IO.Next(o.Again)
	return nil
}

func explainOpen(ios *iostreams.IO, dir func() (rundir.Dir, error), err error) error {
	var unsteady *lesson.Unsteady
	var file *fs.PathError
	var foreign *lesson.UntrustedError
	switch {
	case errors.As(err, &foreign):
		return cmdutil.HintErr(cmdutil.ExitUsage, "read it first; if you trust it: "+ios.Command("lesson play --trust DIR"), fmt.Errorf("open the lesson: %w", err))
	case errors.As(err, &unsteady):
		return cmdutil.HintErr(cmdutil.ExitEnvironment, ios.Command("ps")+"\n"+ios.Command("fault clear --all"), fmt.Errorf("open the lesson: the shop is not healthy: %w", err))
	case errors.Is(err, lesson.ErrBusy):
		return cmdutil.HintErr(cmdutil.ExitEnvironment, "leave the other lesson first, or take this one on another shop: shopctl up --name second", err)
	case errors.As(err, &file):
		place := file.Path
		if dir, err := dir(); err == nil {
			place = filepath.Dir(dir.State)
		}
		return cmdutil.HintErr(cmdutil.ExitEnvironment, "make "+place+" writable, or choose another directory with SHOPCTL_STATE_DIR", fmt.Errorf("open the lesson: %w", err))
	}
	return err
}

// ownLessons returns the built-in lessons in reading order.
func ownLessons() ([]*lesson.Lesson, error) {
	all, err := lesson.Load(lessons.FS)
	for _, l := range all {
		l.Trusted = true
	}
	return all, err
}

// findLesson returns a built-in lesson by its id, or the lesson in a directory.
func findLesson(ios *iostreams.IO, id string, cmd *cobra.Command) (*lesson.Lesson, error) {
	all, err := ownLessons()
	if err != nil {
		return nil, err
	}
	if l := lesson.Find(all, id); l != nil {
		return l, nil
	}
	if info, err := os.Stat(id); err == nil && info.IsDir() {
		return lessonIn(cmd.Context(), ios, id)
	}
	known := lessonIDs(all)
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	return nil, cmdutil.UnknownNameErr("lesson", id, known)
}

func lessonIDs(all []*lesson.Lesson) []string {
	ids := make([]string, len(all))
	for i, l := range all {
		ids[i] = l.ID
	}
	return ids
}

func stepNames(l *format.Lesson) []string {
	ids := make([]string, len(l.Steps))
	for i, s := range l.Steps {
		ids[i] = s.ID
	}
	return ids
}

func completeLessons(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	all, err := ownLessons()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words := make([]string, len(all))
	for i, l := range all {
		words[i] = l.ID + "\t" + l.Title
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

func completeSteps(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	all, err := ownLessons()
	if err != nil || len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	l := lesson.Find(all, args[0])
	if l == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words := make([]string, len(l.Steps))
	for i, s := range l.Steps {
		words[i] = s.ID + "\t" + s.Title
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
