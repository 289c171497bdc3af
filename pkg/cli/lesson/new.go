package lesson

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/scaffold"
)

func newLessonNewCmd(f *cmdutil.Factory) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "new TRACK/SLUG",
		Short: "Create a new lesson",
		Long: `Create a new lesson in DIR/TRACK/SLUG: a small experiment that already runs and passes its test. Replace each
` + format.FillIn + `, one after the other, and lint, play and test the lesson in between.`,
		Example: `shopctl lesson new communication/caching
shopctl lesson new --dir ~/lessons data/cache`,
		Args: cmdutil.Exactly(1, "a track and the name of the lesson, as communication/caching"),
		RunE: func(_ *cobra.Command, args []string) error { return newLesson(f.IO, dir, args[0]) },
	}
	cmd.Flags().StringVar(&dir, "dir", "lessons", "`DIRECTORY` of the tracks")
	cmdutil.Must(cmd.MarkFlagDirname("dir"))
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage)
}

func newLesson(ios *iostreams.IO, dir, where string) error {
	track, slug, ok := strings.Cut(where, "/")
	if !ok {
		return cmdutil.UsageErr(ios.Command("lesson new communication/"+where), "new lesson %q: want a track and a name, such as communication/caching", where)
	}
	written, err := scaffold.Write(dir, track, slug)
	switch {
	case errors.Is(err, scaffold.ErrExists):
		return cmdutil.UsageErr("choose another name, or edit "+filepath.Join(dir, track, slug, "lesson.md"), "new lesson: %w", err)
	case err != nil:
		return cmdutil.UsageErr(ios.Command("lesson new communication/caching"), "new lesson: %w", err)
	}
	for _, path := range written {
		fmt.Fprintln(ios.Out, path)
	}
	place := filepath.Join(dir, track, slug)
	ios.Next("lesson lint "+place, "lesson play "+place, "lesson test "+place)
	return nil
}
