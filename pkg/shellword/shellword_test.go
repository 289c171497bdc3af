package shellword

import (
	"os/exec"
	"testing"
)

func TestAWordIsQuotedOnlyWhereAShellWouldChangeIt(t *testing.T) {
	for word, want := range map[string]string{
		"":                       `''`,
		"catalog":                `catalog`,
		"a/b.c:7070@x=1,2":       `a/b.c:7070@x=1,2`,
		`{"id":"X"}`:             `'{"id":"X"}'`,
		"it's":                   `'it'\''s'`,
		"two words":              `'two words'`,
		"$HOME":                  `'$HOME'`,
		"~":                      `'~'`,
		"a\nb":                   "'a\nb'",
		`sum(rate(x[1m])) > "0"`: `'sum(rate(x[1m])) > "0"'`,
	} {
		if got := Quote(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

func FuzzAShellReadsTheWordBack(f *testing.F) {
	f.Add("it's $HOME `x` \\ \"y\" *?[a] ~ # & ; | > < ( ) { } !")
	f.Fuzz(func(t *testing.T, word string) {
		for _, r := range word {
			if r == 0 || r == 0xFFFD {
				return // an argument cannot hold it
			}
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+Quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q is read as %q: %v", word, out, err)
		}
	})
}

func TestALineIsSplitIntoItsWordsAgain(t *testing.T) {
	if got, want := Join("shopctl", "call", "cart", `{"id":"it's"}`), `shopctl call cart '{"id":"it'\''s"}'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
