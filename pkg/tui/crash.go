package tui

import (
	"runtime/debug"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/feed"
)

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer func() {
		if cause := recover(); cause != nil {
			m.crash = &feed.Crash{What: "handle a message", Cause: cause, Stack: debug.Stack()}
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
				m.crash = &feed.Crash{What: "draw the screen", Cause: cause, Stack: debug.Stack()}
				m.commands.SendQuit()
			}
		}
	}()
	if m.crash != nil {
		return tea.NewView("")
	}
	return m.view()
}
