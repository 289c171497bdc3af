package tui

import (
	"strings"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// servicesPane is the live table.
type servicesPane struct {
	w      *world
	scroll scroll
	filter string
}

// newServices returns the table of services.
func newServices(w *world) *servicesPane { return &servicesPane{w: w} }

func joinFaults(s *controlpb.Service) string { return strings.Join(s.GetFaults(), "; ") }

// rows are the services that the filter leaves.
func (p *servicesPane) rows() []*controlpb.Service {
	if p.filter == "" {
		return p.w.services()
	}
	var rows []*controlpb.Service
	for _, s := range p.w.services() {
		if matches(s.GetName()+" "+s.GetWorkload()+" "+stateOf(s)+" "+joinFaults(s), p.filter) {
			rows = append(rows, s)
		}
	}
	return rows
}

func (p *servicesPane) at(rows []*controlpb.Service) int {
	for i, s := range rows {
		if s.GetName() == p.w.chosen {
			return i
		}
	}
	return -1
}

// Scroll moves the choice.
func (p *servicesPane) Scroll(lines int) {
	rows := p.rows()
	if len(rows) == 0 {
		return
	}
	p.w.chosen = rows[min(max(p.at(rows)+lines, 0), len(rows)-1)].GetName()
}

// Click chooses the service in a line of what was rendered last.
func (p *servicesPane) Click(line int) {
	if rows, i := p.rows(), p.scroll.top+line-1; line > 0 && i < len(rows) {
		p.w.chosen = rows[i].GetName()
	}
}

// Filter returns the pane's filter.
func (p *servicesPane) Filter() *string { return &p.filter }

// Position says which part is in view.
func (p *servicesPane) Position() string { return p.scroll.place() }

// Render draws the table.
func (p *servicesPane) Render(width, height int) string {
	if p.w.status == nil {
		return waiting(p.w, width)
	}
	rows := p.rows()
	if len(rows) == 0 {
		if p.filter != "" {
			return p.w.faint.paint("no service matches " + p.filter)
		}
		return p.w.faint.paint("the shop has no services")
	}
	g := NewGrid(serviceColumns(p.w), width-2)
	lines := []string{p.w.faint.paint("  " + g.Header(p.w.theme))}
	if i := p.at(rows); i >= 0 {
		p.scroll.height = max(height-1, 1)
		p.scroll.reveal(i, i+1)
	}
	from, to := p.scroll.window(len(rows), height-1)
	for _, s := range rows[from:to] {
		lines = append(lines, p.row(s, g, width))
	}
	return strings.Join(lines, "\n")
}

// row draws one service. Where there is no column for faults, the fault stands in the place of the
// numbers between state and trend.
func (p *servicesPane) row(s *controlpb.Service, g Grid[*controlpb.Service], width int) string {
	var b strings.Builder
	mark := "  "
	if s.GetName() == p.w.chosen {
		mark = p.w.mark + " "
	}
	b.WriteString(mark)
	from, to := p.over(s, g)
	for i, c := range g.Columns {
		if i > from && i < to {
			continue
		}
		if i > 0 {
			b.WriteString(spaces(g.Gap))
		}
		if i == from {
			b.WriteString(p.w.warn.paint(p.w.fit(joinFaults(s), Needed(g.Columns[from:to], g.Gap))))
			continue
		}
		b.WriteString(c.Fit(p.w.theme, c.Cell(s, c.Width)))
	}
	line := p.w.fit(b.String(), width)
	if s.GetName() == p.w.chosen {
		line = p.w.highlight(line)
	}
	return line
}

// over is the range of columns that a fault's words take; empty if there is no fault, or no room.
func (p *servicesPane) over(s *controlpb.Service, g Grid[*controlpb.Service]) (from, to int) {
	if len(s.GetFaults()) == 0 || g.Columns[len(g.Columns)-1].Title == faultsTitle {
		return -1, -1
	}
	for i, c := range g.Columns {
		if i >= 2 && !c.Grows {
			if from == 0 {
				from = i
			}
			to = i + 1
		}
	}
	if from == to || Needed(g.Columns[from:to], g.Gap) < 12 {
		return -1, -1
	}
	return from, to
}
