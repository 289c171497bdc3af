package tui

import (
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
	"google.golang.org/protobuf/types/known/durationpb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// owner is the owner of the faults that this screen injects.
const owner = "dash"

// whyNoService is why there is no service to act on; empty if there is one.
func whyNoService(m *model) string {
	switch {
	case m.state.Disconnected != "":
		return m.state.Disconnected
	case m.state.Service() == nil:
		return "no service is selected"
	}
	return ""
}

// serviceKeys act on the selected service.
func serviceKeys() []binding {
	here := func(m *model) bool {
		return slices.Contains([]paneID{paneServices, paneDetails, paneLogs, paneMetrics, paneMap, paneMesh}, m.focus)
	}
	const inactive = "it acts on the selected service; 2 goes to the services"
	of := func(verb string) func(*model) string {
		return func(m *model) string { return verb + " " + m.state.Selected }
	}
	return []binding{
		{
			keys: []string{"enter"}, group: groupServices, name: "details", help: "show the selected service and its instances", rank: 20,
			active:  func(m *model) bool { return m.focus == paneServices },
			command: of("describe service"),
			do:      func(m *model, _ string) tea.Cmd { m.goTo(paneDetails); return nil },
		},
		{
			keys: []string{"l"}, group: groupServices, name: "logs", help: "follow the logs of the selected service", rank: 21,
			active: here, inactiveReason: inactive, command: of("logs -f"),
			do: func(m *model, _ string) tea.Cmd {
				m.allLogs, m.logsTrace, m.logsSpan = false, "", ""
				m.logs.EndSeek()
				m.goTo(paneLogs)
				return nil
			},
		},
		{
			keys: []string{"a"}, group: groupServices, name: "all", help: "follow the logs of all services, or of the selected one", rank: 20,
			active: func(m *model) bool { return m.focus == paneLogs }, inactiveReason: "this key is for the logs; 3 goes there",
			label: func(m *model) string {
				if m.allLogs {
					return "one service"
				}
				return "all services"
			},
			command: func(*model) string { return "logs -f" },
			do:      func(m *model, _ string) tea.Cmd { m.allLogs, m.logsTrace, m.logsSpan = !m.allLogs, "", ""; return nil },
		},
		{
			keys: []string{"f"}, group: groupServices, name: "fault", help: "break the selected service, or repair it", rank: 22,
			active: here, inactiveReason: inactive, disabled: whyNoService, command: of("fault inject"),
			do: func(m *model, _ string) tea.Cmd { m.openFaults(); return nil },
		},
		{
			keys: []string{"r"}, group: groupServices, name: "restart", help: "replace the instances of the selected service one by one", rank: 23,
			active: here, inactiveReason: inactive, disabled: whyNoService, command: of("restart"),
			do: func(m *model, _ string) tea.Cmd { return m.restart() },
		},
		{
			keys: []string{"S"}, group: groupServices, name: "stop/start", help: "stop the selected service, or start it again", rank: 24,
			active: here, inactiveReason: inactive, disabled: whyNoService,
			label:   func(m *model) string { return m.stopOrStart() },
			command: func(m *model) string { return m.stopOrStart() + " " + m.state.Selected },
			do:      func(m *model, _ string) tea.Cmd { return m.toggleService() },
		},
	}
}

func (m *model) restart() tea.Cmd {
	name := m.state.Selected
	return m.commands.Edit("restart "+name, "restart "+name, &controlpb.EditRequest{
		Services: []string{name}, Operation: &controlpb.EditRequest_Restart{Restart: true},
	})
}

func (m *model) stopOrStart() string {
	if m.state.Service().GetState() == "stopped" {
		return "start"
	}
	return "stop"
}

func (m *model) toggleService() tea.Cmd {
	name, verb := m.state.Selected, m.stopOrStart()
	r := &controlpb.EditRequest{Services: []string{name}, Operation: &controlpb.EditRequest_Stop{Stop: true}}
	if verb == "start" {
		r.Operation = &controlpb.EditRequest_Start{Start: true}
	}
	return m.commands.Edit(verb+" "+name, verb+" "+name, r)
}

// faultDuration is how long a fault lasts that a key injects: long enough to observe it, and short enough to be left
// alone.
const faultDuration = 2 * time.Minute

// openFaults offers ways to break the selected service, and to repair it.
func (m *model) openFaults() {
	name := m.state.Selected
	p := &picker{title: "Break " + name}
	inject := func(text, flags string, f *controlpb.Fault, ends bool) {
		f.Service, f.Owner = name, owner
		r := &controlpb.InjectFaultRequest{Fault: f}
		command := "fault inject " + name + " " + flags
		if ends {
			r.For = durationpb.New(faultDuration)
			command += " --for 2m"
		}
		p.items = append(p.items, item{text: text, command: m.state.Command(command), do: func(m *model) tea.Cmd { return m.commands.Inject(command, r) }})
	}
	inject("fail every call", "--error UNAVAILABLE", &controlpb.Fault{Error: "UNAVAILABLE"}, true)
	inject("fail half of the calls", "--error UNAVAILABLE --percent 50", &controlpb.Fault{Error: "UNAVAILABLE", Percent: 50}, true)
	inject("delay every call", "--delay 500ms", &controlpb.Fault{Delay: durationpb.New(500 * time.Millisecond)}, true)
	inject("pause its processes", "--pause", &controlpb.Fault{Pause: true}, true)
	inject("kill its processes, once", "--crash", &controlpb.Fault{Crash: true}, false)
	repair := item{text: "repair it: clear its faults", command: m.state.Command("fault clear " + name), do: func(m *model) tea.Cmd { return m.commands.ClearFaults(name) }}
	if len(m.state.Service().GetFaults()) > 0 {
		p.items = append([]item{repair}, p.items...)
	}
	m.picker = p
}
