package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// paneView is one view of the shop or of the lesson.
type paneView interface {
	// Render draws the pane's content: at most height lines of at most width cells.
	Render(width, height int) string
	// Scroll moves by lines, or the choice where one can be made.
	Scroll(lines int)
	// Position says which part is in view; empty if all is.
	Position() string
	// Filter returns the text that lines must hold; nil if the pane cannot be filtered.
	Filter() *string
}

// deep is a pane that can be gone into. Out goes one step back, and returns false where there is none.
type navigable interface{ Out() bool }

// asking is a pane that the feed asks the daemon for while it is in view.
type polledPane interface {
	// sight is what it wants to know.
	Query() feed.Query
	// forget drops what belongs to another sight, take shows what came of asking.
	Forget()
	Apply(s *feed.Result)
}

// notice is what the screen says to the last key.
type notice struct {
	tone style.Tone
	text string
}

// model is the root: it holds what is known, and routes messages.
type model struct {
	state    *pane.State
	session  Session
	commands *commands
	keys     []binding
	verbs    []Verb
	plain    string

	width, height int
	focus, tab    paneID // tab is the pane that its slot shows while another slot has the focus
	zoomed        paneID
	mouse         bool

	lesson   *pane.Lesson
	services *pane.Services
	details  *pane.Details
	logs     *pane.Tail
	events   *pane.Tail
	output   *pane.Tail
	traces   *pane.Traces
	metrics  *pane.Metrics
	alerts   *pane.Alerts
	topology *pane.Map

	objects *pane.Objects
	calls   *pane.Call

	picker *picker
	prompt *prompt
	notice notice
	// busy says what long work for the lesson is under way.
	busy string
	// heard numbers the logs that are wanted, listening says which these are. allLogs wants those of every
	// service.
	logSeq   int
	logQuery feed.LogQuery
	allLogs  bool
	// logsTrace is the trace whose lines are wanted alone; empty: no matter which.
	logsTrace string
	// logsSpan is the span of that trace whose lines are wanted alone; empty: no matter which.
	logsSpan string
	// gazed numbers the sights that are wanted, gazing says which one that is.
	querySeq int
	query    feed.Query
	// polled is the pane that gazing is for, nil if none is in view.
	polled polledPane
	jump   jump
	// sent numbers the calls that were sent.
	callSeq int
	crash   *feed.Crash
	// ran is the output of the lesson's command as the output pane has it.
	runOutput string
}

func newModel(c Config, s Session, cmds *commands) *model {
	state := &pane.State{Theme: style.New(style.Options{Color: c.Color, Dark: true, ASCII: c.ASCII, Linear: c.Accessible}), Name: c.Name, Now: c.Now}
	m := &model{
		state: state, session: s, commands: cmds, keys: table(), verbs: c.Verbs, plain: c.Plain,
		focus: paneServices, tab: paneLogs,
		services: pane.NewServices(state), details: pane.NewDetails(state),
		traces: pane.NewTraces(state), metrics: pane.NewMetrics(state), alerts: pane.NewAlerts(state), topology: pane.NewMap(state),
		objects: pane.NewObjects(state), calls: pane.NewCall(state),
	}
	view := lesson.View{}
	if s != nil {
		view, m.focus, m.tab, m.allLogs = s.Snapshot(), paneLesson, paneServices, true
	}
	m.lesson = pane.NewLesson(state, view)
	m.logs = pane.NewTail(state, m.noLogs)
	m.events = pane.NewTail(state, func() string { return "nothing has happened yet" })
	m.output = pane.NewTail(state, func() string { return "commands write here; : runs one" })
	return m
}

func (m *model) noLogs() string {
	switch {
	case m.state.Status == nil:
		return "waiting for the shop"
	case m.logsTrace != "":
		return "no line that is kept belongs to it; esc goes back"
	case m.allLogs:
		return "nothing is logged yet"
	}
	return m.state.Selected + " has logged nothing yet"
}

