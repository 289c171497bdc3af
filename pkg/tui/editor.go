package tui

import (
	"cmp"
	"path/filepath"

	tea "charm.land/bubbletea/v2"
)

// editFiles edits a file of the lesson; if there are several, it asks which.
func (m *model) editFiles() tea.Cmd {
	files := m.lesson.View.Files
	edit := func(name string) tea.Cmd {
		return m.commands.EditFile(cmp.Or(m.editor, "vi"), filepath.Join(m.lesson.View.Workspace, filepath.FromSlash(name)))
	}
	if len(files) == 1 {
		return edit(files[0])
	}
	p := &picker{title: m.state.Say("Which file?")}
	for _, name := range files {
		p.items = append(p.items, item{text: name, do: func(*model) tea.Cmd { return edit(name) }})
	}
	m.picker = p
	return nil
}
