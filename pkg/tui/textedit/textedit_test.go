package textedit

import (
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

const (
	accented = "e\u0301"                                                                // e and a combining acute accent
	family   = "\U0001f468\u200d\U0001f469\u200d\U0001f467"                             // man, woman, girl
	thumb    = "\U0001f44d\U0001f3fd"                                                   // thumbs up and a skin tone
	japan    = "\U0001f1ef\U0001f1f5"                                                   // a flag of two regional indicators
	heart    = "\u2764\ufe0f"                                                           // a heart and a variation selector
	scotland = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f" // a flag of tags
)

// press is a key by its name, or a text that is typed.
func press(name string) tea.KeyPressMsg {
	var mod tea.KeyMod
	for prefix, m := range map[string]tea.KeyMod{"ctrl+": tea.ModCtrl, "alt+": tea.ModAlt} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			name, mod = rest, m
		}
	}
	if code, ok := map[string]rune{
		"enter": tea.KeyEnter, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "tab": tea.KeyTab,
		"home": tea.KeyHome, "end": tea.KeyEnd, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete,
	}[name]; ok {
		return tea.KeyPressMsg{Code: code, Mod: mod}
	}
	if mod != 0 {
		return tea.KeyPressMsg{Code: []rune(name)[0], Mod: mod}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

func typed(text string, keys ...string) *Line {
	l := NewLine(text)
	for _, k := range keys {
		l.Key(press(k))
	}
	return &l
}

func TestBackspaceAndDeleteRemoveWholeCharacters(t *testing.T) {
	for name, character := range map[string]string{
		"a letter": "x", "a combining mark": accented, "a family": family, "a skin tone": thumb, "a flag": japan, "a flag of tags": scotland,
		"a variation selector": heart, "a wide character": "店", "a voiced kana of two code points": "か\u3099",
	} {
		if got := typed("a"+character, "backspace").String(); got != "a" {
			t.Errorf("%s: backspace leaves %+q", name, got)
		}
		if got := typed(character+"b", "home", "delete").String(); got != "b" {
			t.Errorf("%s: delete leaves %+q", name, got)
		}
		if got := typed(character+character, "left", "x").String(); got != character+"x"+character {
			t.Errorf("%s: after left, x makes %+q", name, got)
		}
		if got := typed("", character, "end", "y").String(); got != character+"y" {
			t.Errorf("%s: typed, it is %+q", name, got)
		}
	}
}

func TestACombiningMarkJoinsTheLetterItIsTypedBehind(t *testing.T) {
	l := typed("ex", "left", "\u0301", "left")
	if l.at != 0 {
		t.Errorf("left stops at byte %d, inside of the letter", l.at)
	}
	if l.Key(press("delete")); l.String() != "x" {
		t.Errorf("delete leaves %+q", l.String())
	}
	l = typed("\u0301x", "home", "e") // what stands at the start joins, too
	if l.Key(press("backspace")); l.String() != "x" {
		t.Errorf("backspace leaves %+q", l.String())
	}
}

func TestWordsAreMovedOverAndDeleted(t *testing.T) {
	for _, c := range []struct {
		text string
		keys []string
		want string
	}{
		{"fault inject payment", []string{"alt+b", "alt+left", "|"}, "fault |inject payment"},
		{"fault inject", []string{"home", "alt+f", "|"}, "fault| inject"},
		{"fault inject", []string{"home", "ctrl+right", "alt+right", "|"}, "fault inject|"},
		{`{"id":"OLJ"}`, []string{"alt+b", "alt+b", "|"}, `{"id":"|OLJ"}`},
		{"fault inject payment ", []string{"ctrl+w"}, "fault inject "},
		{`call '{"id": "X"}'`, []string{"ctrl+w"}, `call '{"id": `},
		{`{"id":"OLJ`, []string{"alt+backspace"}, `{"id":"`},
		{"one two three", []string{"home", "alt+d"}, " two three"},
		{"商品をカートに入れる", []string{"alt+b", "alt+b", "alt+b", "|"}, "商品をカート|に入れる"},
		{"商品をカートに", []string{"alt+backspace", "alt+backspace"}, "商品を"},
		{"商品をカートに", []string{"home", "alt+d"}, "をカートに"},
		{"全角　空白", []string{"ctrl+w"}, "全角　"},
		{"word " + accented + accented, []string{"alt+backspace"}, "word "},
		{"", []string{"alt+b", "alt+f", "ctrl+w", "alt+d", "alt+backspace"}, ""},
		{"one two", []string{"left", "ctrl+u"}, "o"},
		{"one two", []string{"home", "right", "ctrl+k"}, "o"},
		{"one two", []string{"ctrl+a", "x", "ctrl+e", "y", "ctrl+b", "ctrl+f", "ctrl+h", "ctrl+b", "ctrl+d"}, "xone tw"},
	} {
		if got := typed(c.text, c.keys...).String(); got != c.want {
			t.Errorf("%v in %q make %q, want %q", c.keys, c.text, got, c.want)
		}
	}
}

func TestAKeyThatDoesNotEditIsRefused(t *testing.T) {
	l, a := NewLine("x"), NewArea("x")
	for _, k := range []string{"tab", "ctrl+t"} {
		if l.Key(press(k)) || a.Key(press(k)) {
			t.Errorf("%s edits", k)
		}
	}
}

func TestEditsOfALineAreUndoneAndRedone(t *testing.T) {
	l := typed("", "o", "n", "e", "ctrl+w", "t", "w", "o")
	l.Insert(" three")
	var seen []string
	for _, k := range []string{"ctrl+_", "ctrl+_", "ctrl+_", "ctrl+_", "ctrl+/", "ctrl+y", "ctrl+y", "ctrl+y", "ctrl+y", "ctrl+y"} {
		l.Key(press(k))
		seen = append(seen, l.String())
	}
	want := []string{"two", "", "one", "", "", "one", "", "two", "two three", "two three"}
	if !slices.Equal(seen, want) {
		t.Errorf("undo and redo show %q, want %q", seen, want)
	}
	l.Key(press("ctrl+_"))
	l.Key(press("!"))
	l.Key(press("ctrl+y"))
	if l.String() != "two!" {
		t.Errorf("after an edit, redo makes %q", l.String())
	}
}

func TestAMotionEndsAStepOfUndo(t *testing.T) {
	l := typed("", "a", "b", "left", "c", "ctrl+_")
	if l.String() != "ab" || l.at != 1 {
		t.Errorf("%q, cursor at %d", l.String(), l.at)
	}
	if l = typed("ab", "home", "backspace", "left", "x", "ctrl+_", "ctrl+_"); l.String() != "ab" {
		t.Errorf("keys that change nothing leave %q", l.String())
	}
}

func TestStepsOfUndoAreBounded(t *testing.T) {
	l := NewLine("")
	for range 2 * maxSteps {
		l.Key(press("x"))
		l.Key(press("left"))
	}
	for range 3 * maxSteps {
		l.Key(press("ctrl+_"))
	}
	if got := len(l.String()); got != maxSteps {
		t.Errorf("%d characters are left, want %d", got, maxSteps)
	}
}

func TestPastedTextIsOneLineWithoutControlSequences(t *testing.T) {
	l := typed("[]", "left")
	l.Insert("日本語\r\ntext\x1b[31m\t" + family + "\u202e\a")
	if want := "[日本語 text    " + family + "]"; l.String() != want {
		t.Errorf("%+q, want %+q", l.String(), want)
	}
	l.Key(press("ctrl+_"))
	if l.String() != "[]" {
		t.Errorf("undo of a paste leaves %q", l.String())
	}
}

func TestTheCursorStaysInAViewOfAnyWidth(t *testing.T) {
	for _, text := range []string{"plain text", "値段はいくらですか", "mixed 店 and " + family + accented, ""} {
		for w := 1; w < 24; w++ {
			l := NewLine(text)
			for range 30 {
				part, cursor := l.View(w)
				if width(part) > w || cursor < 0 || cursor >= w {
					t.Fatalf("%q in %d cells: %q is %d wide, the cursor is in cell %d", text, w, part, width(part), cursor)
				}
				l.Key(press("left"))
			}
		}
	}
	if part, cursor := typed("x").View(0); part != "" || cursor != 0 {
		t.Errorf("a view of no cells shows %q", part)
	}
}

func area(text string, keys ...string) *Area {
	a := NewArea(text)
	for _, k := range keys {
		a.Key(press(k))
	}
	return &a
}

func TestTextOfSeveralLinesIsEdited(t *testing.T) {
	a := area("{\n  \"a\": 1\n}", "right", "enter") // a line behind the brace
	a.Insert("\"b\": [\n1,\n2],")
	if want := "{\n\"b\": [\n1,\n2],\n  \"a\": 1\n}"; a.String() != want {
		t.Errorf("%q, want %q", a.String(), want)
	}
	for _, k := range []string{"down", "end", "delete", "end", "backspace", "home", "left", "right", "up", "up", "up", "up", "up"} {
		a.Key(press(k))
	}
	if _, _, row := a.View(10); row != 0 {
		t.Errorf("the cursor is in line %d", row)
	}
	for _, k := range []string{"down", "end", "enter", "x"} {
		a.Key(press(k))
	}
	lines, column, row := a.View(80)
	if row != 2 || column != 1 || lines[1] != `"b": [` || lines[2] != "x" {
		t.Errorf("cursor %d,%d in %q", column, row, lines)
	}
	if got := area("  a", "end", "enter", "b").String(); got != "  a\n  b" {
		t.Errorf("a line break makes %q", got)
	}
}

func TestTheTextOfAnAreaIsBounded(t *testing.T) {
	a := area("{}")
	a.Insert(strings.Repeat("y", maxBytes))
	if a.String() != "{}" {
		t.Error("a paste of any size is taken")
	}
	a = area(strings.Repeat("y", maxBytes), "x")
	if len(a.String()) != maxBytes {
		t.Error("typing has no bound")
	}
}

func TestLinesAreJoinedAndBrokenAndThatIsUndone(t *testing.T) {
	a := area("one\ntwo\nthree", "down", "backspace", "end", "delete")
	if a.String() != "onetwothree" {
		t.Fatalf("joined they are %q", a.String())
	}
	a.Key(press("enter"))
	var seen []string
	for _, k := range []string{"ctrl+_", "ctrl+_", "ctrl+_", "ctrl+_", "ctrl+y", "ctrl+y", "ctrl+y"} {
		a.Key(press(k))
		seen = append(seen, a.String())
	}
	want := []string{"onetwothree", "onetwo\nthree", "one\ntwo\nthree", "one\ntwo\nthree", "onetwo\nthree", "onetwothree", "onetwo\nthree"}
	if !slices.Equal(seen, want) {
		t.Errorf("undo and redo show %q, want %q", seen, want)
	}
}

func TestUpAndDownKeepTheColumnInCells(t *testing.T) {
	a := area("日本語\nabcdef\nxy", "right", "right", "down", "|")
	if got := a.String(); got != "日本語\nabcd|ef\nxy" {
		t.Errorf("from the fourth cell down leads to %q", got)
	}
	a = area("日本語\nabcdef\nxy", "down", "right", "right", "right", "up", "|")
	if got := a.String(); got != "日|本語\nabcdef\nxy" {
		t.Errorf("from the third cell up leads to %q", got)
	}
	a = area("long line\nx", "end", "down", "|", "ctrl+home", "<", "ctrl+end", ">")
	if got := a.String(); got != "<long line\nx|>" {
		t.Errorf("got %q", got)
	}
}

func TestAllLinesMoveSidewaysWithTheCursors(t *testing.T) {
	a := area("値段はいくら\nabcdefghijkl", "end")
	lines, column, _ := a.View(7)
	if column > 6 || lines[0] != "いくら" || lines[1] != "ghijkl" {
		t.Errorf("cursor %d in %q", column, lines)
	}
	a = area("abcdefg\n値段はいくら", "end")
	if lines, _, _ := a.View(7); lines[0] != "bcdefg" || lines[1] != " 段はい" {
		t.Errorf("a wide character that is cut shows %q", lines)
	}
}

func FuzzTheCursorIsBetweenCharacters(f *testing.F) {
	f.Add("a"+accented+family, "店\u3099", uint16(0b1011011101))
	keys := []string{"left", "right", "backspace", "delete", "alt+b", "alt+f", "ctrl+w", "alt+d", "up", "down", "enter", "home", "end", "ctrl+_", "ctrl+y", "x"}
	f.Fuzz(func(t *testing.T, text, paste string, seed uint16) {
		a := NewArea(text)
		a.Insert(paste)
		for i := range 40 {
			a.Key(press(keys[(int(seed)*(i+1)+i*i)%len(keys)]))
			if at := a.line.at; at < 0 || at > len(a.line.text) || at != align(a.line.text, at) {
				t.Fatalf("the cursor is at %d in %+q", at, a.line.text)
			}
			if _, column, row := a.View(10); column < 0 || column > 9 || row >= len(a.lines()) {
				t.Fatalf("cursor %d,%d", column, row)
			}
		}
	})
}
