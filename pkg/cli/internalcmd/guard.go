package internalcmd

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/workload/process"
)

// RunGuard is the command that the process driver runs with programs that cannot watch a lifeline:
// "guard -- COMMAND" for a program that is not ours, "guard --group PGID" for a paused group. It is not part of the
// command tree because users never run it.
func RunGuard(sys cmdutil.System, args []string) int {
	ios := iostreams.New(nil, sys.Out, sys.Err)
	ctx := context.Background()
	switch {
	case len(args) > 1 && args[0] == "--":
		code, err := process.Guard(sys.In, args[1:], withoutLifeline(sys.Environ), sys.Getenv(process.MarkerEnv), sys.Out)
		if err != nil {
			return cmdutil.Report(ctx, ios, err)
		}
		return code
	case len(args) == 2 && args[0] == "--group":
		pgid, err := strconv.Atoi(args[1])
		if err != nil || pgid < 2 {
			return cmdutil.Report(ctx, ios, cmdutil.UsageErr("shopctl --help", "guard: %q is not a process group", args[1]))
		}
		if err := process.GuardPaused(ctx, sys.In, pgid, sys.Getenv(process.MarkerEnv)); err != nil {
			return cmdutil.Report(ctx, ios, err)
		}
		return cmdutil.ExitOK
	default:
		return cmdutil.Report(ctx, ios, cmdutil.UsageErr("shopctl --help", "guard is an internal command, started beside instances"))
	}
}

// withoutLifeline removes the guard's lifeline from the environment of the guarded program, whose standard input is
// not the pipe: a program that knows the variable would mistake the end of its input for the daemon's.
func withoutLifeline(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool { return strings.HasPrefix(kv, lifeline.Env+"=") })
}
