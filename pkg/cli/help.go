package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

// ExitLines returns the exit codes of cmd with their meanings.
func ExitLines(cmd *cobra.Command) []string {
	words := strings.Fields(cmd.Annotations[cmdutil.ExitsKey])
	if len(words) == 0 {
		words = []string{"0", "1", "2", "3"}
	}
	var lines []string
	for _, e := range exitCodes() {
		if slices.Contains(words, e.code) {
			lines = append(lines, e.code+"  "+e.meaning)
		}
	}
	return lines
}

// help writes the help of cmd as plain text.
func help(cmd *cobra.Command, _ []string) {
	var b strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	fmt.Fprintf(&b, "%s\n", strings.TrimSpace(about))
	if cmd.Runnable() || cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\nUsage:\n  %s\n", strings.Join(UseLines(cmd), "\n  "))
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", iostreams.Indent(cmd.Example))
	}
	writeCommands(&b, cmd)
	writeFlags(&b, "Flags", cmd.NonInheritedFlags())
	if cmd.HasParent() {
		writeFlags(&b, "Global flags", cmd.InheritedFlags())
		if cmdutil.Acts(cmd) {
			writeExits(&b, ExitLines(cmd))
		}
	}
	io.WriteString(cmd.OutOrStdout(), b.String())
}

// Acts reports whether cmd can be run itself, and not only the commands below it.
func Acts(cmd *cobra.Command) bool { return cmdutil.Acts(cmd) }

// UseLines are the usage lines of cmd.
func UseLines(cmd *cobra.Command) []string {
	var lines []string
	if cmdutil.Acts(cmd) {
		lines = append(lines, cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		lines = append(lines, cmd.CommandPath()+" COMMAND")
	}
	return lines
}

func writeExits(b *strings.Builder, lines []string) {
	width := 0
	for _, line := range lines {
		width = max(width, strings.Index(line, " "))
	}
	b.WriteString("\nExit codes:\n")
	for _, line := range lines {
		code, meaning, _ := strings.Cut(line, "  ")
		fmt.Fprintf(b, "  %-*s  %s\n", width, code, meaning)
	}
}

func writeCommands(b *strings.Builder, cmd *cobra.Command) {
	width := 0
	for _, c := range cmd.Commands() {
		if shown(c) {
			width = max(width, len(c.Name()))
		}
	}
	write := func(title, id string) {
		var lines []string
		for _, c := range cmd.Commands() {
			if shown(c) && c.GroupID == id {
				lines = append(lines, fmt.Sprintf("  %-*s  %s", width, c.Name(), c.Short))
			}
		}
		if len(lines) > 0 {
			fmt.Fprintf(b, "\n%s:\n%s\n", title, strings.Join(lines, "\n"))
		}
	}
	for _, g := range cmd.Groups() {
		write(g.Title, g.ID)
	}
	write("Commands", "")
}

func shown(c *cobra.Command) bool {
	return c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand()
}

func writeFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, "\n%s:\n%s", title, flags.FlagUsagesWrapped(100))
}

func newHelpCmd(*cmdutil.Factory) *cobra.Command {
	return cmdutil.Exits(&cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show help for a command or a topic",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var words []string
			if at, _, err := cmd.Root().Find(args); err == nil {
				for _, c := range at.Commands() {
					if shown(c) {
						words = append(words, c.Name()+"\t"+c.Short)
					}
				}
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			at, rest, err := cmd.Root().Find(args)
			if err != nil {
				return cmdutil.UsageErr("shopctl --help", "%w", err)
			}
			if len(rest) > 0 {
				return cmdutil.UnknownCommand(at, rest[0])
			}
			return at.Help()
		},
	}, cmdutil.ExitOK, cmdutil.ExitUsage)
}

type exitCode struct{ code, meaning string }

func exitCodes() []exitCode {
	return []exitCode{
		{"0", "ok"},
		{"1", "failed: a check fails, a service is unhealthy, or the shop refused the request"},
		{"2", "usage: the command line or a file is invalid; nothing was changed"},
		{"3", "the shop is not running"},
		{"4", "inconclusive or timed out"},
		{"5", "the environment is not ready: a directory, the disk, a port"},
		{"64", "call only: 64 + the gRPC code, as grpcurl does (78 is UNAVAILABLE)"},
		{"130", "interrupted"},
	}
}

func newExitCodesCmd(*cmdutil.Factory) *cobra.Command {
	var b strings.Builder
	b.WriteString("Exit codes of shopctl:\n\n")
	for _, e := range exitCodes() {
		fmt.Fprintf(&b, "  %-4s %s\n", e.code, e.meaning)
	}
	return &cobra.Command{Use: "exit-codes", Short: "List the exit codes of commands", Long: b.String()}
}
