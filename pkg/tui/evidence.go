package tui

import (
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// jump is a pane that was opened from another pane at one thing, such as the evidence of a goal; esc leads back.
type jump struct {
	pane, from paneID // 0: none
	// depth is the depth of the pane when it was opened.
	depth int
}

// depth is how many levels the pane in focus has been entered: 0 in a list, 1 in one of its rows, 2 in a part of
// that.
func (m *model) depth() int {
	if p, ok := m.pane(m.focus).(interface{ Depth() int }); ok {
		return p.Depth()
	}
	return 0
}

// openEvidence shows the evidence of the goal at the cursor.
func (m *model) openEvidence() tea.Cmd {
	c, ok := m.lesson.Evidence()
	if !ok {
		return nil
	}
	e := c.Evidence
	service := m.state.ServiceName(e.Service)
	switch e.Kind {
	case probe.TraceEvidence:
		m.openTrace(service, e.Trace, e.Span)
	case probe.LogEvidence:
		m.openLogs(service, e)
	case probe.MetricEvidence:
		m.metrics.Plot(e.Expr, e.Window)
		m.goTo(paneMetrics)
	case probe.EdgeEvidence:
		m.topology.Point(e.Caller, e.Callee)
		m.goTo(paneMap)
	case probe.AlertEvidence:
		m.alerts.Select(e.Name)
		m.goTo(paneAlerts)
	case probe.InstanceEvidence:
		m.state.Selected = service
		m.goTo(paneDetails)
	case probe.OutputEvidence:
		m.showText(c.Look, e.Text)
	case probe.ObjectEvidence:
		m.objects.Open(resource.Key{Kind: e.Object, Name: e.Name, Namespace: e.Namespace}, e.Field)
		m.goTo(paneObjects)
	case probe.CallEvidence:
		m.openRequest(service, e)
	case probe.FileEvidence:
		m.jumpTo(paneOutput)
		return m.commands.ReadFile(filepath.Join(m.lesson.View.Workspace, filepath.FromSlash(e.Name)), e.Name)
	default:
		return m.runSuggested(c.Look)
	}
	m.jumpTo(m.focus)
	return nil
}

// jumpTo goes to a pane from which esc leads back to the lesson.
func (m *model) jumpTo(id paneID) {
	m.goTo(id)
	m.jump = jump{pane: id, depth: m.depth(), from: paneLesson}
}

// openTrace shows a trace, with the cursor on one of its spans; without an id, the traces of a service.
func (m *model) openTrace(service, id, span string) {
	if service != "" {
		m.state.Selected = service
	}
	m.traces.Open(id, span, service == "")
	m.goTo(paneTraces)
}

// openLogs shows the logs of a service, at the line that decided the goal if there is one.
func (m *model) openLogs(service string, e probe.Evidence) {
	m.allLogs, m.logsTrace, m.logsSpan = false, "", ""
	*m.logs.Filter() = ""
	m.logs.EndSeek()
	m.state.Selected = service
	if !e.Time.IsZero() {
		m.logs.Seek(e.Time, style.Clean(firstLine(e.Text)))
	}
	m.goTo(paneLogs)
}

// openRequest shows the call that decided the goal, to be repeated by hand.
func (m *model) openRequest(service string, e probe.Evidence) {
	proto := ""
	if e.Proto != "" {
		proto = filepath.Join(m.lesson.View.Workspace, filepath.FromSlash(e.Proto))
	}
	m.calls.Open(service, e.Method, e.Request, e.Deadline, proto)
	m.goTo(paneCall)
}

// showText shows text in the output pane, below the command that wrote it.
func (m *model) showText(command, text string) {
	m.output.Add(feed.CommandEntry(command))
	for _, line := range style.CleanLines(text) {
		m.output.Add(feed.TextEntry(line))
	}
	m.output.Follow()
	m.goTo(paneOutput)
}

// runSuggested runs the command that a goal suggests, if it is one of shopctl's.
func (m *model) runSuggested(line string) tea.Cmd {
	args, ok := strings.CutPrefix(line, "shopctl ")
	if !ok {
		m.notify(m.state.Info, "in a shell: "+line)
		return nil
	}
	cmd := m.runLine(args)
	m.jumpTo(paneOutput)
	return cmd
}

// jumpBack goes back to where the pane was opened from; false if it was not opened by a jump, or has been entered
// further.
func (m *model) jumpBack() bool {
	if m.jump.pane == 0 || m.focus != m.jump.pane || m.depth() > m.jump.depth {
		return false
	}
	if m.jump.pane == paneOutput && m.jump.from != paneLesson { // a command was typed there: nothing was opened
		from := m.jump.from
		m.jump = jump{}
		m.goTo(from)
		return true
	}
	m.traces.Out()
	m.traces.Out()
	m.metrics.Expr = ""
	m.logs.EndSeek()
	m.alerts.Select("")
	m.topology.Point("", "")
	m.objects.Out()
	from := m.jump.from
	m.jump = jump{}
	m.goTo(from)
	return true
}
