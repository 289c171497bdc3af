package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/shopctl/shopctl/pkg/cli/bus"
	"github.com/shopctl/shopctl/pkg/cli/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/config"
	"github.com/shopctl/shopctl/pkg/cli/dash"
	"github.com/shopctl/shopctl/pkg/cli/delivery"
	"github.com/shopctl/shopctl/pkg/cli/exec"
	"github.com/shopctl/shopctl/pkg/cli/export"
	"github.com/shopctl/shopctl/pkg/cli/fault"
	"github.com/shopctl/shopctl/pkg/cli/forward"
	"github.com/shopctl/shopctl/pkg/cli/image"
	"github.com/shopctl/shopctl/pkg/cli/internalcmd"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/lesson"
	"github.com/shopctl/shopctl/pkg/cli/load"
	"github.com/shopctl/shopctl/pkg/cli/mesh"
	"github.com/shopctl/shopctl/pkg/cli/objects"
	"github.com/shopctl/shopctl/pkg/cli/observe"
	"github.com/shopctl/shopctl/pkg/cli/order"
	"github.com/shopctl/shopctl/pkg/cli/saga"
	"github.com/shopctl/shopctl/pkg/cli/shop"
	"github.com/shopctl/shopctl/pkg/cli/token"
	"github.com/shopctl/shopctl/pkg/cli/top"
	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/pkg/tui"
)

// Groups of commands in the help.
const (
	groupShop    = "shop"
	groupObjects = "objects"
	groupLearn   = "learn"
	groupOther   = "other"
)

// NewRoot builds the tree of commands.
func NewRoot(f *cmdutil.Factory) *cobra.Command {
	color := "auto"
	screens := dash.NewScreens(f, Tree, func() (tui.Calls, func()) { return call.NewScreenCalls(f) })
	root := &cobra.Command{
		Use:   "shopctl",
		Short: "Run a live shop of eleven gRPC services and learn microservices with it",
		Long: `shopctl runs a web shop of eleven gRPC services on this machine, one process each, and lets you call, watch, break and
repair them. Lessons guide you through it.

  shopctl up           start the shop and print the storefront's address
  shopctl dash         open the dashboard
  shopctl lesson list  list the lessons`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error {
			if err := checkForeign(f, cmd, args); err != nil {
				return err
			}
			err := configure(f, cmd)
			f.IO.Color = takesColor(f, color)
			if follows(cmd) {
				cmd.SetContext(f.IO.WhileRead(cmd.Context()))
			}
			return err
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cmdutil.UnknownCommand(cmd, args[0])
			}
			if cmdutil.Interactive(f.IO, f.Getenv) {
				return screens.RunDash(cmd.Context())
			}
			return cmd.Help()
		},
	}
	globalFlags(root, f, &color)
	addCommands(root, f, screens)
	root.SetHelpCommand(newHelpCmd(f))
	root.SetHelpCommandGroupID(groupOther)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpFunc(help)
	root.SetUsageFunc(func(cmd *cobra.Command) error { help(cmd, nil); return nil })
	root.SetFlagErrorFunc(flagError)
	return root
}

// Tree returns the commands for their descriptions; they cannot be run.
func Tree() *cobra.Command {
	return NewRoot(&cmdutil.Factory{IO: iostreams.New(nil, nil, nil), Getenv: func(string) string { return "" }})
}

// addCommands adds every command of the top level to its group.
func addCommands(root *cobra.Command, f *cmdutil.Factory, screens *dash.Screens) {
	root.AddGroup(
		&cobra.Group{ID: groupShop, Title: "The shop"},
		&cobra.Group{ID: groupObjects, Title: "Kubernetes objects"},
		&cobra.Group{ID: groupLearn, Title: "Experiment and learn"},
		&cobra.Group{ID: groupOther, Title: "Other"},
	)
	for _, group := range commandGroups(f, screens) {
		for _, cmd := range group.commands {
			cmd.GroupID = group.id
		}
		root.AddCommand(group.commands...)
	}
}

// commandGroup is a group of the help and its commands.
type commandGroup struct {
	id       string
	commands []*cobra.Command
}

