package printable_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/shopctl/shopctl/pkg/printable"
)

func TestWhatATerminalWouldActOnIsShown(t *testing.T) {
	for name, c := range map[string]struct{ in, text, line string }{
		"ASCII":           {"plain, text", "plain, text", "plain, text"},
		"lines and tabs":  {"a\n\tb", "a\n\tb", `a\n\tb`},
		"a title":         {"\x1b]0;owned\a", "^[]0;owned^G", "^[]0;owned^G"},
		"the clipboard":   {"\x1b]52;c;eA==\x1b\\", `^[]52;c;eA==^[\`, `^[]52;c;eA==^[\`},
		"colors":          {"\x1b[31mred", "^[[31mred", "^[[31mred"},
		"NUL, BS and DEL": {"a\x00\b\x7f", `a^@^H\u007f`, `a^@^H\u007f`},
		"CR":              {"a\rb", `a\rb`, `a\rb`},
		"CR LF":           {"a\r\nb", "a\nb", `a\r\nb`},
		"C1 in UTF-8":     {"\u009b2J\u0085", `\u009b2J\u0085`, `\u009b2J\u0085`},
		"C1 as a byte":    {"\x9b2J", `\x9b2J`, `\x9b2J`},
		"bidi":            {"\u202eabc\u202c\u2066\u200f\u061c", `\u202eabc\u202c\u2066\u200f\u061c`, `\u202eabc\u202c\u2066\u200f\u061c`},
		"separators":      {"a\u2028b\u2029", `a\u2028b\u2029`, `a\u2028b\u2029`},
		"invisible":       {"a\ufeff\u200bb", `a\ufeff\u200bb`, `a\ufeff\u200bb`},
		"other scripts":   {"日本語 ü é 👩‍👧 می\u200cخواهم", "日本語 ü é 👩‍👧 می\u200cخواهم", "日本語 ü é 👩‍👧 می\u200cخواهم"},
		"cut UTF-8":       {"a\xe6\x97", `a\xe6\x97`, `a\xe6\x97`},
	} {
		if got := printable.Text(c.in); got != c.text {
			t.Errorf("%s: Text is %q, want %q", name, got, c.text)
		}
		if got := printable.Line(c.in); got != c.line {
			t.Errorf("%s: Line is %q, want %q", name, got, c.line)
		}
	}
}

func TestWhatIsNotPrintableIsRemoved(t *testing.T) {
	if got := printable.Remove("\x1b\a\u202ea\xffb\n\t\u009b日\u200d"); got != "ab日\u200d" {
		t.Errorf("got %q", got)
	}
}

func TestAJSONDocumentKeepsItsMeaning(t *testing.T) {
	var all []rune
	for r := rune(0); r < 0x3000; r++ {
		all = append(all, r)
	}
	doc, err := json.Marshal(string(all))
	if err != nil {
		t.Fatal(err)
	}
	var back string
	if err := json.Unmarshal([]byte(printable.Text(string(doc))), &back); err != nil || back != string(all) {
		t.Errorf("the document changed: %v", err)
	}
}

func TestColorsAreFoundAndNothingElse(t *testing.T) {
	for in, want := range map[string]string{
		"a \x1b[1;31mred\x1b[0m b":    "a red b",
		"\x1b[mx\x1b[38:2::1:2:3my":   "xy",
		"\x1b[2Jx":                    "\x1b[2Jx",
		"\x1b]0;t\x1b[31m":            "\x1b]0;t",
		"\x1b[?25lx":                  "\x1b[?25lx",
		"\x1b[31":                     "\x1b[31",
		"\x1b[\x1b[31mx":              "\x1b[x",
		"\x1b[38;5;8mgray\x1b[8mhide": "grayhide",
	} {
		if got := printable.WithoutColors(in); got != want {
			t.Errorf("%q without colors is %q, want %q", in, got, want)
		}
	}
}

func TestTextIsNeverHiddenByColors(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "0": "0", "1;31": "1;31", "8": "", "5;31;6": "31", "38;5;8": "38;5;8", "48;2;8;5;6;8;1": "48;2;8;5;6;1",
		"38:5:8": "38:5:8", "08;31": "31", "38;5": "38;5", "99999999999999999999": "",
	} {
		if got := printable.Readable(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b[31m\u202e\x9b\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{printable.Text(s), printable.Line(s)} {
			if !utf8.ValidString(got) || printable.Text(got) != got {
				t.Errorf("%q became %q", s, got)
			}
		}
	})
}
