package tui

import (
	"bytes"
	"cmp"
	"encoding/json"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/resource"
)

// visit is a pane that was opened from another one at one thing, as at what decided a goal; esc leads from
// there back.
type visit struct {
	pane, from paneID // 0: none
	// depth is how deep the pane was opened.
	depth int
}

// depth is how deep one is in the pane in focus: in a list, in what was opened from it, in a part of that.
func (m *model) depth() int {
	if p, ok := m.pane(m.focus).(interface{ Depth() int }); ok {
		return p.Depth()
	}
	return 0
}

// openEvidence shows what decided the goal at the cursor.
func (m *model) openEvidence() tea.Cmd {
	c, ok := m.lesson.evidence()
	if !ok {
		return nil
	}
	e := c.Evidence
	service := m.w.serviceName(e.Service)
	switch e.Kind {
	case check.TraceEvidence:
		m.openTrace(service, e.Trace, e.Span)
	case check.LogEvidence:
		m.openLogs(service, e)
	case check.MetricEvidence:
		m.metrics.Plot(e.Expr, e.Window)
		m.goTo(paneMetrics)
	case check.EdgeEvidence:
		m.topology.Point(e.Caller, e.Callee)
		m.goTo(paneMap)
	case check.AlertEvidence:
		m.alerts.filter, m.alerts.seek = "", e.Name
		m.goTo(paneAlerts)
	case check.InstanceEvidence:
		m.w.chosen = service
		m.goTo(paneDetails)
	case check.OutputEvidence:
		m.showText(c.Look, e.Text)
	case check.ObjectEvidence:
		m.resources.Open(resource.Key{Kind: e.Object, Name: e.Name, Namespace: e.Namespace}, e.Field)
		m.goTo(paneResources)
	case check.CallEvidence:
		m.openRequest(service, e)
	case check.FileEvidence:
		m.visitPane(paneOutput)
		return m.hands.readFile(filepath.Join(m.lesson.view.Workspace, filepath.FromSlash(e.Name)), e.Name)
	default:
		return m.runLook(c.Look)
	}
	m.visitPane(m.focus)
	return nil
}

// visitPane goes to a pane from which esc leads back to the lesson.
func (m *model) visitPane(id paneID) {
	m.goTo(id)
	m.visit = visit{pane: id, depth: m.depth(), from: paneLesson}
}

// openTrace shows a trace at one of its spans; without an id, the traces of a service.
func (m *model) openTrace(service, id, span string) {
	m.traces.all, m.traces.open, m.traces.filter, m.traces.chosen = service == "", nil, "", id
	if service != "" {
		m.w.chosen = service
	}
	if id != "" {
		m.traces.open = newWaterfall(m.w, id)
		m.traces.open.seek = span
	}
	m.goTo(paneTraces)
}

// openLogs shows the log of a service, at the line that decided if one did.
func (m *model) openLogs(service string, e check.Evidence) {
	m.allLogs, m.logsTrace, m.logsSpan, m.logs.filter, m.logs.sought = false, "", "", "", nil
	m.w.chosen = service
	if !e.Time.IsZero() {
		m.logs.seek(e.Time, clean(firstLine(e.Text)))
	}
	m.goTo(paneLogs)
}

// openRequest shows the call that decided, to be sent by hand.
func (m *model) openRequest(service string, e check.Evidence) {
	m.calls.Choose(service)
	m.calls.service = service // also where it does not run: the call will say so
	m.calls.Fill(e.Method, indentJSON(cmp.Or(e.Request, "{}")))
	if e.Deadline > 0 {
		m.calls.form.deadline = e.Deadline
	}
	if e.Proto != "" {
		m.calls.form.proto = filepath.Join(m.lesson.view.Workspace, filepath.FromSlash(e.Proto))
	}
	m.calls.form.at = partSend
	m.goTo(paneCall)
}

// indentJSON writes JSON over several lines; what is none stays as it is.
func indentJSON(text string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(text), "", "  ") != nil {
		return text
	}
	return out.String()
}

// showText shows text in the output pane, below the command that it comes from.
func (m *model) showText(command, text string) {
	m.output.add(commandEntry(command))
	for _, line := range cleanLines(text) {
		m.output.add(plainEntry(line))
	}
	m.output.scroll.tail = true
	m.goTo(paneOutput)
}

// runLook runs the command that shows what a goal saw, if it is one of shopctl's.
func (m *model) runLook(line string) tea.Cmd {
	args, ok := strings.CutPrefix(line, "shopctl ")
	if !ok {
		m.say(m.w.info, "in a shell: "+line)
		return nil
	}
	cmd := m.runLine(args)
	m.visitPane(paneOutput)
	return cmd
}

// leaveVisit goes back from what was opened to where it was opened; false if nothing was, or one has gone deeper.
func (m *model) leaveVisit() bool {
	if m.visit.pane == 0 || m.focus != m.visit.pane || m.depth() > m.visit.depth {
		return false
	}
	m.traces.open, m.metrics.expr, m.logs.sought, m.alerts.seek = nil, "", nil, ""
	m.topology.Point("", "")
	m.resources.open = nil
	from := m.visit.from
	m.visit = visit{}
	m.goTo(from)
	return true
}