func (m *model) pane(id paneID) paneView {
	switch id {
	case paneLesson:
		return m.lesson
	case paneServices:
		return m.services
	case paneLogs:
		return m.logs
	case paneEvents:
		return m.events
	case paneDetails:
		return m.details
	case paneTraces:
		return m.traces
	case paneMetrics:
		return m.metrics
	case paneAlerts:
		return m.alerts
	case paneMap:
		return m.topology
	case paneObjects:
		return m.objects
	case paneCall:
		return m.calls
	default:
		return m.output
	}
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd {
	if m.state.Color {
		return tea.RequestBackgroundColor
	}
	return nil
}

func (m *model) update(msg tea.Msg) tea.Cmd {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if m.width > 0 {
			m.lesson.ShowNext()
		} // a text that is wrapped anew has its place elsewhere
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		l := m.state.Options
		l.Dark = msg.IsDark()
		m.state.Theme = style.New(l)
	case tea.KeyPressMsg:
		m.notice = notice{}
		cmd = m.key(msg)
	case tea.PasteMsg:
		m.paste(msg.Content)
	case tea.MouseClickMsg:
		m.click(msg.Mouse())
	case tea.MouseWheelMsg:
		m.wheel(msg.Mouse())
	case feed.Batch:
		m.apply(msg)
	case doneMsg:
		m.finish(msg)
	case pane.Contract:
		m.calls.ApplyContract(msg)
	case pane.CallResult:
		m.calls.ApplyResult(msg)
	case feed.Crash:
		m.crash = &msg
		return tea.Quit
	case resumedMsg:
		cmd = m.resume(msg)
	}
	return tea.Batch(cmd, m.updateLogs(), m.updateQuery())
}

// key routes a key: to what lies on top, or through the table.
func (m *model) key(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case k.String() == "ctrl+c" || k.String() == "ctrl+z":
		return m.press(k.String())
	case m.prompt != nil:
		return m.promptKey(k)
	case m.picker != nil:
		return m.pickerKey(k)
	case m.isTyping():
		return m.typeKey(k)
	case sizeOf(m.width, m.height, m.state.Linear) == tooSmall && k.String() != "q":
		return nil
	}
	return m.press(k.String())
}

func (m *model) paste(text string) {
	switch {
	case m.prompt != nil:
		m.prompt.input.Insert(text)
		m.promptChanged()
	case m.picker != nil && m.picker.typed:
		m.picker.input.Insert(text)
		m.picker.at = 0
	case m.isTyping():
		m.calls.Insert(text)
	}
}

// take shows what the feed brings.
func (m *model) apply(b feed.Batch) {
	if b.Disconnected != nil {
		m.state.Disconnected = *b.Disconnected
	}
	if b.Status != nil {
		m.state.Apply(b.Status)
	}
	if b.Lesson != nil {
		if text := b.Lesson.Message; text != "" && text != m.lesson.View.Message {
			m.notify(m.state.Info, text)
		}
		m.showRun(b.Lesson)
		m.lesson.Apply(*b.Lesson)
	}
	if b.EventsReset {
		m.events.Clear()
	}
	m.events.Add(b.Events...)
	if b.LogSeq == m.logSeq {
		if b.LogsReset {
			m.logs.Clear()
		}
		m.logs.Add(b.Logs...)
	}
	m.output.Add(b.Output...)
	if len(b.Response) > 0 {
		m.calls.AddResponse(b.CallSeq, b.Response)
	}
	if b.Alerts != nil {
		m.state.Alerts = b.Alerts
	}
	if b.Topology != nil {
		m.state.Topology = b.Topology
	}
	if m.polled != nil && b.Result != nil && b.Result.Seq == m.querySeq {
		m.polled.Apply(b.Result)
	}
}

// showRun keeps the output pane at what the step's command writes.
func (m *model) showRun(v *lesson.View) {
	output := ""
	for _, b := range v.Step.Blocks {
		if b.Run != nil {
			output = b.Run.Output
		}
	}
	if output == m.runOutput || output == "" {
		return
	}
	news, more := strings.CutPrefix(output, m.runOutput)
	if !more || !strings.HasSuffix(m.runOutput, "\n") {
		news = output
		m.output.Clear()
	}
	m.runOutput = output
	for _, line := range style.CleanLines(news) {
		m.output.Add(feed.TextEntry(line))
	}
}

// finish says how something ended.
func (m *model) finish(d doneMsg) {
	if d.what == m.busy {
		m.busy = ""
	}
	if d.what == doCheck || d.what == doAnswer {
		m.lesson.Show(lesson.CheckBlock)
	}
	switch {
	case d.err != nil:
		m.notify(m.state.Bad, d.what+": "+feed.ErrorText(d.err))
	case d.text != "":
		m.notify(m.state.Good, d.text+m.equivalent(d.command))
	case d.command != "":
		m.notify(m.state.Good, "done: "+d.what+m.equivalent(d.command))
	}
}

// stands is the command that a key stood for, behind what it did.
func (m *model) equivalent(command string) string {
	if command == "" {
		return ""
	}
	return " (" + m.state.Command(command) + ")"
}

func (m *model) notify(t style.Tone, text string) {
	m.notice = notice{tone: t, text: style.Clean(text)}
}
