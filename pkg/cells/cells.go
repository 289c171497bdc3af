// Package cells measures and cuts text by the cells that it takes on the terminal.
//
// Terminals disagree about characters of several code points. Most count each code point by itself, as wcwidth does. Others
// count what a reader sees as one character (a grapheme cluster); a screen asks for that with mode 2027, and calls Graphemes
// when the terminal agreed. What a frame is drawn by must be measured as the terminal measures.
//
// A third kind follows neither rule for emoji. Settle takes those apart, so that all kinds agree.
package cells

import (
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/clipperhouse/uax29/v2/graphemes"
	"golang.org/x/text/unicode/norm"
)

// graphemeTerminal is set while the terminal of this process counts grapheme clusters.
var graphemeTerminal atomic.Bool

// Graphemes says how the terminal of this process counts: by grapheme clusters, or else by code points.
func Graphemes(on bool) { graphemeTerminal.Store(on) }

func method() ansi.Method {
	if graphemeTerminal.Load() {
		return ansi.GraphemeWidth
	}
	return ansi.WcWidth
}

// Width is how many cells text takes; sequences of colors take none.
func Width(text string) int { return method().StringWidth(text) }

// Truncate shortens text to at most width cells, of which the last show tail if something is missing.
func Truncate(text string, width int, tail string) string {
	if Width(text) <= width {
		return text
	}
	return method().Truncate(padded(text, width), width, tail)
}

// Cut is the part of text from one cell to another; colors that apply to it are kept.
func Cut(text string, from, to int) string {
	if Width(text) <= to {
		return method().TruncateLeft(text, from, "")
	}
	return method().Cut(padded(text, to), from, to)
}

// padded is text that is wider than width by either way of counting: the library looks at clusters alone to see whether
// there is anything to cut. The blanks are cut off again.
func padded(text string, width int) string { return text + strings.Repeat(" ", max(width, 0)) }

// Wrap breaks text into lines of at most width cells, between words where it can. Lines also break behind breakpoints.
func Wrap(text string, width int, breakpoints string) string {
	return method().Wrap(text, width, breakpoints)
}

// Wordwrap is Wrap for text whose words stay whole, even if they are wider than a line.
func Wordwrap(text string, width int, breakpoints string) string {
	return method().Wordwrap(text, width, breakpoints)
}

const (
	joiner         = '\u200d' // of several emoji to one
	emojiVariation = '\ufe0f'
	keycap         = '\u20e3'
)

// Settle replaces characters whose width depends on the terminal by the nearest ones whose width does not: an emoji of
// several code points by its first (a skin tone is dropped, of a family the first member stays, a heart loses its color),
// and half-width katakana with a sound mark by full-width katakana. Other text is returned as it is.
func Settle(text string) string {
	if !unsettled(text) {
		return text
	}
	var b strings.Builder
	for clusters := graphemes.FromString(text); clusters.Next(); {
		b.WriteString(settle(clusters.Value()))
	}
	return b.String()
}

// unsettled reports whether text may hold what Settle replaces. All of it begins with the bytes 0xe2, 0xef or 0xf0.
func unsettled(text string) bool {
	for i := range len(text) {
		if c := text[i]; c == 0xe2 || c == 0xef || c == 0xf0 {
			return strings.ContainsFunc(text[i:], func(r rune) bool {
				return r == joiner || r == emojiVariation || r == keycap || isSkinTone(r) || isSoundMark(r)
			})
		}
	}
	return false
}

func isSkinTone(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }

// isSoundMark reports whether r is a half-width mark that makes "ka" a "ga", or "ha" a "pa".
func isSoundMark(r rune) bool { return r == '\uff9e' || r == '\uff9f' }

func settle(cluster string) string {
	first, size := utf8.DecodeRuneInString(cluster)
	rest := cluster[size:]
	switch {
	case rest == "":
		return cluster
	case strings.ContainsFunc(rest, isSoundMark):
		return norm.NFKC.String(cluster)
	case rest[0] < utf8.RuneSelf || ansi.GraphemeWidth.StringWidth(cluster) == ansi.WcWidth.StringWidth(cluster):
		return cluster
	case strings.ContainsFunc(rest, func(r rune) bool { return r == joiner || r == emojiVariation || r == keycap || isSkinTone(r) }):
		return string(first)
	}
	return cluster
}
