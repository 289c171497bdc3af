package tui

import (
	tea "charm.land/bubbletea/v2"
)

// openHelp offers all keys; typing searches them, and enter performs one.
func (m *model) openHelp() {
	p := &picker{title: m.state.Say("Keys"), typed: true}
	order := groups()
	if m.session == nil {
		order = append(order[1:], order[0]) // the lesson's keys come last
	}
	for _, group := range order {
		for i := range m.keys {
			b := &m.keys[i]
			if b.group != group || b.name == "next match" {
				continue
			}
			why := b.whyNot(m)
			if why == "" && !b.isActive(m) {
				why = "not now"
			}
			p.items = append(p.items, item{
				key: b.key(), text: m.state.Say(b.help), also: b.name + " " + b.help + " " + m.state.Say(b.name), command: b.commandLine(m), why: m.state.Say(why),
				do: func(m *model) tea.Cmd { return m.perform(b, b.keys[0]) },
			})
		}
	}
	m.picker = p
}

// confirm asks before something that cannot be undone.
func (m *model) confirm(title, what string, do func(m *model) tea.Cmd) {
	m.picker = &picker{title: m.state.Say(title), items: []item{
		{text: m.state.Say("yes: " + what), do: do},
		{text: m.state.Say("no"), do: func(*model) tea.Cmd { return nil }},
	}}
}
