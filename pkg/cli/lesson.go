package cli

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
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/format"
)

type lessonOptions struct {
	f       *Factory
	step    string
	solveTo string
	fresh   bool
	json    bool
	lang    string
	// again is the command that takes the lesson once more.
	again string
	// adjust changes what the session gets, where a lesson is played for its author.
	adjust func(*lesson.Deps) error
}

func newLessonCmd(f *Factory) *cobra.Command {
	o := &lessonOptions{f: f}
	cmd := &cobra.Command{
		Use:   "lesson [LESSON | DIR]",
		Short: "Take a lesson: predict, try, look and repair on the live shop",
		Long: `Take a lesson on the live shop. You say what will happen, make it happen, look, and repair; the system itself says
whether the repair holds. A lesson resumes where it was left, and whatever it broke is undone when it is left. Lessons
that others wrote are taken from their directory; they can run shopctl's verbs and nothing else.

Without a terminal, or with --no-tui, the lesson is plain text with questions; with --json it is one JSON object a
line, and lines of the input are actions: predict OPTION CONFIDENCE, run, observe VALUE, answer CHECK VALUE, check,
hint, next, prev, reset.`,
		Example: `shopctl lesson list
shopctl lesson tour
shopctl lesson grpc --step deadline
shopctl lesson grpc --fresh --no-tui
shopctl lesson ./lessons/communication/caching`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeLessons,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.step, "step", "", "go to this `STEP` instead of where the lesson was left")
	flags.StringVar(&o.solveTo, "solve-to", "", "let the solution do the steps before this `STEP`, and go there")
	flags.BoolVar(&o.fresh, "fresh", false, "begin anew, whatever was done before")
	flags.BoolVar(&o.json, "json", false, "print events as JSON, read actions")
	addLanguage(cmd, &o.lang)
	for _, flag := range []string{"step", "solve-to"} {
		must(cmd.RegisterFlagCompletionFunc(flag, completeSteps))
	}
	cmd.AddCommand(newLessonListCmd(f), newLessonLintCmd(f), newLessonProveCmd(f), newLessonResetCmd(f),
		newLessonExportCmd(f), newLessonImportCmd(f), newLessonNewCmd(f), newLessonPlayCmd(f), newLessonSchemaCmd(f), newLessonGuardCmd(f))
	return exits(cmd, exitOK, exitFailed, exitUsage, exitNotRunning, exitEnvironment, exitInterrupted)
}

func (o *lessonOptions) run(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	if len(args) > 1 {
		return usageErr(o.f.IO.command("lesson "+args[0]), "unexpected argument %q: one lesson at a time", args[1])
	}
	if o.step != "" && o.solveTo != "" {
		return usageErr(o.f.IO.command("lesson "+args[0]+" --step "+o.step), "--step and --solve-to exclude each other")
	}
	l, err := findLesson(o.f.IO, args[0], cmd)
	if err != nil {
		return err
	}
	for _, step := range []string{o.step, o.solveTo} {
		if step != "" && l.Step(step) < 0 {
			return unknown("step", step, stepNames(l))
		}
	}
	o.again = "lesson " + args[0]
	return o.take(cmd.Context(), l.In(language(o.f, o.lang)))
}

// take opens the lesson, shows it, and leaves it on every way out.
func (o *lessonOptions) take(ctx context.Context, l *lesson.Lesson) (err error) {
	shop, err := o.f.Shop(ctx)
	if err != nil {
		return err
	}
	defer shop.Close()
	if err := refuseMonolith(ctx, o.f.IO, shop); err != nil {
		return err
	}
	deps, done, err := lessonDeps(o.f, shop, l)
	if err != nil {
		return err
	}
	defer done()
	deps.Fresh = o.fresh
	if o.adjust != nil {
		if err := o.adjust(&deps); err != nil {
			return err
		}
	}
	guard := guardLesson(o.f)
	defer func() {
		if err := guard.end(); err != nil {
			o.f.IO.warnf("%v", err)
		}
	}()
	if l.Shop.Load > 0 {
		o.f.IO.notef("starting %g steps a second of customers, until the lesson is left", l.Shop.Load)
	}
	s, err := lesson.Open(ctx, l, deps)
	if err != nil {
		return explainOpen(o.f, err)
	}
	defer func() { err = errors.Join(err, o.leave(ctx, s)) }()
	if err := o.arrive(ctx, s); err != nil {
		return err
	}
	switch {
	case o.json:
		return lessonEvents(ctx, o.f.IO, s)
	case Interactive(o.f) && !o.f.IO.Accessible:
		return runLessonScreen(ctx, o.f, s, o.again+" --no-tui")
	}
	return lessonPlain(ctx, o.f, s)
}

