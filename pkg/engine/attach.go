package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// Command is a command to run in a container, with the streams of someone else.
type Command struct {
	// Args are its name and its arguments.
	Args []string
	// Stdin is what it reads; nil: nothing. A read that waits when the command ends is left to its owner.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// TTY: it has a terminal, which begins with Columns and Rows, in cells, and takes all its output to Stdout.
	TTY           bool
	Columns, Rows uint16
	// Started is called once it runs.
	Started func(Resizer)
}

// Resizer gives the terminal of a command another size, in cells.
type Resizer func(ctx context.Context, columns, rows uint16) error

// attachEnv marks everything that one command of Attach starts.
const attachEnv = "SHOPCTL_EXEC"

// Attach runs a command until it ends, and returns its exit code. When ctx ends first, what it started is killed, for which
// the container needs a shell and grep; without them its input ends, and it goes on until the container ends.
func (c *Container) Attach(ctx context.Context, command Command) (int, error) {
	id := rand.Text()
	size := client.ConsoleSize{Height: uint(command.Rows), Width: uint(command.Columns)}
	made, err := c.e.api.ExecCreate(ctx, c.ID, client.ExecCreateOptions{
		Cmd: command.Args, Env: []string{attachEnv + "=" + id}, TTY: command.TTY, ConsoleSize: size,
		AttachStdin: command.Stdin != nil, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return 0, fmt.Errorf("run %s: %w", command.Args[0], err)
	}
	attached, err := c.e.api.ExecAttach(ctx, made.ID, client.ExecAttachOptions{TTY: command.TTY, ConsoleSize: size})
	if err != nil {
		return 0, fmt.Errorf("run %s: %w", command.Args[0], err)
	}
	defer attached.Close()
	stop := context.AfterFunc(ctx, attached.Close)
	defer stop()
	command.Started(func(ctx context.Context, columns, rows uint16) error {
		_, err := c.e.api.ExecResize(ctx, made.ID, client.ExecResizeOptions{Height: uint(rows), Width: uint(columns)})
		return err
	})
	if command.Stdin != nil {
		go func() {
			_, _ = io.Copy(attached.Conn, command.Stdin) // a command need not read
			_ = attached.CloseWrite()
		}()
	}
	if command.TTY {
		_, err = io.Copy(command.Stdout, attached.Reader)
	} else {
		_, err = stdcopy.StdCopy(command.Stdout, command.Stderr, attached.Reader)
	}
	if ctx.Err() != nil {
		return 0, errors.Join(ctx.Err(), c.endMarked(ctx, id))
	}
	if err != nil {
		return 0, fmt.Errorf("run %s: %w", command.Args[0], err)
	}
	is, err := c.e.api.ExecInspect(ctx, made.ID, client.ExecInspectOptions{})
	if err != nil {
		return 0, fmt.Errorf("run %s: %w", command.Args[0], err)
	}
	return is.ExitCode, nil
}

// endTimeout bounds the killing of what a command started.
const endTimeout = 5 * time.Second

// endMarked kills the processes of the container that carry a marker. The API of the engine can end no command, so the
// container does it itself.
func (c *Container) endMarked(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	script := `for p in /proc/[0-9]*; do grep -qs "` + attachEnv + "=" + id + `" "$p/environ" && kill -9 "${p#/proc/}"; done; true`
	return c.Exec(ctx, []string{"sh", "-c", script}, io.Discard)
}