func commandGroups(f *cmdutil.Factory, screens *dash.Screens) []commandGroup {
	lessonCmd := lesson.NewCmd(f, lesson.Parts{Screen: screens.RunLesson, Watchdog: func() (func() error, error) { return internalcmd.StartWatchdog(f) }})
	lessonCmd.AddCommand(internalcmd.NewWatchdogCmd(f, func() (string, error) { return lesson.Workspaces(f) }))
	return []commandGroup{
		{groupShop, []*cobra.Command{
			shop.NewUpCmd(f, shop.UpParts{
				Drivers: internalcmd.Drivers(),
				Prepare: func(ctx context.Context, driver string) error {
					return internalcmd.Prepare(ctx, f, driver, buildVersion().Version)
				},
				Spawn: func(ctx context.Context, dir rundir.Dir, args []string) error {
					return internalcmd.Spawn(ctx, f, dir, args)
				},
				Logs:        func(ctx context.Context) error { return observe.FollowLogs(ctx, f) },
				SuggestNext: func(before ...string) { lesson.SuggestNext(f, before...) },
			}),
			dash.NewCmd(screens),
			shop.NewDownCmd(f, func(ctx context.Context, dir rundir.Dir) (int, error) { return internalcmd.Reclaim(ctx, f, dir) }),
			shop.NewPsCmd(f),
			shop.NewStatusCmd(f),
			observe.NewTopCmd(f, top.NewPodsCmd(f)),
			observe.NewMapCmd(f),
			observe.NewLogsCmd(f),
			observe.NewEventsCmd(f),
			observe.NewTraceCmd(f),
			observe.NewMetricsCmd(f),
			observe.NewAlertsCmd(f),
			mesh.NewCmd(f),
			delivery.NewCanaryCmd(f),
			delivery.NewSwitchCmd(f),
			objects.NewScaleCmd(f),
			objects.NewRestartCmd(f),
			objects.NewStopCmd(f),
			objects.NewStartCmd(f),
			objects.NewRestoreCmd(f),
			objects.NewSetCmd(f),
			shop.NewMailCmd(f),
			order.NewCmd(f),
			bus.NewCmd(f),
			token.NewIssuerCmd(f),
		}},
		{groupLearn, []*cobra.Command{
			lessonCmd,
			lesson.NewReviewCmd(f),
			call.NewCallCmd(f),
			call.NewHTTPCmd(f),
			fault.NewCmd(f, func(ctx context.Context, service string) []string { return call.CompleteMethods(ctx, f, service) }),
			load.NewCmd(f),
			saga.NewCmd(f),
			token.NewCmd(f),
		}},
		{groupObjects, append([]*cobra.Command{
			objects.NewApplyCmd(f),
			objects.NewGetCmd(f),
			objects.NewDescribeCmd(f),
			objects.NewDeleteCmd(f),
			objects.NewDiffCmd(f),
			forward.NewCmd(f),
			exec.NewCmd(f),
		}, objects.NewChangeCmds(f)...)},
		{groupOther, []*cobra.Command{
			export.NewCmd(f, buildVersion().Version),
			image.NewCmd(f, buildVersion().Version),
			shop.NewDoctorCmd(f),
			config.NewCmd(f),
			newVersionCmd(f),
			newCompletionCmd(f),
			newBashCmd(f),
			newExitCodesCmd(f),
			internalcmd.NewServiceCmd(f),
			internalcmd.NewDaemonCmd(f, buildVersion().Version),
		}},
	}
}

func globalFlags(root *cobra.Command, f *cmdutil.Factory, color *string) {
	flags := root.PersistentFlags()
	flags.StringVar(&f.IO.ShopName, "name", iostreams.DefaultShop, "`NAME` of the shop; several can run side by side")
	namespace := flags.StringP("namespace", "n", "", "`NAMESPACE` of the objects (default: the shop's own)")
	f.Namespace = func() string { return *namespace }
	flags.BoolVarP(&f.IO.Quiet, "quiet", "q", false, "print no progress and no next steps")
	flags.BoolVarP(&f.IO.Verbose, "verbose", "v", false, "print more detail")
	flags.BoolVar(&f.IO.NoTUI, "no-tui", false, "never start the terminal UI")
	flags.BoolVar(&f.IO.ASCII, "ascii", false, "use only ASCII characters")
	flags.BoolVar(&f.IO.Accessible, "accessible", false, "linear text: words instead of symbols, no animation")
	flags.Var(&cmdutil.EnumFlag{Value: color, Allowed: []string{"auto", "always", "never"}, Kind: "WHEN"}, "color", "color the output: auto, always, never")
	flags.BoolP("help", "h", false, "help for the command")
	cmdutil.Must(root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp)))
	cmdutil.Must(root.RegisterFlagCompletionFunc("name", completeShops(f)))
}

// follows reports whether a command prints what happens until it is interrupted.
func follows(cmd *cobra.Command) bool {
	if cmd.Name() == "follow" {
		return true
	}
	for _, name := range []string{"follow", "watch"} {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Value.String() == "true" {
			return true
		}
	}
	flag := cmd.Flags().Lookup("no-follow")
	return flag != nil && flag.Value.String() == "false"
}

func flagError(cmd *cobra.Command, err error) error {
	if words := cmd.Flags().Args(); len(words) > 0 && cmd.Annotations[cmdutil.ExitsKey] == "" && cmd.HasSubCommands() {
		return cmdutil.UnknownCommand(cmd, words[0]) // its flags are not known either
	}
	var e *cmdutil.Error
	if errors.As(err, &e) {
		return err
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		name, value := invalid.GetFlag().Name, invalid.GetValue()
		var outOfRange *cmdutil.OutOfRange
		if errors.As(err, &outOfRange) {
			return cmdutil.UsageErr("--"+name+" "+outOfRange.Example, "read --%s %s: %w", name, value, outOfRange)
		} else if want := wanted(invalid.GetFlag().Value.Type()); want != "" {
			err = fmt.Errorf("read --%s %q: want %s", name, value, want)
		}
	}
	return cmdutil.UsageErr(cmd.CommandPath()+" --help", "%w", err)
}

// wanted describes the values of a type of flag; "" if the flag's own error does.
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
