package rule

import (
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// function is a function that templates can call.
type function struct {
	least, most int
	do          func(args []any) (any, error)
}

func (f function) arity() string {
	switch {
	case f.most == 1:
		return "one argument"
	case f.least == f.most:
		return fmt.Sprintf("%d arguments", f.least)
	}
	return fmt.Sprintf("%d to %d arguments", f.least, f.most)
}

// functions are those of Prometheus' templates that look at nothing but their arguments.
func functions() map[string]function {
	return map[string]function{
		"humanize":           number(humanize),
		"humanize1024":       number(humanize1024),
		"humanizePercentage": number(func(v float64) string { return fmt.Sprintf("%.4g%%", v*100) }),
		"humanizeDuration":   number(humanizeDuration),
		"humanizeTimestamp":  {1, 1, humanizeTimestamp},
		"printf":             {1, 9, printf},
		"title":              text(title),
		"toUpper":            text(strings.ToUpper),
		"toLower":            text(strings.ToLower),
		"stripPort":          text(stripPort),
	}
}

// number makes a function of one number.
func number(f func(float64) string) function {
	return function{1, 1, func(args []any) (any, error) {
		v, err := toFloat(args[0])
		if err != nil {
			return nil, err
		}
		return f(v), nil
	}}
}

// text makes a function of one string.
func text(f func(string) string) function {
	return function{1, 1, func(args []any) (any, error) {
		s, ok := args[0].(string)
		if !ok {
			return nil, fmt.Errorf("%v is not a string", args[0])
		}
		return f(s), nil
	}}
}

func toFloat(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int:
		return float64(v), nil
	case string:
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a number", v)
		}
		return f, nil
	}
	return 0, fmt.Errorf("%v is not a number", v)
}

func special(v float64) bool { return v == 0 || math.IsNaN(v) || math.IsInf(v, 0) }

// scale divides v by base until it is below it, or multiplies it until it is 1.
func scale(v, base float64, larger, smaller []string) string {
	prefix := ""
	if math.Abs(v) >= 1 {
		for _, p := range larger {
			if math.Abs(v) < base {
				break
			}
			prefix, v = p, v/base
		}
	} else {
		for _, p := range smaller {
			if math.Abs(v) >= 1 {
				break
			}
			prefix, v = p, v*base
		}
	}
	return fmt.Sprintf("%.4g%s", v, prefix)
}

// small are the prefixes of parts.
func small() []string { return []string{"m", "u", "n", "p", "f", "a", "z", "y"} }

func humanize(v float64) string {
	if special(v) {
		return fmt.Sprintf("%.4g", v)
	}
	return scale(v, 1000, []string{"k", "M", "G", "T", "P", "E", "Z", "Y"}, small())
}

func humanize1024(v float64) string {
	if math.Abs(v) <= 1 || special(v) {
		return fmt.Sprintf("%.4g", v)
	}
	return scale(v, 1024, []string{"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"}, nil)
}

func humanizeDuration(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return fmt.Sprintf("%.4g", v)
	case v == 0:
		return "0s"
	case math.Abs(v) < 1:
		return scale(v, 1000, nil, small()) + "s"
	}
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	whole := int64(v)
	units := []struct {
		n    int64
		name string
	}{{whole / 86400, "d"}, {whole / 3600 % 24, "h"}, {whole / 60 % 60, "m"}, {whole % 60, "s"}}
	for i, u := range units[:3] {
		if u.n == 0 {
			continue
		}
		var words []string
		for _, w := range units[i:] {
			words = append(words, fmt.Sprintf("%d%s", w.n, w.name))
		}
		return sign + strings.Join(words, " ")
	}
	return fmt.Sprintf("%s%.4gs", sign, v)
}

// maxTimestamp is where nanoseconds since 1970 end, in seconds.
const maxTimestamp = 9.2e9

func humanizeTimestamp(args []any) (any, error) {
	v, err := toFloat(args[0])
	switch {
	case err != nil:
		return nil, err
	case math.IsNaN(v) || math.IsInf(v, 0):
		return fmt.Sprintf("%.4g", v), nil
	case math.Abs(v) > maxTimestamp:
		return nil, fmt.Errorf("%v is not a time in seconds", v)
	}
	return fmt.Sprint(time.UnixMilli(int64(v*1e9) / 1e6).UTC()), nil
}

// maxWidth bounds what a verb of printf may fill up to.
const maxWidth = 100

func printf(args []any) (any, error) {
	format, ok := args[0].(string)
	if !ok {
		return nil, errors.New("the first argument is not a format string")
	}
	for _, digits := range strings.FieldsFunc(format, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(digits); err != nil || n > maxWidth {
			return nil, fmt.Errorf("the format has a width over %d", maxWidth)
		}
	}
	if strings.Contains(format, "*") {
		return nil, errors.New("the format takes a width from an argument")
	}
	return fmt.Sprintf(format, args[1:]...), nil
}

// title begins every word with a capital.
func title(s string) string {
	var b strings.Builder
	inWord := false
	for _, r := range s {
		if !inWord && unicode.IsLetter(r) {
			r = unicode.ToTitle(r)
		}
		inWord = unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\'' || r == '_'
		if r != utf8.RuneError {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func stripPort(s string) string {
	if host, _, err := net.SplitHostPort(s); err == nil {
		return host
	}
	return s
}
