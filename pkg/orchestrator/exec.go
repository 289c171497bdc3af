package orchestrator

import (
	"context"
	"io"
)

// Executor runs commands in the containers of instances.
type Executor interface {
	// Exec runs a command in a container, and returns its exit code: 128 and the number of the signal if a signal ended
	// it. An empty container is the main one; started is called with its name once the command runs. What the command
	// started is killed if ctx ends first. Errors are *NoInstanceError, *NoContainerError, and those of a command that could
	// not start.
	Exec(ctx context.Context, instance, container string, command Command, started func(container string)) (code int, err error)
}

// Command is a command to run in a container, with the container's environment.
type Command struct {
	// Args are its name and its arguments.
	Args []string
	// Stdin is what it reads; nil: nothing. A read that waits when the command ends is left to its owner.
	Stdin io.Reader
	// Stdout and Stderr take what it writes. With a terminal, all goes to Stdout. Writes to the two may come at once.
	Stdout, Stderr io.Writer
	// TTY: it has a terminal of its own, whose first size is Size. Resize receives the later ones.
	TTY    bool
	Size   Size
	Resize <-chan Size
}

// Size is the size of a terminal in cells.
type Size struct{ Columns, Rows uint16 }

// NoInstanceError is returned for an instance that does not exist.
type NoInstanceError struct{ Instance string }

func (e *NoInstanceError) Error() string { return "pods \"" + e.Instance + "\" not found" }

// NoContainerError is returned for a container that an instance does not have, or that does not run.
type NoContainerError struct {
	Instance, Container string
	// Exists: the instance has it, and it does not run.
	Exists bool
}

func (e *NoContainerError) Error() string {
	if e.Exists {
		return "container " + e.Container + " of pod " + e.Instance + " is not running"
	}
	return "container " + e.Container + " is not valid for pod " + e.Instance
}
