package cells_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/shopctl/shopctl/pkg/cells"
)

func TestTextIsSettledSoThatAllTerminalsAgreeOnItsWidth(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "",
		"catalog":           "catalog",
		"\x1b[31mred\x1b[m": "\x1b[31mred\x1b[m",
		"日本語 ｶﾅ ü é":        "日本語 ｶﾅ ü é",
		"e\u0301":           "e\u0301",
		"ｶﾞｷﾞ ﾊﾟｽ ｳﾞ":       "ガギ パｽ ヴ",
		"👍🏽":                "👍",
		"👩‍👩‍👧 left":        "👩 left",
		"🇯🇵":                "🇯🇵",
		"❤️ ☎️ 1️⃣":         "❤ ☎ 1",
		"辻\U000e0100":       "辻\U000e0100", // a variant of a character, not an emoji
		"می\u200cخواهم":     "می\u200cخواهم",
		"┌─┐ ▁▂ ⣿":          "┌─┐ ▁▂ ⣿",
	} {
		got := cells.Settle(text)
		if got != want {
			t.Errorf("Settle(%+q) = %+q, want %+q", text, got, want)
		}
		if g, wc := ansi.GraphemeWidth.StringWidth(got), ansi.WcWidth.StringWidth(got); g != wc {
			t.Errorf("Settle(%+q) is %d cells by clusters, %d by code points", text, g, wc)
		}
		if again := cells.Settle(got); again != got {
			t.Errorf("Settle(%+q) changes what is settled to %+q", got, again)
		}
	}
}

// Scripts whose letters have marks with a width of their own cannot be settled: they are measured as the terminal does.
func TestTextIsMeasuredAndCutAsTheTerminalCounts(t *testing.T) {
	t.Cleanup(func() { cells.Graphemes(false) })
	const word = "हिन्दी"
	for _, tt := range []struct {
		graphemes bool
		width     int
		cut       string
	}{{false, 5, "हि"}, {true, 2, word}} {
		cells.Graphemes(tt.graphemes)
		if got := cells.Width(word); got != tt.width {
			t.Errorf("graphemes %t: %d cells, want %d", tt.graphemes, got, tt.width)
		}
		if got := cells.Truncate(word, 2, ""); got != tt.cut {
			t.Errorf("graphemes %t: cut to %+q, want %+q", tt.graphemes, got, tt.cut)
		}
		if got := cells.Cut(word, 0, 2); got != tt.cut {
			t.Errorf("graphemes %t: the first two cells are %+q, want %+q", tt.graphemes, got, tt.cut)
		}
		for name, wrap := range map[string]func(string, int, string) string{"Wrap": cells.Wrap, "Wordwrap": cells.Wordwrap} {
			lines := strings.Count(wrap(word+" "+word, 5, ""), "\n") + 1
			if want := map[bool]int{false: 2, true: 1}[tt.graphemes]; lines != want {
				t.Errorf("graphemes %t: %s makes %d lines, want %d", tt.graphemes, name, lines, want)
			}
		}
	}
}
