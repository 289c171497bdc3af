package lesson

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/lesson"
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
	l, err := lessonIn(ctx, o.F.IO, dir)
	if err != nil {
		return err
	}
	l.Trusted = trust
	if trust {
		l.Origin = ""
	}
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
