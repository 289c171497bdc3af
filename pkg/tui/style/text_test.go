package style

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func FuzzWidthIsThatOfTheTerminal(f *testing.F) {
	for _, text := range []string{"", "plain", "\x1b[1;38;2;1;2;3mred\x1b[m", "╭─▁█●▲◆⣿⠁ box", "◽◾◼️ ▶️ ●\u0301", "支払い", "\x1b[2Jx", "\x1b[", "\xe2\x94", "a\x1b]8;;x\x07b", "\xe2\x970", "⠿\u200d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := Width(text), ansi.WcWidth.StringWidth(text); got != want {
			t.Errorf("%q is %d cells wide, want %d", text, got, want)
		}
	})
}

func TestFlagsStayWhole(t *testing.T) {
	for _, c := range []struct {
		text string
		w    int
		want string
	}{
		{"shopctl fault inject catalog --delay 2s", 31, "shopctl fault inject catalog|--delay 2s"},
		{"$ \x1b[1m--max-items\x1b[m 3", 6, "$|\x1b[1m--max-|items\x1b[m|3"},
		{"a well-known word", 7, "a well-|known|word"},
		{"--very-long-flag", 8, "--very-l|ong-flag"},
		{"呼びます。--plaintext で", 14, "呼びます。|--plaintext で"},
		{"the flag (--max-time)", 12, "the flag|(--max-time)"},
	} {
		if got := strings.Join(Wrap(c.text, c.w), "|"); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.text, c.w, got, c.want)
		}
	}
}
