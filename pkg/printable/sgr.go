package printable

import (
	"strconv"
	"strings"
)

// SGR is the sequence of colors at the start of s, such as "\x1b[1;31m"; "" if there is none.
func SGR(s string) string {
	if !strings.HasPrefix(s, "\x1b[") {
		return ""
	}
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case c == 'm':
			return s[:i+1]
		case c < '0' || c > ';':
			return ""
		}
	}
	return ""
}

// WithoutColors removes the sequences of colors from text, as for a search in it.
func WithoutColors(s string) string { return MapColors(s, func(string) string { return "" }) }

// MapColors replaces the parameters of each sequence of colors in s, such as "1;31", by what f returns for them.
func MapColors(s string, f func(parameters string) string) string {
	if !strings.Contains(s, "\x1b[") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		sgr := SGR(s)
		if sgr == "" {
			b.WriteString(s[:2])
			s = s[2:]
			continue
		}
		b.WriteString(f(sgr[2 : len(sgr)-1]))
		s = s[len(sgr):]
	}
}

// Readable returns the parameters of a sequence of colors without those that hide text or make it blink.
func Readable(parameters string) string {
	var kept []string
	all := strings.Split(parameters, ";")
	for i := 0; i < len(all); i++ {
		n, err := strconv.Atoi(all[i])
		switch {
		case all[i] == "" || err != nil && strings.Contains(all[i], ":"):
			kept = append(kept, all[i])
		case err != nil || n == 5 || n == 6 || n == 8:
		case n == 38 || n == 48 || n == 58: // its arguments are no attributes of their own
			last := min(i+arguments(all[i+1:]), len(all)-1)
			kept = append(kept, all[i:last+1]...)
			i = last
		default:
			kept = append(kept, all[i])
		}
	}
	return strings.Join(kept, ";")
}

// arguments is the number of parameters that belong to an extended color: 5;N or 2;R;G;B.
func arguments(after []string) int {
	switch {
	case len(after) > 0 && after[0] == "5":
		return 2
	case len(after) > 0 && after[0] == "2":
		return 4
	}
	return 0
}
