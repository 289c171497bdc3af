package iostreams

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Pairs is "a=1,b=2", or "<none>".
func Pairs(m map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return cmp.Or(strings.Join(out, ","), "<none>")
}

func Indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// Counted is a number with what it counts: "1 lesson", "2 lessons".
func Counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func Indented(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

func Latency(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1fms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0fms", ms)
	default:
		return fmt.Sprintf("%.1fs", ms/1000)
	}
}

func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
