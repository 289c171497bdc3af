package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shopctl/shopctl/pkg/suggest"
)

const defaultName = "default"

// Groups of commands in the help.
const (
	groupShop    = "shop"
	groupObjects = "objects"
	groupLearn   = "learn"
	groupOther   = "other"
)

// NewRoot builds the tree of commands.
func NewRoot(f *Factory) *cobra.Command {
	color := "auto"
	root := &cobra.Command{
		Use:   "shopctl",
		Short: "Run a live shop of eleven gRPC services, and learn microservices on it",
		Long: `shopctl runs a web shop of eleven gRPC services on this machine, each a process of its own, and lets you
call them, watch them, break them and repair them. Lessons lead through it.

  shopctl up           start the shop and print where the storefront is
  shopctl dash         watch it
  shopctl lesson list  what there is to learn`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			err := configure(f, cmd)
			f.IO.Color = takesColor(f, color)
			return err
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return bare(f, cmd)
		},
	}
	globalFlags(root, f, &color)
	addCommands(root, f)
	root.SetHelpCommand(newHelpCmd(f))
	root.SetHelpCommandGroupID(groupOther)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpFunc(help)
	root.SetUsageFunc(func(cmd *cobra.Command) error { help(cmd, nil); return nil })
	root.SetFlagErrorFunc(flagError)
	return root
}

// addCommands adds every command of the top level to its group.
func addCommands(root *cobra.Command, f *Factory) {
	root.AddGroup(
		&cobra.Group{ID: groupShop, Title: "The shop"},
		&cobra.Group{ID: groupObjects, Title: "Its objects"},
		&cobra.Group{ID: groupLearn, Title: "Try and learn"},
		&cobra.Group{ID: groupOther, Title: "More"},
	)
	for _, entry := range []struct {
		group string
		make  func(*Factory) *cobra.Command
	}{
		{groupShop, newUpCmd},
		{groupShop, newDashCmd},
		{groupShop, newDownCmd},
		{groupShop, newPsCmd},
		{groupShop, newStatusCmd},
		{groupShop, newTopCmd},
		{groupShop, newMapCmd},
		{groupShop, newLogsCmd},
		{groupShop, newEventsCmd},
		{groupShop, newTraceCmd},
		{groupShop, newMetricsCmd},
		{groupShop, newAlertsCmd},
		{groupShop, newScaleCmd},
		{groupShop, newRestartCmd},
		{groupShop, newStopCmd},
		{groupShop, newStartCmd},
		{groupShop, newSetCmd},
		{groupShop, newMailCmd},
		{groupLearn, newLessonCmd},
		{groupLearn, newReviewCmd},
		{groupLearn, newCallCmd},
		{groupLearn, newHTTPCmd},
		{groupLearn, newFaultCmd},
		{groupLearn, newLoadCmd},
		{groupObjects, newApplyCmd},
		{groupObjects, newGetCmd},
		{groupObjects, newDescribeCmd},
		{groupObjects, newDeleteCmd},
		{groupObjects, newDiffCmd},
		{groupOther, newExportCmd},
		{groupOther, newDoctorCmd},
		{groupOther, newVersionCmd},
		{groupOther, newCompletionCmd},
		{groupOther, newExitCodesCmd},
		{groupOther, newServiceCmd},
		{groupOther, newDaemonCmd},
	} {
		cmd := entry.make(f)
		cmd.GroupID = entry.group
		root.AddCommand(cmd)
	}
}

// bare is shopctl without a word: the dashboard on a terminal, the help elsewhere.
func bare(f *Factory, cmd *cobra.Command) error {
	if Interactive(f) {
		return runDash(cmd.Context(), f)
	}
	return cmd.Help()
}

func globalFlags(root *cobra.Command, f *Factory, color *string) {
	flags := root.PersistentFlags()
	flags.StringVar(&f.IO.ShopName, "name", defaultName, "`NAME` of the shop; several can run side by side")
	flags.StringVarP(&f.Namespace, "namespace", "n", "", "`NAMESPACE` of the objects (default the shop's own)")
	flags.BoolVarP(&f.IO.Quiet, "quiet", "q", false, "print no progress and no next steps")
	flags.BoolVarP(&f.Verbose, "verbose", "v", false, "print more about how it came about")
	flags.BoolVar(&f.NoTUI, "no-tui", false, "never start the terminal UI")
	flags.BoolVar(&f.IO.ASCII, "ascii", false, "use no characters beyond ASCII")
	flags.BoolVar(&f.IO.Accessible, "accessible", false, "linear text: words for symbols, no animation")
	flags.Var(&oneOf{value: color, allowed: []string{"auto", "always", "never"}, kind: "WHEN"}, "color", "colour the output: auto, always, never")
	flags.BoolP("help", "h", false, "help for the command")
	must(root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp)))
	must(root.RegisterFlagCompletionFunc("name", completeShops(f)))
}

// group makes cmd a parent that only holds others: it wants one of their names.
func group(cmd *cobra.Command, children ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(children...)
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return cmd.Help()
	}
	return cmd
}

func unknownCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	hint := cmd.CommandPath() + " --help"
	if near := suggest.Match(word, names); near != "" {
		hint = cmd.CommandPath() + " " + near
	}
	return usageErr(hint, "unknown command %q", cmd.CommandPath()+" "+word)
}

func flagError(cmd *cobra.Command, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		if want := wanted(invalid.GetFlag().Value.Type()); want != "" {
			err = fmt.Errorf("read --%s %q: want %s", invalid.GetFlag().Name, invalid.GetValue(), want)
		}
	}
	return usageErr(cmd.CommandPath()+" --help", "%w", err)
}

// wanted says what a flag of a type takes; "" where the flag's own error says it.
func wanted(kind string) string {
	switch kind {
	case "int", "int32", "int64":
		return "a whole number"
	case "uint", "uint32", "uint64":
		return "a whole number that is not below zero"
	case "float64":
		return "a number"
	case "duration":
		return "a duration, such as 500ms, 30s or 2m"
	case "bool":
		return "true or false"
	}
	return ""
}

// exactly, atLeast and atMost check the number of arguments and say what is missing.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return count(cmd, args, n, n, what) }
}

func atLeast(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return count(cmd, args, n, -1, what) }
}

func atMost(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return count(cmd, args, 0, n, what) }
}

func count(cmd *cobra.Command, args []string, least, most int, what string) error {
	hint := cmd.CommandPath() + " --help"
	switch {
	case len(args) < least:
		return usageErr(hint, "missing argument: %s", what)
	case most == 0 && len(args) > 0:
		return usageErr(hint, "unexpected argument %q: the command takes none", args[0])
	case most >= 0 && len(args) > most:
		return usageErr(hint, "unexpected argument %q: the command takes %s", args[most], what)
	}
	return nil
}
