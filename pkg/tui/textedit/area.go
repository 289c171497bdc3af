package textedit

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/style"
)

// maxBytes bounds the text of an area.
const maxBytes = 64 << 10

// Area is a text of several lines that is being typed.
type Area struct {
	above, below []string
	line         buffer // the cursor's
	history      history[snapshot]
}

// snapshot is a state of an area.
type snapshot struct {
	above, below []string
	line         buffer
}

// NewArea returns an area with the cursor at its beginning.
func NewArea(text string) Area {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = style.Harmless(line)
	}
	return Area{below: lines[1:], line: buffer{text: lines[0]}}
}

func (a *Area) String() string { return strings.Join(a.lines(), "\n") }

func (a *Area) lines() []string {
	return slices.Concat(a.above, []string{a.line.text}, a.below)
}

func (a *Area) snapshot() snapshot {
	return snapshot{above: slices.Clone(a.above), below: slices.Clone(a.below), line: a.line}
}

func (a *Area) restore(s snapshot) { a.above, a.below, a.line = s.above, s.below, s.line }

// goTo moves the cursor into a line, to the cell that is closest to a column.
func (a *Area) goTo(row, column int) {
	lines := a.lines()
	row = min(max(row, 0), len(lines)-1)
	a.above, a.below = lines[:row:row], lines[row+1:]
	a.line = buffer{text: lines[row], at: skip(lines[row], column)}
}

// breakLine breaks the line at the cursor; the new one is indented like the old one.
func (a *Area) breakLine() {
	before, after := a.line.text[:a.line.at], a.line.text[a.line.at:]
	indent := before[:len(before)-len(strings.TrimLeft(before, " "))]
	a.above = append(a.above, before)
	a.line = buffer{text: indent + after, at: len(indent)}
}

// join appends the cursor's line to the one above.
func (a *Area) join() {
	last := len(a.above) - 1
	above := a.above[last]
	a.line = buffer{text: above + a.line.text, at: len(above)}
	a.line.at = align(a.line.text, a.line.at)
	a.above = a.above[:last]
}

// Insert adds pasted text of one or several lines at the cursor. Text that would make the area too large is refused.
func (a *Area) Insert(text string) {
	if !a.fits(text) {
		return
	}
	a.history.record(a.snapshot(), other)
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if i > 0 {
			a.above = append(a.above, a.line.text[:a.line.at])
			a.line = buffer{text: a.line.text[a.line.at:]}
		}
		a.line.insert(style.Harmless(line))
	}
}

func (a *Area) fits(text string) bool { return len(a.String())+len(text) <= maxBytes }

// Key applies a key, and reports whether it was one that edits text.
func (a *Area) Key(k tea.KeyPressMsg) bool {
	now := a.snapshot()
	switch undo, redo := isUndo(k.String()); {
	case undo:
		now, _ = a.history.undo(now)
		a.restore(now)
		return true
	case redo:
		now, _ = a.history.redo(now)
		a.restore(now)
		return true
	case !a.fits(k.Text):
		return true
	}
	e := a.betweenLines(k.String())
	if e == none {
		e = a.line.key(k)
	}
	if e == motion || e != none && !slices.Equal(now.lines(), a.lines()) {
		a.history.record(now, e)
	}
	return e != none
}

func (s snapshot) lines() []string { return slices.Concat(s.above, []string{s.line.text}, s.below) }

// betweenLines applies a key that goes from one line to another, or changes how many there are.
func (a *Area) betweenLines(key string) edit {
	row, column := len(a.above), width(a.line.text[:a.line.at])
	atStart, atEnd := a.line.at == 0, a.line.at == len(a.line.text)
	switch {
	case key == "up", key == "ctrl+p":
		a.goTo(row-1, column)
	case key == "down", key == "ctrl+n":
		a.goTo(row+1, column)
	case key == "ctrl+home":
		a.goTo(0, 0)
	case key == "ctrl+end":
		a.goTo(row+len(a.below), 0)
		a.line.at = len(a.line.text)
	case slices.Contains([]string{"left", "ctrl+b", "alt+left", "ctrl+left", "alt+b"}, key) && atStart && row > 0:
		a.goTo(row-1, 0)
		a.line.at = len(a.line.text)
	case slices.Contains([]string{"right", "ctrl+f", "alt+right", "ctrl+right", "alt+f"}, key) && atEnd && len(a.below) > 0:
		a.goTo(row+1, 0)
	case key == "enter":
		a.breakLine()
		return other
	case slices.Contains([]string{"backspace", "ctrl+h", "alt+backspace", "ctrl+w"}, key) && atStart && row > 0:
		a.join()
		return deletion
	case slices.Contains([]string{"delete", "ctrl+d", "alt+d"}, key) && atEnd && len(a.below) > 0:
		a.goTo(row+1, 0)
		a.join()
		return deletion
	default:
		return none
	}
	return motion
}

// View returns the lines cut to w cells, and the column and row of the cursor. All lines move sideways together, as far
// as the cursor needs it.
func (a *Area) View(w int) (lines []string, column, row int) {
	w = max(w, 1)
	hidden := a.line.hidden(w)
	for _, line := range a.lines() {
		lines = append(lines, part(line, hidden, w))
	}
	return lines, width(a.line.text[:a.line.at]) - hidden, len(a.above)
}
