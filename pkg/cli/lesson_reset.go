package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/lesson"
)

type lessonResetOptions struct {
	f    *Factory
	all  bool
	undo bool
}

func newLessonResetCmd(f *Factory) *cobra.Command {
	o := &lessonResetOptions{f: f}
	cmd := &cobra.Command{
		Use:   "reset LESSON... | --all | --undo",
		Short: "Forget how far you are in lessons, or bring that back",
		Example: `shopctl lesson reset grpc
shopctl lesson reset --undo`,
		ValidArgsFunction: completeLessons,
		RunE:              func(_ *cobra.Command, args []string) error { return o.run(args) },
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "forget all lessons")
	cmd.Flags().BoolVar(&o.undo, "undo", false, "bring back what the last reset forgot")
	return exits(cmd, exitOK, exitFailed, exitUsage)
}

func (o *lessonResetOptions) run(args []string) error {
	switch {
	case len(args) == 0 && !o.all && !o.undo:
		return usageErr(o.f.command("lesson reset --all"), "missing argument: a lesson, or --all")
	case o.all && o.undo:
		return usageErr(o.f.command("lesson reset --undo"), "--all and --undo exclude each other")
	case len(args) > 0 && (o.all || o.undo):
		return usageErr(o.f.command("lesson reset "+args[0]), "--all and --undo take no lesson")
	}
	store, _, err := o.f.lessonProgress()
	if err != nil {
		return err
	}
	if o.undo {
		ids, err := store.Undo()
		if err != nil {
			return err
		}
		slices.Sort(ids)
		o.f.notef("brought back: %v", ids)
		return nil
	}
	if err := known(args); err != nil {
		return err
	}
	undo, err := store.Reset(args...)
	if err != nil {
		return err
	}
	if undo == "" {
		o.f.notef("there was nothing to forget")
		return nil
	}
	o.f.notef("forgotten; kept in %s", undo)
	o.f.next("lesson reset --undo")
	return nil
}

// known wants every word to be a lesson.
func known(ids []string) error {
	all, err := ownLessons()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if lesson.Find(all, id) == nil {
			return unknown("lesson", id, lessonIDs(all))
		}
	}
	return nil
}
