package style

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text without spaces between its words, as Japanese is, may break between any two of its characters,
// except where a line would begin or end with what never does (kinsoku).

// breakHere is a character of no width that marks where such a text may break.
const breakHere = "\u200b"

const (
	neverFirst = "、。，．・：；？！ー）」』】〕〉》｝］゛゜々ゝゞヽヾぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ…‥,.:;?!)]}’”"
	neverLast  = "（「『【〔〈《｛［([{‘“"
)

// isWideText tells whether a character belongs to text without spaces.
func isWideText(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xffef || r == 'ー'
}

// breakable marks where text may break beyond its spaces; text that has spaces stays as it is.
func breakable(text string) string {
	if strings.IndexFunc(text, isWideText) < 0 {
		return text
	}
	var b strings.Builder
	var last rune
	for i := 0; i < len(text); {
		if n := escape(text[i:]); n > 0 {
			b.WriteString(text[i : i+n])
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		if last != 0 && (isWideText(last) || isWideText(r)) && breaksBetween(last, r) {
			b.WriteString(breakHere)
		}
		b.WriteRune(r)
		last = r
		i += n
	}
	return b.String()
}

func breaksBetween(last, next rune) bool {
	return !unicode.IsSpace(last) && !unicode.IsSpace(next) && !strings.ContainsRune(neverLast, last) && !strings.ContainsRune(neverFirst, next)
}

// escape is the length of the colour that text begins with, 0 if it does not.
func escape(text string) int {
	if !strings.HasPrefix(text, "\x1b[") {
		return 0
	}
	return strings.IndexByte(text, 'm') + 1
}

// joinsLines tells whether two lines of a paragraph are one text without a space between: the line that
// was written so far, and the one that follows.
func joinsLines(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	next, _ := utf8.DecodeRuneInString(after)
	return isWideText(last) && isWideText(next)
}
