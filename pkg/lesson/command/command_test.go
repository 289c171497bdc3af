package command

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWordsAreSplitAsAShellSplitsThem(t *testing.T) {
	for in, want := range map[string][]string{
		`shopctl ps`: {"shopctl", "ps"},
		`shopctl call catalog GetProduct '{"id": "X"}'`: {"shopctl", "call", "catalog", "GetProduct", `{"id": "X"}`},
		`shopctl call a b "{\"id\": \"it's\"}"`:         {"shopctl", "call", "a", "b", `{"id": "it's"}`},
		`a '' "" b`:                                     {"a", "", "", "b"},
		`a b\ c d'e'"f" # comment`:                      {"a", "b c", "def"},
		`a "\n"`:                                        {"a", `\n`},
		`a b#c`:                                         {"a", "b#c"},
		"a\tb":                                          {"a", "b"},
		`shopctl fault inject catalog --delay 2s --for 10m`: {"shopctl", "fault", "inject", "catalog", "--delay", "2s", "--for", "10m"},
	} {
		got, err := Split(in)
		if err != nil {
			t.Errorf("Split(%q): %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Split(%q): %s", in, diff)
		}
	}
}

func TestWhatNeedsAShellIsRefusedWithItsPlace(t *testing.T) {
	for in, want := range map[string]string{
		"shopctl ps | wc -l":             `1:1: run "wc": only shopctl commands can be run`,
		"wc | shopctl ps":                `1:1: run "wc": only shopctl commands can be run`,
		"shopctl ps | shopctl down":      `1:1: run shopctl down: a lesson cannot run this verb`,
		"\nshopctl ps |":                 `2:13: there is no command after the pipe`,
		"| shopctl ps":                   `1:1: there is no command before the pipe`,
		"shopctl ps || shopctl ps":       `1:13: only one pipe is allowed`,
		"shopctl ps |& shopctl ps":       `1:13: "&" needs a shell; quote it`,
		"shopctl ps; rm -rf /":           `1:11: ";" needs a shell; quote it`,
		"shopctl call a b $(id)":         `1:18: "$" needs a shell; quote it`,
		"\nshopctl call a \"$HOME\"":     "2:17: \"$\" needs a shell; use single quotes",
		"shopctl call a 'x":              "1:16: this quote is not closed",
		"shopctl call a \"x":             "1:16: this quote is not closed",
		"# ok\nrm -rf /":                 `2:1: run "rm": only shopctl commands can be run`,
		"shopctl":                        "1:1: run shopctl: the verb is missing",
		"shopctl call a '{\\\n}'":        "1:18: a line is not continued inside quotes",
		"shopctl down":                   "1:1: run shopctl down: a lesson cannot run this verb",
		"shopctl ps\nshopctl daemon -x ": "2:1: run shopctl daemon: a lesson cannot run this verb",
	} {
		_, err := Parse(in)
		if err == nil || err.Error() != want {
			t.Errorf("Parse(%q) = %v, want %s", in, err, want)
		}
	}
}

func TestABackslashJoinsLinesAndCommentsAreLeftOut(t *testing.T) {
	got, err := Parse("# first\nshopctl call payment \\\n   Charge\n\nshopctl ps")
	if err != nil {
		t.Fatal(err)
	}
	want := []Line{
		{Text: "shopctl call payment  Charge", Args: []string{"call", "payment", "Charge"}, Number: 2},
		{Text: "shopctl ps", Args: []string{"ps"}, Number: 5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAPipeLeadsFromOneCommandIntoAnother(t *testing.T) {
	const text = `shopctl call shipping ShipOrder '{"a": "|"}' | shopctl call shipping Follow -`
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []Line{{Text: text, Args: []string{"call", "shipping", "ShipOrder", `{"a": "|"}`}, Into: []string{"call", "shipping", "Follow", "-"}, Number: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Split("shopctl ps | shopctl ps"); err == nil {
		t.Error("one command holds a pipe")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("shopctl call catalog GetProduct '{\"id\":\"x\"}'\n# c\nshopctl ps \\\n -o json")
	f.Add("shopctl \"")
	f.Add("shopctl ps | shopctl ps")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := Parse(text)
		if err != nil {
			return
		}
		for _, l := range lines {
			if len(l.Args) == 0 {
				t.Errorf("a line without a verb was accepted: %q", l.Text)
			}
			again, err := parseLine(l.Text)
			if err != nil || !cmp.Equal(again.Args, l.Args) || !cmp.Equal(again.Into, l.Into) {
				t.Errorf("reading %q twice differs: %+v, %v", l.Text, again, err)
			}
		}
	})
}
