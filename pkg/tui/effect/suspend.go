package effect

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// Stop suspends the process, as ctrl+z does in a shell, until fg or SIGCONT resumes it.
type Stop interface {
	// Catch delivers the stop signals that other processes send, until release is called. Meanwhile they do not stop
	// the process, so that the terminal can be restored first.
	Catch() (caught <-chan os.Signal, release func())
	// Halt stops the process and returns when it is resumed; the error is why it cannot be stopped.
	Halt() error
}

// Resumed is sent when the process was resumed, or could not be stopped.
type Resumed struct{ Err error }

// halt is a command that Bubble Tea runs while the terminal is restored: it stops the process.
type halt struct{ Stop }

func (h halt) Run() error        { return h.Halt() }
func (halt) SetStdin(io.Reader)  {}
func (halt) SetStdout(io.Writer) {}
func (halt) SetStderr(io.Writer) {}

// Suspend restores the terminal and stops the process until it is resumed.
func (c *Commands) Suspend() tea.Msg {
	if c.stop == nil {
		return tea.Suspend()
	}
	return tea.Exec(halt{c.stop}, func(err error) tea.Msg { return Resumed{err} })()
}

// SuspendOnSignal suspends when another process sends a stop signal, until ctx ends.
func (c *Commands) SuspendOnSignal(ctx context.Context, caught <-chan os.Signal) {
	for {
		select {
		case <-caught:
			c.send(c.Suspend())
		case <-ctx.Done():
			return
		}
	}
}

// EditFile edits a file while the screen is suspended. editor is a command line.
func (c *Commands) EditFile(editor, path string) tea.Cmd {
	words := strings.Fields(editor)
	cmd := exec.Command(words[0], append(words[1:], path)...)
	cmd.Dir = filepath.Dir(path)
	return tea.ExecProcess(cmd, func(err error) tea.Msg {
		if err != nil {
			err = fmt.Errorf("%s %s: %w; $VISUAL or $EDITOR names another editor", editor, path, err)
		}
		return Done{What: "edit " + filepath.Base(path), Err: err}
	})
}
