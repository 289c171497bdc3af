package tui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/lesson"
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
		for _, focus := range []paneID{paneLesson, paneServices, paneLogs, paneEvents, paneDetails, paneOutput} {
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

// overridden are the meanings that give way to a question, by their place in the table.
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

func TestEveryKeyDoesSomethingOrSaysWhyNot(t *testing.T) {
	for name, begin := range map[string]func() *screen{
		"a dashboard":           func() *screen { return dash(t, Config{}, broken()) },
		"a shop that is down":   func() *screen { return newScreen(t, Config{}, nil) },
		"a lesson's prediction": func() *screen { s, _ := lessonOn(t, Config{}, predicting(), shopStatus()); return s },
		"a lesson's goals":      func() *screen { s, _ := lessonOn(t, Config{}, answering(), broken()); return s },
	} {
		for _, b := range table() {
			for _, key := range b.keys {
				s := begin()
				found, ok := s.lookup(key)
				if !ok {
					t.Fatalf("%s: %s means nothing", name, key)
				}
				if !found.isActive(s.model) && found.elsewhere == "" && key != "enter" && found.group != groupLesson {
					t.Errorf("%s: %s does nothing, and does not say why", name, key)
				}
				s.press(key)
				s.draw()
			}
		}
	}
}

func TestKeysMoveBetweenPanes(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	for _, step := range []struct {
		key  string
		want paneID
	}{
		{"tab", paneLogs}, {"]", paneEvents}, {"]", paneDetails}, {"[", paneEvents}, {"tab", paneServices}, {"tab", paneEvents},
		{"6", paneOutput}, {"2", paneServices}, {"shift+tab", paneOutput}, {"3", paneLogs}, {"esc", paneServices}, {"enter", paneDetails}, {"q", paneServices},
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
	s := dash(t, Config{}, shopStatus())
	s.size(50, 15)
	s.press("tab")
	if s.focus != paneLogs {
		t.Errorf("tab leads to %s", s.focus.name())
	}
	s.press("shift+tab", "shift+tab")
	if s.focus != paneOutput {
		t.Errorf("shift+tab leads to %s", s.focus.name())
	}
	s.size(40, 10)
	s.wantText("50x15", "shopctl ps --stats")
	s.press("f")
	if s.picker != nil {
		t.Error("a key acts on what cannot be seen")
	}
}

func TestKeysActOnTheChosenService(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	s.press("G", "k", "k", "k") // payment
	if s.w.chosen != "payment" {
		t.Fatalf("chosen is %s", s.w.chosen)
	}
	s.press("r")
	s.wantText("done: restart payment (shopctl restart payment)")
	s.press("S", "f", "1", "f")
	s.press("q", "l")
	if s.focus != paneLogs {
		t.Errorf("l leads to %s", s.focus.name())
	}
	s.press("2", "i")
	if s.picker == nil || s.picker.input.String() != "call payment " {
		t.Fatal("i does not offer a call")
	}
	want := []string{"restart payment", "stop payment", "inject payment UNAVAILABLE"}
	if !slices.Equal(s.shop.did, want) {
		t.Errorf("did %v, want %v", s.shop.did, want)
	}
}

func TestAServiceThatIsStoppedIsStarted(t *testing.T) {
	st := shopStatus()
	st.Services[0].State = "stopped"
	s := dash(t, Config{}, st)
	s.wantText("S start")
	s.press("S")
	if !slices.Contains(s.shop.did, "start ad") {
		t.Errorf("did %v", s.shop.did)
	}
}

func TestAFaultCanBeClearedFromItsService(t *testing.T) {
	s := dash(t, Config{}, broken())
	s.press("/")
	s.typing("payment")
	s.press("enter", "j", "f")
	s.wantText("repair it", "shopctl fault clear payment")
	s.press("enter")
	s.wantText("cleared 1 fault of payment")
	if !slices.Contains(s.shop.did, "clear payment") {
		t.Errorf("did %v", s.shop.did)
	}
}

func TestWhatFailsIsSaidWithItsHint(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	s.shop.fail = control.Error(codes.FailedPrecondition, "the disk is full", "free some space", 5)
	s.press("r")
	s.wantText("restart ad: the disk is full (free some space)")
	s.hands.feed.attach(nil)
	s.press("r")
	s.wantText("start it with shopctl up")
}

func TestADisabledKeySaysWhy(t *testing.T) {
	s, session := lessonOn(t, Config{}, predicting(), shopStatus())
	for key, why := range map[string]string{
		"e": "e run: predict first", "n": "n next: predict first", "h": "h hint: there is no hint here", "r": "2 goes to the services", "u": "the shop runs already", "/": "this pane is no list",
	} {
		s.press(key)
		s.wantText(why)
	}
	if len(session.did) > 0 {
		t.Errorf("did %v", session.did)
	}
	d := dash(t, Config{}, shopStatus())
	d.press("e")
	d.wantText("no lesson is open")
}

func TestAPredictionIsMadeByNumberAndConfidence(t *testing.T) {
	s, session := lessonOn(t, Config{}, predicting(), shopStatus())
	s.press("9") // no such option
	s.press("3")
	s.wantText("How sure are you?")
	s.press("esc", "2", "3")
	if want := []string{"predict null sure"}; !slices.Equal(session.did, want) {
		t.Errorf("did %v, want %v", session.did, want)
	}
}

func TestAnAnswerIsTyped(t *testing.T) {
	s, session := lessonOn(t, Config{}, answering(), shopStatus())
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
	s, session := lessonOn(t, Config{}, v, shopStatus())
	s.press("enter")
	s.wantText("your answer in ms:")
	s.typing("69")
	s.press("enter")
	observe.Options = []lesson.Option{{ID: "a", Say: "slower"}, {ID: "b", Say: "faster"}}
	s.send(batch{lesson: &v})
	s.press("2")
	if want := []string{"observe 69", "observe b"}; !slices.Equal(session.did, want) {
		t.Errorf("did %v, want %v", session.did, want)
	}
}

func TestLessonKeysReachTheLesson(t *testing.T) {
	v := answering()
	v.Step.Locked = ""
	s, session := lessonOn(t, Config{}, v, shopStatus())
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
	s, _ := lessonOn(t, Config{}, predicting(), shopStatus())
	_, cmd := s.Update(keyOf("y"))
	if cmd == nil {
		t.Fatal("y copies nothing")
	}
	s.wantText("copied: shopctl call catalog GetProduct")
}

func TestHelpIsSearchedAndItsEntriesRun(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	s.press("?")
	s.wantText("shopctl restart ad")
	s.typing("one by one")
	s.wantNoText("half a page")
	s.press("enter")
	if !slices.Equal(s.shop.did, []string{"restart ad"}) {
		t.Errorf("did %v", s.shop.did)
	}
	s.press("?")
	s.typing("solution")
	s.wantText("no lesson is open")
	s.press("enter")
	s.wantText("s have the step done for you: no lesson is open")
}

func TestThePaletteCompletesAndRuns(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	s.press(":")
	s.typing("fault i")
	s.press("enter") // no command yet: it is completed
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

func TestThePaletteCanBeLeft(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
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
	s := dash(t, Config{}, broken())
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

func TestLogsFollowUntilOneScrollsBack(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	for range 30 {
		s.send(batch{logs: logLines(), logsOf: s.heard})
	}
	s.press("3")
	s.wantText("follows")
	s.press("k")
	s.wantText("G follows")
	before := s.logs.scroll.top
	s.send(batch{logs: logLines(), logsOf: s.heard})
	s.draw()
	if s.logs.scroll.top != before {
		t.Error("the view moves although one has scrolled back")
	}
	s.press("ctrl+u", "ctrl+d", "g", "G")
	s.wantText(", follows")
	for range kept {
		s.send(batch{logs: logLines()[:2], logsOf: s.heard})
	}
	if len(s.logs.entries) > kept {
		t.Errorf("%d lines are kept", len(s.logs.entries))
	}
}

func TestLogsOfAnotherServiceAreDropped(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	old := s.heard
	s.press("j")
	if s.heard == old {
		t.Fatal("the choice of a service does not ask for its logs")
	}
	s.send(batch{logs: logLines(), logsOf: old})
	s.wantText("cart has logged nothing yet")
	s.press("3", "a")
	s.wantText("3 Logs all")
}

func TestTheMouseWorksOnceItIsAskedFor(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	if s.View().MouseMode != tea.MouseModeNone {
		t.Error("the mouse is on by default")
	}
	s.press("m")
	if s.View().MouseMode != tea.MouseModeCellMotion {
		t.Error("m does not turn the mouse on")
	}
	s.send(tea.MouseClickMsg{X: 10, Y: 5, Button: tea.MouseLeft})
	if s.w.chosen != "catalog" {
		t.Errorf("a click chooses %s", s.w.chosen)
	}
	s.send(tea.MouseWheelMsg{X: 10, Y: 5, Button: tea.MouseWheelDown})
	if s.w.chosen != "checkout" {
		t.Errorf("the wheel chooses %s", s.w.chosen)
	}
	at := 2 + width("[3 Logs checkout]") + tabGap + 2
	s.send(tea.MouseClickMsg{X: at, Y: s.slots()[1].y, Button: tea.MouseLeft})
	if s.focus != paneEvents {
		t.Errorf("a click on a tab leads to %s", s.focus.name())
	}
	s.press("m")
}

func TestInterruptsEndTheCommandAndThenTheScreen(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	stopped := false
	s.hands.stop = func() { stopped = true }
	s.press("ctrl+c")
	if !stopped || slices.Contains(s.ran, "quit") {
		t.Error("ctrl+c does not end the command alone")
	}
	s.hands.stop = nil
	s.press("ctrl+z", "ctrl+l", "ctrl+c")
	if !slices.Equal(s.ran, []string{"suspend", "quit"}) {
		t.Errorf("did %v", s.ran)
	}
}

func TestOneViewAfterAnotherKeepsThePlaceAndShowsWhatIsNew(t *testing.T) {
	s, _ := lessonOn(t, Config{}, predicting(), shopStatus())
	s.size(80, 24)
	if s.lesson.scroll.top != 0 {
		t.Error("a step does not begin at its beginning")
	}
	v := answering()
	v.Step.Blocks[5].Hints.Opened = nil
	s.send(batch{lesson: &v})
	s.wantText("type your answer")
	s.press("g")
	same := answering()
	same.Step.Blocks[5].Hints.Opened, same.Step.Blocks[5].Hints.Offered = nil, false
	s.send(batch{lesson: &same})
	if s.draw(); s.lesson.scroll.top != 0 {
		t.Error("the view moves by itself")
	}
	hint := answering()
	s.send(batch{lesson: &hint})
	s.wantText("Hint 1 of 3")
	next := predicting()
	next.Step.ID = "third"
	next.Message = "The step begins anew."
	s.send(batch{lesson: &next})
	s.wantText("The step begins anew.", "The partner's list")
}

func TestTheOutputOfAStepIsShownWhole(t *testing.T) {
	s, _ := lessonOn(t, Config{}, predicting(), shopStatus())
	v := answering()
	long := strings.Repeat("a line\n", 100)
	for i := range 3 {
		view := answering()
		view.Step.Blocks[2].Run = &lesson.RunView{Command: "shopctl ps", Ran: true, Enabled: true, Output: "$ shopctl ps\n" + long[:len(long)/3*(i+1)]}
		v = view
		s.send(batch{lesson: &view})
	}
	if got := len(s.output.entries); got != 101 {
		t.Errorf("the output has %d lines, want 101", got)
	}
	text := s.lesson.Render(80, 200)
	if !strings.Contains(text, "61 more lines: 6 shows all") {
		t.Errorf("the lesson shows\n%s", text)
	}
	_ = v
}

func TestHandsRefuseOnceTheScreenIsLeft(t *testing.T) {
	s := dash(t, Config{}, shopStatus())
	s.hands.wait()
	if msg := s.hands.do("x", "", func(context.Context) (string, error) { t.Error("it runs"); return "", nil })(); msg != nil {
		t.Errorf("got %v", msg)
	}
}
