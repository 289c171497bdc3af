package lesson_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	lessoncmd "github.com/shopctl/shopctl/pkg/cli/lesson"
	lessonprogress "github.com/shopctl/shopctl/pkg/lesson/progress"
)

// reviewer returns a learner who has just finished the lesson grpc.
func reviewer(t *testing.T) (w *clitest.World, day func(int)) {
	t.Helper()
	w = clitest.NewWorld(t)
	w.F.IO.ShopName = iostreams.DefaultShop
	start := time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC)
	day = func(n int) { w.F.Now = func() time.Time { return start.AddDate(0, 0, n) } }
	day(0)
	store, _, err := lessoncmd.LessonProgress(w.F)
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

func due(t *testing.T, w *clitest.World) lessoncmd.ReviewView {
	t.Helper()
	w.Want(cmdutil.ExitOK, "review", "-o", "json")
	var view lessoncmd.ReviewView
	if err := json.Unmarshal(w.Out.Bytes(), &view); err != nil {
		t.Fatal(err)
	}
	return view
}

func TestQuestionsAreAskedWhenTheyAreDue(t *testing.T) {
	w, day := reviewer(t)
	w.Want(cmdutil.ExitOK, "review")
	w.WantErr("no questions are due; the next one is due on Tuesday 3 March")
	day(1)
	if v := due(t, w); len(v.Due) != 2 || v.Due[0].ID != "deadline-done" || len(v.Due[0].Options) != 3 {
		t.Errorf("due on the next day: %+v", v)
	}
	w.Want(cmdutil.ExitOK, "lesson", "list")
	w.WantErr("2 questions from earlier lessons are due", "next: shopctl review")
	w.F.IO.In = strings.NewReader("3\nperhaps\n2\nINVALID_ARGUMENT\ns\n")
	w.Want(cmdutil.ExitOK, "review")
	for _, want := range []string{"2 due. :s skips one", `"perhaps" is none of these; type 1, 2 or 3`, "1/2  A contract", "  3  it may have", "how sure are you", "Correct.", "be asked again on Friday 6 March", "The answer is: UNAVAILABLE", "It will be asked again tomorrow", "1 of 2 correct"} {
		if !strings.Contains(w.Out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, w.Out.String())
		}
	}
	if v := due(t, w); len(v.Due) != 0 || v.Next != "2026-03-04T00:00:00Z" {
		t.Errorf("after the answers: %+v", v)
	}
	day(4)
	if v := due(t, w); len(v.Due) != 2 || v.Due[0].ID != "retry-code" || !v.Due[0].SureAndWrong {
		t.Errorf("sure and wrong is not the first: %+v", v)
	}
	w.Want(cmdutil.ExitOK, "review", "-o", "table")
	if !strings.Contains(w.Out.String(), "sure and wrong") {
		t.Errorf("table: %s", w.Out.String())
	}
}

func TestTheListAndTheQuestionsAreInTheUsersLanguage(t *testing.T) {
	w, day := reviewer(t)
	day(1)
	w.Want(cmdutil.ExitOK, "review", "--lang", "ja", "-o", "json")
	var view lessoncmd.ReviewView
	if err := json.Unmarshal(w.Out.Bytes(), &view); err != nil {
		t.Fatal(err)
	}
	if q := view.Due[0]; !strings.HasSuffix(q.Question, "でしょうか。") || q.Options[0] != "した" {
		t.Errorf("the question: %+v", q)
	}
	w.F.IO.In = strings.NewReader("3\n3\n:q\n")
	w.Want(cmdutil.ExitOK, "review", "--lang", "ja")
	for _, want := range []string{"2 問。:s で飛ばし", "答え:", "どのくらい自信がありますか", "正解です。", "次は 3 月 6 日 にたずねます", "2 問中 1 問正解。"} {
		if !strings.Contains(w.Out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, w.Out.String())
		}
	}
	w.Want(cmdutil.ExitOK, "lesson", "list", "--lang", "ja")
	if out := w.Out.String(); !strings.Contains(out, "契約") {
		t.Errorf("the list: %s", out)
	}
}

func TestAReviewThatIsLeftKeepsWhatWasAnswered(t *testing.T) {
	w, day := reviewer(t)
	day(1)
	w.F.IO.In = strings.NewReader("3\nsure\n:q\n")
	w.Want(cmdutil.ExitOK, "review")
	if v := due(t, w); len(v.Due) != 1 || v.Due[0].ID != "retry-code" {
		t.Errorf("due: %+v", v)
	}
	w.F.IO.In = strings.NewReader(":s\n")
	w.Want(cmdutil.ExitOK, "review", "--limit", "1")
	if v := due(t, w); len(v.Due) != 1 {
		t.Errorf("after skipping: %+v", v)
	}
	w.Want(cmdutil.ExitUsage, "review", "--limit", "0")
	w.WantErr("want at least 1")
}

func TestWithoutALessonThereAreNoQuestions(t *testing.T) {
	w := clitest.NewWorld(t)
	w.F.IO.ShopName = iostreams.DefaultShop
	w.Want(cmdutil.ExitOK, "review")
	w.WantErr("they become due the day after a lesson", "shopctl lesson list")
}
