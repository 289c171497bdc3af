package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson"
)

// pane is one view of the shop or of the lesson.
type pane interface {
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
type deep interface{ Out() bool }

// asking is a pane that the feed asks the daemon for while it is in view.
type asking interface {
	// sight is what it wants to know.
	sight() sight
	// forget drops what belongs to another sight, take shows what came of asking.
	forget()
	take(s *seen)
}

// notice is what the screen says to the last key.
type notice struct {
	tone tone
	text string
}

// model is the root: it holds what is known, and routes messages.
type model struct {
	w        *world
	session  Session
	commands *commands
	keys     []binding
	verbs    []Verb
	plain    string

	width, height int
	focus, tab    paneID // tab is the pane that its slot shows while another slot has the focus
	zoomed        paneID
	mouse         bool

	lesson   *lessonPane
	services *servicesPane
	details  *detailPane
	logs     *tailPane
	events   *tailPane
	output   *tailPane
	traces   *tracesPane
	metrics  *metricsPane
	alerts   *alertsPane
	topology *mapPane

	objects *objectsPane
	calls   *callPane

	picker *picker
	prompt *prompt
	notice notice
	// busy says what long work for the lesson is under way.
	busy string
	// heard numbers the logs that are wanted, listening says which these are. allLogs wants those of every
	// service.
	heard     int
	listening wanted
	allLogs   bool
	// logsTrace is the trace whose lines are wanted alone; empty: no matter which.
	logsTrace string
	// logsSpan is the span of that trace whose lines are wanted alone; empty: no matter which.
	logsSpan string
	// gazed numbers the sights that are wanted, gazing says which one that is.
	gazed  int
	gazing sight
	// polled is the pane that gazing is for, nil if none is in view.
	polled asking
	visit  visit
	// sent numbers the calls that were sent.
	sent  int
	crash *crashed
	// ran is the output of the lesson's command as the output pane has it.
	ran string
}

func newModel(c Config, s Session, cmds *commands) *model {
	w := &world{theme: newTheme(look{color: c.Color, dark: true, ascii: c.ASCII, linear: c.Accessible}), name: c.Name, now: c.Now}
	m := &model{
		w: w, session: s, commands: cmds, keys: table(), verbs: c.Verbs, plain: c.Plain,
		focus: paneServices, tab: paneLogs,
		services: newServices(w), details: newDetails(w),
		traces: newTraces(w), metrics: newMetricsPane(w), alerts: newAlerts(w), topology: newMap(w),
		objects: newObjects(w), calls: newCallPane(w),
	}
	view := lesson.View{}
	if s != nil {
		view, m.focus, m.tab, m.allLogs = s.Snapshot(), paneLesson, paneServices, true
	}
	m.lesson = newLessonPane(w, view)
	m.logs = newTail(w, m.noLogs)
	m.events = newTail(w, func() string { return "nothing has happened yet" })
	m.output = newTail(w, func() string { return "commands write here; : runs one" })
	return m
}

func (m *model) noLogs() string {
	switch {
	case m.w.status == nil:
		return "waiting for the shop"
	case m.logsTrace != "":
		return "no line that is kept belongs to it; esc goes back"
	case m.allLogs:
		return "nothing is logged yet"
	}
	return m.w.chosen + " has logged nothing yet"
}

func (m *model) pane(id paneID) pane {
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
	if m.w.color {
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
		l := m.w.look
		l.dark = msg.IsDark()
		m.w.theme = newTheme(l)
	case tea.KeyPressMsg:
		m.notice = notice{}
		cmd = m.key(msg)
	case tea.PasteMsg:
		m.paste(msg.Content)
	case tea.MouseClickMsg:
		m.click(msg.Mouse())
	case tea.MouseWheelMsg:
		m.wheel(msg.Mouse())
	case batch:
		m.take(msg)
	case doneMsg:
		m.finish(msg)
	case contractKnown:
		m.calls.ApplyContract(msg)
	case answered:
		m.calls.ApplyResult(msg)
	case crashed:
		m.crash = &msg
		return tea.Quit
	case resumedMsg:
		cmd = m.resume(msg)
	}
	return tea.Batch(cmd, m.listen(), m.look())
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
	case m.typing():
		return m.typeKey(k)
	case sizeOf(m.width, m.height, m.w.linear) == tooSmall && k.String() != "q":
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
	case m.typing():
		m.calls.Insert(text)
	}
}

// take shows what the feed brings.
func (m *model) take(b batch) {
	if b.link != nil {
		m.w.down = *b.link
	}
	if b.status != nil {
		m.w.take(b.status)
	}
	if b.lesson != nil {
		if text := b.lesson.Message; text != "" && text != m.lesson.View.Message {
			m.say(m.w.info, text)
		}
		m.showRun(b.lesson)
		m.lesson.take(*b.lesson)
	}
	if b.afresh {
		m.events.Clear()
	}
	m.events.Add(b.events...)
	if b.logsOf == m.heard {
		if b.logsAfresh {
			m.logs.Clear()
		}
		m.logs.Add(b.logs...)
	}
	m.output.Add(b.output...)
	if len(b.answer) > 0 {
		m.calls.AddResponse(b.answerOf, b.answer)
	}
	if b.alerts != nil {
		m.w.alerts = b.alerts
	}
	if b.topology != nil {
		m.w.topology = b.topology
	}
	if m.polled != nil && b.seen != nil && b.seen.of == m.gazed {
		m.polled.take(b.seen)
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
	if output == m.ran || output == "" {
		return
	}
	news, more := strings.CutPrefix(output, m.ran)
	if !more || !strings.HasSuffix(m.ran, "\n") {
		news = output
		m.output.Clear()
	}
	m.ran = output
	for _, line := range cleanLines(news) {
		m.output.Add(plainEntry(line))
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
		m.say(m.w.bad, d.what+": "+errorText(d.err))
	case d.text != "":
		m.say(m.w.good, d.text+m.stands(d.command))
	case d.command != "":
		m.say(m.w.good, "done: "+d.what+m.stands(d.command))
	}
}

// stands is the command that a key stood for, behind what it did.
func (m *model) stands(command string) string {
	if command == "" {
		return ""
	}
	return " (" + m.w.command(command) + ")"
}

func (m *model) say(t tone, text string) { m.notice = notice{tone: t, text: clean(text)} }
