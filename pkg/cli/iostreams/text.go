package iostreams

import "strings"

// OneLine shows line feeds and tabs in foreign text that is part of a line.
func OneLine(text string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(text)
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
