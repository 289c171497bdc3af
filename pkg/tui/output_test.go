package tui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

// ran is the step with output of its command.
func ran(output string, running bool) lesson.View {
	v := underway(running)
	v.Step.Blocks[2].Run.Output, v.Step.Blocks[2].Run.Ran = "$ shopctl trace show last\n"+output, !running
	v.Step.Blocks[2].Run.Command = "shopctl trace show last\n"
	return v
}

func underway(under bool) lesson.View {
	v := running(true)
	v.Step.Blocks[2].Run.Running = under
	return v
}

func TestTheOutputOfARunIsLaidOutForThePaneThatShowsIt(t *testing.T) {
	for _, c := range []struct{ width, height, columns int }{{120, 30, 66}, {160, 40, 89}, {80, 24, 36}, {60, 20, 54}, {50, 15, 44}} {
		s, session := lessonOn(t, Config{}, running(false), tuitest.Status())
		s.size(c.width, c.height)
		s.press("e")
		if session.columns != c.columns {
			t.Errorf("at %dx%d, the output is laid out for %d columns, want %d", c.width, c.height, session.columns, c.columns)
		}
		line := strings.Repeat("█", c.columns)
		v := ran("name   bar\n"+line+"\n", false)
		s.send(feed.Batch{Lesson: &v})
		s.lesson.Show(lesson.RunBlock)
		s.wantText(line)
		if n := strings.Count(s.text(), "$ shopctl trace show last"); n > 2 {
			t.Errorf("at %dx%d, the command is shown %d times:\n%s", c.width, c.height, n, s.text())
		}
	}
}

func TestTheLessonDoesNotRepeatTheCommandBeforeItsOutput(t *testing.T) {
	s, _ := lessonOn(t, Config{}, ran("short\n", false), tuitest.Status())
	if text := s.lesson.Render(60, 100); strings.Count(text, "$ shopctl trace show last") != 1 || !strings.Contains(text, "short") {
		t.Errorf("the lesson shows:\n%s", text)
	}
}

func TestAStreamIsFollowedWhileItRuns(t *testing.T) {
	for _, c := range []struct{ width, height int }{{120, 30}, {80, 24}, {60, 20}, {50, 15}} {
		s, _ := lessonOn(t, Config{}, running(false), tuitest.Status())
		s.size(c.width, c.height)
		s.press("e")
		output := ""
		for i := range 120 {
			output += fmt.Sprintf("message %d\n", i)
			v := ran(output, true)
			s.send(feed.Batch{Lesson: &v})
			if want := fmt.Sprintf("message %d", i); !strings.Contains(s.text(), want) {
				t.Fatalf("at %dx%d, %q is not in view:\n%s", c.width, c.height, want, s.text())
			}
		}
		if c.width < 80 {
			s.press("k", "k", "k")
			v := ran(output+"one more\n", true)
			s.send(feed.Batch{Lesson: &v})
			s.wantNoText("one more") // who reads above is left there
		}
	}
}

func TestWideLinesScrollSideways(t *testing.T) {
	s, _ := lessonOn(t, Config{}, ran("HEAD"+strings.Repeat("   column", 20)+"   RECEIVED\n", false), tuitest.Status())
	s.press("6")
	s.wantNoText("RECEIVED")
	s.wantText("< > sideways", "columns 1-")
	s.press(">", ">", ">", ">", ">", ">")
	s.wantText("RECEIVED")
	s.wantNoText("HEAD")
	s.press("left", "<", "<", "<", "<", "<")
	s.wantText("HEAD")
}

func TestTheBeginningOfLongOutputIsInViewOnceItHasEnded(t *testing.T) {
	s, _ := lessonOn(t, Config{}, running(false), tuitest.Status())
	s.size(120, 30)
	s.press("e")
	s.text()
	long := strings.Repeat("a span\n", 50)
	for _, running := range []bool{true, false} {
		v := ran("the request\n"+long+"the end\n", running)
		s.send(feed.Batch{Lesson: &v})
	}
	s.wantText("the request")
	s.wantNoText("the end")
}

func TestACommandTypedInALessonGivesTheFocusBack(t *testing.T) {
	for _, c := range []struct{ width, height int }{{120, 30}, {80, 24}, {60, 20}} {
		s, _ := lessonOn(t, Config{}, predicting(), tuitest.Status())
		s.size(c.width, c.height)
		s.press(":")
		s.typing("shopctl ps")
		s.press("enter")
		s.wantText("unended")
		if c.width < 80 {
			s.press("esc") // the output took the lesson's place
		}
		s.lesson.ShowNext()
		s.text()
		s.press("3")
		s.wantText("How sure are you?")
	}
}

func TestTheCommandLineHasAHistoryAndKnowsMethods(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	for _, line := range []string{"ps ad", "up"} {
		s.press(":")
		s.typing(line)
		s.press("enter")
	}
	s.press(":", "up", "up")
	s.wantText("> ps ad")
	s.press("down", "down", "esc", ":")
	s.typing("shopctl call catalog ")
	s.wantText("call catalog GetProduct")
	s.press("esc", ":")
	s.typing("help")
	s.press("enter")
	s.wantText("Keys", "show the selected service")
}

func TestALongCommandIsShownWhole(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.press(":")
	s.typing("call checkout PlaceOrder '" + strings.Repeat("long ", 30) + "end'")
	s.wantText("> call checkout PlaceOrder", "end'")
}

func TestADigitThatIsNotAnOptionSwitchesPanes(t *testing.T) {
	s, session := lessonOn(t, Config{}, predicting(), tuitest.Status())
	s.text()
	s.press("8")
	if s.focus != paneMetrics || len(session.did) > 0 {
		t.Errorf("the focus is on %d, did %v", s.focus, session.did)
	}
}

func TestAFileOfTheLessonIsEdited(t *testing.T) {
	v := predicting()
	s, _ := lessonOn(t, Config{}, v, tuitest.Status())
	s.press("E")
	s.wantText("this lesson has no files")
	v.Files = []string{"rule.yaml", "shop.yaml"}
	s.send(feed.Batch{Lesson: &v})
	s.press("E")
	s.wantText("Which file?", "rule.yaml", "shop.yaml")
}
