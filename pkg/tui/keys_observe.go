package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// observeKeys act on traces, metrics, alerts and the map.
func observeKeys() []binding {
	keys := slices.Concat(traceKeys(), traceListKeys(), metricKeys(), meshKeys())
	for i := range keys {
		keys[i].group = groupObserve
	}
	return keys
}

// whyNoTrace is why there is no trace to act on; empty if there is one.
func whyNoTrace(m *model) string {
	if m.traces.Trace() == "" {
		return "there are no traces yet"
	}
	return ""
}

// isTraceList reports whether the list of traces has the focus.
func isTraceList(m *model) bool { return m.focus == paneTraces && !m.traces.IsOpen() }

// traceKeys open traces, and their spans and logs.
func traceKeys() []binding {
	on := func(m *model) bool { return m.focus == paneTraces }
	const inactive = "this key is for the traces; 7 goes there"
	return []binding{
		{
			keys: []string{"enter"}, name: "waterfall", help: "show the selected trace as a waterfall", rank: 20,
			active: isTraceList, disabled: whyNoTrace,
			command: func(m *model) string { return join("trace show", m.traces.Trace()) },
			do:      func(m *model, _ string) tea.Cmd { m.traces.In(); return nil },
		},
		{
			keys: []string{"enter"}, name: "span", help: "show the attributes of the selected span", rank: 20,
			active: func(m *model) bool { return on(m) && m.traces.IsOpen() }, disabled: whyNoTrace,
			command: func(m *model) string { return join("trace show", m.traces.Trace()) },
			do:      func(m *model, _ string) tea.Cmd { m.traces.In(); return nil },
		},
		{
			keys: []string{"F"}, name: "newest", help: "follow the newest trace, or go back to the list", rank: 21,
			active: on, inactiveReason: inactive,
			label: func(m *model) string {
				if m.traces.Follows() {
					return "list"
				}
				return "newest"
			},
			command: func(*model) string { return "trace show last" },
			do:      func(m *model, _ string) tea.Cmd { m.traces.Follow(); return nil },
		},
		{
			keys: []string{"l"}, name: "its logs", help: "show the log lines of the selected trace, or of the span that is open", rank: 22,
			active: on, disabled: whyNoTrace,
			command: func(m *model) string { return m.logsCommand() },
			do:      func(m *model, _ string) tea.Cmd { m.logsOfTrace(); return nil },
		},
	}
}

// traceListKeys select the traces that are listed.
func traceListKeys() []binding {
	return []binding{
		{
			keys: []string{"a"}, name: "all traces", help: "list the traces of all services, or of the selected one", rank: 23, active: isTraceList,
			label: func(m *model) string {
				if m.traces.Service() == "" {
					return "only " + m.state.Selected
				}
				return "all services"
			},
			command: func(*model) string { return "trace list" },
			do:      func(m *model, _ string) tea.Cmd { m.traces.ToggleAll(); return nil },
		},
		{
			keys: []string{"t"}, name: "traces", help: "list the traces of the selected service; from the log lines of a trace, go back to the trace", rank: 26,
			active: func(m *model) bool {
				return slices.Contains([]paneID{paneServices, paneDetails, paneLogs, paneMetrics, paneMap, paneMesh}, m.focus)
			}, inactiveReason: "it lists the traces of the selected service; 2 goes to the services",
			disabled: func(m *model) string {
				if m.state.Selected == "" {
					return "no service is selected"
				}
				return ""
			},
			command: func(m *model) string { return join("trace list --service", m.state.Selected) },
			do:      func(m *model, _ string) tea.Cmd { m.tracesOfService(); return nil },
		},
	}
}

// join is a command line of a verb and its object; empty without an object.
func join(verb, object string) string {
	if object == "" {
		return ""
	}
	return verb + " " + object
}

func metricKeys() []binding {
	on := func(m *model) bool { return m.focus == paneMetrics }
	alerts := func(m *model) bool { return m.focus == paneAlerts }
	const inactive = "this key is for the metrics; 8 goes there"
	return []binding{
		{
			keys: []string{"enter"}, name: "plot an expression", help: "type a PromQL expression and plot it", rank: 20,
			active:  on,
			command: func(m *model) string { return "metrics query --plot 'EXPR'" },
			do:      func(m *model, _ string) tea.Cmd { m.promptExpr(); return nil },
		},
		{
			keys: []string{">"}, shown: "< >", name: "range", help: "plot a longer range of time", rank: 21, active: on, inactiveReason: inactive,
			do: func(m *model, _ string) tea.Cmd { m.metrics.Longer(1); return nil },
		},
		{
			keys: []string{"<"}, name: "shorter range", help: "plot a shorter range of time", active: on, inactiveReason: inactive,
			do: func(m *model, _ string) tea.Cmd { m.metrics.Longer(-1); return nil },
		},
		{
			keys: []string{"enter"}, name: "plot it", help: "plot the expression of the selected alert", rank: 20, active: alerts,
			disabled: func(m *model) string {
				if m.alerts.Expr() == "" {
					return "no rule is selected"
				}
				return ""
			},
			command: func(*model) string { return "alerts list" },
			do: func(m *model, _ string) tea.Cmd {
				m.metrics.Expr = m.alerts.Expr()
				m.goTo(paneMetrics)
				return nil
			},
		},
	}
}

// meshKeys show what sidecars hold.
func meshKeys() []binding {
	return []binding{
		{
			keys: []string{"M"}, name: "mesh", help: "show what the selected service's sidecar holds: calls, clusters with ejected endpoints, routes", rank: 46,
			active:         func(m *model) bool { return m.focus != paneMesh && m.state.Meshed() },
			inactiveReason: "it is already shown, or no sidecar runs; shopctl mesh on starts them",
			command:        func(m *model) string { return join("mesh clusters", m.state.Selected) },
			do:             func(m *model, _ string) tea.Cmd { m.goTo(paneMesh); return nil },
		},
		{
			keys: []string{"enter"}, name: "in words", help: "say in words what the mesh does with the requests of the selected service", rank: 20,
			active:  func(m *model) bool { return m.focus == paneMesh },
			command: func(m *model) string { return join("mesh describe", m.state.Selected) },
			do:      func(m *model, _ string) tea.Cmd { return m.runLine(join("mesh describe", m.state.Selected)) },
		},
	}
}

// logsCommand is the command line that shows the same lines.
func (m *model) logsCommand() string {
	return strings.TrimSpace(join("logs --trace", m.traces.Trace()) + " " + join("--span", m.traces.Span()))
}

// logsOfTrace shows the log lines of the selected trace, or of the span that is open.
func (m *model) logsOfTrace() {
	m.logsTrace, m.logsSpan = m.traces.Trace(), m.traces.Span()
	m.goTo(paneLogs)
}

// tracesOfService lists the traces of the selected service, or goes back to the trace whose log lines are shown.
func (m *model) tracesOfService() {
	if m.focus == paneLogs && m.logsTrace != "" {
		m.backToTrace()
		return
	}
	m.traces.List(false)
	m.goTo(paneTraces)
}

// backToTrace goes back from the log lines of a trace to the trace.
func (m *model) backToTrace() {
	m.logsTrace, m.logsSpan = "", ""
	m.goTo(paneTraces)
}

// promptExpr asks for an expression to plot.
func (m *model) promptExpr() {
	m.prompt = &prompt{
		label: "plot:", input: textedit.NewLine(m.metrics.Expr), hint: "enter plots  esc cancels",
		enter: func(text string) tea.Cmd { m.metrics.Expr = text; return nil },
	}
}
