package tui

import (
	"fmt"
	"strings"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// detailPane shows all that is known of the chosen service, and its instances.
type detailPane struct {
	w      *world
	scroll scroll
}

// Scroll moves the view.
func (p *detailPane) Scroll(lines int) { p.scroll.by(lines, false) }

// Filter returns nil: what stands here is not a list.
func (p *detailPane) Filter() *string { return nil }

// Place says which part is in view.
func (p *detailPane) Place() string { return p.scroll.place() }

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
		w.faint.paint(w.fit("now", 11)) + fmt.Sprintf("%s req/s  %s errors  p50 %s  p95 %s  p99 %s", rate(st.GetRequestsPerSecond()),
			percent(st.GetErrorRatio()), millis(st.GetP50Ms()), millis(st.GetP95Ms()), millis(st.GetP99Ms())),
	}
	for _, graph := range []struct {
		name   string
		values []float64
		floor  float64
		unit   func(float64) string
	}{{"p95", st.GetP95History(), trendFloor, millis}, {"req/s", st.GetRpsHistory(), 1, rate}} {
		top := graph.floor
		for _, v := range graph.values {
			top = max(top, v)
		}
		labels := []string{graph.name, "to " + graph.unit(top)}
		for i, row := range w.chart(graph.values, min(width-11, widest), len(labels), graph.floor) {
			lines = append(lines, w.faint.paint(w.fit(labels[i], 11))+w.info.paint(row))
		}
	}
	return lines
}

// instanceColumns are what is told of an instance, the most important first; where room is short the last go.
func (p *detailPane) instanceColumns(all []*controlpb.Instance) []column {
	name := 8
	for _, in := range all {
		name = max(name, width(in.GetName()))
	}
	return []column{
		{title: "INSTANCE", width: name},
		{title: "STATE", width: 11},
		{title: "AGE", width: 7},
		{title: "RESTARTS", width: 8},
		{title: "PID", width: 7},
		{title: "MEMORY", width: 8},
		{title: "ADDRESS", width: 15},
	}
}

// instanceCells are the values of instanceColumns.
func (p *detailPane) instanceCells(in *controlpb.Instance) []string {
	w := p.w
	memory, since := w.dash, w.dash
	if in.GetMemoryBytes() > 0 {
		memory = fmt.Sprintf("%.1f MB", float64(in.GetMemoryBytes())/1e6)
	}
	if in.GetStarted() != nil {
		since = age(w.now().Sub(in.GetStarted().AsTime()))
	}
	return []string{in.GetName(), w.state(in.GetState()), since, fmt.Sprint(in.GetRestarts()), fmt.Sprint(in.GetPid()), memory, in.GetAddress()}
}

func (p *detailPane) instances(s *controlpb.Service, width int) []string {
	w, columns := p.w, p.instanceColumns(s.GetInstances())
	n := len(columns)
	for n > 2 && needed(columns[:n], 2) > width {
		n--
	}
	line := func(cells []string) string {
		text := ""
		for i := range n {
			text += w.fit(cells[i], columns[i].width) + spaces(2)
		}
		return w.cut(strings.TrimRight(text, " "), width)
	}
	var titles []string
	for _, c := range columns {
		titles = append(titles, c.title)
	}
	lines := []string{"", w.faint.paint(line(titles))}
	for _, in := range s.GetInstances() {
		lines = append(lines, line(p.instanceCells(in)))
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
