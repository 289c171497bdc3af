package cli

import (
	"context"
	"os"
	"time"

	"golang.org/x/term"
)

// System is what the process gives to the command line.
type System struct {
	// Args are the arguments without the program's name.
	Args         []string
	In, Out, Err *os.File
	Getenv       func(string) string
	Environ      []string
	Now          func() time.Time
	// Signals delivers SIGINT, SIGTERM and SIGHUP.
	Signals <-chan os.Signal
}

// Main runs one command and returns the exit code.
func Main(sys System) int {
	if name, ok := serviceRun(sys.Args); ok {
		return runService(sys, name)
	}
	if len(sys.Args) > 0 && sys.Args[0] == "guard" {
		return runGuard(sys, sys.Args[1:])
	}
	f := newFactory(sys)
	signals := interrupts{again: make(chan struct{})}
	f.TakeSignals = signals.take
	ctx, stop := signals.watch(context.Background(), sys.Signals)
	defer stop()
	code := make(chan int, 1)
	go func() { code <- Execute(ctx, f, sys.Args) }()
	select {
	case c := <-code:
		return c
	case <-signals.again:
		return exitInterrupted
	}
}

// Execute runs the command line args, reports its error and returns the exit code.
func Execute(ctx context.Context, f *Factory, args []string) int {
	root := NewRoot(f)
	root.SetArgs(append([]string{}, args...)) // nil would mean those of the process
	root.SetIn(f.IO.In)
	root.SetOut(f.IO.Out)
	root.SetErr(f.IO.Err)
	return report(ctx, f.IO, root.ExecuteContext(ctx))
}

func newFactory(sys System) *Factory {
	f := &Factory{
		IO: &IO{
			In: sys.In, Out: sys.Out, Err: sys.Err,
			InTTY:  term.IsTerminal(int(sys.In.Fd())),
			OutTTY: term.IsTerminal(int(sys.Out.Fd())),
			ErrTTY: term.IsTerminal(int(sys.Err.Fd())),
		},
		Getenv:  sys.Getenv,
		Environ: sys.Environ,
		Now:     sys.Now,
	}
	for _, stream := range []*os.File{sys.Out, sys.Err} {
		if width, height, err := term.GetSize(int(stream.Fd())); err == nil {
			f.IO.Width, f.IO.Height = width, height
			break
		}
	}
	// An unknown path matters to the commands alone that start processes; they report it.
	f.Executable, _ = os.Executable()
	f.Dir = resolveDir(f)
	f.Shop = dialShop(f)
	return f
}
