package tui

import tea "charm.land/bubbletea/v2"

// model is the root: it holds what is known and routes messages.
type model struct {
	config  Config
	session Session
}

func newModel(c Config, s Session) *model { return &model{config: c, session: s} }

// Init implements tea.Model.
func (m *model) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if key, ok := msg.(tea.KeyPressMsg); ok && key.String() == "q" {
		return m, tea.Quit
	}
	return m, nil
}

// View implements tea.Model.
func (m *model) View() tea.View {
	v := tea.NewView("shopctl")
	v.AltScreen = true
	return v
}
