package lesson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/services"
)

type problemsView struct {
	Problems []format.Problem `json:"problems"`
}

func (v problemsView) Names() []string {
	names := make([]string, len(v.Problems))
	for i, p := range v.Problems {
		names[i] = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return names
}

func newLessonLintCmd(f *cmdutil.Factory) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "lint [DIR]...",
		Short: "Check lessons for mistakes without running them",
		Long: `Check lessons for mistakes without running them: format errors, a run without a prediction, options without a reply, too
few hints, too many words, a stale translation. Without a directory, check the built-in lessons.`,
		RunE: func(cmd *cobra.Command, args []string) error { return lintLessons(cmd.Context(), f.IO, output, args) },
	}
	cmdutil.AddOutput(cmd, &output)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage)
}

func lintLessons(ctx context.Context, ios *iostreams.IO, output string, dirs []string) error {
	view := problemsView{Problems: []format.Problem{}}
	count := 0
	lint := func(prefix string, all []*lesson.Lesson, err error) error {
		var found format.Problems
		if err != nil && !errors.As(err, &found) {
			return err
		}
		for _, l := range all {
			found = append(found, lesson.Lint(l, serviceWords())...)
		}
		for _, p := range found {
			p.File = prefix + p.File
			view.Problems = append(view.Problems, p)
		}
		count += len(all)
		return nil
	}
	if len(dirs) == 0 {
		all, err := ownLessons()
		if err := lint("lessons/", all, err); err != nil {
			return err
		}
	}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return cmdutil.UsageErr(ios.Command("lesson lint ./lessons"), "read %s: no such directory", dir)
		}
		all, err := loadDir(ctx, dir)
		if err := lint(dir+"/", all, err); err != nil {
			return err
		}
	}
	if count == 0 && len(view.Problems) == 0 {
		return cmdutil.UsageErr(ios.Command("lesson lint ./lessons"), "there is no lesson.md in %s", strings.Join(dirs, ", "))
	}
	err := ios.Print(output, view, func(w io.Writer) {
		for _, p := range view.Problems {
			fmt.Fprintln(w, p)
		}
	})
	if err == nil && len(view.Problems) > 0 {
		return cmdutil.HintErr(cmdutil.ExitFailed, "", fmt.Errorf("%s in %s", humanize.Count(len(view.Problems), "problem"), humanize.Count(count, "lesson")))
	}
	ios.Notef("%s, no problems", humanize.Count(count, "lesson"))
	return err
}

// serviceWords are all names of services.
func serviceWords() []string {
	var words []string
	for _, b := range services.All() {
		words = append(words, b.Name)
		if b.Workload != b.Name {
			words = append(words, b.Workload)
		}
	}
	return words
}
