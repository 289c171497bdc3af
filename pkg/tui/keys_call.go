package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/tui/pane"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// callKeys lead to the calls and to the objects, and act in their panes.
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
			keys: []string{"enter"}, name: "manifest", help: "show the selected object as YAML; values of Secrets are hidden", rank: 20,
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
			keys: []string{"o"}, name: "objects", help: "list the objects that describe the shop", rank: 40,
			active: func(m *model) bool { return m.focus != paneObjects }, inactiveReason: "they are already shown",
			command: func(*model) string { return "get deployments" },
			do:      func(m *model, _ string) tea.Cmd { m.goTo(paneObjects); return nil },
		},
		{
			keys: []string{"i"}, name: "call", help: "call a method of the selected service, or of another one", rank: 45,
			active: func(m *model) bool { return m.focus != paneCall }, inactiveReason: "it is already shown; esc goes back to the methods",
			command: func(m *model) string { return join("call", m.state.Selected) },
			do:      func(m *model, _ string) tea.Cmd { return m.openCall() },
		},
	}
}

// isInForm reports whether a request has the focus.
func isInForm(m *model) bool { return m.focus == paneCall && m.calls.InForm() }

// formKeys select a method, fill in its request and send it.
func formKeys() []binding {
	const inactive = "this key is for a call; i goes there"
	return []binding{
		{
			keys: []string{"enter"}, name: "choose", help: "select the service or the method", rank: 20,
			active: func(m *model) bool { return m.focus == paneCall && !isInForm(m) },
			disabled: func(m *model) string {
				if m.calls.Chosen() == "" {
					return "there is nothing to select"
				}
				return ""
			},
			command: func(m *model) string { return m.calls.Command() },
			do:      func(m *model, _ string) tea.Cmd { return m.chooseCall() },
		},
		{
			keys: []string{"enter"}, name: "edit", help: "edit the request or the deadline, send the call, or open its trace: the part at the cursor", rank: 20,
			active: isInForm,
			label: func(m *model) string {
				return [...]string{"edit", "deadline", "send", "trace"}[m.calls.Part()]
			},
			command: func(m *model) string { return m.calls.Command() },
			do:      func(m *model, _ string) tea.Cmd { return m.enterPart() },
		},
		{
			keys: []string{"ctrl+s"}, name: "send", help: "send the request", rank: 21,
			active: isInForm, inactiveReason: inactive, disabled: whyNotSend,
			command: func(m *model) string { return m.calls.Command() },
			do:      func(m *model, _ string) tea.Cmd { return m.sendCall() },
		},
	}
}

// callResultKeys act on a response, or on an object.
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
			keys: []string{"Y"}, name: "copy command", help: "copy the equivalent command: of the call, or of the manifest", rank: 23,
			active: func(m *model) bool { return m.paneCommand() != "" }, inactiveReason: "this key is for calls and objects; i and o go there",
			command: func(m *model) string { return m.paneCommand() },
			do: func(m *model, _ string) tea.Cmd {
				line := m.state.Command(m.paneCommand())
				m.notify(m.state.Good, "copied: "+line)
				return tea.SetClipboard(line)
			},
		},
	}
}

// paneCommand is the command line that is equivalent to the pane in focus, empty if there is none.
func (m *model) paneCommand() string {
	switch m.focus {
	case paneCall:
		return m.calls.Command()
	case paneObjects:
		return m.objects.Command()
	}
	return ""
}

// openCall goes to the calls; from a pane of services, to the methods of the selected one.
func (m *model) openCall() tea.Cmd {
	of := slices.Contains([]paneID{paneServices, paneDetails, paneLogs, paneMetrics, paneMap, paneMesh}, m.focus) && m.state.Selected != ""
	m.goTo(paneCall)
	switch {
	case !of || m.state.Selected == m.calls.Service:
		return nil
	case !m.calls.Choose(m.state.Selected):
		m.notify(m.state.Warn, m.state.Selected+" has no gRPC; choose another service")
		return nil
	}
	return m.commands.LoadMethods(m.calls.Service)
}

// chooseCall goes on from the service or the method at the cursor.
func (m *model) chooseCall() tea.Cmd {
	p, name := m.calls, m.calls.Chosen()
	if p.Depth() == 0 {
		p.Choose(name)
		return m.commands.LoadMethods(name)
	}
	if p.FillKept(name) {
		return nil
	}
	return m.commands.LoadTemplate(p.Service, name)
}

// enterPart acts on the part of the request at the cursor.
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
		label: "deadline:", input: textedit.NewLine(m.calls.Deadline().String()), hint: "for example 500ms or 2s  esc cancels",
		enter: func(text string) tea.Cmd {
			d, err := time.ParseDuration(strings.TrimSpace(text))
			if err != nil || d <= 0 {
				m.notify(m.state.Bad, fmt.Sprintf("deadline: %q is not a duration above zero; try 500ms or 2s", text))
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
		return "a call is in progress; ctrl+c cancels it"
	}
	return ""
}

// sendCall sends the request.
func (m *model) sendCall() tea.Cmd {
	m.callSeq++
	return m.commands.Call(m.callSeq, m.calls.Service, m.calls.Send(m.callSeq))
}

// traceOfCall shows the trace of the call; esc comes back.
func (m *model) traceOfCall() {
	m.openTrace("", m.calls.TraceID(), "")
	m.jump = jump{pane: paneTraces, depth: m.depth(), from: paneCall}
}

// isTyping reports whether keys are typed into a request.
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
