package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shopctl/shopctl/pkg/cli"
)

// manual is the manual page of one command, in the man macros of roff. It carries no date, so that it
// changes only with the command.
func manual(cmd *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %q 1 \"\" \"shopctl\" \"shopctl\"\n", strings.ToUpper(pageName(cmd)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(pageName(cmd)), roff(cmd.Short))
	if cmd.Runnable() || cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", strings.ReplaceAll(roff(strings.Join(cli.UseLines(cmd), "\n")), "\n", "\n.br\n.B "))
	}
	if cmd.Long != "" {
		b.WriteString(".SH DESCRIPTION\n" + paragraphs(cmd.Long))
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(strings.TrimSpace(cmd.Example)))
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, c := range cmd.Commands() {
			if visible(c) {
				fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(c.Name()), roff(c.Short))
			}
		}
	}
	manualFlags(&b, "OPTIONS", cmd.NonInheritedFlags())
	manualFlags(&b, "GLOBAL OPTIONS", cmd.InheritedFlags())
	if cmd.HasParent() && cli.Acts(cmd) {
		b.WriteString(".SH EXIT STATUS\n")
		for _, line := range cli.ExitLines(cmd) {
			code, meaning, _ := strings.Cut(line, "  ")
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", code, roff(meaning))
		}
	}
	if cmd.HasParent() {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(pageName(cmd.Parent())))
	}
	return b.String()
}

func manualFlags(b *strings.Builder, title string, set *pflag.FlagSet) {
	if !set.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		spelt, usage, def := flagLine(f)
		if def != "" {
			usage += " (default " + def + ")"
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(spelt), roff(usage))
	})
}

// roff escapes what the formatter would take for itself: backslashes, dashes, and dots and quotes that
// begin a line.
func roff(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(line)
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// paragraphs is a text whose paragraphs fill the width of the terminal, unless a line of them is indented, as in lists.
func paragraphs(text string) string {
	var all []string
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if strings.Contains("\n"+paragraph, "\n ") {
			paragraph = ".nf\n" + roff(paragraph) + "\n.fi"
		} else {
			paragraph = roff(paragraph)
		}
		all = append(all, paragraph)
	}
	return strings.Join(all, "\n.PP\n") + "\n"
}
