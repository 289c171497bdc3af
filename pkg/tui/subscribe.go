package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// wanted is which logs are followed: of a service, of all where it is empty, or none.
type wanted struct {
	service string
	trace   string // empty: no matter which
	span    string // of it; empty: no matter which
	// since is the time from which on; zero: the last lines.
	since time.Time
	on    bool
}

// before is how much of a log stands before the line that is sought in it.
const before = 10 * time.Second

// listen asks for the logs that are in view, when others are than before.
func (m *model) listen() tea.Cmd {
	var want wanted
	for _, s := range m.slots() {
		if m.shown(s) == paneLogs {
			want = wanted{service: m.w.chosen, on: m.allLogs || m.logsTrace != "" || m.w.chosen != ""}
		}
	}
	switch sought, ok := m.logs.Sought(); {
	case m.allLogs || m.logsTrace != "":
		want.service, want.trace, want.span = "", m.logsTrace, m.logsSpan
	case ok && want.on:
		want.since = sought.Add(-before)
	}
	if want == m.listening {
		return nil
	}
	m.listening = want
	m.heard++
	m.logs.Clear()
	return m.commands.setLogs(m.heard, want)
}

// look asks for what the tab in view shows, when that is another sight than before.
func (m *model) look() tea.Cmd {
	var want sight
	var polled asking
	for _, s := range m.slots() {
		if p, ok := m.pane(m.shown(s)).(asking); ok {
			want, polled = p.sight(), p
		}
	}
	if want == m.gazing {
		return nil
	}
	m.gazing, m.polled = want, polled
	m.gazed++
	if polled != nil {
		polled.forget()
	}
	return m.commands.setQuery(m.gazed, want)
}
