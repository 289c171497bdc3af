package rule

import (
	"math"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestTemplatesAreFilledIn(t *testing.T) {
	d := Data{Labels: map[string]string{"service": "cart", "instance": "127.0.0.1:80"}, Value: 0.1234}
	for text, want := range map[string]string{
		"plain":                                                    "plain",
		"{{ $labels.service }} is at {{$value}}":                   "cart is at 0.1234",
		"{{ .Labels.service }} {{ .Value }}":                       "cart 0.1234",
		"{{ $value | humanizePercentage }}":                        "12.34%",
		"{{ humanizePercentage $value }}":                          "12.34%",
		`{{ printf "%.2f" $value }} {{ $value | printf "%5.1f" }}`: "0.12   0.1",
		`{{ $labels.missing }}.`:                                   ".",
		"{{ $labels.service | toUpper | title }}":                  "CART",
		"{{ $labels.instance | stripPort }}":                       "127.0.0.1",
		`a {{- " b " -}} c`:                                        "a b c",
		`{{ "}}" }}{{/* nothing */}}`:                              "}}",
		"{{ humanize (printf \"%d\" 1500) }}":                      "1.5k",
		"{{ $labels.service | humanize }}":                         `<error expanding template: humanize: "cart" is not a number>`,
	} {
		tm, err := ParseTemplate(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := tm.Expand(d); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestNumbersAreWrittenForPeople(t *testing.T) {
	for _, c := range []struct {
		f    func(float64) string
		v    float64
		want string
	}{
		{humanize, 0, "0"},
		{humanize, 1234567, "1.235M"},
		{humanize, 0.0005, "500u"},
		{humanize, math.NaN(), "NaN"},
		{humanize1024, 2048, "2ki"},
		{humanize1024, 0.5, "0.5"},
		{humanizeDuration, 0, "0s"},
		{humanizeDuration, 0.25, "250ms"},
		{humanizeDuration, 3.14159, "3.142s"},
		{humanizeDuration, 3725, "1h 2m 5s"},
		{humanizeDuration, -90061, "-1d 1h 1m 1s"},
		{humanizeDuration, math.Inf(1), "+Inf"},
	} {
		if got := c.f(c.v); got != c.want {
			t.Errorf("%v: %q, want %q", c.v, got, c.want)
		}
	}
}

func TestAnUnsupportedTemplateIsRefusedWithItsPosition(t *testing.T) {
	for text, want := range map[string]string{
		"x\n {{ if $value }}y{{ end }}":    "2:2: if is not supported here; functions are humanize,",
		"{{ humanise $value }}":            `1:1: humanise is not known; did you mean "humanize"?`,
		"{{ query \"up\" | first }}":       "1:1: query is not supported here",
		"{{ $labels }}":                    "1:1: $labels is not known; there are $value,",
		"{{ $value":                        "1:1: {{ without }}",
		"{{ }}":                            "1:1: a value is missing",
		"{{ $value $value }}":              "1:1: two values without a function",
		"{{ $value | $value }}":            "1:1: want a function after |",
		"{{ humanize }}":                   "1:1: humanize takes one argument, not 0",
		"{{ (humanize $value }}":           "1:1: a parenthesis is not closed",
		"{{ $value ) }}":                   "1:1: unexpected )",
		"{{ \"a }}":                        "1:1: {{ without }}",
		strings.Repeat("x", maxTemplate+1): "the template is longer",
	} {
		if _, err := ParseTemplate(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", text, err, want)
		}
	}
}

func promql(s string) intstr.IntOrString { return intstr.FromString(s) }

func TestWhatPrometheusWouldRefuseIsFound(t *testing.T) {
	below := -1
	s := Spec{Groups: []Group{
		{Name: "a", Interval: "0s", QueryOffset: "x", Limit: &below, Labels: map[string]string{"a-b": "c"}, Rules: []Rule{
			{Expr: promql("up")},
			{Record: "a", Alert: "b", Expr: promql("up")},
			{Record: "a b", Expr: promql("up{"), For: "1m", Annotations: map[string]string{"x": "y"}},
			{Alert: "Down", Expr: promql(" "), For: "1x", Labels: map[string]string{"__name__": "x", "severity": "{{ $vale }}"}},
			{Alert: "Down", Expr: promql("up"), Annotations: map[string]string{"a-b": "{{ nope }}"}},
			{Alert: "Down", Expr: intstr.FromInt32(1)},
			{Alert: "Down", Expr: promql("up"), Labels: map[string]string{"severity": "page"}},
			{Alert: "Down", Expr: promql("up"), Labels: map[string]string{"severity": "ticket"}},
		}},
		{Name: "a"},
		{},
	}}
	want := []string{
		"groups[0].interval must be above zero",
		`groups[0].query_offset "x" is not a duration`,
		`groups[0].labels[a-b] "a-b" cannot be a label`,
		"groups[0].limit -1 is below zero",
		"groups[0].rules[0] has neither",
		"groups[0].rules[1].alert a rule records or alerts",
		"groups[0].rules[2].expr 1:4: parse error",
		`groups[0].rules[2].record "a b" is not a metric name`,
		"groups[0].rules[2].for is for alerts",
		"groups[0].rules[2].annotations are for alerts",
		"groups[0].rules[3].expr is missing",
		`groups[0].rules[3].labels[__name__] "__name__" cannot be`,
		`groups[0].rules[3].for "1x" is not a duration`,
		"groups[0].rules[3].labels[severity] 1:1: $vale is not known",
		`groups[0].rules[4].annotations[a-b] "a-b" is not an annotation name`,
		"groups[0].rules[4].annotations[a-b] 1:1: nope is not supported",
		"groups[0].rules[5] has the name and the labels of rules[4]",
		`groups[1].name "a" is the name of another`,
		"groups[2].name is missing",
	}
	got := Check(s)
	for i, g := range got {
		if i >= len(want) || !strings.HasPrefix(g.Path+" "+g.Message, want[i]) {
			t.Errorf("%d: %s %s", i, g.Path, g.Message)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d issues, want %d", len(got), len(want))
	}
	copied := s.DeepCopy()
	copied.Groups[0].Rules[3].Labels["severity"] = "x"
	if s.Groups[0].Rules[3].Labels["severity"] == "x" {
		t.Error("a copy shares its labels")
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{ $labels.a | printf \"%s\" }}", "{{- (humanize 1) -}}", "{{\"", "{{ printf \"%99d\" 1 }}", "{{/* */}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tm, err := ParseTemplate(text)
		if err != nil {
			return
		}
		if out := tm.Expand(Data{Labels: map[string]string{"a": "b"}, Value: 1}); len(out) > maxExpanded {
			t.Errorf("%d bytes", len(out))
		}
	})
}
