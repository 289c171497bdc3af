package tui

import (
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func FuzzWidthIsThatOfTheTerminal(f *testing.F) {
	for _, text := range []string{"", "plain", "\x1b[1;38;2;1;2;3mred\x1b[m", "╭─▁█●▲◆⣿⠁ box", "◽◾◼️ ▶️ ●\u0301", "支払い", "\x1b[2Jx", "\x1b[", "\xe2\x94", "a\x1b]8;;x\x07b", "\xe2\x970", "⠿\u200d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := width(text), ansi.StringWidth(text); got != want {
			t.Errorf("%q is %d cells wide, want %d", text, got, want)
		}
	})
}
