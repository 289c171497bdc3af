package lesson

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
)

func newLessonPlayCmd(f *cmdutil.Factory, parts Parts) *cobra.Command {
	o := &lessonOptions{F: f, parts: parts, reset: true}
	var trust bool
	cmd := &cobra.Command{
		Use:   "play DIR",
		Short: "Play a lesson that you are writing, from any step",
		Long: `Play a lesson that you are writing on the running shop. The steps before --from are solved automatically. The lesson
starts from the beginning each time, your progress in other lessons is not affected, and lint warnings are printed
first.`,
		Example: `shopctl lesson play lessons/communication/caching
shopctl lesson play lessons/communication/caching --from second`,
		Args: cmdutil.Exactly(1, "the directory of a lesson"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.play(cmd.Context(), args[0], trust) },
	}
	cmd.Flags().StringVar(&o.from, "from", "", "start at this `STEP`; earlier steps are solved automatically")
	addTrust(cmd, &trust)
	addLanguage(cmd, &o.lang)
	cmd.Flags().BoolVar(&o.json, "json", false, "print events as JSON lines and read actions")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("from", cobra.NoFileCompletions))
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitNotRunning, cmdutil.ExitEnvironment, cmdutil.ExitInterrupted)
}

// addTrust adds the flag that gives lessons from a directory the permissions of built-in lessons.
func addTrust(cmd *cobra.Command, trust *bool) {
	cmd.Flags().BoolVar(trust, "trust", false, "allow lessons from a directory to apply objects that run commands, and to run Go tests")
}

func (o *lessonOptions) play(ctx context.Context, dir string, trust bool) error {
	l, err := lessonIn(o.F.IO, dir)
	if err != nil {
		return err
	}
	l.Trusted = trust
	if o.from != "" && l.Step(o.from) < 0 {
		return cmdutil.UnknownNameErr("step", o.from, stepNames(l))
	}
	for _, p := range lesson.Lint(l, serviceWords()) {
		p.File = filepath.Join(dir, filepath.Base(p.File))
		o.F.IO.Warnf("%s", p)
	}
	own, err := os.MkdirTemp("", "shopctl-play-")
	if err != nil {
		return fmt.Errorf("play the lesson: %w", err)
	}
	o.Again = "lesson play " + dir
	o.adjust = func(d *lesson.Deps) error {
		d.Progress = lessonprogress.New(filepath.Join(own, "progress.json"), o.F.Now)
		// Lesson ids have no dots, so that this directory holds no learner's files. It is beside the others
		// because the journal for undoing a killed lesson is there.
		d.Workspace += ".play"
		return os.RemoveAll(d.Workspace)
	}
	return errors.Join(o.take(ctx, l.In(language(o.F, o.lang))), os.RemoveAll(own))
}

// lessonIn reads the only lesson in a directory.
func lessonIn(ios *iostreams.IO, dir string) (*lesson.Lesson, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, cmdutil.UsageErr(ios.Command("lesson new communication/caching"), "read %s: no such directory", dir)
	}
	all, err := lesson.Load(os.DirFS(dir))
	var problems format.Problems
	switch {
	case errors.As(err, &problems):
		for i := range problems {
			problems[i].File = filepath.Join(dir, problems[i].File)
		}
		return nil, cmdutil.HintErr(cmdutil.ExitFailed, ios.Command("lesson lint "+dir), problems)
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, cmdutil.UsageErr(ios.Command("lesson new communication/caching"), "there is no lesson.md in %s", dir)
	case len(all) > 1:
		return nil, cmdutil.UsageErr(ios.Command("lesson "+filepath.Join(dir, all[0].Dir())), "there are %d lessons in %s: name one", len(all), dir)
	}
	return all[0], nil
}
