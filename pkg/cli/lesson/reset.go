package lesson

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/lesson"
)

type lessonResetOptions struct {
	f     *cmdutil.Factory
	all   bool
	undo  bool
	track string
}

func newLessonResetCmd(f *cmdutil.Factory) *cobra.Command {
	o := &lessonResetOptions{f: f}
	cmd := &cobra.Command{
		Use:   "reset LESSON... | --track TRACK | --all | --undo",
		Short: "Reset lesson progress, or restore it",
		Example: `shopctl lesson reset grpc
shopctl lesson reset --track communication
shopctl lesson reset --undo`,
		ValidArgsFunction: completeLessons,
		RunE:              func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "reset all lessons")
	cmd.Flags().StringVar(&o.track, "track", "", "reset all lessons of this `TRACK`")
	cmd.Flags().BoolVar(&o.undo, "undo", false, "restore the progress before the last reset or import")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("track", completeTracks))
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage)
}

func (o *lessonResetOptions) run(args []string) error {
	ways := 0
	for _, given := range []bool{len(args) > 0, o.track != "", o.all, o.undo} {
		if given {
			ways++
		}
	}
	switch {
	case ways == 0:
		return cmdutil.UsageErr(o.f.IO.Command("lesson reset --all"), "missing argument: a lesson, --track or --all")
	case ways > 1:
		return cmdutil.UsageErr(o.f.IO.Command("lesson reset --undo"), "lessons, --track, --all and --undo cannot be combined")
	}
	store, _, err := lessonProgress(o.f)
	if err != nil {
		return err
	}
	if o.undo {
		ids, err := store.Undo()
		if err != nil {
			return err
		}
		slices.Sort(ids)
		o.f.IO.Notef("restored: %v", ids)
		return nil
	}
	if o.track != "" {
		if args, err = lessonsOf(o.track); err != nil {
			return err
		}
	}
	if err := known(args); err != nil {
		return err
	}
	undo, err := store.Reset(args...)
	if err != nil {
		return err
	}
	if undo == "" {
		o.f.IO.Notef("there is no progress to reset")
		return nil
	}
	o.f.IO.Notef("progress reset; a copy is kept in %s", undo)
	o.f.IO.Next("lesson reset --undo")
	return nil
}

// lessonsOf returns the ids of a track's lessons.
func lessonsOf(track string) ([]string, error) {
	all, err := ownLessons()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, l := range all {
		if l.Track == track {
			ids = append(ids, l.ID)
		}
	}
	if len(ids) == 0 {
		return nil, cmdutil.UnknownNameErr("track", track, tracks(all))
	}
	return ids, nil
}

// tracks names the tracks that have lessons, each once.
func tracks(all []*lesson.Lesson) []string {
	var names []string
	for _, l := range all {
		if !slices.Contains(names, l.Track) {
			names = append(names, l.Track)
		}
	}
	return names
}

func completeTracks(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, err := ownLessons()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return tracks(all), cobra.ShellCompDirectiveNoFileComp
}

// known checks that every id is a lesson.
func known(ids []string) error {
	all, err := ownLessons()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if lesson.Find(all, id) == nil {
			return cmdutil.UnknownNameErr("lesson", id, lessonIDs(all))
		}
	}
	return nil
}
