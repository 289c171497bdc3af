package style

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text without spaces between its words, such as Japanese, may break between any two characters, except where the
// next line would begin with a closing mark or this one would end with an opening one (kinsoku).

// breakHere is a zero-width character that marks where such a text may break.
const breakHere = "\u200b"

const (
	neverFirst = "、。，．・：；？！ー）」』】〕〉》｝］゛゜々ゝゞヽヾぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ…‥,.:;?!)]}’”"
	neverLast  = "（「『【〔〈《｛［([{‘“"
)

// isWideText reports whether a character belongs to text without spaces.
func isWideText(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xffef || r == 'ー'
}

// breakable marks the places besides spaces where text may break. Text with spaces stays as it is.
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

// escape is the length of the color sequence at the start of text, 0 if there is none.
func escape(text string) int {
	if !strings.HasPrefix(text, "\x1b[") {
		return 0
	}
	return strings.IndexByte(text, 'm') + 1
}

// joinsLines reports whether two source lines of a paragraph are joined without a space between them.
func joinsLines(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	next, _ := utf8.DecodeRuneInString(after)
	return isWideText(last) && isWideText(next)
}
