package lesson

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/lesson"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
	"github.com/shopctl/shopctl/pkg/lesson/review"
)

// lessonView is a lesson as JSON. Fields are only added, and always present.
type lessonView struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Summary string `json:"summary"`
	Track   string `json:"track"`
	Minutes int    `json:"minutes"`
	Level   string `json:"level"`
	Steps   int    `json:"steps"`
	// Status is new, started or done; Step is where a started lesson resumes, Done the number of completed steps.
	Status string `json:"status"`
	Step   string `json:"step"`
	Done   int    `json:"steps_done"`
}

type lessonsView struct {
	Lessons []lessonView `json:"lessons"`
}

func (v lessonsView) Names() []string {
	names := make([]string, len(v.Lessons))
	for i, l := range v.Lessons {
		names[i] = l.ID
	}
	return names
}

func newLessonListCmd(f *cmdutil.Factory) *cobra.Command {
	var format, lang string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the lessons and your progress",
		Args:  cmdutil.Exactly(0, ""),
		RunE:  func(*cobra.Command, []string) error { return listLessons(f, format, lang) },
	}
	cmdutil.AddOutput(cmd, &format)
	addLanguage(cmd, &lang)
	return cmdutil.Exits(cmd, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage)
}

func listLessons(f *cmdutil.Factory, format, lang string) error {
	all, err := lessonsInLanguage(f, lang)
	if err != nil {
		return err
	}
	store, _, err := lessonProgress(f)
	if err != nil {
		return err
	}
	file, aside, err := store.Read()
	if err != nil {
		return err
	}
	if aside != "" {
		f.IO.Warnf("progress is unreadable and starts from scratch; the old file is kept as %s", aside)
	}
	view := lessonsView{Lessons: []lessonView{}}
	for _, l := range all {
		view.Lessons = append(view.Lessons, viewLesson(l, file.Lessons[l.ID]))
	}
	if err := f.IO.Print(format, view, func(w io.Writer) { lessonTable(f.IO, w, view) }); err != nil {
		return err
	}
	if format != iostreams.FormatTable || len(all) == 0 {
		return nil
	}
	if due := review.Due(all, file, f.Now()); len(due) > 0 {
		f.IO.Notef("%s from earlier lessons are due", humanize.Count(len(due), "question"))
		SuggestNext(f, "review")
		return nil
	}
	SuggestNext(f)
	return nil
}

func viewLesson(l *lesson.Lesson, rec *lessonprogress.Lesson) lessonView {
	v := lessonView{
		ID: l.ID, Title: l.Title, Summary: l.Summary, Track: l.Track, Minutes: l.Minutes, Level: l.Level,
		Steps: len(l.Steps), Status: "new",
	}
	if rec == nil {
		return v
	}
	v.Status, v.Step = string(rec.Status), rec.Step
	for _, s := range rec.Steps {
		if !s.Finished.IsZero() {
			v.Done++
		}
	}
	return v
}

func lessonTable(ios *iostreams.IO, w io.Writer, view lessonsView) {
	t := iostreams.NewTable("LESSON", "TRACK", "TITLE", "MINUTES", "PROGRESS")
	for _, l := range view.Lessons {
		how := l.Status
		if l.Status == string(lessonprogress.Started) {
			how = fmt.Sprintf("%d of %d, at %s", l.Done, l.Steps, l.Step)
		}
		t.Row(l.ID, l.Track, l.Title, fmt.Sprint(l.Minutes), how)
	}
	t.Write(w)
}
