package style

import (
	"slices"
	"strings"
	"testing"
)

func TestJapaneseBreaksAnywhereButWhereALineMustNotBeginOrEnd(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		w    int
		want []string
	}{
		"between any two":     {"これはウェブの店です", 8, []string{"これは", "ウェブの", "店です"}},
		"full stop stays":     {"店です。客です", 6, []string{"店で", "す。客", "です"}},
		"bracket goes along":  {"客は「店」へ", 7, []string{"客は", "「店」", "へ"}},
		"after latin":         {"catalog を呼ぶと payment が", 12, []string{"catalog を呼", "ぶと payment", "が"}},
		"english as ever":     {"no cut in words", 8, []string{"no cut", "in words"}},
		"colors stay outside": {"\x1b[1m店です\x1b[m。", 4, []string{"\x1b[1m店で", "す\x1b[m。"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Wrap(c.text, c.w)
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			for _, line := range got {
				if Width(line) > c.w {
					t.Errorf("%q is wider than %d", line, c.w)
				}
			}
			if joined := strings.Join(got, ""); strings.Contains(joined, breakHere) {
				t.Errorf("a mark stays in %q", joined)
			}
		})
	}
}

func TestLinesOfAJapaneseParagraphAreOneText(t *testing.T) {
	for before, after := range map[string]string{"かごと": "ボタン", "です。": "その"} {
		if !joinsLines(before, after) {
			t.Errorf("%s / %s: a space between", before, after)
		}
	}
	for before, after := range map[string]string{"the cart": "and", "かご": "catalog", "catalog": "かご", "": "かご"} {
		if joinsLines(before, after) {
			t.Errorf("%q / %q: no space between", before, after)
		}
	}
}
