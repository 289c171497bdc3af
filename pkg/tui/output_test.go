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
