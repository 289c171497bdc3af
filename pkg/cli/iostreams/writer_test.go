package iostreams_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

func TestOnlySequencesOfOurOwnReachTheTerminal(t *testing.T) {
	var out bytes.Buffer
	ios := iostreams.New(nil, &out, nil)
	ios.Color = true
	foreign := "\x1b[32mgreen\x1b[12345678901234567890;32m\x1b["
	fmt.Fprintln(ios.Out, ios.Paint(iostreams.ToneBad, foreign)+ios.Out.Sequence("\x1b[K"))
	want := "\x1b[31m^[[32mgreen^[[12345678901234567890;32m^[[\x1b[0m\x1b[K\n"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestColorsOfLogsEndWithTheirText(t *testing.T) {
	for in, want := range map[string][2]string{
		"plain":                                {"plain", "plain"},
		"\x1b[1;31mred":                        {"\x1b[1;31mred\x1b[0m", "red"},
		"\x1b[8mhidden\x1b[2J":                 {"hidden^[[2J", "hidden^[[2J"},
		"\x1b]0;t\a\x1b[38;5;8mx\x1b[0m\x1b[m": {"^[]0;t^G\x1b[38;5;8mx\x1b[0m\x1b[m\x1b[0m", "^[]0;t^Gx"},
	} {
		for i, color := range []bool{true, false} {
			var out bytes.Buffer
			ios := iostreams.New(nil, &out, nil)
			ios.Color = color
			fmt.Fprint(ios.Out, ios.Colors(in))
			if got := out.String(); got != want[i] {
				t.Errorf("color %v: %q is shown as %q, want %q", color, in, got, want[i])
			}
		}
	}
}

func TestACellIsOneLineAsWideAsItIsShown(t *testing.T) {
	var out bytes.Buffer
	ios := iostreams.New(nil, &out, nil)
	ios.Color = true
	table := iostreams.NewTable("A", "B")
	table.Row("\x1b[2J\nx", "1")
	table.Row(ios.Paint(iostreams.ToneBad, "bad"), "2")
	table.Write(ios.Out)
	want := "A          B\n^[[2J\\nx   1\n\x1b[31mbad\x1b[0m        2\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestFurtherLinesOfAMessageAreNoMessages(t *testing.T) {
	var out bytes.Buffer
	ios := iostreams.New(nil, nil, &out)
	ios.Warnf("a%s", "\nshopctl: error: forged")
	ios.Notef("a%s", "\nshopctl: error: forged")
	if strings.Contains(out.String(), "\nshopctl: error") {
		t.Errorf("got %q", out.String())
	}
}
