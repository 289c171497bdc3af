package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson/command"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/shell"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// palette is the screen's own command line.
type palette struct {
	history shell.History
	// methods are those of services whose names were typed, nil while they are loaded.
	methods map[string][]string
}

// openPalette offers the command line.
func (m *model) openPalette(text string) {
	m.history.Leave()
	m.picker = &picker{title: "shopctl", typed: true, input: textedit.NewLine(text), offer: (*model).offer, enter: (*model).runTyped}
}

// words are what a typed line is completed with.
func (m *model) words() shell.Words {
	w := shell.Words{Verbs: m.verbs, Methods: func(service string) []string { return m.methods[service] }}
	for _, s := range m.state.Services() {
		w.Services = append(w.Services, s.GetName())
	}
	return w
}

// offer completes a command line.
func (m *model) offer(text string) []item {
	var items []item
	for _, c := range m.words().Complete(text) {
		items = append(items, item{text: c.Text, command: m.state.Say(c.Short), fill: c.Fill})
	}
	return items
}

// learnMethods loads the methods of the service that was typed after call, once.
func (m *model) learnMethods(line string) tea.Cmd {
	service, ok := shell.Calls(line)
	if _, known := m.methods[service]; !ok || known || !slices.Contains(m.words().Services, service) {
		return nil
	}
	if m.methods == nil {
		m.methods = map[string][]string{}
	}
	m.methods[service] = nil
	return m.commands.LoadMethods(service)
}

// applyMethods keeps the methods of a service for the palette.
func (m *model) applyMethods(c pane.Contract) {
	if c.Method != "" {
		return
	}
	if c.Err != nil {
		delete(m.methods, c.Service)
		return
	}
	if m.methods == nil {
		m.methods = map[string][]string{}
	}
	m.methods[c.Service] = nil
	for _, one := range c.Methods {
		m.methods[c.Service] = append(m.methods[c.Service], one.Short)
	}
}

// browse puts another line of the history into the palette; false if the key has another meaning there: the cursor moves in
// the list once something new was typed.
func (m *model) browse(by int) bool {
	p := m.picker
	if p.offer == nil || p.input.String() != "" && !m.history.Browsing() {
		return false
	}
	if line, ok := m.history.Move(by); ok {
		p.input, p.at = textedit.NewLine(line), 0
		return true
	}
	return m.history.Browsing()
}

// runTyped runs the palette's line, or completes it if it is not a command yet.
func (m *model) runTyped(text string) tea.Cmd {
	text = strings.TrimSpace(shell.Clean(text))
	switch verb, _, _ := strings.Cut(text, " "); {
	case text == "help" || text == "keys":
		m.openHelp()
		return nil
	case text == "dash":
		m.picker = nil
		m.goTo(paneServices)
		return nil
	case verb == "lesson" && !strings.HasPrefix(text, "lesson list"), verb == "review":
		m.picker = nil
		m.notify(m.state.Warn, "in a shell: "+m.state.Command(text))
		return nil
	}
	if _, _, ok := m.words().Verb(text); !ok {
		items := m.picker.shown(m)
		if m.picker.at < len(items) {
			m.picker.input = textedit.NewLine(items[m.picker.at].fill)
			m.picker.at = 0
		}
		return nil
	}
	m.history.Add(text)
	m.picker = nil
	from := m.focus
	cmd := m.runLine(text)
	m.returnFrom(from)
	return cmd
}

// returnFrom gives the focus back to the pane from which a command was typed; where the output takes its place, esc does.
func (m *model) returnFrom(from paneID) {
	if from == paneOutput || m.focus != paneOutput {
		return
	}
	for _, s := range m.slots() {
		if s.has(paneOutput) && !s.has(from) {
			m.focus, m.tab = from, paneOutput
			return
		}
	}
	m.jump = jump{pane: paneOutput, from: from}
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
