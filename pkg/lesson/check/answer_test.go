package check

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

func TestAnAnswerIsJudgedAsPeopleWriteIt(t *testing.T) {
	number := &format.Answer{
		Kind: format.NumberAnswer, Accept: []string{"1000", "7"}, Tolerance: 0.5, Right: "yes", Otherwise: "no",
		Wrong: []format.Wrong{{Given: probe.Strings{"64"}, Say: "that is the offset"}},
	}
	text := &format.Answer{Kind: format.TextAnswer, Accept: []string{"NOT_FOUND"}, Otherwise: "no", Right: "yes"}
	option := &format.Answer{Kind: format.OptionAnswer, Options: []format.Option{
		{ID: "a", Say: "The first", Reply: "no, a"}, {ID: "b", Say: "The second", Correct: true, Reply: "yes, b"},
	}}
	for _, c := range []struct {
		a       *format.Answer
		given   string
		verdict probe.Verdict
		message string
	}{
		{number, "1,000", probe.Pass, "yes"},
		{number, "7.4 ms", probe.Pass, "yes"},
		{number, "8", probe.Fail, "no"},
		{number, "64", probe.Fail, "that is the offset"},
		{number, "many", probe.Fail, `"many" is not a number.`},
		{number, " ", probe.Pending, ""},
		{text, "not found", probe.Pass, "yes"},
		{text, "NotFound", probe.Pass, "yes"},
		{text, "5", probe.Fail, "no"},
		{option, "B", probe.Pass, "yes, b"},
		{option, "2", probe.Pass, "yes, b"},
		{option, "the first", probe.Fail, "no, a"},
		{option, "3", probe.Fail, `"3" is not one of the options.`},
	} {
		if r := Judge(c.a, c.given); r.Verdict != c.verdict || r.Message != c.message {
			t.Errorf("%q: %s %q, want %s %q", c.given, r.Verdict, r.Message, c.verdict, c.message)
		}
	}
}

func TestAnObservationIsComparedWithWhatTheRunShowed(t *testing.T) {
	value := 500.0
	fixedNumber := &format.Observe{Kind: format.NumberAnswer, Value: &value, Tolerance: 100, Unit: "ms"}
	fromRun := &format.Observe{Kind: format.NumberAnswer}
	text := &format.Observe{Kind: format.TextAnswer, Accept: []string{"ja", "japanese"}}
	for _, c := range []struct {
		o            *format.Observe
		given, truth string
		verdict      probe.Verdict
		shown        string
	}{
		{fixedNumber, "590", "", probe.Pass, "500 ms"},
		{fixedNumber, "590", "480", probe.Fail, "480 ms"},
		{fromRun, "3", "", probe.Inconclusive, ""},
		{fromRun, "3", "3", probe.Pass, "3"},
		{text, "Japanese", "", probe.Pass, "ja"},
		{text, "en", "", probe.Fail, "ja"},
		{text, "japanese", "ja", probe.Fail, "ja"},
	} {
		if v, shown := Saw(c.o, c.given, c.truth); v != c.verdict || shown != c.shown {
			t.Errorf("%q against %q: %s %q, want %s %q", c.given, c.truth, v, shown, c.verdict, c.shown)
		}
	}
}
