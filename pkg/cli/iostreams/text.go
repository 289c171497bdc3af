package iostreams

import (
	"cmp"
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

func Indented(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

func OrDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
