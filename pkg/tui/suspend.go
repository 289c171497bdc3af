package tui

import (
	"context"
	"io"
	"os"

	tea "charm.land/bubbletea/v2"
)

// Stop is how the process stops and goes on, as ctrl+z and fg have it in a shell.
type Stop interface {
	// Catch delivers the signals to stop that others send, until release is called. The process does not stop
	// by them meanwhile, so that the terminal can be given back first.
	Catch() (caught <-chan os.Signal, release func())
	// Halt stops the process and returns when it goes on; the error says why it cannot be stopped.
	Halt() error
}

// halted is the end of a stop.
type halted struct{ err error }

// halt is a command that runs while the terminal is given back: it stops the process.
type halt struct{ Stop }

func (h halt) Run() error        { return h.Halt() }
func (halt) SetStdin(io.Reader)  {}
func (halt) SetStdout(io.Writer) {}
func (halt) SetStderr(io.Writer) {}

// suspend gives the terminal back and stops the process until somebody lets it go on.
func (h *hands) suspend() tea.Msg {
	if h.stop == nil {
		return tea.Suspend()
	}
	return tea.Exec(halt{h.stop}, func(err error) tea.Msg { return halted{err} })()
}

// goOn draws the screen anew after a stop.
func (m *model) goOn(h halted) tea.Cmd {
	if h.err != nil {
		m.say(m.w.warn, "ctrl+z suspend: "+h.err.Error())
	}
	return tea.ClearScreen
}

// stopped suspends when others tell the process to stop, until ctx ends.
func (h *hands) stopped(ctx context.Context, caught <-chan os.Signal) {
	for {
		select {
		case <-caught:
			h.feed.send(h.suspend())
		case <-ctx.Done():
			return
		}
	}
}
