package style

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/shopctl/shopctl/pkg/cells"
	"github.com/shopctl/shopctl/pkg/printable"
)

// Width is how many cells text takes. The characters that most lines consist of are counted here, because this runs
// many times a frame: ASCII, colors, and the characters of boxes, bars and curves.
func Width(text string) int {
	n := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= 0x20 && c <= 0x7e:
			n++
		case i+2 < len(text) && oneCell(text[i:i+3]):
			i += 2
			n++
		case c == 0x1b && i+1 < len(text) && text[i+1] == '[':
			end := strings.IndexByte(text[i:], 'm')
			if end < 0 || strings.Trim(text[i+2:i+end], "0123456789;:") != "" {
				return cells.Width(text)
			}
			i += end
		default:
			return cells.Width(text)
		}
	}
	return n
}

// oneCell reports whether three bytes are a character from U+2500 to U+25FC or U+2800 to U+28FF: boxes, blocks,
// shapes and braille, one cell each. Two of the squares after U+25FC are emoji.
func oneCell(b string) bool {
	if b[0] != 0xe2 || b[2]&0xc0 != 0x80 {
		return false
	}
	shape := b[1] >= 0x94 && b[1] <= 0x97 && (b[1] != 0x97 || b[2] < 0xbd)
	return shape || b[1] >= 0xa0 && b[1] <= 0xa3
}

// Truncate shortens text to w cells; an ellipsis in the last cell shows that something is missing.
func (t *Theme) Truncate(text string, w int) string {
	switch {
	case w <= 0:
		return ""
	case Width(text) <= w:
		return text
	}
	return cells.Truncate(text, w, t.Ellipsis)
}

// Fit makes text exactly w cells wide.
func (t *Theme) Fit(text string, w int) string {
	if w <= 0 {
		return ""
	}
	if n := Width(text); n <= w {
		return text + Spaces(w-n)
	}
	text = cells.Truncate(text, w, t.Ellipsis)
	return text + Spaces(w-Width(text)) // a wide character may have been left out
}

// AlignRight is Fit, aligned to the right.
func (t *Theme) AlignRight(text string, w int) string {
	text = t.Truncate(text, w)
	return Spaces(w-Width(text)) + text
}

// Justify puts left and right at the ends of a line of w cells. Where both do not fit, left is truncated.
func (t *Theme) Justify(left, right string, w int) string {
	right = t.Truncate(right, w)
	return t.Fit(left, w-Width(right)) + right
}

const blanks = "                                                                                                                                "

func Spaces(n int) string {
	switch {
	case n <= 0:
		return ""
	case n <= len(blanks):
		return blanks[:n]
	}
	return strings.Repeat(" ", n)
}

// Wrap breaks text into lines of at most w cells.
func Wrap(text string, w int) []string {
	if w <= 0 {
		return nil
	}
	text, held := protectFlags(text)
	marked := breakable(text)
	if len(marked) == len(text) {
		text = cells.Wrap(text, w, "")
	} else {
		text = strings.ReplaceAll(cells.Wrap(marked, w, breakHere), breakHere, "")
	}
	if held {
		text = strings.ReplaceAll(text, protectedHyphen, "-")
	}
	return strings.Split(text, "\n")
}

// protectedHyphen replaces a hyphen after which a line must not break.
const protectedHyphen = "\ue000"

// protectFlags keeps words together that begin with a hyphen, such as --max-time, so that a command can be read. In text
// without spaces they may follow any character.
func protectFlags(text string) (_ string, held bool) {
	if !strings.Contains(text, "-") {
		return text, false
	}
	var b strings.Builder
	begins, flag := true, false
	for i := 0; i < len(text); {
		if n := escape(text[i:]); n > 0 {
			b.WriteString(text[i : i+n])
			i += n
			continue
		}
		c := text[i]
		flag = flag && c > ' ' && c < utf8.RuneSelf || begins && c == '-'
		begins = c <= ' ' || c >= utf8.RuneSelf || strings.IndexByte("([{\"'`|", c) >= 0
		if flag && c == '-' {
			b.WriteString(protectedHyphen)
			held = true
		} else {
			b.WriteByte(c)
		}
		i++
	}
	return b.String(), held
}

// Hang wraps text after a prefix; further lines are indented by the prefix's width.
func Hang(prefix, text string, w int) []string {
	indent := Width(prefix)
	lines := Wrap(text, max(w-indent, 1))
	for i, line := range lines {
		if i == 0 {
			lines[i] = prefix + line
		} else {
			lines[i] = Spaces(indent) + line
		}
	}
	return lines
}

// Clean makes text that comes from outside ready to be drawn: it is harmless, and what terminals measure differently is
// settled.
func Clean(text string) string { return cells.Settle(Harmless(text)) }

// Harmless removes from text what would move the terminal's cursor or reorder the line, and colors.
func Harmless(text string) string {
	return printable.Remove(strings.ReplaceAll(ansi.Strip(text), "\t", "    "))
}

// CleanLines is Clean for text of several lines.
func CleanLines(text string) []string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Clean(line)
	}
	return lines
}

// ToASCII replaces the characters of a drawn line by ASCII of the same width.
func ToASCII(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, r := range text {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		b.WriteString(asciiRune(r))
	}
	return b.String()
}

func asciiRune(r rune) string {
	switch {
	case r == '“' || r == '”' || r == '„':
		return `"`
	case r == '‘' || r == '’':
		return "'"
	case r >= '‐' && r <= '―' || r == '−':
		return "-"
	case r == '…' || r == '·':
		return "."
	case r == '×':
		return "x"
	case r == 'µ' || r == 'μ':
		return "u"
	case r == '\u00a0':
		return " "
	}
	return strings.Repeat("?", cells.Width(string(r)))
}

// ContainsFold reports whether text contains filter, regardless of case.
func ContainsFold(text, filter string) bool {
	return filter == "" || strings.Contains(strings.ToLower(text), strings.ToLower(filter))
}
