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

func (p *detailPane) instances(s *controlpb.Service, width int) []string {
	w := p.w
	lines := []string{"", w.faint.paint(w.fit("STATE", 12) + w.fit("PID", 8) + w.fit("RESTARTS", 9) + w.fit("MEMORY", 9) + w.fit("AGE", 8) + w.fit("ADDRESS", 17) + "INSTANCE")}
	for _, in := range s.GetInstances() {
		memory := w.dash
		if in.GetMemoryBytes() > 0 {
			memory = fmt.Sprintf("%.1f MB", float64(in.GetMemoryBytes())/1e6)
		}
		since := w.dash
		if in.GetStarted() != nil {
			since = age(w.now().Sub(in.GetStarted().AsTime()))
		}
		line := w.fit(w.state(in.GetState()), 12) + w.fit(fmt.Sprint(in.GetPid()), 8) + w.fit(fmt.Sprint(in.GetRestarts()), 9) +
			w.fit(memory, 9) + w.fit(since, 8) + w.fit(in.GetAddress(), 17) + in.GetName()
		lines = append(lines, w.cut(line, width))
		if in.GetMessage() != "" {
			lines = append(lines, hang("  ", w.faint.paint(in.GetMessage()), width)...)
		}
	}
	if len(s.GetInstances()) == 0 {
		lines = append(lines, w.faint.paint("no instance runs"))
	}
	return lines
}
