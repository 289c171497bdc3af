package textedit

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/style"
)

// buffer is one line of text and the byte offset of the cursor, which is always between two clusters.
type buffer struct {
	text string
	at   int
}

func (b *buffer) insert(text string) {
	b.text = b.text[:b.at] + text + b.text[b.at:]
	b.at = align(b.text, b.at+len(text))
}

// erase deletes what is between two byte offsets.
func (b *buffer) erase(from, to int) {
	b.text = b.text[:from] + b.text[to:]
	b.at = align(b.text, from)
}

// key applies a key that edits within one line, and returns which kind of edit it was.
func (b *buffer) key(k tea.KeyPressMsg) edit {
	if e := b.move(k.String()); e != none {
		return e
	}
	switch k.String() {
	case "backspace", "ctrl+h":
		b.erase(previous(b.text, b.at), b.at)
	case "delete", "ctrl+d":
		b.erase(b.at, next(b.text, b.at))
	case "ctrl+w":
		b.erase(argumentStart(b.text, b.at), b.at)
	case "alt+backspace", "ctrl+backspace":
		b.erase(wordStart(b.text, b.at), b.at)
	case "alt+d", "ctrl+delete", "alt+delete":
		b.erase(b.at, wordEnd(b.text, b.at))
	case "ctrl+u":
		b.erase(0, b.at)
	case "ctrl+k":
		b.erase(b.at, len(b.text))
	default:
		text := style.Harmless(k.Text)
		if text == "" {
			return none
		}
		b.insert(text)
		return typing
	}
	return deletion
}

// move applies a key that moves the cursor.
func (b *buffer) move(key string) edit {
	switch key {
	case "left", "ctrl+b":
		b.at = previous(b.text, b.at)
	case "right", "ctrl+f":
		b.at = next(b.text, b.at)
	case "alt+left", "ctrl+left", "alt+b":
		b.at = wordStart(b.text, b.at)
	case "alt+right", "ctrl+right", "alt+f":
		b.at = wordEnd(b.text, b.at)
	case "home", "ctrl+a":
		b.at = 0
	case "end", "ctrl+e":
		b.at = len(b.text)
	default:
		return none
	}
	return motion
}

// hidden is how many cells of the line are left of a view of w cells, so that the cursor is in view.
func (b *buffer) hidden(w int) int {
	cells := width(b.text[:b.at])
	if cells < w {
		return 0
	}
	return width(b.text[:b.at]) - width(b.text[skipBack(b.text[:b.at], w-1):b.at])
}

// skipBack is the byte offset before as many whole clusters at the end of text as fit into a number of cells.
func skipBack(text string, cells int) int {
	from := 0
	for width(text[from:]) > cells && from < len(text) {
		from = next(text, from)
	}
	return from
}

// part returns the w visible cells of a line that was moved left by a number of cells. A wide character that the
// edge cuts leaves a space.
func part(text string, hidden, w int) string {
	from := skip(text, hidden)
	if gap := hidden - width(text[:from]); gap > 0 && from < len(text) {
		from = next(text, from)
		text = strings.Repeat(" ", width(text[:from])-hidden) + text[from:]
	} else {
		text = text[from:]
	}
	return text[:skip(text, w)]
}

// isUndo reports whether a key undoes or redoes.
func isUndo(key string) (undo, redo bool) {
	return key == "ctrl+_" || key == "ctrl+/", key == "ctrl+y" || key == "ctrl+shift+z"
}

// Line is one line of text that is being typed.
type Line struct {
	buffer
	history history[buffer]
}

// NewLine returns a line with the cursor at its end.
func NewLine(text string) Line { return Line{buffer: buffer{text: text, at: len(text)}} }

func (l *Line) String() string { return l.text }

// Insert adds pasted text at the cursor; line breaks become spaces.
func (l *Line) Insert(text string) {
	l.history.record(l.buffer, other)
	l.insert(style.Harmless(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", " ")))
}

// Key applies a key, and reports whether it was one that edits a line.
func (l *Line) Key(k tea.KeyPressMsg) bool {
	switch undo, redo := isUndo(k.String()); {
	case undo:
		l.buffer, _ = l.history.undo(l.buffer)
		return true
	case redo:
		l.buffer, _ = l.history.redo(l.buffer)
		return true
	}
	before := l.buffer
	e := l.key(k)
	if e != none && (e == motion || l.buffer != before) {
		l.history.record(before, e)
	}
	return e != none
}

// View returns the part of the line that fits into w cells, and the cursor's cell in it.
func (l *Line) View(w int) (text string, cursor int) {
	if w <= 0 {
		return "", 0
	}
	hidden := l.hidden(w)
	return part(l.text, hidden, w), width(l.text[:l.at]) - hidden
}
