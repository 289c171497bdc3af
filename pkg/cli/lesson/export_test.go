package lesson

import (
	"context"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// Names for the tests outside of the package.
type (
	LessonEvent   = lessonEvent
	LessonOptions = lessonOptions
	LessonsView   = lessonsView
	ProblemsView  = problemsView
	ReviewView    = reviewView
)

var (
	Language       = language
	LessonEvents   = lessonEvents
	LessonIDs      = lessonIDs
	LessonPlain    = lessonPlain
	LessonProgress = lessonProgress
	NextOf         = nextOf
	OwnLessons     = ownLessons
)

// Selected returns the ids of our own lessons that lesson test selects.
func Selected(ctx context.Context, f *cmdutil.Factory, since, shard string) ([]string, error) {
	chosen, err := chooseLessons(ctx, f.IO, nil)
	if err != nil {
		return nil, err
	}
	chosen, err = selection{since: since, shard: shard}.apply(ctx, f, chosen)
	var ids []string
	for _, c := range chosen {
		ids = append(ids, c.name)
	}
	return ids, err
}
