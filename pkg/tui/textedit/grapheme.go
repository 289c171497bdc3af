package textedit

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"github.com/shopctl/shopctl/pkg/cells"
)

// next is the end of the grapheme cluster that begins at a byte offset.
func next(text string, at int) int {
	clusters := graphemes.FromString(text[at:])
	if !clusters.Next() {
		return at
	}
	return at + clusters.End()
}

// previous is the start of the last grapheme cluster that begins before a byte offset.
func previous(text string, at int) int {
	start := 0
	for clusters := graphemes.FromString(text); clusters.Next() && clusters.End() <= at; {
		start = clusters.Start()
	}
	return start
}

// align moves a byte offset out of a cluster, to the cluster's end: a combining mark joins what it is typed behind.
func align(text string, at int) int {
	end := 0
	for clusters := graphemes.FromString(text); end < at && clusters.Next(); {
		end = clusters.End()
	}
	return end
}

// width is the number of terminal cells that text takes.
func width(text string) int { return cells.Width(text) }

// skip is the byte offset behind as many whole clusters as fit into a number of cells.
func skip(text string, cells int) int {
	end, used := 0, 0
	for clusters := graphemes.FromString(text); clusters.Next(); {
		if used += width(clusters.Value()); used > cells {
			break
		}
		end = clusters.End()
	}
	return end
}

// class groups characters into words.
type class int

const (
	space class = iota
	punctuation
	letter
	han
	hiragana
	katakana
)

// classOf is the class of a character. Japanese has no spaces between its words: there a word is a run of one script.
func classOf(r rune) class {
	switch {
	case unicode.IsSpace(r):
		return space
	case unicode.Is(unicode.Hiragana, r):
		return hiragana
	case unicode.Is(unicode.Katakana, r), r == 'ー':
		return katakana
	case unicode.Is(unicode.Han, r), r == '々':
		return han
	case unicode.IsLetter(r), unicode.IsDigit(r), r == '_':
		return letter
	}
	return punctuation
}

// wordStart is the start of the word before a byte offset.
func wordStart(text string, at int) int {
	at = len(strings.TrimRightFunc(text[:at], unicode.IsSpace))
	for begin := at; at > 0; {
		before := previous(text, at)
		if begin != at && clusterClass(text[before:]) != clusterClass(text[at:]) {
			break
		}
		at = before
	}
	return at
}

// wordEnd is the end of the word behind a byte offset.
func wordEnd(text string, at int) int {
	at += len(text[at:]) - len(strings.TrimLeftFunc(text[at:], unicode.IsSpace))
	for first := at; at < len(text) && clusterClass(text[at:]) == clusterClass(text[first:]); {
		at = next(text, at)
	}
	return at
}

// clusterClass is the class of the cluster that text begins with: that of its first character.
func clusterClass(text string) class {
	r, _ := utf8.DecodeRuneInString(text)
	return classOf(r)
}

// argumentStart is the start of the space-separated word before a byte offset, as ctrl+w has it in a shell.
func argumentStart(text string, at int) int {
	trimmed := strings.TrimRightFunc(text[:at], unicode.IsSpace)
	return len(strings.TrimRightFunc(trimmed, func(r rune) bool { return !unicode.IsSpace(r) }))
}
