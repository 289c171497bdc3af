package iostreams

import "strings"

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
