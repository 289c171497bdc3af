package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/effect"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/style"
	"github.com/shopctl/shopctl/pkg/tui/words"
)

// notice is a message about the last key.
type notice struct {
	tone style.Tone
	text string
}

// model is the root: it holds the state and routes messages.
type model struct {
	state    *pane.State
	session  Session
	commands *effect.Commands
	keys     []binding
	verbs    []Verb
	plain    string
	editor   string // a command that edits a file

	width, height int
	focus, tab    paneID // tab is the visible pane of its slot while another slot has the focus
	zoomed        paneID
	mouse         bool

	panes

	palette
	picker *picker
	prompt *prompt
	notice notice
	// busy is the long-running work for the lesson; empty if there is none.
	busy string
	logScope
	polling
	jump jump
	// callSeq is the number of the last call.
	callSeq int
	crash   *feed.Crash
	// runOutput is the output of the step's command that the output pane shows.
	runOutput string
	// lastRun is the line of the output pane with the last of the step's commands; runShown, whether the end of the step's
	// command was noticed.
	lastRun  int
	runShown bool
}

func newModel(c Config, s Session, cmds *effect.Commands) *model {
	state := &pane.State{Theme: style.New(style.Options{Color: c.Color, Dark: true, ASCII: c.ASCII, Linear: c.Accessible}), Name: c.Name, Now: c.Now}
	m := &model{
		state: state, session: s, commands: cmds, keys: table(), verbs: c.Verbs, plain: c.Plain, editor: c.Editor,
		focus: paneServices, tab: paneLogs,
	}
	view := lesson.View{}
	if s != nil {
		view, m.focus, m.tab, m.allLogs = s.Snapshot(), paneLesson, paneServices, true
	}
	state.Language = words.In(view.Language)
	m.panes = newPanes(state, view, m.noLogs)
	m.showRun(&view)
	return m
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
	case tea.ModeReportMsg:
		if msg.Mode == ansi.ModeUnicodeCore { // the renderer turns it on where it is off
			cells.Graphemes(msg.Value == ansi.ModeSet || msg.Value == ansi.ModeReset || msg.Value == ansi.ModePermanentlySet)
		}
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
	case effect.Done:
		m.finish(msg)
	case pane.Contract:
		m.applyMethods(msg)
		m.calls.ApplyContract(msg)
	case pane.CallResult:
		m.calls.ApplyResult(msg)
	case feed.Crash:
		m.crash = &msg
		return tea.Quit
	case effect.Resumed:
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
	output, ran := "", false
	for _, b := range v.Step.Blocks {
		if b.Run != nil {
			output, ran = b.Run.Output, b.Run.Ran
		}
	}
	if output != m.runOutput && output != "" {
		m.addRun(output)
	}
	m.lastCommand(ran)
}

// addRun adds what is new of the output of the step's command.
func (m *model) addRun(output string) {
	news, more := strings.CutPrefix(output, m.runOutput)
	if !more || !strings.HasSuffix(m.runOutput, "\n") {
		news = output
		m.output.Clear()
	}
	m.runOutput = output
	for _, line := range style.CleanLines(news) {
		if text, ok := strings.CutPrefix(line, "$ "); ok {
			m.lastRun = m.output.Lines()
			m.output.Add(feed.CommandEntry(text))
			continue
		}
		m.output.Add(feed.TextEntry(line))
	}
	m.runShown = false
}

// lastCommand brings the beginning of the last command's output into view, once the step's command has ended: while it
// runs, its end is in view.
func (m *model) lastCommand(ran bool) {
	if !ran || m.runShown {
		return
	}
	m.runShown = true
	if m.output.Lines()-m.lastRun > m.output.Height() {
		m.output.Top(m.lastRun)
	}
}

// finish shows how a command ended.
func (m *model) finish(d effect.Done) {
	if d.What == m.busy {
		m.busy = ""
	}
	if d.What == doCheck || d.What == doAnswer {
		m.lesson.Show(lesson.CheckBlock)
	}
	switch {
	case d.Err != nil:
		m.notify(m.state.Bad, d.What+": "+feed.ErrorText(d.Err))
	case d.Text != "":
		m.notify(m.state.Good, d.Text+m.equivalent(d.Command))
	case d.Command != "":
		m.notify(m.state.Good, "done: "+d.What+m.equivalent(d.Command))
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
	m.notice = notice{tone: t, text: style.Clean(m.state.Say(text))}
}

// resume draws the whole screen again after a stop.
func (m *model) resume(msg effect.Resumed) tea.Cmd {
	if msg.Err != nil {
		m.notify(m.state.Warn, "ctrl+z suspend: "+msg.Err.Error())
	}
	return tea.ClearScreen
}
