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
	"os"
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
	// Color reports whether Out takes colors. It is valid once the flags are read, like the fields below it.
	Color bool
	// Quiet, ASCII and Accessible are the global flags of these names; ShopName is --name, for the commands that
	// are printed to be pasted.
	Quiet, ASCII, Accessible bool
	ShopName                 string
}

// Factory is what every command is made from. The fields below Executable hold the global flags, and
// are set when a command runs.
type Factory struct {
	IO     *IO
	Getenv func(string) string
	// Environ is the whole environment, which the daemon inherits.
	Environ []string
	Now     func() time.Time
	// Executable is the path of this binary.
	Executable string

	// Namespace is the one asked for; "" means the shop's own.
	Namespace      string
	Verbose, NoTUI bool

	// Dir returns the shop's directories.
	Dir func() (rundir.Dir, error)
	// Shop connects to the daemon. An error that is control.ErrNotRunning exits with 3 and a hint.
	Shop func(ctx context.Context) (*control.Client, error)
	// TakeSignals passes all further signals to the caller, until release is called.
	TakeSignals func() (signals <-chan os.Signal, release func())
}

func resolveDir(f *Factory) func() (rundir.Dir, error) {
	return func() (rundir.Dir, error) {
		dir, err := rundir.Resolve(f.IO.ShopName, f.Getenv)
		if err != nil {
			return dir, hintErr(exitUsage, "--name second", err)
		}
		return dir, nil
	}
}

func dialShop(f *Factory) func(context.Context) (*control.Client, error) {
	return func(context.Context) (*control.Client, error) {
		dir, err := f.Dir()
		if err != nil {
			return nil, err
		}
		client, err := control.Dial(dir)
		if errors.Is(err, control.ErrNotRunning) {
			return nil, notRunning(f.IO)
		}
		return client, err
	}
}

// notRunning is the error of a command that needs the daemon.
func notRunning(ios *IO) error {
	return hintErr(exitNotRunning, ios.command("up"), fmt.Errorf("connect to shop %q: %w", ios.ShopName, control.ErrNotRunning))
}

// command spells a shopctl command line for this shop, to be pasted.
func (ios *IO) command(args string) string {
	if ios.ShopName != "" && ios.ShopName != defaultName {
		return "shopctl --name " + ios.ShopName + " " + args
	}
	return "shopctl " + args
}

// Interactive tells whether the terminal UI may start: on terminals that can draw, outside of CI.
func Interactive(f *Factory) bool {
	return f.IO.InTTY && f.IO.OutTTY && !f.NoTUI && f.Getenv("CI") == "" && f.Getenv("TERM") != "dumb"
}

// notef writes one line for people to standard error, unless --quiet.
func (ios *IO) notef(format string, args ...any) {
	if !ios.Quiet {
		fmt.Fprintf(ios.Err, format+"\n", args...)
	}
}

// next tells what to do next, as commands that can be pasted.
func (ios *IO) next(commands ...string) {
	for _, command := range commands {
		ios.notef("next: %s", ios.command(command))
	}
}

// warnf writes a warning to standard error, whatever the flags say.
func (ios *IO) warnf(format string, args ...any) {
	fmt.Fprintf(ios.Err, "shopctl: warning: "+format+"\n", args...)
}
