package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

func TestADisabledKeyShowsWhy(t *testing.T) {
	s, session := lessonOn(t, Config{}, predicting(), tuitest.Status())
	for key, why := range map[string]string{
		"e": "e run: predict first", "n": "n next: predict first", "h": "h hint: there is no hint here", "r": "2 goes to the services", "u": "the shop is already running", "/": "this pane is not a list",
	} {
		s.press(key)
		s.wantText(why)
	}
	if len(session.did) > 0 {
		t.Errorf("did %v", session.did)
	}
	d := dash(t, Config{}, tuitest.Status())
	d.press("e")
	d.wantText("no lesson is open")
}

func TestAPredictionIsMadeByNumberAndConfidence(t *testing.T) {
	s, session := lessonOn(t, Config{}, predicting(), tuitest.Status())
	s.press("3")
	s.wantText("How sure are you?")
	for key, why := range map[string]string{"e": "e run: say how sure you are", "n": "n next: say how sure you are"} {
		s.press(key)
		s.wantText(why)
	}
	s.press("esc", "2", "3")
	if want := []string{"predict null sure"}; !slices.Equal(session.did, want) {
		t.Errorf("did %v, want %v", session.did, want)
	}
}

func TestAnAnswerIsTyped(t *testing.T) {
	s, session := lessonOn(t, Config{}, answering(), tuitest.Status())
	s.press("enter")
	s.typing("NOT FOUNDq")
	s.press("backspace", "left", "left", "left", "left", "left", "backspace")
	s.typing("_")
	s.wantText("your answer: NOT_FOUND")
	s.press("enter")
	if want := []string{"answer code NOT_FOUND"}; !slices.Equal(session.did, want) {
		t.Errorf("did %v, want %v", session.did, want)
	}
}

func TestAnObservationIsChosenOrTyped(t *testing.T) {
	v := answering()
	v.Step.Next = "observe"
	observe := v.Step.Blocks[3].Observe
	observe.Revealed, observe.Answer, observe.Unit = false, "", "ms"
	s, session := lessonOn(t, Config{}, v, tuitest.Status())
	s.press("enter")
	s.wantText("your answer in ms:")
	s.typing("69")
	s.press("enter")
	observe.Options = []lesson.Option{{ID: "a", Say: "slower"}, {ID: "b", Say: "faster"}}
	s.send(feed.Batch{Lesson: &v})
	s.press("2")
	if want := []string{"observe 69", "observe b"}; !slices.Equal(session.did, want) {
		t.Errorf("did %v, want %v", session.did, want)
	}
}

func TestLessonKeysReachTheLesson(t *testing.T) {
	v := answering()
	v.Step.Locked = ""
	s, session := lessonOn(t, Config{}, v, tuitest.Status())
	s.press("e", "c", "h", "n", "p", "x", "1", "s", "1", "x", "2")
	want := []string{"run", "check", "hint", "next", "prev", "reset", "solve not-found"}
	if !slices.Equal(session.did, want) {
		t.Errorf("did %v, want %v", session.did, want)
	}
	session.fail = errors.New("check: predict and observe first")
	s.press("c")
	s.wantText("predict and observe first")
}

func TestACommandIsCopied(t *testing.T) {
	s, _ := lessonOn(t, Config{}, predicting(), tuitest.Status())
	_, cmd := s.Update(keyOf("y"))
	if cmd == nil {
		t.Fatal("y copies nothing")
	}
	s.wantText("copied: shopctl call catalog GetProduct")
}

func TestOneViewAfterAnotherKeepsThePlaceAndShowsWhatIsNew(t *testing.T) {
	s, _ := lessonOn(t, Config{}, predicting(), tuitest.Status())
	s.size(80, 24)
	if s.text(); !atTop(s.lesson) {
		t.Error("a step does not begin at its beginning")
	}
	v := answering()
	v.Step.Blocks[5].Hints.Opened = nil
	s.send(feed.Batch{Lesson: &v})
	s.wantText("as you predicted", "enter answer")
	s.press("g")
	same := answering()
	same.Step.Blocks[5].Hints.Opened, same.Step.Blocks[5].Hints.Offered = nil, false
	s.send(feed.Batch{Lesson: &same})
	if s.text(); !atTop(s.lesson) {
		t.Error("the view moves by itself")
	}
	hint := answering()
	s.send(feed.Batch{Lesson: &hint})
	s.wantText("Hint 1 of 3")
	next := predicting()
	next.Step.ID = "third"
	next.Message = "The step was restarted."
	s.send(feed.Batch{Lesson: &next})
	s.wantText("The step was restarted.", "The partner's list")
}

func TestTheOutputOfAStepIsShownWhole(t *testing.T) {
	s, _ := lessonOn(t, Config{}, predicting(), tuitest.Status())
	v := answering()
	long := strings.Repeat("a line\n", 100)
	for i := range 3 {
		view := answering()
		view.Step.Blocks[2].Run = &lesson.RunView{Command: "shopctl ps", Ran: true, Enabled: true, Output: "$ shopctl ps\n" + long[:len(long)/3*(i+1)]}
		v = view
		s.send(feed.Batch{Lesson: &view})
	}
	if got := strings.Count(s.output.Render(80, 1000), "\n") + 1; got != 101 {
		t.Errorf("the output has %d lines, want 101", got)
	}
	text := s.lesson.Render(80, 200)
	if !strings.Contains(text, "60 more lines: 6 shows all") {
		t.Errorf("the lesson shows\n%s", text)
	}
	_ = v
}

// atTop reports whether a pane shows the beginning of its text.
func atTop(p paneView) bool { return p.Position() == "" || strings.HasPrefix(p.Position(), "1-") }
