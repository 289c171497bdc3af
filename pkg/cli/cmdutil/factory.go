// Package cmdutil contains what the groups of commands share: the injected Factory, errors with hints and exit codes,
// checks of arguments, flags and completions.
package cmdutil

import (
	"context"
	"os"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// Connect connects to the daemon.
type Connect func(ctx context.Context) (*control.Client, error)

// Factory holds what commands are made from. A command copies the fields that it needs into its options.
type Factory struct {
	IO     *iostreams.IO
	Getenv func(string) string
	// Environ is the whole environment, which the daemon inherits.
	Environ []string
	Now     func() time.Time
	// Executable is the path of this binary.
	Executable string

	// Namespace returns the value of --namespace; "" means the shop's own namespace. It is valid when a command runs.
	Namespace func() string

	// Dir returns the shop's directories.
	Dir func() (rundir.Dir, error)
	// Shop connects to the daemon. An error that is control.ErrNotRunning exits with 3 and a hint.
	Shop Connect
	// LessonOf returns the owner of the workspace that a path without symbolic links lies in, if it is that of a lesson by
	// another author; else "". It may be nil.
	LessonOf func(path string) (owner string)
	// TakeSignals passes all further signals to the caller, until release is called.
	TakeSignals func() (signals <-chan os.Signal, release func())
	// SetGCPercent sets the garbage collector's target for the whole process; nil where commands share one, as in tests.
	SetGCPercent func(percent int) (previous int)
}

// Interactive reports whether the terminal UI may start: on a capable terminal, outside of CI.
func Interactive(ios *iostreams.IO, getenv func(string) string) bool {
	return ios.InTTY && ios.OutTTY && !ios.NoTUI && getenv("CI") == "" && getenv("TERM") != "dumb"
}
