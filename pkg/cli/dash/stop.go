package dash

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// processStop implements tui.Stop for this process and its group, as ctrl+z in a terminal stops a group.
type processStop struct{}

// Catch implements tui.Stop.
func (processStop) Catch() (caught <-chan os.Signal, release func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTSTP)
	return c, func() { signal.Stop(c) }
}

// errNoShell means that no shell would resume the process.
var errNoShell = errors.New("there is no shell to return to")

// Halt implements tui.Stop. Once SIGTSTP was caught, Go does not stop by it any more (its handler stays), so
// that SIGSTOP must do, which also stops a process without a shell. A group that leads its session is one:
// a shell with job control gives its jobs groups of their own.
func (processStop) Halt() error {
	session, err := unix.Getsid(0)
	if err != nil || session == unix.Getpgrp() {
		return errNoShell
	}
	on := make(chan os.Signal, 1)
	signal.Notify(on, syscall.SIGCONT)
	defer signal.Stop(on)
	if err := syscall.Kill(0, syscall.SIGSTOP); err != nil {
		return err
	}
	<-on
	return nil
}
