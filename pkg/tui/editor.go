package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// mostTyped bounds the text of an editor, in characters.
const mostTyped = 64 << 10

// editor is a text of several lines being typed. The cursor's line is an input.
type editor struct {
	above, below []string
	line         input
}

func newEditor(text string) editor {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	e := editor{below: lines[1:], line: newInput(clean(lines[0]))}
	e.line.at = 0
	return e
}

func (e *editor) String() string { return strings.Join(e.lines(), "\n") }

func (e *editor) lines() []string {
	lines := append(append([]string{}, e.above...), e.line.String())
	return append(lines, e.below...)
}

// up and down move the cursor by a line.
func (e *editor) up() {
	if n := len(e.above); n > 0 {
		at := e.line.at
		e.below = append([]string{e.line.String()}, e.below...)
		e.line, e.above = newInput(e.above[n-1]), e.above[:n-1]
		e.line.at = min(at, len(e.line.text))
	}
}

func (e *editor) down() {
	if len(e.below) > 0 {
		at := e.line.at
		e.above = append(e.above, e.line.String())
		e.line, e.below = newInput(e.below[0]), e.below[1:]
		e.line.at = min(at, len(e.line.text))
	}
}

// split breaks the line at the cursor; the new one is indented as the old.
func (e *editor) split() {
	before, after := string(e.line.text[:e.line.at]), string(e.line.text[e.line.at:])
	indent := before[:len(before)-len(strings.TrimLeft(before, " "))]
	e.above = append(e.above, before)
	e.line = newInput(indent + after)
	e.line.at = len(indent)
}

// join appends the line to the one above.
func (e *editor) join() {
	if n := len(e.above); n > 0 {
		line := newInput(e.above[n-1])
		line.text = append(line.text, e.line.text...)
		e.line, e.above = line, e.above[:n-1]
	}
}

// insert adds text of one or several lines.
func (e *editor) insert(text string) {
	if len(e.String())+len(text) > mostTyped {
		return
	}
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if i > 0 {
			rest := append([]rune{}, e.line.text[e.line.at:]...)
			e.above = append(e.above, string(e.line.text[:e.line.at]))
			e.line = input{text: rest}
		}
		e.line.insert(line)
	}
}

// key takes a key of a text.
func (e *editor) key(k tea.KeyPressMsg) {
	switch key := k.String(); {
	case key == "up":
		e.up()
	case key == "down":
		e.down()
	case key == "enter":
		e.split()
	case key == "backspace" && e.line.at == 0:
		e.join()
	case key == "delete" && e.line.at == len(e.line.text) && len(e.below) > 0:
		e.down()
		e.line.at = 0
		e.join()
	case key == "left" && e.line.at == 0 && len(e.above) > 0:
		e.up()
		e.line.at = len(e.line.text)
	case key == "right" && e.line.at == len(e.line.text) && len(e.below) > 0:
		e.down()
		e.line.at = 0
	case k.Text != "":
		e.insert(k.Text)
	default:
		e.line.key(k)
	}
}

// view is the lines cut to w cells, and the cursor's cell among them. All lines move sideways with the
// cursor's.
func (e *editor) view(w int) (lines []string, x, y int) {
	from := 0
	for width(string(e.line.text[from:e.line.at])) >= max(w, 1) {
		from++
	}
	for _, line := range e.lines() {
		runes := []rune(line)
		part := string(runes[min(from, len(runes)):])
		for width(part) > w {
			cut := []rune(part)
			part = string(cut[:len(cut)-1])
		}
		lines = append(lines, part)
	}
	return lines, width(string(e.line.text[from:e.line.at])), len(e.above)
}
