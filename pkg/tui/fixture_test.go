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
)

// noon is the time at which all screens are drawn.
func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// shopStatus is a shop of eleven services and a store, in full health.
func shopStatus() *controlpb.StatusResponse {
	st := &controlpb.StatusResponse{Name: "default", Url: "http://127.0.0.1:8080", Namespace: "production", Ready: true}
	for i, name := range []string{"ad", "cart", "catalog", "checkout", "currency", "email", "frontend", "loadgenerator", "payment", "recommendation", "shipping", "redis-cart"} {
		s := &controlpb.Service{
			Name: name, Workload: name + "service", Namespace: "production", State: "ok", Version: "v1", Replicas: 1, Ready: 1, Role: "service",
			Address: "127.0.0.1:4100" + string(rune('0'+i%10)), Protocol: "grpc", Image: "shopctl/" + name + ":v1",
			Stats: &controlpb.Stats{
				RequestsPerSecond: float64(i) * 2.5, Requests: int64(i * 25), P50Ms: 0.4 * float64(i), P95Ms: 3.1 * float64(i), P99Ms: 9.7 * float64(i),
				P95History: history(i), RpsHistory: history(i + 1), WindowMs: 10000,
			},
			Instances: []*controlpb.Instance{{
				Name: name + "-5d8f-1", Version: "v1", State: "ready", Pid: int32(4000 + i), Address: "127.0.0.1:5100" + string(rune('0'+i%10)),
				Started: timestamppb.New(noon().Add(-time.Duration(i+1) * time.Minute)), MemoryBytes: int64(8_000_000 + i*100_000),
			}},
		}
		switch name {
		case "redis-cart":
			s.Role, s.Protocol, s.Stats = "store", "tcp", &controlpb.Stats{}
		case "checkout":
			s.DependsOn = []string{"paymentservice", "cartservice"}
		case "frontend":
			s.DependsOn, s.Protocol = []string{"checkoutservice", "cartservice"}, "http"
		}
		st.Services = append(st.Services, s)
	}
	return st
}

func history(seed int) []float64 {
	var h []float64
	for i := range 40 {
		h = append(h, float64((i*i+seed*7)%(10+seed*8)))
	}
	return h
}

// broken is the shop with a fault in payment, a catalog that starts and a crashing ad service.
func broken() *controlpb.StatusResponse {
	st := shopStatus()
	for _, s := range st.Services {
		switch s.Name {
		case "payment":
			s.Faults = []string{"UNAVAILABLE 50% Charge, 1m59s left"}
			s.Stats.ErrorRatio = 0.5
		case "checkout":
			s.Stats.ErrorRatio, s.Stats.P95Ms = 0.48, 2900
		case "catalog":
			s.State, s.Ready, s.Replicas, s.Message = "updating", 2, 3, "1 of 3 replicas is not ready"
		case "ad":
			s.State, s.Ready, s.Restarts, s.Message = "crashloop", 0, 5, "exit code 1 five times in a minute"
			s.Instances[0].State, s.Instances[0].Message = "crashloop", "panic: no ads"
		}
	}
	st.Faults = []*controlpb.Fault{{Id: "f1", Service: "payment", Method: "Charge", Error: "UNAVAILABLE", Percent: 50, Phrase: "UNAVAILABLE 50% Charge, 1m59s left", Owner: "cli"}}
	return st
}

func logLines() []entry {
	var all []entry
	for i, message := range []string{"listening", "ready", "payment charged", "call failed", "a line\x1b[31m with \tcontrol characters"} {
		level := []string{"info", "info", "info", "warn", "error"}[i]
		all = append(all, logEntry(&controlpb.LogLine{
			Time: timestamppb.New(noon().Add(time.Duration(i) * 1234 * time.Millisecond)), Service: "payment", Level: level, Message: message,
			Raw: `{"time":"x","level":"info","msg":"m","method":"Charge","code":"OK","amount":"12.5 USD"}`,
		}, time.UTC, true))
	}
	return all
}

