package tui

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// callKeys lead to the calls and to the objects, and act there.
func callKeys() []binding {
	keys := slices.Concat(formKeys(), callResultKeys(), objectKeys())
	for i := range keys {
		keys[i].group = groupCall
	}
	return keys
}

func objectKeys() []binding {
	return []binding{
		{
			keys: []string{"enter"}, name: "manifest", help: "show the chosen object as YAML; values of Secrets are hidden", rank: 20,
			active: func(m *model) bool { return m.focus == paneObjects && !m.objects.IsOpen() },
			disabled: func(m *model) string {
				if m.objects.Empty() {
					return "there is no object"
				}
				return ""
			},
			command: func(m *model) string { return m.objects.Command() },
			do:      func(m *model, _ string) tea.Cmd { m.objects.In(); return nil },
		},
		{
			keys: []string{"o"}, name: "objects", help: "the objects that the shop is described by", rank: 40,
			active: func(m *model) bool { return m.focus != paneObjects }, inactiveReason: "they are in view already",
			command: func(*model) string { return "get deployments" },
			do:      func(m *model, _ string) tea.Cmd { m.goTo(paneObjects); return nil },
		},
		{
			keys: []string{"i"}, name: "call", help: "call a method: of the chosen service, or of any", rank: 45,
			active: func(m *model) bool { return m.focus != paneCall }, inactiveReason: "it is in view already; esc chooses another method",
			command: func(m *model) string { return join("call", m.state.Selected) },
			do:      func(m *model, _ string) tea.Cmd { return m.openCall() },
		},
	}
}

// inForm tells whether a request has the focus.
func isInForm(m *model) bool { return m.focus == paneCall && m.calls.InForm() }

// formKeys choose what to call, fill a request in and send it.
func formKeys() []binding {
	const elsewhere = "it is a key of a call; i goes there"
	return []binding{
		{
			keys: []string{"enter"}, name: "choose", help: "choose the service or the method", rank: 20,
			active: func(m *model) bool { return m.focus == paneCall && !isInForm(m) },
			disabled: func(m *model) string {
				if m.calls.Chosen() == "" {
					return "there is nothing to choose"
				}
				return ""
			},
			command: func(m *model) string { return m.calls.Command() },
			do:      func(m *model, _ string) tea.Cmd { return m.chooseCall() },
		},
		{
			keys: []string{"enter"}, name: "edit", help: "edit the request or the deadline, send, or open the trace: the part at the mark", rank: 20,
			active: isInForm,
			label: func(m *model) string {
				return [...]string{"edit", "deadline", "send", "trace"}[m.calls.Part()]
			},
			command: func(m *model) string { return m.calls.Command() },
			do:      func(m *model, _ string) tea.Cmd { return m.enterPart() },
		},
		{
			keys: []string{"ctrl+s"}, name: "send", help: "send the request", rank: 21,
			active: isInForm, inactiveReason: elsewhere, disabled: whyNotSend,
			command: func(m *model) string { return m.calls.Command() },
			do:      func(m *model, _ string) tea.Cmd { return m.sendCall() },
		},
	}
}

// callResultKeys act on what a call, or an object, is.
func callResultKeys() []binding {
	return []binding{
		{
			keys: []string{"t"}, name: "its trace", help: "show the trace of the call", rank: 22,
			active: isInForm,
			disabled: func(m *model) string {
				if m.calls.TraceID() == "" {
					return "nothing was sent yet"
				}
				return ""
			},
			command: func(m *model) string {
				if m.calls.TraceID() == "" {
					return ""
				}
				return "trace show " + m.calls.TraceID()
			},
			do: func(m *model, _ string) tea.Cmd { m.traceOfCall(); return nil },
		},
		{
			keys: []string{"Y"}, name: "copy command", help: "copy the command that does what the pane shows: the call, or the manifest", rank: 23,
			active: func(m *model) bool { return m.paneCommand() != "" }, inactiveReason: "it is a key of calls and objects; i and o go there",
			command: func(m *model) string { return m.paneCommand() },
			do: func(m *model, _ string) tea.Cmd {
				line := m.state.Command(m.paneCommand())
				m.notify(m.state.Good, "copied: "+line)
				return tea.SetClipboard(line)
			},
		},
	}
}

// paneCommand is the command line that shows what the pane in focus does, empty if it has none of its own.
func (m *model) paneCommand() string {
	switch m.focus {
	case paneCall:
		return m.calls.Command()
	case paneObjects:
		return m.objects.Command()
	}
	return ""
}

// openCall goes to the calls; from a pane of services, to the methods of the chosen one.
func (m *model) openCall() tea.Cmd {
	of := slices.Contains([]paneID{paneServices, paneDetails, paneLogs, paneMetrics, paneMap}, m.focus) && m.state.Selected != ""
	m.goTo(paneCall)
	switch {
	case !of || m.state.Selected == m.calls.Service:
		return nil
	case !m.calls.Choose(m.state.Selected):
		m.notify(m.state.Warn, m.state.Selected+" speaks no gRPC; choose another service")
		return nil
	}
	return m.commands.loadMethods(m.calls.Service)
}

// chooseCall goes on from the service, or the method, at the mark.
func (m *model) chooseCall() tea.Cmd {
	p, name := m.calls, m.calls.Chosen()
	if p.Depth() == 0 {
		p.Choose(name)
		return m.commands.loadMethods(name)
	}
	if p.FillKept(name) {
		return nil
	}
	return m.commands.loadTemplate(p.Service, name)
}

// enterPart does what the part of the form at the mark is for.
func (m *model) enterPart() tea.Cmd {
	switch m.calls.Part() {
	case pane.PartDeadline:
		m.promptDeadline()
	case pane.PartSend:
		if why := whyNotSend(m); why != "" {
			m.notify(m.state.Warn, "send: "+why)
			return nil
		}
		return m.sendCall()
	case pane.PartTrace:
		m.traceOfCall()
	default:
		m.calls.Edit(true)
	}
	return nil
}

func (m *model) promptDeadline() {
	m.prompt = &prompt{
		label: "deadline:", input: textedit.NewLine(m.calls.Deadline().String()), hint: "such as 500ms or 2s  esc goes back",
		enter: func(text string) tea.Cmd {
			d, err := time.ParseDuration(strings.TrimSpace(text))
			if err != nil || d <= 0 {
				m.notify(m.state.Bad, "deadline: want a time above zero, such as 500ms or 2s")
				return nil
			}
			m.calls.SetDeadline(d)
			return nil
		},
	}
}

func whyNotSend(m *model) string {
	switch {
	case m.state.Disconnected != "":
		return m.state.Disconnected
	case m.calls.Sending():
		return "the answer is awaited; ctrl+c ends the call"
	}
	return ""
}

// sendCall sends the request.
func (m *model) sendCall() tea.Cmd {
	m.callSeq++
	return m.commands.call(m.callSeq, m.calls.Service, m.calls.Send(m.callSeq))
}

// traceOfCall shows the trace that the call began; esc comes back.
func (m *model) traceOfCall() {
	m.openTrace("", m.calls.TraceID(), "")
	m.jump = jump{pane: paneTraces, depth: m.depth(), from: paneCall}
}

// typing tells whether keys are letters of a request.
func (m *model) isTyping() bool { return m.focus == paneCall && m.calls.Editing() }

func (m *model) typeKey(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc":
		m.calls.Edit(false)
	case "ctrl+s":
		return m.press("ctrl+s")
	default:
		m.calls.EditKey(k)
	}
	return nil
}
