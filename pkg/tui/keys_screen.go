package tui

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/tui/pane"

	tea "charm.land/bubbletea/v2"
)

func filterKeys() []binding {
	filtered := func(m *model) bool {
		f := m.pane(m.focus).Filter()
		return f != nil && *f != ""
	}
	return []binding{
		{
			keys: []string{"n"}, group: groupMove, name: "next match", help: "go to the next match of the filter", rank: 2, active: filtered,
			do: func(m *model, _ string) tea.Cmd { m.pane(m.focus).Scroll(1); return nil },
		},
		{
			keys: []string{"N"}, group: groupMove, name: "previous match", help: "go to the previous match of the filter", active: filtered,
			inactiveReason: "there is no filter; / sets one",
			do:             func(m *model, _ string) tea.Cmd { m.pane(m.focus).Scroll(-1); return nil },
		},
	}
}

// farAway is more lines than any pane has.
const farAway = 1 << 20

func moveKeys() []binding {
	by := func(lines func(m *model) int) func(*model, string) tea.Cmd {
		return func(m *model, _ string) tea.Cmd { m.pane(m.focus).Scroll(lines(m)); return nil }
	}
	fixed := func(n int) func(*model) int { return func(*model) int { return n } }
	return []binding{
		{keys: []string{"j", "down"}, shown: "j k", group: groupMove, name: "move", help: "go one line down", rank: 60, do: by(fixed(1))},
		{keys: []string{"k", "up"}, group: groupMove, name: "up", help: "go one line up", do: by(fixed(-1))},
		{keys: []string{"g", "home"}, group: groupMove, name: "top", help: "go to the first line", do: by(fixed(-farAway))},
		{keys: []string{"G", "end"}, group: groupMove, name: "end", help: "go to the last line, and follow new ones", do: by(fixed(farAway))},
		{keys: []string{"ctrl+d", "pgdown"}, group: groupMove, name: "half a page down", help: "go half a page down", do: by(func(m *model) int { return m.halfPage() })},
		{keys: []string{"ctrl+u", "pgup"}, group: groupMove, name: "half a page up", help: "go half a page up", do: by(func(m *model) int { return -m.halfPage() })},
	}
}

// panKeys move lines that are wider than their pane.
func panKeys() []binding {
	wide := func(m *model) bool {
		t, ok := m.pane(m.focus).(*pane.Tail)
		return ok && t.Wide()
	}
	pan := func(share int) func(*model, string) tea.Cmd {
		return func(m *model, _ string) tea.Cmd {
			if t, ok := m.pane(m.focus).(*pane.Tail); ok {
				t.Pan(share * m.outputColumns() / 2)
			}
			return nil
		}
	}
	return []binding{
		{keys: []string{">", "right"}, shown: "< >", group: groupMove, name: "sideways", help: "show what is to the right of long lines: logs, events, output", rank: 3, active: wide, inactiveReason: "no line here is wider than the pane", do: pan(1)},
		{keys: []string{"<", "left"}, group: groupMove, name: "to the left", help: "show what is to the left of long lines", active: wide, inactiveReason: "no line here is wider than the pane", do: pan(-1)},
	}
}

func screenKeys() []binding {
	return []binding{
		{
			keys: []string{"u"}, group: groupScreen, name: "start the shop", help: "start the shop if it is not running", rank: 1,
			active: func(m *model) bool { return m.state.Disconnected != "" }, inactiveReason: "the shop is already running",
			command: func(*model) string { return "up" },
			do:      func(m *model, _ string) tea.Cmd { return m.runLine("up") },
		},
		{keys: []string{"tab"}, group: groupScreen, name: "panes", help: "go to the next pane", rank: 50, do: func(m *model, _ string) tea.Cmd { m.cycleSlots(1); return nil }},
		{keys: []string{"shift+tab"}, group: groupScreen, name: "previous pane", help: "go to the previous pane", do: func(m *model, _ string) tea.Cmd { m.cycleSlots(-1); return nil }},
		{
			keys: strings.Split("1234567890", ""), shown: "0-9", group: groupScreen, name: "pane",
			help: "1 lesson, 2 services, 3 logs, 4 events, 5 details, 6 output, 7 traces, 8 metrics, 9 alerts, 0 map; o objects, i calls, M mesh",
			do:   func(m *model, key string) tea.Cmd { m.goTo(paneWithKey(key)); return nil },
		},
		{keys: []string{"]"}, group: groupScreen, name: "tab", help: "go to the next tab", do: func(m *model, _ string) tea.Cmd { m.cycleTabs(1); return nil }},
		{keys: []string{"["}, group: groupScreen, name: "previous tab", help: "go to the previous tab", do: func(m *model, _ string) tea.Cmd { m.cycleTabs(-1); return nil }},
		{keys: []string{"z"}, group: groupScreen, name: "zoom", help: "show the pane on the whole screen, or show all panes again", rank: 55, do: func(m *model, _ string) tea.Cmd { m.zoom(); return nil }},
		{
			keys: []string{"/"}, group: groupScreen, name: "filter", help: "show only the lines that contain a text; esc ends it", rank: 52,
			active: func(m *model) bool { return m.pane(m.focus).Filter() != nil }, inactiveReason: "this pane is not a list",
			do: func(m *model, _ string) tea.Cmd { m.promptFilter(); return nil },
		},
		{keys: []string{":"}, group: groupScreen, name: "command", help: "run any command of shopctl", rank: 51, do: func(m *model, _ string) tea.Cmd { m.openPalette(""); return nil }},
		{keys: []string{"?"}, group: groupScreen, name: "help", help: "all keys; type to search, enter runs", do: func(m *model, _ string) tea.Cmd { m.openHelp(); return nil }},
		{keys: []string{"m"}, group: groupScreen, name: "mouse", help: "use the mouse to select and scroll, or leave it to the terminal", do: func(m *model, _ string) tea.Cmd { m.toggleMouse(); return nil }},
		{keys: []string{"esc"}, group: groupScreen, name: "back", help: "leave a filter, a zoom or a pane", do: func(m *model, _ string) tea.Cmd { m.back(); return nil }},
		{keys: []string{"q"}, group: groupScreen, name: "quit", help: "go back; in the first pane, quit", rank: 53, do: func(m *model, _ string) tea.Cmd {
			if m.back() {
				return nil
			}
			return m.quit()
		}},
		{keys: []string{"ctrl+c"}, group: groupScreen, name: "quit now", help: "interrupt the running command, or quit", do: func(m *model, _ string) tea.Cmd {
			if m.commands.Interrupt() {
				return nil
			}
			return tea.Quit
		}},
		{keys: []string{"ctrl+z"}, group: groupScreen, name: "suspend", help: "go back to the shell; fg returns", do: func(m *model, _ string) tea.Cmd { return m.commands.Suspend }},
		{keys: []string{"ctrl+l"}, group: groupScreen, name: "redraw", help: "redraw the screen", do: func(*model, string) tea.Cmd { return tea.ClearScreen }},
	}
}