func eventLines() []entry {
	return []entry{
		eventEntry(&controlpb.Event{Time: timestamppb.New(noon()), Type: "Normal", Reason: "Ready", Service: "payment", Message: "ready after 88ms"}, time.UTC),
		eventEntry(&controlpb.Event{Time: timestamppb.New(noon()), Type: "Warning", Reason: "CrashLoop", Service: "ad", Message: "five exits in a minute"}, time.UTC),
	}
}

// fakeSession records what is done to it.
type fakeSession struct {
	view    lesson.View
	changes chan struct{}
	did     []string
	fail    error
	// told, if set, gets what is done.
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
func (s *fakeSession) Observe(answer string) error { return s.note("observe", answer) }

func (s *fakeSession) Answer(id, text string) error               { return s.note("answer", id, text) }
func (s *fakeSession) Check() error                               { return s.note("check") }
func (s *fakeSession) Hint() error                                { return s.note("hint") }
func (s *fakeSession) Next() error                                { return s.note("next") }
func (s *fakeSession) Prev() error                                { return s.note("prev") }
func (s *fakeSession) Reset(context.Context) error                { return s.note("reset") }
func (s *fakeSession) Solve(_ context.Context, step string) error { return s.note("solve", step) }

// screen is a model with the hands that a test needs.
type screen struct {
	t testing.TB
	*model
	shop   *fakeShop
	called *fakeCalls
	ran    []string
}

func testVerbs() []Verb {
	return []Verb{
		{Name: "call", Args: "SERVICE [METHOD] [JSON]", Short: "Call a gRPC method of a service with JSON"},
		{Name: "fault clear", Args: "[SERVICE...]", Short: "End faults"},
		{Name: "fault inject", Args: "SERVICE", Short: "Break a service"},
		{Name: "ps", Args: "[SERVICE...]", Short: "List the services and how they do"},
		{Name: "up", Short: "Start the shop"},
	}
}

func newScreen(t testing.TB, c Config, s Session) *screen {
	t.Helper()
	sc := &screen{t: t, shop: newFakeShop()}
	c.Now, c.Plain = noon, "shopctl ps --stats"
	if c.Name == "" {
		c.Name = "default"
	}
	c.Verbs = testVerbs()
	c.Dial = func(context.Context) (Shop, error) { return sc.shop, nil }
	c.Run = func(_ context.Context, args []string, out io.Writer) (int, error) {
		sc.ran = append(sc.ran, strings.Join(args, " "))
		io.WriteString(out, "one\ntwo\nunended")
		return 3, nil
	}
	if c.Calls == nil {
		sc.called = &fakeCalls{}
		c.Calls = sc.called
	}
	f := newFeed(c, s, func(tea.Msg) {})
	f.attach(sc.shop)
	sc.model = newModel(c, s, &hands{ctx: t.Context(), feed: f, session: s, shell: c.Run, calls: c.Calls})
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
	case done, contractKnown, answered:
		s.send(msg)
	case tea.QuitMsg:
		s.did("quit")
	case tea.SuspendMsg:
		s.did("suspend")
	}
	// What commands put into the feed arrives with the next message.
	f := s.hands.feed
	f.mu.Lock()
	news := f.pending
	f.pending = batch{}
	f.mu.Unlock()
	if news.output != nil || news.answer != nil {
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

// dash is a dashboard of a shop, in black and white unless c says else.
func dash(t testing.TB, c Config, st *controlpb.StatusResponse) *screen {
	s := newScreen(t, c, nil)
	s.size(120, 40)
	s.send(batch{status: st, events: eventLines(), logs: logLines(), logsOf: s.heard})
	s.send(batch{logs: logLines(), logsOf: s.heard})
	return s
}

// lessonOn is a lesson beside a shop.
func lessonOn(t testing.TB, c Config, v lesson.View, st *controlpb.StatusResponse) (*screen, *fakeSession) {
	session := newFakeSession(v)
	s := newScreen(t, c, session)
	s.size(120, 40)
	s.send(batch{status: st, events: eventLines()})
	s.send(batch{logs: logLines(), logsOf: s.heard})
	return s, session
}
