package style

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
)

const sample = `# A heading

Some *weak* and **strong words with ` + "`code`" + ` in them** that go on over the end of a line, and a
[link](https://example.com) or <https://example.org>.

1. first
2. second
   * inner
   * more

> A quote that
> goes on.

` + "```sh\nshopctl call catalog\n```\n" + `
---

<b>raw</b>  
last`

func TestMarkdownIsDrawnAsLines(t *testing.T) {
	th := New(Options{})
	want := `A heading

Some weak and strong words with code in
them that go on over the end of a line,
and a link (https://example.com) or
https://example.org.

1. first
2. second
   • inner
   • more

│ A quote that goes on.

  shopctl call catalog

────────────────────────────────────────

raw
last`
	if diff := cmp.Diff(want, strings.Join(th.Markdown(sample, 40), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestEveryLineOfMarkdownEndsItsColors(t *testing.T) {
	th := New(Options{Color: true, Dark: true})
	for w := 1; w < 80; w++ {
		for _, line := range th.Markdown(sample, w) {
			if openAt("", line) != "" {
				t.Fatalf("at %d cells a colour leaks out of %q", w, line)
			}
		}
	}
	lines := th.Markdown(sample, 40)
	if bold := th.Bold.on; !strings.HasPrefix(lines[3], bold) {
		t.Errorf("the bold text does not go on in %q", lines[3])
	}
}

func TestTextFromOutsideIsHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a\x1b[31mred\x1b[m": "ared", "tab\there": "tab    here", "bell\a\r": "bell", "zero\u200bwidth": "zerowidth", "日本": "日本",
		"right\u202eleft": "rightleft", "\U0001f468\u200d\U0001f469\u200d\U0001f467": "\U0001f468",
	} {
		if got := Clean(in); got != want {
			t.Errorf("clean(%q) is %q, want %q", in, got, want)
		}
	}
}

func FuzzMarkdownFitsItsWidth(f *testing.F) {
	f.Add(sample, 20)
	f.Add("* 日本語 `x`", 3)
	th := New(Options{Color: true})
	f.Fuzz(func(t *testing.T, text string, w int) {
		w = 1 + (w%120+120)%120
		for _, line := range th.Markdown(text, w) {
			if got := th.Fit(line, w); ansi.StringWidth(got) != w {
				t.Errorf("%q fitted into %d cells is %d wide", line, w, ansi.StringWidth(got))
			}
		}
	})
}
