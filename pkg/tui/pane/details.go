package pane

import (
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Details shows everything about the selected service, and its instances.
type Details struct {
	state  *State
	scroll style.Viewport
}

// NewDetails returns the pane of the selected service.
func NewDetails(state *State) *Details { return &Details{state: state} }

// Scroll moves the view.
func (p *Details) Scroll(lines int) { p.scroll.ScrollBy(lines, false) }

// Filter returns nil: the details are not a list.
func (p *Details) Filter() *string { return nil }

// Position describes which part is in view.
func (p *Details) Position() string { return p.scroll.Position() }

// Render draws the service.
func (p *Details) Render(width, height int) string {
	s := p.state.Service()
	if s == nil {
		return waiting(p.state, width)
	}
	lines := p.facts(s, width)
	lines = append(lines, p.measures(s, width)...)
	lines = append(lines, p.instances(s, width)...)
	from, to := p.scroll.Window(len(lines), height)
	return strings.Join(lines[from:to], "\n")
}

func (p *Details) facts(s *controlpb.Service, width int) []string {
	state := p.state
	title := state.Bold.Paint(s.GetName()) + "  " + state.State(stateOf(s))
	if s.GetMessage() != "" {
		title += "  " + s.GetMessage()
	}
	lines := []string{title}
	fact := func(name, value string) {
		if value != "" {
			lines = append(lines, style.Hang(state.Faint.Paint(state.Fit(name, 11)), value, width)...)
		}
	}
	fact("workload", s.GetWorkload()+" ("+s.GetNamespace()+")")
	fact("image", s.GetImage())
	fact("version", s.GetVersion())
	address := s.GetAddress()
	if s.GetProtocol() != "" {
		address += " (" + s.GetProtocol() + ")"
	}
	fact("address", address)
	fact("depends on", strings.Join(s.GetDependsOn(), ", "))
	fact("modules", modulesOf(s))
	for _, f := range state.Status.GetFaults() {
		if f.GetService() == s.GetName() {
			by := ""
			if f.GetOwner() != "" {
				by = " (by " + f.GetOwner() + ")"
			}
			fact("fault", state.Warn.Paint(f.GetPhrase())+state.Faint.Paint(by))
		}
	}
	return lines
}

func (p *Details) measures(s *controlpb.Service, width int) []string {
	state, st := p.state, s.GetStats()
	if st.GetRequests() == 0 && len(st.GetP95History()) == 0 {
		return nil
	}
	lines := []string{
		state.Faint.Paint(state.Fit("now", 11)) + fmt.Sprintf("%s req/s  %s errors  p50 %s  p95 %s  p99 %s", humanize.Rate(st.GetRequestsPerSecond()),
			humanize.Percent(st.GetErrorRatio()), humanize.Millis(st.GetP50Ms()), humanize.Millis(st.GetP95Ms()), humanize.Millis(st.GetP99Ms())),
	}
	for _, graph := range []struct {
		name   string
		values []float64
		floor  float64
		unit   func(float64) string
	}{{"p95", st.GetP95History(), trendFloor, humanize.Millis}, {"req/s", st.GetRpsHistory(), 1, humanize.Rate}} {
		top := graph.floor
		for _, v := range graph.values {
			top = max(top, v)
		}
		labels := []string{graph.name, "to " + graph.unit(top)}
		for i, row := range state.bars(graph.values, min(width-11, style.MaxGrown), len(labels), graph.floor) {
			lines = append(lines, state.Faint.Paint(state.Fit(labels[i], 11))+state.Info.Paint(row))
		}
	}
	return lines
}

// instanceColumns are the columns of the table of instances, the most important first: the last are left out where
// room is short.
func (p *Details) instanceColumns(all []*controlpb.Instance) []style.Column[*controlpb.Instance] {
	state, name := p.state, 8
	for _, in := range all {
		name = max(name, style.Width(in.GetName()))
	}
	text := func(f func(*controlpb.Instance) string) func(*controlpb.Instance, int) string {
		return func(in *controlpb.Instance, _ int) string { return f(in) }
	}
	return []style.Column[*controlpb.Instance]{
		{Title: "INSTANCE", Width: name, Cell: text((*controlpb.Instance).GetName)},
		{Title: "STATE", Width: 11, Cell: text(func(in *controlpb.Instance) string { return state.State(in.GetState()) })},
		{Title: "AGE", Width: 7, Cell: text(func(in *controlpb.Instance) string {
			if in.GetStarted() == nil {
				return state.Dash
			}
			return humanize.Age(state.Now().Sub(in.GetStarted().AsTime()))
		})},
		{Title: "RESTARTS", Width: 8, Cell: text(func(in *controlpb.Instance) string { return fmt.Sprint(in.GetRestarts()) })},
		{Title: "PID", Width: 7, Cell: text(func(in *controlpb.Instance) string { return fmt.Sprint(in.GetPid()) })},
		{Title: "MEMORY", Width: 8, Cell: text(func(in *controlpb.Instance) string {
			if in.GetMemoryBytes() == 0 {
				return state.Dash
			}
			return fmt.Sprintf("%.1f MB", float64(in.GetMemoryBytes())/1e6)
		})},
		{Title: "ADDRESS", Width: 15, Cell: text((*controlpb.Instance).GetAddress)},
	}
}

func (p *Details) instances(s *controlpb.Service, width int) []string {
	state := p.state
	g := style.Grid[*controlpb.Instance]{Columns: p.instanceColumns(s.GetInstances()), Gap: 2}
	for len(g.Columns) > 2 && style.Needed(g.Columns, g.Gap) > width {
		g.Columns = g.Columns[:len(g.Columns)-1]
	}
	lines := []string{"", state.Faint.Paint(state.Truncate(g.Header(state.Theme), width))}
	for _, in := range s.GetInstances() {
		lines = append(lines, state.Truncate(g.Row(state.Theme, in), width))
		if in.GetMessage() != "" {
			lines = append(lines, style.Hang("  ", state.Faint.Paint(in.GetMessage()), width)...)
		}
	}
	if len(s.GetInstances()) == 0 {
		lines = append(lines, state.Faint.Paint("no instance is running"))
	}
	return lines
}

// modulesOf names the modules of a monolith, with their faults.
func modulesOf(s *controlpb.Service) string {
	var names []string
	for _, m := range s.GetModules() {
		name := m.GetName()
		if len(m.GetFaults()) > 0 {
			name += " (" + strings.Join(m.GetFaults(), "; ") + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}
