package promexpr

import (
	"errors"
	"strings"
	"testing"
)

func repeat(s string, n int) string { return strings.Repeat(s, n) }

func TestExpressionsBeyondALimitAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"length":                    `"` + repeat("x", MaxLength) + `"`,
		"a long sum":                repeat("1+", 8000) + "1",
		"a sum of a megabyte":       repeat("1+", 500_000) + "1",
		"signs":                     repeat("-", 5000) + "1",
		"powers":                    repeat("2^", 5000) + "1",
		"brackets":                  repeat("(", 5000) + "1" + repeat(")", 5000),
		"unclosed brackets":         repeat("(", 16000),
		"nested functions":          repeat("abs(", 100) + "up" + repeat(")", 100),
		"nested subqueries":         repeat("max_over_time(", 70) + "up" + repeat("[1h:1s])", 70),
		"selectors in or":           repeat("up or ", 2500) + "up",
		"group labels":              "sum by (" + repeat("a,", 4000) + "a) (up)",
		"matchers":                  "{" + repeat(`a="b",`, 2500) + "}",
		"repetition":                `{__name__=~"(abcdefgh){900}"}`,
		"repetition of large sets":  `up{a=~"(\\pL\\pN){900}"}`,
		"repetition, negated":       `up{a!~"(ab|cd|ef|gh){0,990}"}`,
		"repetition in a function":  `label_replace(up, "a", "$1", "b", "((abcdef){500}){2}")`,
		"a long regular expression": `up{a=~"` + repeat("ab|", 2000) + `"}`,
	} {
		_, err := NewParser().ParseExpr(text)
		var beyond *LimitError
		if !errors.As(err, &beyond) {
			t.Errorf("%s: %v", name, err)
		}
	}
	many := make([]string, maxSelectors+1)
	for i := range many {
		many[i] = "up"
	}
	for name, texts := range map[string][]string{
		"too many": many, "too long": {"up", `{a="` + repeat("x", MaxLength) + `"}`}, "too long together": {`{a="` + repeat("x", 9000) + `"}`, `{a="` + repeat("x", 9000) + `"}`},
		"repetition": {`{a=~"(abcdefgh){900}"}`},
	} {
		_, err := NewParser().ParseMetricSelectors(texts)
		var beyond *LimitError
		if !errors.As(err, &beyond) {
			t.Errorf("selectors %s: %v", name, err)
		}
	}
}

func TestOrdinaryExpressionsAreRead(t *testing.T) {
	for _, text := range []string{
		`sum by (service) (rate(grpc_server_handled_total{grpc_code!~"OK|NotFound"}[1m]))`,
		`{__name__=~".+"}`, repeat("(", 60) + "1" + repeat(")", 60), repeat("up or ", 300) + "up",
		`label_replace(up, "host", "$1", "instance", "(.*):[0-9]{1,5}")`,
		`up{pod=~"` + strings.TrimSuffix(repeat("frontend-5f6d8c7b9-abcde|", 100), "|") + `"}`,
	} {
		if _, err := NewParser().ParseExpr(text); err != nil {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	if _, err := NewParser().ParseExpr(`rate(`); err == nil || err.Error() != `1:6: parse error: unclosed left parenthesis` {
		t.Errorf("the error of Prometheus: %v", err)
	}
}
