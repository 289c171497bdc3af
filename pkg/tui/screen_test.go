package tui

import (
	"context"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

func TestHelpIsSearchedAndItsEntriesRun(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.press("?")
	s.wantText("shopctl restart ad")
	s.typing("one by one")
	s.wantNoText("half a page")
	s.press("enter")
	if !slices.Equal(s.shop.Did, []string{"restart ad"}) {
		t.Errorf("did %v", s.shop.Did)
	}
	s.press("?")
	s.typing("solution")
	s.wantText("no lesson is open")
	s.press("enter")
	s.wantText("s run the solution of the step: no lesson is open")
}

func TestThePaletteCompletesAndRuns(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.press(":")
	s.typing("fault i")
	s.press("enter") // not a command yet: it is completed
	s.typing("pay")
	s.wantText("fault inject payment")
	s.press("tab")
	s.typing("--error UNAVAILABLE")
	s.press("enter")
	s.wantText("$ shopctl fault inject payment --error UNAVAILABLE", "one", "two", "unended", "exit code 3")
	if !slices.Equal(s.ran, []string{"fault inject payment --error UNAVAILABLE"}) {
		t.Errorf("ran %v", s.ran)
	}
	s.press(":")
	s.send(tea.PasteMsg{Content: "call catalog GetProduct '{\"id\": \"1"})
	s.press("enter")
	if len(s.ran) != 1 || s.notice.text == "" {
		t.Errorf("an open quote runs: %v", s.ran)
	}
}

func TestThePaletteCanBeClosed(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.press(":", "down", "up", "ctrl+n", "esc")
	if s.picker != nil {
		t.Error("esc does not close the palette")
	}
	s.press(":")
	s.typing("nonsense")
	s.wantText("nothing matches")
	s.press("enter")
	if len(s.ran) > 0 {
		t.Errorf("ran %v", s.ran)
	}
}

func TestFiltersHideWhatDoesNotMatch(t *testing.T) {
	s := dash(t, Config{}, tuitest.BrokenStatus())
	s.press("/")
	s.typing("CRASH")
	s.wantText("2 Services /CRASH", "crashloop")
	s.wantNoText("recommendation")
	s.press("enter", "esc")
	s.wantText("recommendation")
	s.press("3", "/")
	s.typing("failed")
	s.wantText("call failed")
	s.wantNoText("payment charged")
	s.press("enter", "n", "N", "esc")
	s.wantText("payment charged")
	s.press("/")
	s.typing("zzz")
	s.wantText("nothing matches zzz")
	s.press("esc")
	s.wantNoText("nothing matches")
}

func TestLogsFollowUntilTheUserScrollsBack(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	for range 30 {
		s.send(feed.Batch{Logs: logLines(), LogSeq: s.logSeq})
	}
	s.press("3")
	s.wantText("following")
	s.press("k")
	s.wantText("G to follow")
	before := s.logs.Render(80, 5)
	s.send(feed.Batch{Logs: logLines(), LogSeq: s.logSeq})
	if s.logs.Render(80, 5) != before {
		t.Error("the view moves although one has scrolled back")
	}
	s.press("ctrl+u", "ctrl+d", "g", "G")
	s.wantText(", following")
	for range feed.MaxEntries {
		s.send(feed.Batch{Logs: logLines()[:2], LogSeq: s.logSeq})
	}
	if got := strings.Count(s.logs.Render(80, 2*feed.MaxEntries), "\n") + 1; got > feed.MaxEntries {
		t.Errorf("%d lines are kept", got)
	}
}

func TestLogsOfAnotherServiceAreDropped(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	old := s.logSeq
	s.press("j")
	if s.logSeq == old {
		t.Fatal("the selection of a service does not change the log query")
	}
	s.send(feed.Batch{Logs: logLines(), LogSeq: old})
	s.wantText("cart has not logged anything yet")
	s.press("3", "a")
	s.wantText("3 Logs all")
}

func TestTheMouseWorksOnceItIsTurnedOn(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	if s.View().MouseMode != tea.MouseModeNone {
		t.Error("the mouse is on by default")
	}
	s.press("m")
	if s.View().MouseMode != tea.MouseModeCellMotion {
		t.Error("m does not turn the mouse on")
	}
	s.send(tea.MouseClickMsg{X: 10, Y: 5, Button: tea.MouseLeft})
	if s.state.Selected != "catalog" {
		t.Errorf("a click chooses %s", s.state.Selected)
	}
	s.send(tea.MouseWheelMsg{X: 10, Y: 5, Button: tea.MouseWheelDown})
	if s.state.Selected != "checkout" {
		t.Errorf("the wheel chooses %s", s.state.Selected)
	}
	at := 2 + style.Width("[3 Logs checkout]") + 3 + 2
	s.send(tea.MouseClickMsg{X: at, Y: s.slots()[1].y, Button: tea.MouseLeft})
	if s.focus != paneEvents {
		t.Errorf("a click on a tab leads to %s", s.focus.name())
	}
	s.press("m")
}

func TestInterruptsEndTheCommandAndThenTheScreen(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	ctx, end := s.commands.Interruptible(t.Context())
	s.press("ctrl+c")
	if ctx.Err() == nil || slices.Contains(s.ran, "quit") {
		t.Error("ctrl+c does not end the command alone")
	}
	end()
	s.press("ctrl+z", "ctrl+l", "ctrl+c")
	if !slices.Equal(s.ran, []string{"suspend", "quit"}) {
		t.Errorf("did %v", s.ran)
	}
}

func TestNoCommandRunsOnceTheScreenHasEnded(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.commands.Close()
	if msg := s.commands.Do("x", "", func(context.Context) (string, error) { t.Error("it runs"); return "", nil })(); msg != nil {
		t.Errorf("got %v", msg)
	}
}
