// Package cli ties the command line together: the root command, its configuration and the groups of commands, each a
// package below this one. The groups do not import each other; a group that needs another gets it as a function here.
//
// Standard output is data, and standard error is progress, messages and what to do next. A command gets the
// streams, the clock, the environment and the shop only from the Factory, so that a test can replace them.
package cli

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"strconv"

	"golang.org/x/term"

	"github.com/shopctl/shopctl/pkg/cli/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/internalcmd"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/lesson"
)

// System holds the arguments, streams and environment of the process.
type System = cmdutil.System

// Main runs one command and returns the exit code.
func Main(sys System) int {
	if sys.Getenv(cmdutil.SessionEnv) == "" {
		if name, ok := internalcmd.ParseServiceRun(sys.Args); ok {
			return internalcmd.RunService(sys, name)
		}
		if len(sys.Args) == 2 && sys.Args[0] == "sidecar" && sys.Args[1] == "run" {
			return internalcmd.RunSidecar(sys)
		}
		if internalcmd.IsPause(sys.Args) {
			return internalcmd.RunPause(sys)
		}
		if len(sys.Args) > 0 && sys.Args[0] == "guard" {
			return internalcmd.RunGuard(sys, sys.Args[1:])
		}
	}
	f := newFactory(sys)
	signals := interrupts{again: make(chan struct{})}
	f.TakeSignals = signals.take
	f.SetGCPercent = debug.SetGCPercent
	ctx, stop := signals.watch(context.Background(), sys.Signals)
	defer stop()
	code := make(chan int, 1)
	go func() { code <- Execute(ctx, f, sys.Args) }()
	select {
	case c := <-code:
		return c
	case <-signals.again:
		return cmdutil.ExitInterrupted
	}
}

// Execute runs the command line args, reports its error and returns the exit code.
func Execute(ctx context.Context, f *cmdutil.Factory, args []string) int {
	root := NewRoot(f)
	args = append([]string{}, args...) // nil would mean those of the process
	if cmd, _, err := root.Find(args); err == nil && cmd.Name() == "call" && cmd.Parent() == root {
		args = call.LongFlags(cmd, args)
	}
	root.SetArgs(args)
	root.SetIn(f.IO.In)
	root.SetOut(f.IO.Out)
	root.SetErr(f.IO.Err)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd, err := root.ExecuteContextC(ctx)
	if errors.Is(context.Cause(cmd.Context()), iostreams.ErrReaderGone) {
		return cmdutil.ExitOK
	}
	return cmdutil.Report(ctx, f.IO, err)
}

func newFactory(sys System) *cmdutil.Factory {
	f := &cmdutil.Factory{
		IO:      iostreams.New(sys.In, sys.Out, sys.Err),
		Getenv:  sys.Getenv,
		Environ: sys.Environ,
		Now:     sys.Now,
	}
	f.IO.InTTY, f.IO.OutTTY, f.IO.ErrTTY = term.IsTerminal(int(sys.In.Fd())), term.IsTerminal(int(sys.Out.Fd())), term.IsTerminal(int(sys.Err.Fd()))
	for _, stream := range []*os.File{sys.Out, sys.Err} {
		if width, height, err := term.GetSize(int(stream.Fd())); err == nil {
			f.IO.Width, f.IO.Height = width, height
			break
		}
	}
	if n, err := strconv.Atoi(sys.Getenv("COLUMNS")); err == nil && n > 0 {
		f.IO.LayoutWidth = n
	}
	// Commands that start processes report an unknown path.
	f.Executable, _ = os.Executable()
	f.Dir = cmdutil.ResolveDir(f.IO, f.Getenv)
	f.Shop = cmdutil.DialShop(f.IO, f.Dir, f.Getenv)
	f.LessonOf = func(path string) string { return lesson.WorkspaceOwner(f, path) }
	return f
}
