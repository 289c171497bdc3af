package cmdutil

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// Group makes cmd the parent of children; it must be followed by one of their names.
func Group(cmd *cobra.Command, children ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(children...)
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return UnknownCommand(cmd, args[0])
		}
		return cmd.Help()
	}
	return cmd
}

// Acts reports whether cmd can be run itself, and not only the commands below it.
func Acts(cmd *cobra.Command) bool {
	return cmd.Runnable() && (!cmd.HasAvailableSubCommands() || cmd.Annotations[ExitsKey] != "")
}

// UnknownCommand is the error for a word that is no command of cmd: with shopctl's own for it if another tool has the word,
// else with the most similar one.
func UnknownCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	_, path, _ := strings.Cut(cmd.CommandPath()+" "+word, " ")
	if other, ok := otherWords()[path]; ok {
		if other.why != "" {
			return UsageErr(other.ours, "unknown command %q: %s", cmd.CommandPath()+" "+word, other.why)
		}
		return UsageErr(other.ours, "unknown command %q", cmd.CommandPath()+" "+word)
	}
	hint := cmd.CommandPath() + " --help"
	if near := suggest.Match(word, names); near != "" {
		hint = cmd.CommandPath() + " " + near
	}
	return UsageErr(hint, "unknown command %q", cmd.CommandPath()+" "+word)
}

// Exactly checks the number of arguments; what describes them in the error.
func Exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return Count(cmd, args, n, n, what) }
}

func AtLeast(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return Count(cmd, args, n, -1, what) }
}

func AtMost(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return Count(cmd, args, 0, n, what) }
}

func Count(cmd *cobra.Command, args []string, least, most int, what string) error {
	hint := cmd.CommandPath() + " --help"
	switch {
	case len(args) < least:
		return UsageErr(hint, "missing argument: %s", what)
	case most == 0 && len(args) > 0:
		return UsageErr(hint, "unexpected argument %q: the command takes none", args[0])
	case most >= 0 && len(args) > most:
		return UsageErr(hint, "unexpected argument %q: the command takes %s", args[most], what)
	}
	return nil
}
