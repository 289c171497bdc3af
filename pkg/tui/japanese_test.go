package tui

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
	"github.com/shopctl/shopctl/pkg/tui/words"
)

// inJapanese is a view with each of the lesson's own texts in Japanese; what the engine says stays.
func inJapanese(v lesson.View) lesson.View {
	ours := []string{"ID", "Kind", "Next", "Locked", "WhyNot", "Confidence", "Verdict", "Message", "Language", "Lesson", "Track", "Chosen", "Command"}
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				copied := reflect.New(v.Type().Elem())
				copied.Elem().Set(v.Elem())
				walk(copied.Elem())
				v.Set(copied)
			}
		case reflect.Slice:
			v.Set(reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v))
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if !slices.Contains(ours, v.Type().Field(i).Name) {
					walk(v.Field(i))
				}
			}
		case reflect.String:
			if v.Len() > 0 && v.CanSet() {
				v.SetString("文")
			}
		}
	}
	walk(reflect.ValueOf(&v).Elem())
	v.Language = "ja"
	if why, _, named := strings.Cut(v.Step.Locked, ": "); named {
		v.Step.Locked = why + ": 文"
	}
	for i := range v.Step.Blocks {
		for j := range v.Step.Blocks[i].Checks {
			v.Step.Blocks[i].Checks[j].Message = ""
		}
	}
	return v
}

// names are what stays as it is in any language: keys, programs, protocols and formats.
var names = regexp.MustCompile(`^(shopctl|enter|ente|esc|tab|ctrl|shift|backspace|up|down|left|right|pgup|pgdown|home|end|default|PromQL|YAML|Secret|Go|ms|fg|list|lesson|mesh|on|grpc)$`)

// commands are command lines, which have no translation.
var commands = regexp.MustCompile(`\$ [^│┃]*|shop[a-z]*…|shopctl [^│┃…]*…?`)

func TestNoEnglishWordOfOursIsLeftOnAJapaneseScreen(t *testing.T) {
	word := regexp.MustCompile(`[A-Za-z]{2,}`)
	views := map[string]lesson.View{
		"predict": predicting(), "open": opening(), "run": running(false), "running": running(true), "observe": seeing(false), "option": seeing(true), "answer": answering(),
		"red": verdicts(lesson.Fail), "green": verdicts(lesson.Pass), "inconclusive": verdicts(lesson.Inconclusive), "broken": verdicts(lesson.BrokenSetup),
		"done": ended(false), "undone": ended(true),
	}
	for name, v := range views {
		for _, keys := range []string{"", "?", ":", "x", "s", "e", "n", "h", "3"} {
			for _, c := range []Config{{}, {Accessible: true}} {
				s, _ := lessonOn(t, c, inJapanese(v), tuitest.Status())
				s.verbs = nil // their names are not Japanese
				s.press("z")
				if keys != "" {
					s.press(keys)
				}
				text := commands.ReplaceAllString(s.text(), " ")
				for _, w := range word.FindAllString(text, -1) {
					if !names.MatchString(w) {
						t.Fatalf("%s, after %q, shows the word %q:\n%s", name, keys, w, s.text())
					}
				}
			}
		}
	}
}

func TestTheTabsAndTablesOfAJapaneseLessonAreJapanese(t *testing.T) {
	s, _ := lessonOn(t, Config{}, inJapanese(predicting()), tuitest.BrokenStatus())
	s.wantText("2 サービス", "名前", "状態", "9 / 11 稼働中", "障害 1")
	s.wantNoText("Services", "Logs", "NAME")
	s.press("3")
	s.wantText("予想", "確信あり")
}

func TestThePaletteSaysInJapaneseWhatCommandsDo(t *testing.T) {
	s, _ := lessonOn(t, Config{}, inJapanese(predicting()), tuitest.Status())
	s.verbs = []Verb{{Name: "ps", Args: "[SERVICE...]", Short: "List the services and their status"}}
	s.press("z")
	s.press(":")
	s.wantText("ps [SERVICE...]", "サービスとその状態を一覧にする")
}

func TestEveryKeyHasItsNameAndHelpInJapanese(t *testing.T) {
	ja := words.In("ja")
	for _, g := range Keys() {
		for _, k := range g.Keys {
			for _, text := range []string{k.Name, k.Help} {
				if !ja.Has(text) {
					t.Errorf("%s: %q has no Japanese", k.Keys, text)
				}
			}
		}
	}
}

func TestATranslatedFormatTakesTheSameArgumentsInTheSameOrder(t *testing.T) {
	verb := regexp.MustCompile(`%[a-z]`)
	for english, said := range words.Texts("ja") {
		if a, b := verb.FindAllString(english, -1), verb.FindAllString(said, -1); !slices.Equal(a, b) {
			t.Errorf("%q has %v, %q has %v", english, a, said, b)
		}
	}
}

func TestTheCardIsAtTheTopOnceItIsShown(t *testing.T) {
	for _, size := range [][2]int{{120, 30}, {80, 24}, {60, 20}, {50, 15}} {
		s, _ := lessonOn(t, Config{}, seeing(false), tuitest.Status())
		s.size(size[0], size[1])
		v := answering()
		v.Step.Card.Correct, v.Step.Card.Right = false, "the right one"
		s.send(feed.Batch{Lesson: &v})
		lines := strings.Split(s.text(), "\n")
		if !strings.Contains(strings.Join(lines[:4], ""), "not as you predicted") {
			t.Errorf("at %v the card is not at the top:\n%s", size, s.text())
		}
		s.wantText("the right one")
	}
}

func TestAStepWithoutAnObservationHasItsCardToo(t *testing.T) {
	v := answering()
	v.Step.Blocks = slices.Delete(slices.Clone(v.Step.Blocks), 3, 4)
	v.Step.Card.Asked, v.Step.Card.Observed, v.Step.Card.Truth, v.Step.Card.Feedback = "", "", "", ""
	s, _ := lessonOn(t, Config{}, running(false), tuitest.Status())
	s.send(feed.Batch{Lesson: &v})
	s.wantText("as you predicted", "an error with a status code", "The outcome travels beside the message.")
}

func TestAnOptionIsNamedByItsTextNotItsId(t *testing.T) {
	v := answering()
	c := &v.Step.Blocks[4].Checks[2]
	c.Options, c.Given = []lesson.Option{{ID: "lost", Say: "it is lost on the way"}}, "lost"
	s, _ := lessonOn(t, Config{}, v, tuitest.Status())
	if text := s.lesson.Render(60, 100); !strings.Contains(text, "answered it is lost on the way") {
		t.Errorf("the lesson shows:\n%s", text)
	}
}
