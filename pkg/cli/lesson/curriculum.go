package lesson

import (
	"github.com/shopctl/shopctl/lessons"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/lesson"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
)

// nextLesson is the one to take now: what was begun last, else the first in reading order that is not
// done; empty if all are. What is remembered is read and no more than that: a file that cannot be read
// hides no lesson.
func nextLesson(f *cmdutil.Factory) string {
	order, err := lesson.Curriculum(lessons.FS)
	if err != nil || len(order) == 0 {
		return ""
	}
	store, _, err := lessonProgress(f)
	if err != nil {
		return order[0]
	}
	file, _, err := store.Read()
	if err != nil {
		return order[0]
	}
	return nextOf(order, file.Lessons)
}

func nextOf(order []string, known map[string]*lessonprogress.Lesson) string {
	var begun, fresh string
	for _, id := range order {
		rec := known[id]
		switch {
		case rec == nil:
			if fresh == "" {
				fresh = id
			}
		case rec.Status == lessonprogress.Started:
			if begun == "" || rec.Updated.After(known[begun].Updated) {
				begun = id
			}
		}
	}
	if begun != "" {
		return begun
	}
	return fresh
}

// SuggestNext suggests the lesson to take now, after other suggestions.
func SuggestNext(f *cmdutil.Factory, before ...string) {
	if id := nextLesson(f); id != "" {
		before = append(before, "lesson "+id)
	}
	f.IO.Next(before...)
}
