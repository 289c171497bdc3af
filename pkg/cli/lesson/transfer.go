package lesson

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
)

func newLessonExportCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Exits(&cobra.Command{
		Use:   "export FILE",
		Short: "Export lesson progress to a file",
		Long:  "Write your progress in all lessons to a file, to continue on another machine; - is standard output.",
		Example: `shopctl lesson export progress.json
shopctl lesson export - | ssh other shopctl lesson import -`,
		Args: cmdutil.Exactly(1, "a file, or - for standard output"),
		RunE: func(_ *cobra.Command, args []string) error { return exportLessons(f, args[0]) },
	}, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage)
}

func exportLessons(f *cmdutil.Factory, file string) error {
	store, _, err := lessonProgress(f)
	if err != nil {
		return err
	}
	raw, err := store.Export()
	if err != nil {
		return err
	}
	if file == "-" {
		_, err := f.IO.Out.Write(raw)
		return err
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return cmdutil.HintErr(cmdutil.ExitFailed, f.IO.Command("lesson export -"), fmt.Errorf("export progress: %w", err))
	}
	f.IO.Notef("written to %s", file)
	f.IO.Next("lesson import " + file)
	return nil
}

func newLessonImportCmd(f *cmdutil.Factory) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import lesson progress from another machine",
		Long: `Import lesson progress from a file written by "lesson export"; - is standard input. A lesson with more recent progress
here is kept, unless --all is given. "lesson reset --undo" restores replaced progress.`,
		Example: `shopctl lesson import progress.json
shopctl lesson import --all progress.json`,
		Args: cmdutil.Exactly(1, "a file, or - for standard input"),
		RunE: func(_ *cobra.Command, args []string) error { return importLessons(f, args[0], all) },
	}
	cmd.Flags().BoolVar(&all, "all", false, "also replace lessons with newer progress here")
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage)
}

// maxProgress limits the size of the file, in bytes.
const maxProgress = 16 << 20

func importLessons(f *cmdutil.Factory, file string, all bool) error {
	in := f.IO.In
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return cmdutil.UsageErr(f.IO.Command("lesson export "+file), "import progress: %w", err)
		}
		defer opened.Close() // was read only
		in = opened
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxProgress))
	if err != nil {
		return fmt.Errorf("import progress: %w", err)
	}
	store, _, err := lessonProgress(f)
	if err != nil {
		return err
	}
	done, err := store.Import(raw, all)
	var newer *lessonprogress.NewerError
	switch {
	case errors.As(err, &newer):
		return cmdutil.HintErr(cmdutil.ExitUsage, "use the version of shopctl that wrote it, or a newer one", fmt.Errorf("import progress: %s %w", file, err))
	case err != nil:
		return cmdutil.UsageErr(f.IO.Command("lesson export "+file), "import progress: %s %w", file, err)
	}
	f.IO.Notef("imported: %s", listed(done.Taken))
	if len(done.Kept) > 0 {
		f.IO.Notef("kept because newer here: %s", listed(done.Kept))
	}
	if done.Undo != "" {
		f.IO.Next("lesson list", "lesson reset --undo")
		return nil
	}
	f.IO.Next("lesson list")
	return nil
}

// listed joins names for a message.
func listed(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
