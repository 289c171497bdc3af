package tui

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/lesson"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/effect"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

func logLines() []feed.Entry {
	var all []feed.Entry
	for i, message := range []string{"listening", "ready", "payment charged", "call failed", "a line\x1b[31m with \tcontrol characters"} {
		level := []string{"info", "info", "info", "warn", "error"}[i]
		all = append(all, feed.LogEntry(&controlpb.LogLine{
			Time: timestamppb.New(tuitest.Noon().Add(time.Duration(i) * 1234 * time.Millisecond)), Service: "payment", Level: level, Message: message,
			Raw: `{"time":"x","level":"info","msg":"m","method":"Charge","code":"OK","amount":"12.5 USD"}`,
		}, time.UTC, true))
	}
	return all
}

func eventLines() []feed.Entry {
	return []feed.Entry{
		feed.EventEntry(&controlpb.Event{Time: timestamppb.New(tuitest.Noon()), Type: "Normal", Reason: "Ready", Service: "payment", Message: "ready after 88ms"}, time.UTC),
		feed.EventEntry(&controlpb.Event{Time: timestamppb.New(tuitest.Noon()), Type: "Warning", Reason: "CrashLoop", Service: "ad", Message: "five exits in a minute"}, time.UTC),
	}
}

// fakeSession records the actions on it.
type fakeSession struct {
	columns int
	view    lesson.View
	changes chan struct{}
	did     []string
	fail    error
	// told, if set, receives each action.
	told chan string
}

func newFakeSession(v lesson.View) *fakeSession {
	return &fakeSession{view: v, changes: make(chan struct{}, 1)}
}

func (s *fakeSession) note(words ...string) error {
	s.did = append(s.did, strings.Join(words, " "))
	if s.told != nil {
		s.told <- strings.Join(words, " ")
	}
	return s.fail
}

func (s *fakeSession) Snapshot() lesson.View    { return s.view }
func (s *fakeSession) Changes() <-chan struct{} { return s.changes }
func (s *fakeSession) Predict(option, confidence string) error {
	return s.note("predict", option, confidence)
}
func (s *fakeSession) Run(context.Context) error   { return s.note("run") }
func (s *fakeSession) SetColumns(n int)            { s.columns = n }
func (s *fakeSession) Observe(answer string) error { return s.note("observe", answer) }

func (s *fakeSession) Answer(id, text string) error               { return s.note("answer", id, text) }
func (s *fakeSession) Check() error                               { return s.note("check") }
func (s *fakeSession) Hint() error                                { return s.note("hint") }
func (s *fakeSession) Next() error                                { return s.note("next") }
func (s *fakeSession) Prev() error                                { return s.note("prev") }
func (s *fakeSession) Reset(context.Context) error                { return s.note("reset") }
func (s *fakeSession) Solve(_ context.Context, step string) error { return s.note("solve", step) }

// screen is a model with the dependencies that a test needs.
type screen struct {
	t testing.TB
	*model
	shop   *tuitest.Shop
	called *fakeCalls
	ran    []string
}

func testVerbs() []Verb {
	return []Verb{
		{Name: "call", Args: "SERVICE [METHOD] [JSON]", Short: "Call a gRPC method of a service with JSON"},
		{Name: "fault clear", Args: "[SERVICE...]", Short: "End faults"},
		{Name: "fault inject", Args: "SERVICE", Short: "Break a service"},
		{Name: "ps", Args: "[SERVICE...]", Short: "List services and their status"},
		{Name: "up", Short: "Start the shop"},
	}
}

func newScreen(t testing.TB, c Config, s Session) *screen {
	t.Helper()
	sc := &screen{t: t, shop: tuitest.NewShop()}
	c.Now, c.Plain = tuitest.Noon, "shopctl ps --stats"
	if c.Name == "" {
		c.Name = "default"
	}
	c.Verbs = testVerbs()
	c.Dial = func(context.Context) (Shop, error) { return sc.shop, nil }
	c.Run = func(_ context.Context, args []string, _ int, out io.Writer) (int, error) {
		sc.ran = append(sc.ran, strings.Join(args, " "))
		io.WriteString(out, "one\ntwo\nunended")
		return 3, nil
	}
	if c.Calls == nil {
		sc.called = &fakeCalls{}
		c.Calls = sc.called
	}
	cmds := newCommands(c, s, func(tea.Msg) {})
	cmds.SetShop(sc.shop)
	sc.model = newModel(c, s, cmds)
	return sc
}

// send gives messages to the model and runs the commands that they cause.
func (s *screen) send(msgs ...tea.Msg) {
	s.t.Helper()
	for _, msg := range msgs {
		_, cmd := s.Update(msg)
		s.runCmd(cmd)
	}
}

func (s *screen) runCmd(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			s.runCmd(c)
		}
	case effect.Done, pane.Contract, pane.CallResult:
		s.send(msg)
	case tea.QuitMsg:
		s.did("quit")
	case tea.SuspendMsg:
		s.did("suspend")
	}
	// What commands give to the feed arrives with the next message.
	news := s.commands.Feed().Take()
	if news.Output != nil || news.Response != nil {
		s.send(news)
	}
}

func (s *screen) did(what string) { s.ran = append(s.ran, what) }

func (s *screen) size(w, h int) { s.send(tea.WindowSizeMsg{Width: w, Height: h}) }

// press types keys: words as "ctrl+d" or single characters.
func (s *screen) press(keys ...string) {
	s.t.Helper()
	for _, k := range keys {
		s.send(keyOf(k))
	}
}

func (s *screen) typing(text string) {
	for _, r := range text {
		s.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func keyOf(name string) tea.KeyPressMsg {
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(rest[0]), Mod: tea.ModCtrl}
	}
	if rest, ok := strings.CutPrefix(name, "shift+"); ok {
		k := keyOf(rest)
		k.Mod = tea.ModShift
		return k
	}
	if code, ok := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
		"home": tea.KeyHome, "end": tea.KeyEnd, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete,
	}[name]; ok {
		return tea.KeyPressMsg{Code: code}
	}
	r := []rune(name)[0]
	return tea.KeyPressMsg{Code: r, Text: name}
}

func (s *screen) text() string {
	lines, _ := s.draw()
	return strings.Join(lines, "\n")
}

func (s *screen) wantText(parts ...string) {
	s.t.Helper()
	text := s.text()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			s.t.Errorf("the screen does not show %q:\n%s", part, text)
		}
	}
}

func (s *screen) wantNoText(parts ...string) {
	s.t.Helper()
	text := s.text()
	for _, part := range parts {
		if strings.Contains(text, part) {
			s.t.Errorf("the screen shows %q:\n%s", part, text)
		}
	}
}

// dash is a dashboard of a shop, without color unless c has it.
func dash(t testing.TB, c Config, st *controlpb.StatusResponse) *screen {
	s := newScreen(t, c, nil)
	s.size(120, 40)
	s.send(feed.Batch{Status: st, Events: eventLines(), Logs: logLines(), LogSeq: s.logSeq})
	s.send(feed.Batch{Logs: logLines(), LogSeq: s.logSeq})
	return s
}

// lessonOn is a lesson beside a shop.
func lessonOn(t testing.TB, c Config, v lesson.View, st *controlpb.StatusResponse) (*screen, *fakeSession) {
	session := newFakeSession(v)
	s := newScreen(t, c, session)
	s.size(120, 40)
	s.send(feed.Batch{Status: st, Events: eventLines()})
	s.send(feed.Batch{Logs: logLines(), LogSeq: s.logSeq})
	return s, session
}