// arrive goes to where the flags say.
func (o *lessonOptions) arrive(ctx context.Context, s *lesson.Session) error {
	if o.step != "" {
		return s.Goto(o.step)
	}
	if o.solveTo == "" {
		return nil
	}
	for _, step := range s.Lesson().Steps {
		if step.ID == o.solveTo {
			break
		}
		o.f.IO.notef("solving %s: %s", step.ID, step.Title)
		if err := s.Solve(ctx, step.ID); err != nil {
			return err
		}
		if err := s.Settle(ctx); err != nil {
			return err
		}
	}
	return s.Goto(o.solveTo)
}

// leaveTime bounds the undoing of what a lesson did.
const leaveTime = 90 * time.Second

// leave undoes what the lesson did.
func (o *lessonOptions) leave(ctx context.Context, s *lesson.Session) error {
	f := o.f
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	v := s.Snapshot()
	if err := s.Close(ctx); err != nil {
		return hintErr(exitFailed, f.IO.command("fault clear --all")+"\n"+f.IO.command("ps"), fmt.Errorf("leave lesson %s: %w", v.Lesson, err))
	}
	if v.Done {
		goOn(f, "lesson list")
		return nil
	}
	if o.adjust != nil {
		f.IO.notef("the shop is as it was")
		f.IO.next(o.again + " --from " + v.Step.ID)
		return nil
	}
	f.IO.notef("the shop is as it was; the lesson resumes at step %d of %d", v.StepIndex+1, v.StepCount)
	f.IO.next(o.again)
	return nil
}

func explainOpen(f *Factory, err error) error {
	var unsteady *lesson.Unsteady
	var file *fs.PathError
	var foreign *lesson.UntrustedError
	switch {
	case errors.As(err, &foreign):
		return hintErr(exitUsage, "read it first; if you trust it: "+f.IO.command("lesson play --trust DIR"), fmt.Errorf("open the lesson: %w", err))
	case errors.As(err, &unsteady):
		return hintErr(exitEnvironment, f.IO.command("ps")+"\n"+f.IO.command("fault clear --all"), fmt.Errorf("open the lesson: the shop is not sound: %w", err))
	case errors.Is(err, lesson.ErrBusy):
		return hintErr(exitEnvironment, "leave the other lesson first, or take this one on a shop of its own: shopctl up --name second", err)
	case errors.As(err, &file):
		place := file.Path
		if dir, err := f.Dir(); err == nil {
			place = filepath.Dir(dir.State)
		}
		return hintErr(exitEnvironment, "make "+place+" writable, or choose another directory with SHOPCTL_STATE_DIR", fmt.Errorf("open the lesson: %w", err))
	}
	return err
}

// ownLessons are the lessons that the binary holds, in reading order.
func ownLessons() ([]*lesson.Lesson, error) {
	all, err := lesson.Load(lessons.FS)
	for _, l := range all {
		l.Trusted = true
	}
	inReadingOrder(all)
	return all, err
}

// findLesson returns one of our own lessons by its id, or the lesson in a directory.
func findLesson(ios *IO, id string, cmd *cobra.Command) (*lesson.Lesson, error) {
	all, err := ownLessons()
	if err != nil {
		return nil, err
	}
	if l := lesson.Find(all, id); l != nil {
		return l, nil
	}
	if info, err := os.Stat(id); err == nil && info.IsDir() {
		return lessonIn(ios, id)
	}
	known := lessonIDs(all)
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	return nil, unknown("lesson", id, known)
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
