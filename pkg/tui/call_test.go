package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

// filling is a screen with the request of a method of the catalog in focus.
func filling(t testing.TB, c Config) *screen {
	st := tuitest.Status()
	for _, s := range st.Services {
		if s.Name == "redis-cart" || s.Name == "frontend" {
			continue
		}
		s.Protocol = "grpc"
	}
	s := dash(t, c, st)
	s.press("j", "j", "i") // catalog
	s.press("j", "enter")  // GetProduct
	return s
}

func TestACallIsChosenFilledInAndSent(t *testing.T) {
	s := filling(t, Config{})
	s.wantText("i Call catalog GetProduct", `$ shopctl call catalog GetProduct '{"id":""}' --deadline 5s --trace`, "deadline  5s")
	s.press("enter") // into the request, with the cursor at its beginning
	s.press("down", "end", "left")
	s.typing("OLJ'")
	if view := s.View(); view.Cursor == nil || view.Cursor.X < 20 {
		t.Errorf("the cursor is %+v", view.Cursor)
	}
	s.press("esc", "j", "enter")
	s.press("backspace", "backspace")
	s.typing("500ms")
	s.press("enter", "j", "enter")
	s.wantText("● OK in 12ms", "trace     4bf92f3577b34da6a3ce929d0e0e4736", `"name": "Sunglasses"`, `'{"id":"OLJ'\''"}' --deadline 500ms`)
	if want := []string{"catalog GetProduct {\n  \"id\": \"OLJ'\"\n} 500ms "}; !slices.Equal(s.called.made, want) {
		t.Errorf("made %q, want %q", s.called.made, want)
	}
	s.press("j", "enter")
	s.wantPane(paneTraces)
	if s.query.Trace != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Errorf("queries the trace %q", s.query.Trace)
	}
	s.press("esc")
	s.wantPane(paneCall)
	s.press("t", "esc", "Y")
	s.wantText("copied: shopctl call catalog GetProduct")
}

func TestACallThatFailsShowsHow(t *testing.T) {
	s := filling(t, Config{})
	s.called.code = codes.NotFound
	s.press("ctrl+s")
	s.wantText("✗ NOT_FOUND in 12ms", "no product with ID NOPE", `"@type": "x"`)
	s.called.err = &call.Invalid{Text: `unknown field "idd"`, Hint: "did you mean id?"}
	s.press("ctrl+s")
	s.wantText("not sent", `unknown field "idd" (did you mean id?)`)
	s.called.err = errors.New("the shop is not running")
	s.press("ctrl+s")
	s.wantText("the shop is not running")
	s.wantNoText("NOT_FOUND", "4bf92f")
}

func TestADeadlineIsATimeAboveZero(t *testing.T) {
	s := filling(t, Config{})
	s.press("j", "enter")
	s.typing("x")
	s.press("enter")
	s.wantText(`deadline: "5sx" is not a duration above zero`)
	if got := s.calls.Deadline(); got != 5*time.Second {
		t.Errorf("the deadline is %s", got)
	}
}

func TestARequestIsKeptWhenItIsLeft(t *testing.T) {
	s := filling(t, Config{})
	s.press("enter", "x", "esc", "esc")
	s.wantText("Which method of catalog?")
	s.press("enter")
	s.wantText("x{")
	s.press("esc", "esc")
	s.wantText("Which service?")
	s.press("esc")
	s.wantPane(paneServices)
}

func TestServicesWithoutGRPCAreNotOffered(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.press("/")
	s.typing("frontend")
	s.press("enter", "esc", "G", "k", "k", "k", "k", "k", "k")
	s.state.Selected = "frontend"
	s.press("i")
	s.wantText("frontend has no gRPC", "Which service?")
	s.press("z")
	s.wantNoText("frontend  ", "redis-cart")
	s.press("/")
	s.typing("none")
	s.wantText("nothing matches none")
	s.press("enter", "enter")
	s.wantText("there is nothing to select")
}

func TestMethodsThatCannotBeLoadedShowWhy(t *testing.T) {
	s := dash(t, Config{}, tuitest.Status())
	s.called.err = errors.New("the server has no reflection service")
	s.press("i")
	s.wantText("no reflection service")
}

func TestAResponseIsScrolledAfterTheParts(t *testing.T) {
	s := filling(t, Config{})
	s.size(80, 24)
	s.press("ctrl+s")
	s.send(feed.Batch{Response: strings.Split(strings.Repeat("line,", 100)+"the end", ","), CallSeq: s.callSeq})
	s.send(feed.Batch{Response: []string{"of another call"}, CallSeq: s.callSeq + 1})
	s.text()
	s.press("G")
	s.wantText("the end")
	s.wantNoText("of another call")
	s.press("k", "g")
	s.wantText("request")
	s.press("j", "j", "j")
	if s.calls.Part() != pane.PartTrace {
		t.Errorf("the mark is on part %d", s.calls.Part())
	}
	s.press("j", "j", "k", "k", "k")
	if s.calls.Part() != pane.PartSend {
		t.Errorf("the mark is on part %d", s.calls.Part())
	}
}

func TestACallUnderWayCanBeEnded(t *testing.T) {
	s := filling(t, Config{})
	s.calls.Send(1) // and no response
	s.press("ctrl+s")
	s.wantText("a call is in progress; ctrl+c cancels it")
	s.press("j", "j", "enter")
	s.wantText("a call is in progress")
	_, stop := s.commands.Interruptible(t.Context())
	s.press("ctrl+c")
	stop()
	if slices.Contains(s.ran, "quit") || s.commands.Interrupt() {
		t.Errorf("did %v", s.ran)
	}
}

func TestACallThatDecidedCanBeMadeAgain(t *testing.T) {
	s := openedAt(t, probe.Evidence{
		Kind: probe.CallEvidence, Service: "catalogservice", Method: "GetProduct", Request: `{"id":"X"}`, Deadline: 500 * time.Millisecond, Proto: "n.proto",
	})
	s.wantText("i Call catalog GetProduct", `'{"id":"X"}' --proto /w/n.proto`, "--deadline 500ms", "enter send")
	s.press("enter")
	if want := []string{"catalog GetProduct {\n  \"id\": \"X\"\n} 500ms /w/n.proto"}; !slices.Equal(s.called.made, want) {
		t.Errorf("made %q, want %q", s.called.made, want)
	}
	s.press("t", "esc")
	s.wantPane(paneCall)
	s.press("esc", "esc", "esc")
	s.wantPane(paneLesson)
}

func TestPastedLinesGoIntoTheRequest(t *testing.T) {
	s := filling(t, Config{})
	s.press("enter")
	s.send(tea.PasteMsg{Content: "{\n}\n"})
	s.press("esc", "ctrl+s")
	if len(s.called.made) != 1 || !strings.HasPrefix(s.called.made[0], "catalog GetProduct {\n}\n{") {
		t.Errorf("made %q", s.called.made)
	}
}
