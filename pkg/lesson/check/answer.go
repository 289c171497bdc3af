package check

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
)

// Judge evaluates an answer. It does not give the right one away: Expected only describes it.
func Judge(a *format.Answer, given string) probe.Result {
	r := probe.Result{Verdict: probe.Fail, Expected: shape(a), Observed: strings.TrimSpace(given)}
	if r.Observed == "" {
		return probe.Result{Verdict: probe.Pending, Expected: r.Expected}
	}
	if a.Kind == format.OptionAnswer {
		return judgeOption(a, r)
	}
	if a.Kind == format.NumberAnswer {
		if _, err := number(r.Observed); err != nil {
			r.Message = fmt.Sprintf("%q is not a number.", r.Observed)
			return r
		}
	}
	if slices.ContainsFunc(a.Accept, func(want string) bool { return equalAnswer(a.Kind, want, r.Observed, a.Tolerance) }) {
		r.Verdict, r.Message = probe.Pass, a.Right
		return r
	}
	r.Message = a.Otherwise
	for _, w := range a.Wrong {
		if slices.ContainsFunc(w.Given, func(mistake string) bool { return equalAnswer(a.Kind, mistake, r.Observed, a.Tolerance) }) {
			r.Message = w.Say
			break
		}
	}
	return r
}

func judgeOption(a *format.Answer, r probe.Result) probe.Result {
	o := PickOption(a.Options, r.Observed)
	if o == nil {
		r.Message = fmt.Sprintf("%q is not one of the options.", r.Observed)
		return r
	}
	r.Observed, r.Message = o.Say, o.Reply
	if o.Correct {
		r.Verdict = probe.Pass
		if a.Right != "" {
			r.Message = a.Right
		}
	} else if r.Message == "" {
		r.Message = a.Otherwise
	}
	return r
}

// PickOption finds an option by its id, its text or its number from 1; nil if there is none.
func PickOption(options []format.Option, given string) *format.Option {
	given = strings.TrimSpace(given)
	for i := range options {
		if strings.EqualFold(given, options[i].ID) || strings.EqualFold(given, options[i].Say) {
			return &options[i]
		}
	}
	if n, err := strconv.Atoi(given); err == nil && n >= 1 && n <= len(options) {
		return &options[n-1]
	}
	return nil
}

func shape(a *format.Answer) string {
	switch a.Kind {
	case format.NumberAnswer:
		if a.Unit != "" {
			return "a number of " + a.Unit
		}
		return "a number"
	case format.OptionAnswer:
		return "one of the options"
	}
	return "an answer"
}

func equalAnswer(kind format.AnswerKind, want, given string, tolerance float64) bool {
	if kind == format.NumberAnswer {
		a, errA := number(want)
		b, errB := number(given)
		return errA == nil && errB == nil && math.Abs(a-b) <= tolerance
	}
	return normal(want) == normal(given)
}

// IsNumber reports whether an answer is a number as people write it.
func IsNumber(s string) bool {
	_, err := number(s)
	return err == nil
}

// number reads what people write for a number: 1,000 and 1_000 and "500 ms".
func number(s string) (float64, error) {
	s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
	return strconv.ParseFloat(strings.NewReplacer(",", "", "_", "").Replace(s), 64)
}

// normal ignores case, spaces, quotes, and the dashes in names.
func normal(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t-_'\"`.", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// Saw compares an observation with the truth: that of the run, or the fixed one. It is
// inconclusive where there is neither, as when the learner ran the command elsewhere.
func Saw(o *format.Observe, given, truth string) (v probe.Verdict, shown string) {
	switch {
	case o.Kind == format.OptionAnswer:
		for _, opt := range o.Options {
			if opt.Correct {
				shown = opt.Say
			}
		}
		picked := PickOption(o.Options, given)
		return verdict(picked != nil && picked.Correct), shown
	case truth == "" && o.Kind == format.NumberAnswer && o.Value != nil:
		truth = strconv.FormatFloat(*o.Value, 'f', -1, 64)
	case truth == "" && len(o.Accept) > 0:
		right := slices.ContainsFunc(o.Accept, func(want string) bool { return normal(want) == normal(given) })
		return verdict(right), o.Accept[0]
	case truth == "":
		return probe.Inconclusive, ""
	}
	return verdict(equalAnswer(o.Kind, truth, given, o.Tolerance)), withUnit(truth, o.Unit)
}

func verdict(right bool) probe.Verdict {
	if right {
		return probe.Pass
	}
	return probe.Fail
}

func withUnit(n, unit string) string {
	if unit == "" {
		return n
	}
	return n + " " + unit
}
