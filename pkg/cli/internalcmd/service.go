package internalcmd

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/services"
	"github.com/shopctl/shopctl/services/setup"
)

// ParseServiceRun recognizes "service run NAME". It is checked before any command is built, because its cost occurs
// once per instance.
func ParseServiceRun(args []string) (name string, ok bool) {
	if len(args) == 3 && args[0] == "service" && args[1] == "run" && !strings.HasPrefix(args[2], "-") {
		return args[2], true
	}
	return "", false
}

// RunService runs one built-in service until a signal or the end of its lifeline.
func RunService(sys cmdutil.System, name string) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-sys.Signals
		cancel()
	}()
	go saveMemory(ctx)
	err := serve(ctx, sys, name)
	switch {
	case err == nil, errors.Is(err, chassis.ErrLifeline):
		return cmdutil.ExitOK
	default:
		ios := iostreams.New(nil, sys.Out, sys.Err)
		return cmdutil.Report(ctx, ios, err)
	}
}

func serve(ctx context.Context, sys cmdutil.System, name string) error {
	b, ok := services.Lookup(name)
	if !ok {
		return cmdutil.UnknownNameErr("service", name, cmdutil.BuiltinNames())
	}
	o := chassis.Options{Name: b.Name, Workload: b.Workload, Getenv: sys.Getenv, Stdout: sys.Out}
	down, up, err := lifeline.Open(sys.Getenv(lifeline.Env))
	if err != nil {
		return err
	}
	if down != nil {
		defer up.Close()
		o.Down, o.Up = down, up
	}
	if b.Name == services.MonolithName {
		err = chassis.RunModules(ctx, o, setup.Modules())
	} else {
		err = chassis.Run(ctx, o, setup.Of(b.Name))
	}
	if err == nil {
		return nil
	}
	// The error names what is wrong with the service's environment, with an example. It is not shopctl's mistake.
	return cmdutil.HintErr(cmdutil.ExitFailed, "", err)
}

// NewServiceCmd documents the command for users who run a service by hand; Main executes it.
func NewServiceCmd(*cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{
		Use:    "service",
		Short:  "Run a single service",
		Hidden: true,
	}, cmdutil.Exits(&cobra.Command{
		Use:   "run NAME",
		Short: "Run one built-in service, configured by its environment",
		Args:  cmdutil.Exactly(1, "the service's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cmdutil.UsageErr("shopctl service run "+args[0], "service run takes exactly one name")
		},
	}, cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage))
}
