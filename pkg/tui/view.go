package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

func (m *model) view() tea.View {
	lines, cursor := m.draw()
	content := strings.Join(lines, "\n")
	if m.state.ASCII {
		content = style.ToASCII(content)
	}
	v := tea.NewView(content)
	v.AltScreen = true
	v.Cursor = cursor
	if m.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

// draw draws the screen: exactly as many lines as it has, each exactly as wide as it is.
func (m *model) draw() ([]string, *tea.Cursor) {
	if m.width <= 0 || m.height <= 0 {
		return nil, nil
	}
	if sizeOf(m.width, m.height, m.state.Linear) == tooSmall {
		return m.tooSmall(), nil
	}
	head := m.statusBar()
	top, height := m.paneArea()
	body, cursor := m.body(top, height)
	lines := append(head, body...)
	if m.prompt != nil {
		line, at := m.promptLine()
		return append(lines, line), tea.NewCursor(at, m.height-1)
	}
	return append(lines, m.footer()), cursor
}

// body draws the panes, and over them the picker.
func (m *model) body(top, height int) ([]string, *tea.Cursor) {
	if m.picker != nil && m.state.Linear {
		return m.drawPicker(style.Fill(m.width, height), top)
	}
	slots := m.slots()
	out, ok := beside(slots, paneOutput)
	m.lesson.Beside = ok && m.shown(out) == paneOutput
	drawn := make([][]string, len(slots))
	for i, s := range slots {
		id := m.shown(s)
		w, h := m.state.Inner(s.w, s.h)
		p := m.pane(id)
		text := p.Render(w, h) // before Position, which describes what was rendered
		drawn[i] = m.state.Box(style.Panel{Title: m.title(s), Foot: m.position(p.Position()), Lines: strings.Split(text, "\n"), Focus: id == m.focus}, s.w, s.h)
	}
	lines := compose(slots, drawn, top, height)
	if m.picker != nil {
		return m.drawPicker(lines, top)
	}
	return lines, m.typingCursor(slots)
}

// position is what a pane says of the part in view, in the language of the screen.
func (m *model) position(text string) string {
	if !m.state.Has(", following") {
		return text
	}
	for _, part := range []string{", following", ", G to follow"} {
		text = strings.Replace(text, part, m.state.Say(part), 1)
	}
	return strings.NewReplacer("columns ", "", " of ", " / ").Replace(text)
}

// typingCursor is where a request is typed, nil if none is.
func (m *model) typingCursor(slots []slot) *tea.Cursor {
	for _, s := range slots {
		if m.isTyping() && s.has(paneCall) {
			x, y := s.x+2, s.y+1
			if m.state.Linear {
				x = s.x
			}
			column, row := m.calls.Cursor()
			return tea.NewCursor(x+column, y+row)
		}
	}
	return nil
}

// tab is the title of one pane in a slot.
type tab struct {
	id    paneID
	text  string
	shown bool
}

// tabs are the titles of a slot, and the gap between two of them. Where they do not fit, the gap shrinks first, and
// then the titles of hidden tabs shrink to their keys.
func (m *model) tabs(s slot) (tabs []tab, gap int) {
	room := s.w - 5
	whole, short := 0, 0
	for _, id := range s.panes {
		shown := id == m.shown(s)
		text := m.tabLabel(id, shown)
		tabs = append(tabs, tab{id: id, text: text, shown: shown})
		whole += style.Width(text)
		if shown {
			short += style.Width(text)
		} else {
			short += len(id.key())
		}
	}
	between, least := len(tabs)-1, 1
	if m.state.Linear {
		room, least = s.w, 2 // a comma and a space
	}
	switch {
	case whole+3*between <= room:
		return tabs, 3
	case whole+least*between <= room:
		return tabs, least
	}
	over := short + least*between - room
	for i, t := range tabs {
		switch {
		case !t.shown:
			tabs[i].text = t.id.key()
		case over > 0:
			tabs[i].text = m.shorten(t.text, over)
		}
	}
	spare, named := room-short-least*between, false
	for i, t := range tabs { // as many names as there is room for
		text := m.tabLabel(t.id, false)
		if more := style.Width(text) - style.Width(t.text); !t.shown && more <= spare {
			tabs[i].text, named = text, true
			spare -= more
		}
	}
	if short+3*between <= room && !named {
		return tabs, 3
	}
	return tabs, least
}

// shorten takes cells from the title of the visible tab, so that the keys of all others have room.
func (m *model) shorten(text string, over int) string {
	inside, bracketed := strings.CutPrefix(text, "[")
	if !bracketed {
		return m.state.Truncate(text, max(style.Width(text)-over, 6))
	}
	return "[" + m.state.Truncate(strings.TrimSuffix(inside, "]"), max(style.Width(text)-2-over, 6)) + "]"
}

// title is the title of a slot: its tabs, with the visible one marked.
func (m *model) title(s slot) string {
	var parts []string
	tabs, gap := m.tabs(s)
	for _, t := range tabs {
		switch {
		case t.shown && t.id == m.focus:
			parts = append(parts, m.state.Accent.Paint(t.text))
		case t.shown:
			parts = append(parts, m.state.Bold.Paint(t.text))
		default:
			parts = append(parts, m.state.Faint.Paint(t.text))
		}
	}
	switch {
	case m.state.Linear:
		return strings.Join(parts, ", "+style.Spaces(gap-2))
	case gap == 1:
		return strings.Join(parts, " ")
	}
	return strings.Join(parts, " "+m.state.Border.Paint(m.state.Horizontal)+" ")
}

// tabLabel is the title of one pane. Without color, and in linear text, brackets mark the visible one.
func (m *model) tabLabel(id paneID, shown bool) string {
	text := id.key() + " " + m.state.Say(id.name())
	if !shown {
		return text
	}
	switch {
	case id == paneLesson && m.lesson.View.Step.Title != "":
		text = id.key() + " " + style.Clean(m.lesson.View.Step.Title)
	default:
		if about := m.subject(id); about != "" {
			text += " " + about
		}
	}
	if f := m.pane(id).Filter(); f != nil && *f != "" {
		text += " /" + *f
	}
	if !m.state.Color || m.state.Linear {
		text = "[" + text + "]"
	}
	return text
}

// subject is the addition to the name of a visible pane in its title: a service, a trace, an object.
func (m *model) subject(id paneID) string {
	switch id {
	case paneLogs:
		switch {
		case m.logsSpan != "":
			return "of span " + pane.ShortID(m.logsSpan)
		case m.logsTrace != "":
			return "of trace " + pane.ShortID(m.logsTrace)
		case m.allLogs:
			return m.state.Say("all")
		}
		return m.state.Selected
	case paneDetails, paneMesh:
		return m.state.Selected
	case paneTraces:
		switch {
		case m.traces.Follows():
			return m.state.Say("newest")
		case m.traces.IsOpen():
			return pane.ShortID(m.traces.Trace())
		case m.traces.Service() == "":
			return m.state.Say("all")
		}
		return m.state.Selected
	case paneMetrics:
		if m.metrics.Expr == "" {
			return m.state.Selected
		}
	case paneObjects:
		return m.objects.About()
	case paneCall:
		return m.calls.About()
	}
	return ""
}

// footer is the last line: a notice, or else the keys.
func (m *model) footer() string {
	if m.picker != nil {
		return m.pickerFoot()
	}
	if m.notice.text != "" {
		return m.notice.tone.Paint(m.state.Fit(" "+m.notice.text, m.width))
	}
	if m.isTyping() {
		keys := m.state.Accent.Paint("ctrl+s") + " send  " + m.state.Accent.Paint("ctrl+_") + " undo  " + m.state.Accent.Paint("esc") + " done"
		return m.state.Fit(" "+keys, m.width)
	}
	return m.keyLine(m.width)
}

// tooSmall shows the size that is needed, and a command that works at any size.
func (m *model) tooSmall() []string {
	text := fmt.Sprintf("This is %dx%d; the screen needs %dx%d.", m.width, m.height, minWidth, minHeight)
	lines := append(style.Wrap(text, m.width), style.Wrap("On any terminal: "+m.plain, m.width)...)
	lines = append(lines, style.Wrap("q quits.", m.width)...)
	for i, line := range lines {
		lines[i] = m.state.Fit(line, m.width)
	}
	for len(lines) < m.height {
		lines = append(lines, style.Spaces(m.width))
	}
	return lines[:m.height]
}
