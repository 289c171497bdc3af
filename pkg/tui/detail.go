package tui

import (
	"fmt"
	"strings"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// detailPane shows all that is known of the chosen service, and its instances.
type detailPane struct {
	w      *world
	scroll scroll
}

// newDetails returns the pane of the selected service.
func newDetails(w *world) *detailPane { return &detailPane{w: w} }

// Scroll moves the view.
func (p *detailPane) Scroll(lines int) { p.scroll.by(lines, false) }

// Filter returns nil: what stands here is not a list.
func (p *detailPane) Filter() *string { return nil }

// Position says which part is in view.
func (p *detailPane) Position() string { return p.scroll.place() }

// Render draws the service.
func (p *detailPane) Render(width, height int) string {
	s := p.w.service()
	if s == nil {
		return waiting(p.w, width)
	}
	lines := p.facts(s, width)
	lines = append(lines, p.measures(s, width)...)
	lines = append(lines, p.instances(s, width)...)
	from, to := p.scroll.window(len(lines), height)
	return strings.Join(lines[from:to], "\n")
}

func (p *detailPane) facts(s *controlpb.Service, width int) []string {
	w := p.w
	title := w.bold.paint(s.GetName()) + "  " + w.state(stateOf(s))
	if s.GetMessage() != "" {
		title += "  " + s.GetMessage()
	}
	lines := []string{title}
	fact := func(name, value string) {
		if value != "" {
			lines = append(lines, hang(w.faint.paint(w.fit(name, 11)), value, width)...)
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
	fact("needs", strings.Join(s.GetDependsOn(), ", "))
	fact("modules", modulesOf(s))
	for _, f := range w.status.GetFaults() {
		if f.GetService() == s.GetName() {
			by := ""
			if f.GetOwner() != "" {
				by = " (by " + f.GetOwner() + ")"
			}
			fact("fault", w.warn.paint(f.GetPhrase())+w.faint.paint(by))
		}
	}
	return lines
}

func (p *detailPane) measures(s *controlpb.Service, width int) []string {
	w, st := p.w, s.GetStats()
	if st.GetRequests() == 0 && len(st.GetP95History()) == 0 {
		return nil
	}
	lines := []string{
		w.faint.paint(w.fit("now", 11)) + fmt.Sprintf("%s req/s  %s errors  p50 %s  p95 %s  p99 %s", humanize.Rate(st.GetRequestsPerSecond()),
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
		for i, row := range w.chart(graph.values, min(width-11, maxGrown), len(labels), graph.floor) {
			lines = append(lines, w.faint.paint(w.fit(labels[i], 11))+w.info.paint(row))
		}
	}
	return lines
}

// instanceColumns are the columns of the table of instances, the most important first: where room is short the last
// are left out.
func (p *detailPane) instanceColumns(all []*controlpb.Instance) []Column[*controlpb.Instance] {
	w, name := p.w, 8
	for _, in := range all {
		name = max(name, width(in.GetName()))
	}
	text := func(f func(*controlpb.Instance) string) func(*controlpb.Instance, int) string {
		return func(in *controlpb.Instance, _ int) string { return f(in) }
	}
	return []Column[*controlpb.Instance]{
		{Title: "INSTANCE", Width: name, Cell: text((*controlpb.Instance).GetName)},
		{Title: "STATE", Width: 11, Cell: text(func(in *controlpb.Instance) string { return w.state(in.GetState()) })},
		{Title: "AGE", Width: 7, Cell: text(func(in *controlpb.Instance) string {
			if in.GetStarted() == nil {
				return w.dash
			}
			return humanize.Age(w.now().Sub(in.GetStarted().AsTime()))
		})},
		{Title: "RESTARTS", Width: 8, Cell: text(func(in *controlpb.Instance) string { return fmt.Sprint(in.GetRestarts()) })},
		{Title: "PID", Width: 7, Cell: text(func(in *controlpb.Instance) string { return fmt.Sprint(in.GetPid()) })},
		{Title: "MEMORY", Width: 8, Cell: text(func(in *controlpb.Instance) string {
			if in.GetMemoryBytes() == 0 {
				return w.dash
			}
			return fmt.Sprintf("%.1f MB", float64(in.GetMemoryBytes())/1e6)
		})},
		{Title: "ADDRESS", Width: 15, Cell: text((*controlpb.Instance).GetAddress)},
	}
}

func (p *detailPane) instances(s *controlpb.Service, width int) []string {
	w := p.w
	g := Grid[*controlpb.Instance]{Columns: p.instanceColumns(s.GetInstances()), Gap: 2}
	for len(g.Columns) > 2 && Needed(g.Columns, g.Gap) > width {
		g.Columns = g.Columns[:len(g.Columns)-1]
	}
	lines := []string{"", w.faint.paint(w.cut(g.Header(w.theme), width))}
	for _, in := range s.GetInstances() {
		lines = append(lines, w.cut(g.Row(w.theme, in), width))
		if in.GetMessage() != "" {
			lines = append(lines, hang("  ", w.faint.paint(in.GetMessage()), width)...)
		}
	}
	if len(s.GetInstances()) == 0 {
		lines = append(lines, w.faint.paint("no instance runs"))
	}
	return lines
}

// modulesOf names what runs inside of a monolith, with what is wrong with it on purpose.
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
