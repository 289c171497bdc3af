package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/tui/style"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// item is one choice.
type item struct {
	key     string // that does the same
	text    string
	also    string // further text that a search finds
	command string // the equivalent command
	why     string // why it does not work now
	// fill replaces the typed text when the item is completed.
	fill string
	do   func(m *model) tea.Cmd
}

// picker is a list over the panes: help, palette, faults, a question.
type picker struct {
	title string
	items []item
	at    int
	typed bool
	input textedit.Line
	// offer makes the items from the typed text; nil: the text filters the items.
	offer func(m *model, text string) []item
	// enter takes the typed line; nil: the item at the cursor is performed.
	enter  func(m *model, text string) tea.Cmd
	scroll style.Viewport
}

// shown are the items that match the typed text.
func (p *picker) shown(m *model) []item {
	if p.offer != nil {
		return p.offer(m, p.input.String())
	}
	if !p.typed || p.input.String() == "" {
		return p.items
	}
	var shown []item
	for _, it := range p.items {
		if style.ContainsFold(it.key+" "+it.text+" "+it.also+" "+it.command, p.input.String()) {
			shown = append(shown, it)
		}
	}
	return shown
}

func (m *model) pickerKey(k tea.KeyPressMsg) tea.Cmd {
	p := m.picker
	items := p.shown(m)
	p.at = min(p.at, max(len(items)-1, 0))
	key := k.String()
	switch {
	case key == "esc" || !p.typed && key == "q":
		m.picker = nil
	case key == "up" && m.browse(1) || key == "down" && m.browse(-1):
		return m.learnMethods(p.input.String())
	case key == "up" || key == "ctrl+p" || !p.typed && key == "k":
		p.at = max(p.at-1, 0)
	case key == "down" || key == "ctrl+n" || !p.typed && key == "j":
		p.at = min(p.at+1, max(len(items)-1, 0))
	case key == "pgup":
		p.at = max(p.at-10, 0)
	case key == "pgdown":
		p.at = min(p.at+10, max(len(items)-1, 0))
	case key == "enter":
		return m.pick(items)
	case key == "tab" && p.offer != nil:
		if p.at < len(items) {
			p.input = textedit.NewLine(items[p.at].fill)
			p.at = 0
			return m.learnMethods(p.input.String())
		}
	case !p.typed && len(key) == 1 && key[0] >= '1' && int(key[0]-'1') < len(items):
		p.at = int(key[0] - '1')
		return m.pick(items)
	case p.typed:
		if p.input.Key(k) {
			p.at = 0
			m.history.Leave()
			if p.offer != nil {
				return m.learnMethods(p.input.String())
			}
		}
	}
	return nil
}

// pick performs the item at the cursor.
func (m *model) pick(items []item) tea.Cmd {
	p := m.picker
	if p.enter != nil {
		return p.enter(m, strings.TrimSpace(p.input.String()))
	}
	if p.at >= len(items) {
		return nil
	}
	it := items[p.at]
	m.picker = nil
	if it.why != "" {
		m.notify(m.state.Warn, it.key+" "+it.text+": "+it.why)
		return nil
	}
	return it.do(m)
}

// drawPicker draws the picker over the drawn lines.
func (m *model) drawPicker(lines []string, top int) ([]string, *tea.Cursor) {
	p, state := m.picker, m.state
	items := p.shown(m)
	p.at = min(p.at, max(len(items)-1, 0))
	boxed := m.pickerWidth(items)
	rows := len(items)
	if p.typed {
		rows += 2
	}
	height := min(max(rows+2, 4), len(lines))
	if state.Linear {
		boxed, height = m.width, len(lines)
	} else if p.typed {
		height = min(max(height, 14), len(lines))
	}
	inner, room := state.Inner(boxed, height)
	var content []string
	left, line := (m.width-boxed)/2, (len(lines)-height)/2
	var cursor *tea.Cursor
	if p.typed {
		written, row, at := p.typedLines(inner - 3)
		for i, text := range written {
			mark := "  "
			if i == 0 {
				mark = state.Accent.Paint("> ")
			}
			content = append(content, mark+text)
		}
		content = append(content, "")
		pad := 2
		if state.Linear {
			pad = 0
		}
		cursor = tea.NewCursor(left+pad+2+at, top+line+1+row)
		room -= len(content)
	}
	p.scroll.Height = max(room, 0)
	p.scroll.Reveal(p.at, p.at+1)
	from, to := p.scroll.Window(len(items), room)
	for i := from; i < to; i++ {
		content = append(content, m.pickerRow(items[i], i, inner))
	}
	if len(items) == 0 {
		content = append(content, state.Faint.Paint(state.Say("nothing matches")))
	}
	drawn := state.Box(style.Panel{Title: state.Accent.Paint(p.title), Foot: m.position(p.scroll.Position()), Lines: content, Focus: true}, boxed, height)
	return state.Overlay(lines, drawn, left, line, boxed, m.width), cursor
}

// typedLines is the typed line, over as many lines of a width as it takes, and where its cursor is.
func (p *picker) typedLines(width int) (lines []string, row, column int) {
	width = max(width, 1)
	text, at := p.input.View(style.Width(p.input.String()) + 1)
	for from := 0; from == 0 || from < style.Width(text) || from <= at; from += width {
		lines = append(lines, cells.Cut(text, from, from+width))
	}
	return lines, at / width, at % width
}

// pickerWidth is the width that the items need; with a line to type in, all that the screen has.
func (m *model) pickerWidth(items []item) int {
	most := min(m.width-2, 104)
	if m.width < 60 {
		most = m.width
	}
	if m.picker.typed {
		return most
	}
	need := style.Width(m.picker.title) + 5
	for _, it := range items {
		row := 4 + 2 + numberColumn + style.Width(it.text)
		if it.command != "" {
			row += 4 + style.Width(it.command)
		}
		need = max(need, row)
	}
	return min(need, most)
}

// The widths of the column of keys, and of the column of numbers that replaces it.
const (
	keyColumn    = 10
	numberColumn = 3
)

func (m *model) pickerRow(it item, i, inner int) string {
	p, state := m.picker, m.state
	mark := "  "
	if i == p.at {
		mark = state.Mark + " "
	}
	key, column := it.key, keyColumn
	if !p.typed {
		key, column = fmt.Sprint(i+1), numberColumn
	}
	text := it.text
	if key != "" {
		text = state.Accent.Paint(state.Fit(key, column)) + it.text
	}
	tail := state.Faint.Paint(it.command)
	if it.why != "" {
		text = state.Faint.Paint(state.Fit(key, column) + it.text)
		tail = state.Warn.Paint(it.why)
	}
	line := mark + text
	if room := inner - style.Width(line) - 2; tail != "" && room >= min(style.Width(tail), 12) {
		line = state.Justify(line, state.Truncate(tail, room), inner)
	}
	line = state.Fit(line, inner)
	if i == p.at {
		return state.Highlight(line)
	}
	return line
}

// pickerFoot is the key line below a picker: the equivalent command of the item at the cursor.
func (m *model) pickerFoot() string {
	p, state := m.picker, m.state
	text := ""
	if items := p.shown(m); p.at < len(items) {
		text = items[p.at].command
		if why := items[p.at].why; why != "" {
			text = why
		}
	}
	keys := state.Say("enter run  esc back")
	if p.offer != nil {
		keys = state.Say("tab complete  up down history  enter run  esc back")
	}
	return state.Justify(" "+state.Code.Paint(text), state.Faint.Paint("  "+keys+" "), m.width)
}
