// Package cli is the command line: one file a command, each a thin client of the daemon's control API.
//
// Standard output is data, and standard error is progress, messages and what to do next. A command
// reads its world from the Factory alone: the streams, the clock, the environment and the shop, so that
// a test can give it another one.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// IO is the terminal, or what stands for it.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	// InTTY, OutTTY and ErrTTY tell which of the streams are terminals.
	InTTY, OutTTY, ErrTTY bool
	// Width and Height in cells of the terminal that Out or Err is; 0 if neither is one.
	Width, Height int
	// Color says whether Out takes colours. It holds once the flags are read.
	Color bool
}

// Factory is what every command is made from. The fields below Executable hold the global flags, and
// are set when a command runs.
type Factory struct {
	IO
	Getenv func(string) string
	// Environ is the whole environment, which the daemon inherits.
	Environ []string
	Now     func() time.Time
	// Executable is the path of this binary.
	Executable string

	// Name is the shop's name, Namespace the one asked for; "" means the shop's own.
	Name, Namespace                          string
	Quiet, Verbose, NoTUI, ASCII, Accessible bool

	// Dir returns the shop's directories.
	Dir func() (rundir.Dir, error)
	// Shop connects to the daemon. An error that is control.ErrNotRunning exits with 3 and a hint.
	Shop func(ctx context.Context) (*control.Client, error)

	color      string
	interrupts interrupts
}

func (f *Factory) resolveDir() (rundir.Dir, error) {
	dir, err := rundir.Resolve(f.Name, f.Getenv)
	if err != nil {
		return dir, hintErr(exitUsage, "--name second", err)
	}
	return dir, nil
}

func (f *Factory) dialShop(context.Context) (*control.Client, error) {
	dir, err := f.Dir()
	if err != nil {
		return nil, err
	}
	client, err := control.Dial(dir)
	if errors.Is(err, control.ErrNotRunning) {
		return nil, f.notRunning()
	}
	return client, err
}

// notRunning is the error of a command that needs the daemon.
func (f *Factory) notRunning() error {
	return hintErr(exitNotRunning, f.command("up"), fmt.Errorf("connect to shop %q: %w", f.Name, control.ErrNotRunning))
}

// command spells a shopctl command line for this shop, to be pasted.
func (f *Factory) command(args string) string {
	if f.Name != "" && f.Name != defaultName {
		return "shopctl --name " + f.Name + " " + args
	}
	return "shopctl " + args
}

// Interactive tells whether the terminal UI may start: on terminals that can draw, outside of CI.
func (f *Factory) Interactive() bool {
	return f.InTTY && f.OutTTY && !f.NoTUI && f.Getenv("CI") == "" && f.Getenv("TERM") != "dumb"
}

// notef writes one line for people to standard error, unless --quiet.
func (f *Factory) notef(format string, args ...any) {
	if !f.Quiet {
		fmt.Fprintf(f.Err, format+"\n", args...)
	}
}

// next tells what to do next, as commands that can be pasted.
func (f *Factory) next(commands ...string) {
	for _, command := range commands {
		f.notef("next: %s", f.command(command))
	}
}

// warnf writes a warning to standard error, whatever the flags say.
func (f *Factory) warnf(format string, args ...any) {
	fmt.Fprintf(f.Err, "shopctl: warning: "+format+"\n", args...)
}
