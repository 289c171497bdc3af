package lesson

import (
	"github.com/shopctl/shopctl/lessons"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/lesson"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
)

// nextLesson is the lesson to take now: the last one started, else the first in reading order that is not done; empty if
// all are done. Unreadable progress is ignored.
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
	var started, unread string
	for _, id := range order {
		rec := known[id]
		switch {
		case rec == nil:
			if unread == "" {
				unread = id
			}
		case rec.Status == lessonprogress.Started:
			if started == "" || rec.Updated.After(known[started].Updated) {
				started = id
			}
		}
	}
	if started != "" {
		return started
	}
	return unread
}

// SuggestNext suggests commands, and after them the lesson to take now.
func SuggestNext(f *cmdutil.Factory, before ...string) {
	if id := nextLesson(f); id != "" {
		before = append(before, "lesson "+id)
	}
	f.IO.Next(before...)
}
