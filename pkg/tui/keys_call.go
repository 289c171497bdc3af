package tui

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/tui/textedit"
)

// callKeys lead to the calls and to the objects, and act there.
func callKeys() []binding {
	keys := slices.Concat(formKeys(), callResultKeys(), resourceKeys())
	for i := range keys {
		keys[i].group = groupCall
	}
	return keys
}

func resourceKeys() []binding {
	return []binding{
		{
			keys: []string{"enter"}, name: "manifest", help: "show the chosen object as YAML; values of Secrets are hidden", rank: 20,
			active: func(m *model) bool { return m.focus == paneResources && m.resources.open == nil },
			why: func(m *model) string {
				if _, ok := m.resources.chosen(); !ok {
					return "there is no object"
				}
				return ""
			},
			command: func(m *model) string { return m.resources.command() },
			do:      func(m *model, _ string) tea.Cmd { m.resources.In(); return nil },
		},
		{
			keys: []string{"o"}, name: "objects", help: "the objects that the shop is described by", rank: 40,
			active: func(m *model) bool { return m.focus != paneResources }, elsewhere: "they are in view already",
			command: func(*model) string { return "get deployments" },
			do:      func(m *model, _ string) tea.Cmd { m.goTo(paneResources); return nil },
		},
		{
			keys: []string{"i"}, name: "call", help: "call a method: of the chosen service, or of any", rank: 45,
			active: func(m *model) bool { return m.focus != paneCall }, elsewhere: "it is in view already; esc chooses another method",
			command: func(m *model) string { return join("call", m.w.chosen) },
			do:      func(m *model, _ string) tea.Cmd { return m.openCall() },
		},
	}
}

// inForm tells whether a request has the focus.
func inForm(m *model) bool { return m.focus == paneCall && m.calls.Depth() == 2 }

// formKeys choose what to call, fill a request in and send it.
func formKeys() []binding {
	const elsewhere = "it is a key of a call; i goes there"
	return []binding{
		{
			keys: []string{"enter"}, name: "choose", help: "choose the service or the method", rank: 20,
			active: func(m *model) bool { return m.focus == paneCall && !inForm(m) },
			why: func(m *model) string {
				if m.calls.chosen() == "" {
					return "there is nothing to choose"
				}
				return ""
			},
			command: func(m *model) string { return m.calls.command() },
			do:      func(m *model, _ string) tea.Cmd { return m.chooseCall() },
		},
		{
			keys: []string{"enter"}, name: "edit", help: "edit the request or the deadline, send, or open the trace: the part at the mark", rank: 20,
			active: inForm,
			label: func(m *model) string {
				return [...]string{"edit", "deadline", "send", "trace"}[m.calls.form.at]
			},
			command: func(m *model) string { return m.calls.command() },
			do:      func(m *model, _ string) tea.Cmd { return m.enterPart() },
		},
		{
			keys: []string{"ctrl+s"}, name: "send", help: "send the request", rank: 21,
			active: inForm, elsewhere: elsewhere, why: whyNotSend,
			command: func(m *model) string { return m.calls.command() },
			do:      func(m *model, _ string) tea.Cmd { return m.sendCall() },
		},
	}
}

// callResultKeys act on what a call, or an object, is.
func callResultKeys() []binding {
	return []binding{
		{
			keys: []string{"t"}, name: "its trace", help: "show the trace of the call", rank: 22,
			active: inForm,
			why: func(m *model) string {
				if m.calls.form.last() != partTrace {
					return "nothing was sent yet"
				}
				return ""
			},
			command: func(m *model) string {
				if m.calls.form.last() != partTrace {
					return ""
				}
				return "trace show " + m.calls.form.reply.trace
			},
			do: func(m *model, _ string) tea.Cmd { m.traceOfCall(); return nil },
		},
		{
			keys: []string{"Y"}, name: "copy command", help: "copy the command that does what the pane shows: the call, or the manifest", rank: 23,
			active: func(m *model) bool { return m.paneCommand() != "" }, elsewhere: "it is a key of calls and objects; i and o go there",
			command: func(m *model) string { return m.paneCommand() },
			do: func(m *model, _ string) tea.Cmd {
				line := m.w.command(m.paneCommand())
				m.say(m.w.good, "copied: "+line)
				return tea.SetClipboard(line)
			},
		},
	}
}

