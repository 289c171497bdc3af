package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/feed"
)

// logLead is how much of a log is shown before the line that Seek looks for.
const logLead = 10 * time.Second

// updateLogs updates the log query when the visible logs have changed.
func (m *model) updateLogs() tea.Cmd {
	var want feed.LogQuery
	for _, s := range m.slots() {
		if m.shown(s) == paneLogs {
			want = feed.LogQuery{Service: m.state.Selected, Active: m.allLogs || m.logsTrace != "" || m.state.Selected != ""}
		}
	}
	switch sought, ok := m.logs.Sought(); {
	case m.allLogs || m.logsTrace != "":
		want.Service, want.Trace, want.Span = "", m.logsTrace, m.logsSpan
	case ok && want.Active:
		want.Since = sought.Add(-logLead)
	}
	if want == m.logQuery {
		return nil
	}
	m.logQuery = want
	m.logSeq++
	m.logs.Clear()
	return m.commands.SetLogs(m.logSeq, want)
}

// updateQuery updates the query when the visible tab has changed.
func (m *model) updateQuery() tea.Cmd {
	var want feed.Query
	var polled polledPane
	for _, s := range m.slots() {
		if p, ok := m.pane(m.shown(s)).(polledPane); ok {
			want, polled = p.Query(), p
		}
	}
	if want == m.query {
		return nil
	}
	m.query, m.polled = want, polled
	m.querySeq++
	if polled != nil {
		polled.Forget()
	}
	return m.commands.SetQuery(m.querySeq, want)
}
