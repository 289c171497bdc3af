package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// View implements tea.Model.
func (m *model) View() tea.View {
	lines, cursor := m.draw()
	content := strings.Join(lines, "\n")
	if m.w.ascii {
		content = toASCII(content)
	}
	v := tea.NewView(content)
	v.AltScreen = true
	v.Cursor = cursor
	if m.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

// draw draws the screen: exactly as many lines as it has, each exactly as wide.
func (m *model) draw() ([]string, *tea.Cursor) {
	if m.width <= 0 || m.height <= 0 {
		return nil, nil
	}
	if sizeOf(m.width, m.height, m.w.linear) == tooSmall {
		return m.tooSmall(), nil
	}
	head := m.head()
	top, height := m.room()
	body, cursor := m.body(top, height)
	lines := append(head, body...)
	if m.prompt != nil {
		line, at := m.promptLine()
		return append(lines, line), tea.NewCursor(at, m.height-1)
	}
	return append(lines, m.foot()), cursor
}

// body draws the panes, and over them what lies on top.
func (m *model) body(top, height int) ([]string, *tea.Cursor) {
	if m.picker != nil && m.w.linear {
		return m.drawPicker(fill(m.width, height), top)
	}
	slots := m.slots()
	drawn := make([][]string, len(slots))
	for i, s := range slots {
		id := m.shown(s)
		w, h := m.w.inner(s.w, s.h)
		p := m.pane(id)
		text := p.Render(w, h) // before Place, which tells of what was rendered
		drawn[i] = m.w.box(panel{title: m.titles(s), foot: p.Place(), lines: strings.Split(text, "\n"), focus: id == m.focus}, s.w, s.h)
	}
	lines := compose(slots, drawn, top, height)
	if m.picker != nil {
		return m.drawPicker(lines, top)
	}
	return lines, nil
}

// tab is one title of a slot.
type tab struct {
	id    paneID
	text  string
	shown bool
}

// tabs are the titles of a slot, and the width of what stands between two of them. Where they do not fit
// they move together, and then those that are not in view shrink to their keys.
func (m *model) tabs(s slot) (tabs []tab, gap int) {
	room := s.w - 5
	whole, short := 0, 0
	for _, id := range s.panes {
		shown := id == m.shown(s)
		text := m.label(id, shown)
		tabs = append(tabs, tab{id: id, text: text, shown: shown})
		whole += width(text)
		if shown {
			short += width(text)
		} else {
			short += len(id.digit())
		}
	}
	between := len(tabs) - 1
	switch {
	case whole+3*between <= room:
		return tabs, 3
	case whole+between <= room:
		return tabs, 1
	}
	for i, t := range tabs {
		if !t.shown {
			tabs[i].text = t.id.digit()
		}
	}
	if short+3*between <= room {
		return tabs, 3
	}
	return tabs, 1
}

// titles is the title of a slot: its tabs, the one in view marked.
func (m *model) titles(s slot) string {
	var parts []string
	tabs, gap := m.tabs(s)
	for _, t := range tabs {
		switch {
		case t.shown && t.id == m.focus:
			parts = append(parts, m.w.accent.paint(t.text))
		case t.shown:
			parts = append(parts, m.w.bold.paint(t.text))
		default:
			parts = append(parts, m.w.faint.paint(t.text))
		}
	}
	switch {
	case m.w.linear:
		return strings.Join(parts, ", "+spaces(gap-2))
	case gap == 1:
		return strings.Join(parts, " ")
	}
	return strings.Join(parts, " "+m.w.border.paint(m.w.across)+" ")
}

// label is the title of one pane. Without colour, and in linear text, brackets mark the one in view.
func (m *model) label(id paneID, shown bool) string {
	text := id.digit() + " " + id.name()
	if !shown {
		return text
	}
	switch {
	case id == paneLesson && m.lesson.view.Step.Title != "":
		text = fmt.Sprintf("%d %s", id, clean(m.lesson.view.Step.Title))
	default:
		if about := m.about(id); about != "" {
			text += " " + about
		}
	}
	if f := m.pane(id).Filter(); f != nil && *f != "" {
		text += " /" + *f
	}
	if !m.w.color || m.w.linear {
		text = "[" + text + "]"
	}
	return text
}

// about is what the title of a pane in view adds to its name: whose it is.
func (m *model) about(id paneID) string {
	switch id {
	case paneLogs:
		switch {
		case m.logsSpan != "":
			return "of span " + short(m.logsSpan)
		case m.logsTrace != "":
			return "of trace " + short(m.logsTrace)
		case m.allLogs:
			return "all"
		}
		return m.w.chosen
	case paneDetails:
		return m.w.chosen
	case paneTraces:
		switch {
		case m.traces.open != nil && m.traces.open.id == newest:
			return "newest"
		case m.traces.open != nil:
			return short(m.traces.trace())
		case m.traces.all:
			return "all"
		}
		return m.w.chosen
	case paneMetrics:
		if m.metrics.expr == "" {
			return m.w.chosen
		}
	}
	return ""
}

// head is what stands at the top: where one is, how the shop does, and what is broken.
func (m *model) head() []string {
	var lines []string
	if sizeOf(m.width, m.height, m.w.linear) == small {
		lines = append(lines, m.strip())
	} else {
		lines = append(lines, m.status())
	}
	if m.w.down != "" && m.w.status != nil {
		symbol := m.w.broken + " "
		if m.w.linear {
			symbol = ""
		}
		text := " " + symbol + m.w.down + ": what you see is how it was; " + m.w.command("up") + " starts it"
		lines = append(lines, m.w.bad.paint(m.w.fit(text, m.width)))
	}
	if effects := m.w.effects(); len(effects) > 0 {
		text := " " + m.w.alert + " " + effects[0]
		if m.w.linear {
			text = " fault: " + effects[0]
		}
		more := ""
		if len(effects) > 1 {
			more = fmt.Sprintf(" (and %d more) ", len(effects)-1)
		}
		lines = append(lines, m.w.warn.paint(m.w.between(clean(text), more, m.width)))
	}
	return lines
}

// status is the first line of a large screen.
func (m *model) status() string {
	w := m.w
	left := " " + w.accent.paint("shopctl") + "  "
	if m.session != nil {
		v := m.lesson.view
		left += w.faint.paint(v.Track+" > ") + fmt.Sprintf("%d/%d ", v.StepIndex+1, v.StepCount) + clean(v.Title)
	} else {
		left += "dash"
		if url := w.status.GetUrl(); url != "" {
			left += "  " + w.faint.paint(url)
		}
	}
	var right []string
	if m.busy != "" {
		right = append(right, w.info.paint(m.busy))
	}
	right = append(right, m.health()...)
	if w.name != "" {
		right = append(right, w.faint.paint(w.name))
	}
	return w.between(left, strings.Join(right, "  ")+" ", m.width)
}

// health is how the shop does, in a few words.
func (m *model) health() []string {
	w := m.w
	switch {
	case w.down != "":
		return []string{w.bad.paint("no connection")}
	case w.status == nil:
		return []string{w.faint.paint("waiting")}
	}
	var words []string
	switch ok, all := w.up(); {
	case ok == all && all > 0:
		words = append(words, w.good.paint(fmt.Sprintf("%d up", ok)))
	default:
		words = append(words, w.warn.paint(fmt.Sprintf("%d of %d up", ok, all)))
	}
	for _, s := range w.services() {
		if store(s) && s.GetState() != "ok" {
			words = append(words, w.warn.paint(s.GetName()+" "+s.GetState()))
		}
	}
	if n := len(w.status.GetFaults()); n > 0 {
		words = append(words, w.warn.paint(plural(n, "fault")))
	}
	if all := w.firing(); len(all) > 0 {
		text := plural(len(all), "alert")
		if m.width >= 100 {
			text += ": " + w.cut(clean(all[0].GetName()), 30)
		}
		words = append(words, w.bad.paint(text))
	}
	return words
}

// strip is the first line of a small screen.
func (m *model) strip() string {
	w := m.w
	var words []string
	switch {
	case w.down != "":
		words = append(words, w.bad.paint("no connection"))
	case w.status == nil:
		words = append(words, w.faint.paint("waiting for the shop"))
	default:
		ok, all := w.up()
		tone := w.good
		if ok < all {
			tone = w.warn
		}
		words = append(words, tone.paint(fmt.Sprintf("%d/%d ok", ok, all)), "p95 "+millis(w.edge()))
		if n := len(w.status.GetFaults()); n > 0 {
			words = append(words, w.warn.paint(fmt.Sprintf("faults %d", n)))
		} else {
			words = append(words, w.faint.paint("faults 0"))
		}
		if n := len(w.firing()); n > 0 {
			words = append(words, w.bad.paint(fmt.Sprintf("alerts %d", n)))
		}
	}
	right := w.name
	if m.session != nil {
		right = fmt.Sprintf("%s %d/%d", m.lesson.view.Lesson, m.lesson.view.StepIndex+1, m.lesson.view.StepCount)
	}
	if m.busy != "" {
		right = m.busy
	}
	return w.between(" "+strings.Join(words, "  "), w.faint.paint(right)+" ", m.width)
}

// foot is the last line: what there is to say, or else the keys.
func (m *model) foot() string {
	if m.picker != nil {
		return m.pickerFoot()
	}
	if m.notice.text != "" {
		return m.notice.tone.paint(m.w.fit(" "+m.notice.text, m.width))
	}
	return m.keyLine(m.width)
}

// tooSmall says which size is needed, and what works at any size.
func (m *model) tooSmall() []string {
	text := fmt.Sprintf("This is %dx%d; the screen needs %dx%d.", m.width, m.height, leastWidth, leastHeight)
	lines := append(wrap(text, m.width), wrap("On any terminal: "+m.plain, m.width)...)
	lines = append(lines, wrap("q quits.", m.width)...)
	for i, line := range lines {
		lines[i] = m.w.fit(line, m.width)
	}
	for len(lines) < m.height {
		lines = append(lines, spaces(m.width))
	}
	return lines[:m.height]
}
