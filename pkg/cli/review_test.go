package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
)

// reviewer is somebody who has just finished the lesson grpc.
func reviewer(t *testing.T) (w *world, day func(int)) {
	t.Helper()
	w = newWorld(t)
	w.f.IO.ShopName = defaultName
	start := time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC)
	day = func(n int) { w.f.Now = func() time.Time { return start.AddDate(0, 0, n) } }
	day(0)
	store, _, err := lessonProgress(w.f)
	if err != nil {
		t.Fatal(err)
	}
	due := lessonprogress.Recall{Due: start.AddDate(0, 0, 1).Truncate(24 * time.Hour)}
	_, err = store.Save("grpc", &lessonprogress.Lesson{
		Status: lessonprogress.Done, Review: map[string]lessonprogress.Recall{"deadline-done": due, "retry-code": due},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w, day
}

func (w *world) due(t *testing.T) reviewView {
	t.Helper()
	w.want(exitOK, "review", "-o", "json")
	var view reviewView
	if err := json.Unmarshal(w.out.Bytes(), &view); err != nil {
		t.Fatal(err)
	}
	return view
}

func TestQuestionsAreAskedWhenTheyAreDue(t *testing.T) {
	w, day := reviewer(t)
	w.want(exitOK, "review")
	w.wantErr("nothing is due; the next question comes on Tuesday 3 March")
	day(1)
	if v := w.due(t); len(v.Due) != 2 || v.Due[0].ID != "deadline-done" || len(v.Due[0].Options) != 3 {
		t.Errorf("due on the next day: %+v", v)
	}
	w.want(exitOK, "lesson", "list")
	w.wantErr("2 questions of lessons that you took", "next: shopctl review")
	w.f.IO.In = strings.NewReader("3\nperhaps\nfairly\nINVALID_ARGUMENT\nsure\n")
	w.want(exitOK, "review")
	for _, want := range []string{"2 questions. :s skips one", "1/2  A contract", "  3  it may have", "how sure are you", "That is it.", "comes back on Friday 6 March", "It is: UNAVAILABLE", "It comes back tomorrow", "1 of 2 questions known"} {
		if !strings.Contains(w.out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, w.out.String())
		}
	}
	if v := w.due(t); len(v.Due) != 0 || v.Next != "2026-03-04T00:00:00Z" {
		t.Errorf("after the answers: %+v", v)
	}
	day(4)
	if v := w.due(t); len(v.Due) != 2 || v.Due[0].ID != "retry-code" || !v.Due[0].SureAndWrong {
		t.Errorf("sure and wrong is not the first: %+v", v)
	}
	w.want(exitOK, "review", "-o", "table")
	if !strings.Contains(w.out.String(), "sure and wrong") {
		t.Errorf("table: %s", w.out.String())
	}
}

func TestTheListAndTheQuestionsAreInTheUsersLanguage(t *testing.T) {
	w, day := reviewer(t)
	day(1)
	w.want(exitOK, "review", "--lang", "ja", "-o", "json")
	var view reviewView
	if err := json.Unmarshal(w.out.Bytes(), &view); err != nil {
		t.Fatal(err)
	}
	if q := view.Due[0]; !strings.HasSuffix(q.Question, "でしょうか。") || q.Options[0] != "した" {
		t.Errorf("the question: %+v", q)
	}
	w.want(exitOK, "lesson", "list", "--lang", "ja")
	if out := w.out.String(); !strings.Contains(out, "契約") {
		t.Errorf("the list: %s", out)
	}
}

func TestAReviewThatIsLeftKeepsWhatWasAnswered(t *testing.T) {
	w, day := reviewer(t)
	day(1)
	w.f.IO.In = strings.NewReader("3\nsure\n:q\n")
	w.want(exitOK, "review")
	if v := w.due(t); len(v.Due) != 1 || v.Due[0].ID != "retry-code" {
		t.Errorf("due: %+v", v)
	}
	w.f.IO.In = strings.NewReader(":s\n")
	w.want(exitOK, "review", "--limit", "1")
	if v := w.due(t); len(v.Due) != 1 {
		t.Errorf("after skipping: %+v", v)
	}
	w.want(exitUsage, "review", "--limit", "0")
	w.wantErr("want at least 1")
}

func TestWithoutALessonNothingIsAsked(t *testing.T) {
	w := newWorld(t)
	w.f.IO.ShopName = defaultName
	w.want(exitOK, "review")
	w.wantErr("questions come the day after a lesson", "shopctl lesson list")
}
