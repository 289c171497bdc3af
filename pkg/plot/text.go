package plot

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"github.com/shopctl/shopctl/pkg/cells"
)

// width is how many cells text takes.
func width(text string) int { return cells.Width(text) }

func spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }

// cut shortens text to w cells; its last cell marks the cut.
func (s Style) cut(text string, w int) string {
	more := "…"
	if s.ASCII || s.Linear {
		more = "~"
	}
	if w <= 0 {
		return ""
	}
	return cells.Truncate(text, w, more)
}

// fit makes text exactly w cells wide. Emoji that are made of several characters may be wider than
// where they were cut.
func (s Style) fit(text string, w int) string {
	for room := w; room > 0 && width(text) > w; room-- {
		text = s.cut(text, room)
	}
	if w <= 0 {
		return ""
	}
	return text + spaces(w-width(text))
}

// clean makes a name from outside harmless, and spells it in ASCII on request.
func (s Style) clean(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Me, unicode.Variation_Selector) || r == unicode.ReplacementChar:
			return -1
		case s.ASCII && r > 0x7e:
			return '?'
		}
		return r
	}, ansi.Strip(name))
}
