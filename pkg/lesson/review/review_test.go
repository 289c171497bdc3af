package review_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/progress"
	"github.com/shopctl/shopctl/pkg/lesson/review"
)

// evening is when the learner learns, every day.
func evening(day int) time.Time { return time.Date(2026, 3, 1+day, 21, 30, 0, 0, time.UTC) }

// morning is before anything could be 24 hours old.
func morning(day int) time.Time { return time.Date(2026, 3, 1+day, 7, 0, 0, 0, time.UTC) }

// lessons are two lessons with a question each.
func lessons() []*format.Lesson {
	lesson := func(id string) *format.Lesson {
		q := format.Question{ID: "q", Ask: "Which?", Accept: []string{"NOT_FOUND"}}
		return &format.Lesson{Front: format.Front{ID: id}, Steps: []format.Step{{
			ID: "s", Blocks: []format.Block{{Kind: format.RecallKind, Recall: []format.Question{q}}},
		}}}
	}
	return []*format.Lesson{lesson("grpc"), lesson("rest")}
}

// finished is the progress of a learner who took both lessons on day 0, and was sure and wrong in rest.
func finished() *progress.File {
	wrong, right := false, true
	rec := func(predicted *bool) *progress.Lesson {
		return &progress.Lesson{
			Steps:  map[string]*progress.Step{"s": {Confidence: review.Sure, Predicted: predicted}},
			Review: map[string]progress.Recall{"q": review.New(evening(0))},
		}
	}
	return &progress.File{Version: progress.Version, Lessons: map[string]*progress.Lesson{"grpc": rec(&right), "rest": rec(&wrong)}}
}

func names(items []review.Item) string {
	var ids []string
	for _, i := range items {
		ids = append(ids, i.Lesson.ID)
	}
	return strings.Join(ids, " ")
}

func TestAFortnightOfReviews(t *testing.T) {
	all := lessons()
	store := progress.New(filepath.Join(t.TempDir(), "progress.json"), func() time.Time { return evening(0) })
	begin := finished()
	if _, err := store.Update(func(f *progress.File) { *f = *begin }); err != nil {
		t.Fatal(err)
	}
	// grpc is known each time; rest is answered wrongly and surely on day 1, by a right guess on day 2,
	// and known from then on.
	answers := map[string]struct {
		right      bool
		confidence string
	}{"rest 1": {false, review.Sure}, "rest 2": {true, review.Guess}}
	var diary []string
	for day := range 15 {
		f, _, err := store.Read()
		if err != nil {
			t.Fatal(err)
		}
		due := review.Due(all, f, morning(day))
		if len(due) == 0 {
			continue
		}
		diary = append(diary, fmt.Sprintf("day %d: %s", day, names(due)))
		for _, i := range due {
			a, ok := answers[fmt.Sprintf("%s %d", i.Lesson.ID, day)]
			if !ok {
				a.right, a.confidence = true, "fairly"
			}
			if _, err := store.Update(func(f *progress.File) { i.Answer(f, a.right, a.confidence, evening(day)) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := []string{
		"day 1: rest grpc", // sure and wrong in the lesson: first
		"day 2: rest",      // wrong: back to the first day
		"day 3: rest",      // a right guess: the same distance again
		"day 4: grpc",      // 3 days after day 1
		"day 6: rest",      // 3 days after day 3
		"day 11: grpc",     // 7 days after day 4
		"day 13: rest",     // 7 days after day 6
	}
	if diff := cmp.Diff(want, diary); diff != "" {
		t.Error(diff)
	}
	f, _, err := store.Read()
	if err != nil {
		t.Fatal(err)
	}
	if next := review.Next(all, f, evening(14)); !next.Equal(time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("next on %s, want 16 days after day 11", next)
	}
}

func TestAQuestionThatIsAlwaysKnownIsAskedFiveTimes(t *testing.T) {
	r := review.New(evening(0))
	var days []int
	for !r.Due.IsZero() {
		days = append(days, int(r.Due.Sub(evening(0)).Hours()/24)+1)
		r = review.After(r, true, review.Sure, r.Due.Add(21*time.Hour))
	}
	if diff := cmp.Diff([]int{1, 4, 11, 27, 62}, days); diff != "" {
		t.Errorf("asked on days: %s", diff)
	}
	if r.Asked != 5 || r.Stage != 5 {
		t.Errorf("at the end: %+v", r)
	}
}

func TestADayIsACalendarDayEverywhere(t *testing.T) {
	berlin := time.FixedZone("winter", 3600)
	night := time.Date(2026, 3, 28, 23, 50, 0, 0, berlin)
	if due := review.New(night).Due; !due.Equal(time.Date(2026, 3, 29, 0, 0, 0, 0, berlin)) {
		t.Errorf("due %s", due)
	}
}

func TestAnswersAreJudgedAsInLessons(t *testing.T) {
	options := []format.Option{{ID: "yes", Say: "yes"}, {ID: "unknown", Say: "it may have", Correct: true}}
	for given, want := range map[string]bool{"2": true, "unknown": true, "It may have": true, "1": false, "": false} {
		if right, truth := review.Judge(format.Question{Options: options}, given); right != want || truth != "it may have" {
			t.Errorf("%q: %v, %q", given, right, truth)
		}
	}
	if right, truth := review.Judge(format.Question{Accept: []string{"NOT_FOUND"}}, "not found"); !right || truth != "NOT_FOUND" {
		t.Errorf("text: %v, %q", right, truth)
	}
}