// paneCommand is the command line that shows what the pane in focus does, empty if it has none of its own.
func (m *model) paneCommand() string {
	switch m.focus {
	case paneCall:
		return m.calls.command()
	case paneResources:
		return m.resources.command()
	}
	return ""
}

// openCall goes to the calls; from a pane of services, to the methods of the chosen one.
func (m *model) openCall() tea.Cmd {
	of := slices.Contains([]paneID{paneServices, paneDetails, paneLogs, paneMetrics, paneMap}, m.focus) && m.w.chosen != ""
	m.goTo(paneCall)
	switch {
	case !of || m.w.chosen == m.calls.service:
		return nil
	case !m.calls.Choose(m.w.chosen):
		m.say(m.w.warn, m.w.chosen+" speaks no gRPC; choose another service")
		return nil
	}
	return m.hands.methods(m.calls.service)
}

// chooseCall goes on from the service, or the method, at the mark.
func (m *model) chooseCall() tea.Cmd {
	p, name := m.calls, m.calls.chosen()
	if p.Depth() == 0 {
		p.Choose(name)
		return m.hands.methods(name)
	}
	p.Fill(name, p.kept[p.service+" "+name])
	if p.form.request.String() != "" {
		return nil
	}
	return m.hands.template(p.service, name)
}

// enterPart does what the part of the form at the mark is for.
func (m *model) enterPart() tea.Cmd {
	f := &m.calls.form
	switch f.at {
	case partDeadline:
		m.askDeadline()
	case partSend:
		if why := whyNotSend(m); why != "" {
			m.say(m.w.warn, "send: "+why)
			return nil
		}
		return m.sendCall()
	case partTrace:
		m.traceOfCall()
	default:
		f.editing = true
	}
	return nil
}

func (m *model) askDeadline() {
	f := &m.calls.form
	m.prompt = &prompt{
		label: "deadline:", input: textedit.NewLine(f.deadline.String()), hint: "such as 500ms or 2s  esc goes back",
		enter: func(text string) tea.Cmd {
			d, err := time.ParseDuration(strings.TrimSpace(text))
			if err != nil || d <= 0 {
				m.say(m.w.bad, "deadline: want a time above zero, such as 500ms or 2s")
				return nil
			}
			f.deadline = d
			return nil
		},
	}
}

func whyNotSend(m *model) string {
	switch {
	case m.w.down != "":
		return m.w.down
	case m.calls.form.sending:
		return "the answer is awaited; ctrl+c ends the call"
	}
	return ""
}

// sendCall sends the request.
func (m *model) sendCall() tea.Cmd {
	p, f := m.calls, &m.calls.form
	m.sent++
	f.number, f.sending, f.editing, f.reply, f.answer = m.sent, true, false, nil, nil
	f.at, f.reveal, f.below = partSend, true, 0
	return m.hands.call(f.number, p.service, call.Request{
		Target: call.Target{Proto: f.proto}, Method: p.method, Messages: strings.NewReader(f.request.String()), Deadline: f.deadline, Trace: true,
	})
}

// traceOfCall shows the trace that the call began; esc comes back.
func (m *model) traceOfCall() {
	m.openTrace("", m.calls.form.reply.trace, "")
	m.visit = visit{pane: paneTraces, depth: m.depth(), from: paneCall}
}

// typing tells whether keys are letters of a request.
func (m *model) typing() bool { return m.focus == paneCall && m.calls.form.editing }

func (m *model) typeKey(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc":
		m.calls.form.editing = false
	case "ctrl+s":
		return m.press("ctrl+s")
	default:
		m.calls.form.request.Key(k)
	}
	return nil
}
