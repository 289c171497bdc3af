package tui

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

func TestEveryKeyIsDescribedOnceForEachMeaning(t *testing.T) {
	ranks := map[int]string{}
	for _, b := range table() {
		if len(b.keys) == 0 || b.name == "" || b.help == "" || b.group == "" || b.do == nil {
			t.Errorf("key %v %q lacks a part", b.keys, b.name)
		}
		if strings.HasSuffix(b.help, ".") || strings.ToLower(b.help[:1]) != b.help[:1] {
			t.Errorf("%q: help is a phrase in lower case", b.help)
		}
		if b.rank > 19 {
			if other := ranks[b.rank]; other != "" && b.active == nil {
				t.Errorf("%s and %s have the same place on the key line", other, b.name)
			}
			ranks[b.rank] = b.name
		}
	}
}

func TestNoTwoMeaningsOfAKeyHoldAtOnce(t *testing.T) {
	for name, s := range screens(t, Config{}) {
		s.picker, s.prompt = nil, nil
		for _, focus := range []paneID{paneLesson, paneServices, paneLogs, paneEvents, paneDetails, paneOutput, paneTraces, paneMetrics, paneAlerts, paneMap, paneObjects, paneCall, paneMesh} {
			if focus == paneLesson && s.session == nil {
				continue
			}
			s.focus = focus
			held := map[string]string{}
			for i := range s.keys {
				b := &s.keys[i]
				if b.active != nil && !b.isActive(s.model) {
					continue
				}
				for _, k := range b.keys {
					if other, ok := held[k]; ok && !overridden(other, b.name) {
						t.Errorf("%s, focus on %s: %s means %q and %q", name, focus.name(), k, other, b.name)
					}
					held[k] = b.name
				}
			}
		}
	}
}

// overridden reports whether a meaning gives way to an open question, by their order in the table.
func overridden(first, second string) bool {
	switch first {
	case "choose":
		return second == "pane"
	case "how sure":
		return slices.Contains([]string{"pane", "top", "fault", "solution"}, second)
	case "choose again":
		return second == "back" || second == "quit"
	}
	return false
}

func TestEveryKeyDoesSomethingOrShowsWhyNot(t *testing.T) {
	for name, begin := range map[string]func() *screen{
		"a dashboard":           func() *screen { return dash(t, Config{}, tuitest.BrokenStatus()) },
		"a shop that is down":   func() *screen { return newScreen(t, Config{}, nil) },
		"a lesson's prediction": func() *screen { s, _ := lessonOn(t, Config{}, predicting(), tuitest.Status()); return s },
		"a lesson's goals":      func() *screen { s, _ := lessonOn(t, Config{}, answering(), tuitest.BrokenStatus()); return s },
	} {
		for _, b := range table() {
			for _, key := range b.keys {
				s := begin()
				found, ok := s.lookup(key)
				if !ok {
					t.Fatalf("%s: %s means nothing", name, key)
				}
				if !found.isActive(s.model) && found.inactiveReason == "" && key != "enter" && found.group != groupLesson {
					t.Errorf("%s: %s does nothing, and does not say why", name, key)
				}
				s.press(key)
				s.draw()
			}
		}
	}
}

func TestKeysMoveBetweenPanes(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	for _, step := range []struct {
		key  string
		want paneID
	}{
		{"tab", paneLogs},
		{"]", paneEvents},
		{"]", paneDetails},
		{"[", paneEvents},
		{"tab", paneServices},
		{"tab", paneEvents},
		{"6", paneOutput},
		{"2", paneServices},
		{"shift+tab", paneOutput},
		{"3", paneLogs},
		{"esc", paneServices},
		{"enter", paneDetails},
		{"q", paneServices},
	} {
		s.press(step.key)
		if s.focus != step.want {
			t.Fatalf("%s leads to %s, want %s", step.key, s.focus.name(), step.want.name())
		}
	}
	s.press("1")
	s.wantText("no lesson is open")
	s.press("z")
	if s.zoomed != paneServices || len(s.slots()) != 1 {
		t.Errorf("z zooms %v into %d slots", s.zoomed, len(s.slots()))
	}
	s.press("tab")
	if s.zoomed != paneDetails {
		t.Errorf("tab in a zoom leads to %s", s.zoomed.name())
	}
	s.press("q", "q", "q")
	if !slices.Contains(s.ran, "quit") {
		t.Error("q goes back, and then quits")
	}
}

func TestASmallScreenTurnsItsTabs(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.size(50, 15)
	s.press("tab")
	if s.focus != paneLogs {
		t.Errorf("tab leads to %s", s.focus.name())
	}
	s.press("shift+tab", "shift+tab")
	if s.focus != paneCall {
		t.Errorf("shift+tab leads to %s", s.focus.name())
	}
	s.size(40, 10)
	s.wantText("50x15", "shopctl ps --stats")
	s.press("f")
	if s.picker != nil {
		t.Error("a key acts on what cannot be seen")
	}
}

func TestKeysActOnTheSelectedService(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.press("G", "k", "k", "k") // payment
	if s.state.Selected != "payment" {
		t.Fatalf("the selected service is %s", s.state.Selected)
	}
	s.press("r")
	s.wantText("done: restart payment (shopctl restart payment)")
	s.press("S", "f", "1", "f")
	s.press("q", "l")
	if s.focus != paneLogs {
		t.Errorf("l leads to %s", s.focus.name())
	}
	s.press("2", "i")
	s.wantText("Which method of payment?")
	want := []string{"restart payment", "stop payment", "inject payment UNAVAILABLE"}
	if !slices.Equal(s.shop.Did, want) {
		t.Errorf("did %v, want %v", s.shop.Did, want)
	}
}

func TestAServiceThatIsStoppedIsStarted(t *testing.T) {
	st := tuitest.Status()
	st.Services[0].State = "stopped"
	s := dash(t, Config{}, st)
	s.wantText("S start")
	s.press("S")
	if !slices.Contains(s.shop.Did, "start ad") {
		t.Errorf("did %v", s.shop.Did)
	}
}

func TestAFaultCanBeClearedFromItsService(t *testing.T) {
	s := dash(t, Config{}, tuitest.BrokenStatus())
	s.press("/")
	s.typing("payment")
	s.press("enter", "j", "f")
	s.wantText("repair it", "shopctl fault clear payment")
	s.press("enter")
	s.wantText("cleared 1 fault of payment")
	if !slices.Contains(s.shop.Did, "clear payment") {
		t.Errorf("did %v", s.shop.Did)
	}
}

func TestAFailureIsShownWithItsHint(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.shop.Failure = control.Error(codes.FailedPrecondition, "the disk is full", "free some space", 5)
	s.press("r")
	s.wantText("restart ad: the disk is full (free some space)")
	s.commands.SetShop(nil)
	s.press("r")
	s.wantText("start it with shopctl up")
}
