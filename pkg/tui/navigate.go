package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/lessonpane"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// paneArea is the part of the screen for panes: below the status bar, above the key line.
func (m *model) paneArea() (top, height int) {
	top = len(m.statusBar())
	return top, max(m.height-top-1, 0)
}

// slots is the layout of the panes now.
func (m *model) slots() []slot {
	size := sizeOf(m.width, m.height, m.state.Linear)
	if size == tooSmall {
		return nil
	}
	top, height := m.paneArea()
	return arrange(plan{
		size: size, width: m.width, height: height, top: top, lesson: m.session != nil, mesh: m.state.Meshed() || m.focus == paneMesh,
		services: len(m.state.Services()), zoomed: m.zoomed, tall: m.focus >= paneTraces || m.focus == paneOutput || m.focus == paneLesson && m.tab == paneOutput,
	})
}

// shown is the visible pane of a slot.
func (m *model) shown(s slot) paneID {
	switch {
	case s.has(m.focus):
		return m.focus
	case s.has(m.tab):
		return m.tab
	}
	return s.panes[0]
}

// goTo moves the focus to a pane.
func (m *model) goTo(id paneID) {
	if id == paneLesson && m.session == nil {
		m.notify(m.state.Warn, "1 lesson: no lesson is open; shopctl lesson list shows the lessons")
		return
	}
	if m.zoomed != 0 {
		m.zoomed = id
	}
	if id == paneLesson {
		m.jump = jump{}
	}
	for _, s := range m.slots() {
		if s.has(m.focus) && len(s.panes) > 1 && !s.has(id) {
			m.tab = m.focus // the slot keeps showing this tab
		}
	}
	m.focus = id
}

// showOutput brings the output of the step's command into view: beside the lesson, or else in it. It returns for how many
// cells the output is to be laid out.
func (m *model) showOutput() int {
	slots := m.slots()
	s, ok := beside(slots, paneOutput)
	if !ok {
		for _, s := range slots {
			w, _ := m.state.Inner(s.w, s.h)
			return w - lessonpane.Margin
		}
		return 0
	}
	m.tab = paneOutput
	m.output.Follow()
	w, _ := m.state.Inner(s.w, s.h)
	return w
}

// outputColumns is how wide the output pane is, or will be.
func (m *model) outputColumns() int {
	for _, s := range m.slots() {
		if m.zoomed != 0 || s.has(paneOutput) {
			w, _ := m.state.Inner(s.w, s.h)
			return w
		}
	}
	return 0
}

// homePane is the pane that has the focus at first, and where q quits.
func (m *model) homePane() paneID {
	if m.session != nil {
		return paneLesson
	}
	return paneServices
}

// cycleSlots moves the focus to the next slot; if there is only one, to its next tab.
func (m *model) cycleSlots(by int) {
	slots := m.slots()
	if len(slots) < 2 {
		if m.zoomed != 0 {
			m.zoomed = 0
			m.cycleSlots(by)
			m.zoomed = m.focus
			return
		}
		m.cycleTabs(by)
		return
	}
	for i, s := range slots {
		if s.has(m.focus) {
			m.goTo(m.shown(slots[(i+by+len(slots))%len(slots)]))
			return
		}
	}
}

// cycleTabs goes to the next tab: of the slot in focus, or of the one that has tabs.
func (m *model) cycleTabs(by int) {
	zoomed := m.zoomed
	m.zoomed = 0
	slots := m.slots()
	m.zoomed = zoomed
	tabbed := -1
	for i, s := range slots {
		if len(s.panes) > 1 && (tabbed < 0 || s.has(m.focus)) {
			tabbed = i
		}
	}
	if tabbed < 0 {
		return
	}
	s := slots[tabbed]
	for i, id := range s.panes {
		if id == m.shown(s) {
			m.goTo(s.panes[(i+by+len(s.panes))%len(s.panes)])
			return
		}
	}
}

func (m *model) zoom() {
	m.lesson.ShowNext()
	if m.zoomed != 0 {
		m.zoomed = 0
		return
	}
	m.zoomed = m.focus
}

// back goes one step back: out of a filter, out of what a pane has open, out of the zoom, or to the home pane. It
// reports false in the home pane.
func (m *model) back() bool {
	if f := m.pane(m.focus).Filter(); f != nil && *f != "" {
		*f = ""
		return true
	}
	if m.jumpBack() {
		return true
	}
	if p, ok := m.pane(m.focus).(navigable); ok && p.Out() {
		return true
	}
	switch {
	case m.focus == paneLogs && m.logsTrace != "":
		m.backToTrace()
	case m.zoomed != 0:
		m.zoomed = 0
	case m.focus != m.homePane():
		m.goTo(m.homePane())
	default:
		return false
	}
	return true
}

// quit ends the screen. It asks first if that would end work in progress.
func (m *model) quit() tea.Cmd {
	what := m.runningWork()
	if what == "" {
		return tea.Quit
	}
	m.confirm("Leave while "+what+"?", "quit, and end it", func(*model) tea.Cmd { return tea.Quit })
	return nil
}

// runningWork is the work that the end of the screen would end; empty if there is none.
func (m *model) runningWork() string {
	run, _ := m.lesson.Block(lesson.RunBlock)
	switch {
	case run.Run != nil && run.Run.Running:
		return "the step's command is running"
	case m.busy != "":
		return m.busy
	case m.commands.Running():
		return "a command is running"
	}
	return ""
}

// halfPage is half the height of the pane in focus.
func (m *model) halfPage() int {
	for _, s := range m.slots() {
		if s.has(m.focus) {
			_, height := m.state.Inner(s.w, s.h)
			return max(height/2, 1)
		}
	}
	return 1
}

func (m *model) toggleMouse() {
	m.mouse = !m.mouse
	if m.mouse {
		m.notify(m.state.Good, "the mouse selects and scrolls; m leaves it to the terminal")
	} else {
		m.notify(m.state.Good, "the mouse is left to the terminal")
	}
}

// slotAt is the slot at a place of the screen.
func (m *model) slotAt(x, y int) (slot, bool) {
	for _, s := range m.slots() {
		if x >= s.x && x < s.x+s.w && y >= s.y && y < s.y+s.h {
			return s, true
		}
	}
	return slot{}, false
}

func (m *model) click(at tea.Mouse) {
	s, ok := m.slotAt(at.X, at.Y)
	if !ok || at.Button != tea.MouseLeft || m.picker != nil || m.prompt != nil {
		return
	}
	if at.Y == s.y {
		x := s.x + 2
		tabs, gap := m.tabs(s)
		for _, t := range tabs {
			if at.X >= x && at.X < x+style.Width(t.text) {
				m.goTo(t.id)
				return
			}
			x += style.Width(t.text) + gap
		}
	}
	m.goTo(m.shown(s))
	if m.focus == paneServices {
		m.services.Click(at.Y - s.y - 1)
	}
}

func (m *model) wheel(at tea.Mouse) {
	s, ok := m.slotAt(at.X, at.Y)
	if !ok {
		return
	}
	lines := 3
	if m.shown(s) == paneServices {
		lines = 1
	}
	if at.Button == tea.MouseWheelUp {
		lines = -lines
	}
	m.pane(m.shown(s)).Scroll(lines)
}
