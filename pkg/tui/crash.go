package tui

import (
	"fmt"
	"runtime/debug"

	tea "charm.land/bubbletea/v2"
)

// crashed is a panic of ours. The program ends in order, so that the terminal is what it was before the panic
// is told of.
type crashed struct {
	what  string
	cause any
	stack []byte
}

func (c *crashed) Error() string { return fmt.Sprintf("%s: %v\n%s", c.what, c.cause, c.stack) }

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer func() {
		if cause := recover(); cause != nil {
			m.crash = &crashed{what: "take a key or news", cause: cause, stack: debug.Stack()}
			cmd = tea.Quit
		}
	}()
	return m, m.update(msg)
}

// View implements tea.Model.
func (m *model) View() (v tea.View) {
	defer func() {
		if cause := recover(); cause != nil {
			v = tea.NewView("")
			if m.crash == nil {
				m.crash = &crashed{what: "draw the screen", cause: cause, stack: debug.Stack()}
				m.commands.sendQuit()
			}
		}
	}()
	if m.crash != nil {
		return tea.NewView("")
	}
	return m.view()
}

// sendQuit ends the program from where no command can be returned.
func (c *commands) sendQuit() {
	if _, end, ok := c.tasks.begin(); ok {
		go func() {
			defer end()
			c.send(tea.QuitMsg{})
		}()
	}
}
