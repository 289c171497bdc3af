package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson/command"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
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

// openPalette offers the command line.
func (m *model) openPalette(text string) {
	m.picker = &picker{title: "shopctl", typed: true, input: textedit.NewLine(text), offer: (*model).offer, enter: (*model).runTyped}
}

// offer completes a command line: its verb, and then services.
func (m *model) offer(text string) []item {
	text = strings.TrimLeft(text, " ")
	if v, rest, ok := m.verb(text); ok && rest {
		items := []item{{key: "", text: strings.TrimSpace(v.Name + " " + v.Args), command: v.Short, fill: text}}
		head, word := text[:strings.LastIndex(text, " ")+1], text[strings.LastIndex(text, " ")+1:]
		if !strings.Contains(v.Args, "SERVICE") {
			return items
		}
		for _, s := range m.state.Services() {
			if strings.HasPrefix(s.GetName(), word) && s.GetName() != word {
				items = append(items, item{text: head + s.GetName(), fill: head + s.GetName() + " "})
			}
		}
		if len(items) > 1 && word != "" {
			return append(items[1:], items[0])
		}
		return items
	}
	var items []item
	for _, v := range m.verbs {
		if strings.HasPrefix(v.Name, strings.TrimSpace(text)) {
			items = append(items, item{text: strings.TrimSpace(v.Name + " " + v.Args), command: v.Short, fill: v.Name + " "})
		}
	}
	return items
}

// verb finds the verb that a line begins with; rest reports whether more follows.
func (m *model) verb(text string) (v Verb, rest, ok bool) {
	for _, known := range m.verbs {
		after, found := strings.CutPrefix(text, known.Name)
		if found && len(known.Name) > len(v.Name) && (after == "" || after[0] == ' ') {
			v, rest, ok = known, after != "", true
		}
	}
	return v, rest, ok
}

// runTyped runs the palette's line, or completes it if it is not a command yet.
func (m *model) runTyped(text string) tea.Cmd {
	text = strings.TrimPrefix(text, "shopctl ")
	if _, _, ok := m.verb(text); !ok {
		items := m.picker.shown(m)
		if m.picker.at < len(items) {
			m.picker.input = textedit.NewLine(items[m.picker.at].fill)
			m.picker.at = 0
		}
		return nil
	}
	m.picker = nil
	return m.runLine(text)
}

// runLine runs a shopctl command line and shows its output.
func (m *model) runLine(text string) tea.Cmd {
	args, err := command.Split(text)
	if err != nil {
		m.notify(m.state.Bad, err.Error())
		return nil
	}
	if slices.ContainsFunc(args, func(a string) bool { return a == "-f" || a == "--follow" }) {
		m.notify(m.state.Info, "ctrl+c ends the command")
	}
	m.goTo(paneOutput)
	m.output.Add(feed.CommandEntry("shopctl " + text))
	m.output.Follow()
	return m.commands.RunShopctl(args, m.outputColumns())
}
