// Package printable makes foreign text safe to show in a terminal. What a program, a manifest or a server wrote may hold
// sequences that set the title, fill the clipboard, clear the screen or reorder a line; they are shown, and never sent.
package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text shows control characters, marks that change the direction of text and bytes that are not UTF-8 in a visible form:
// "^[" for an escape, "\r", "\u202e", "\x9b". It keeps line feeds and tabs.
func Text(s string) string {
	if plain(s) {
		return s
	}
	return escape(strings.ReplaceAll(s, "\r\n", "\n"), false)
}

// Line is Text for one line: a line feed is shown as "\n" and a tab as "\t".
func Line(s string) string {
	if plain(s) && !strings.ContainsAny(s, "\n\t") {
		return s
	}
	return escape(s, true)
}

// Remove drops what Text would show, line feeds and tabs: for text that is typed or measured.
func Remove(s string) string {
	if plain(s) && !strings.ContainsAny(s, "\n\t") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unsafe(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// plain reports whether s is ASCII without control characters other than line feeds and tabs.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

func escape(s string, line bool) string {
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !line && (r == '\n' || r == '\t'):
			b.WriteRune(r)
		case unsafe(r):
			b.WriteString(visible(r))
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// unsafe reports whether a terminal may act on r or show nothing of it. Joiners stay, since emoji families and several
// scripts are written with them.
func unsafe(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch {
	case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029':
		return true
	case r < 0xa0 || r == nonJoiner || r == joiner || r > 0xffff:
		return false
	}
	return unicode.Is(unicode.Cf, r)
}

// visible is the form of a rune that unsafe reports. Beyond the ASCII control characters it is the escape of JSON, so that
// a JSON document in which strings are escaped keeps its meaning.
func visible(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case r < ' ':
		return "^" + string(r+'@')
	}
	return fmt.Sprintf(`\u%04x`, r)
}
