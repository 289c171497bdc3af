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
	// Scroll moves by lines; in a list it moves the cursor.
	Scroll(lines int)
	// Position describes which part is in view; empty if everything is.
	Position() string
	// Filter returns the text that lines must contain; nil if the pane cannot be filtered.
	Filter() *string
}

// navigable is a pane with levels. Out goes one level up, and reports false at the top.
type navigable interface{ Out() bool }

// polledPane is a pane whose data the feed polls while it is visible.
type polledPane interface {
	// Query describes the data that the pane needs.
	Query() feed.Query
	// Forget drops the data of another query; Apply shows the result of this one.
	Forget()
	Apply(s *feed.Result)
}

// notice is a message about the last key.
type notice struct {
	tone style.Tone
	text string
}

// model is the root: it holds the state and routes messages.
type model struct {
	state    *pane.State
	session  Session
	commands *commands
	keys     []binding
	verbs    []Verb
	plain    string

	width, height int
	focus, tab    paneID // tab is the visible pane of its slot while another slot has the focus
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
	mesh    *pane.Mesh
	calls   *pane.Call

	picker *picker
	prompt *prompt
	notice notice
	// busy is the long-running work for the lesson; empty if there is none.
	busy string
	// logSeq is the number of the current log query, logQuery. allLogs shows the logs of every service.
	logSeq   int
	logQuery feed.LogQuery
	allLogs  bool
	// logsTrace limits the logs to those of a trace, if it is not empty.
	logsTrace string
	// logsSpan limits them further to those of a span of that trace, if it is not empty.
	logsSpan string
	// querySeq is the number of the current query.
	querySeq int
	query    feed.Query
	// polled is the pane that the query is for, nil if no visible pane is polled.
	polled polledPane
	jump   jump
	// callSeq is the number of the last call.
	callSeq int
	crash   *feed.Crash
	// runOutput is the output of the step's command that the output pane shows.
	runOutput string
}

func newModel(c Config, s Session, cmds *commands) *model {
	state := &pane.State{Theme: style.New(style.Options{Color: c.Color, Dark: true, ASCII: c.ASCII, Linear: c.Accessible}), Name: c.Name, Now: c.Now}
	m := &model{
		state: state, session: s, commands: cmds, keys: table(), verbs: c.Verbs, plain: c.Plain,
		focus: paneServices, tab: paneLogs,
		services: pane.NewServices(state), details: pane.NewDetails(state),
		traces: pane.NewTraces(state), metrics: pane.NewMetrics(state), alerts: pane.NewAlerts(state), topology: pane.NewMap(state),
		objects: pane.NewObjects(state), calls: pane.NewCall(state), mesh: pane.NewMesh(state),
	}
	view := lesson.View{}
	if s != nil {
		view, m.focus, m.tab, m.allLogs = s.Snapshot(), paneLesson, paneServices, true
	}
	m.lesson = pane.NewLesson(state, view)
	m.logs = pane.NewTail(state, m.noLogs)
	m.events = pane.NewTail(state, func() string { return "no events yet" })
	m.output = pane.NewTail(state, func() string { return "the output of commands; : runs one" })
	return m
}

func (m *model) noLogs() string {
	switch {
	case m.state.Status == nil:
		return "waiting for the shop"
	case m.logsTrace != "":
		return "none of the stored log lines belongs to it; esc goes back"
	case m.allLogs:
		return "no logs yet"
	}
	return m.state.Selected + " has not logged anything yet"
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
	case paneMesh:
		return m.mesh
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
		} // wrapped at another width, the text is in other lines
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

// key routes a key: to what is on top, or through the table.
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

// apply shows what is new.
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

// showRun keeps the output pane up to date with the step's command.
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

// finish shows how a command ended.
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

// equivalent is the command line that a key is equivalent to, in parentheses.
func (m *model) equivalent(command string) string {
	if command == "" {
		return ""
	}
	return " (" + m.state.Command(command) + ")"
}

func (m *model) notify(t style.Tone, text string) {
	m.notice = notice{tone: t, text: style.Clean(text)}
}
