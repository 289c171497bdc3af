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
		verdict Verdict
		message string
	}{
		{number, "1,000", Pass, "yes"},
		{number, "7.4 ms", Pass, "yes"},
		{number, "8", Fail, "no"},
		{number, "64", Fail, "that is the offset"},
		{number, "many", Fail, `"many" is not a number.`},
		{number, " ", Pending, ""},
		{text, "not found", Pass, "yes"},
		{text, "NotFound", Pass, "yes"},
		{text, "5", Fail, "no"},
		{option, "B", Pass, "yes, b"},
		{option, "2", Pass, "yes, b"},
		{option, "the first", Fail, "no, a"},
		{option, "3", Fail, `"3" is not one of the options.`},
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
		verdict      Verdict
		shown        string
	}{
		{fixedNumber, "590", "", Pass, "500 ms"},
		{fixedNumber, "590", "480", Fail, "480 ms"},
		{fromRun, "3", "", Inconclusive, ""},
		{fromRun, "3", "3", Pass, "3"},
		{text, "Japanese", "", Pass, "ja"},
		{text, "en", "", Fail, "ja"},
		{text, "japanese", "ja", Fail, "ja"},
	} {
		if v, shown := Saw(c.o, c.given, c.truth); v != c.verdict || shown != c.shown {
			t.Errorf("%q against %q: %s %q, want %s %q", c.given, c.truth, v, shown, c.verdict, c.shown)
		}
	}
}
