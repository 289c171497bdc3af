package pane

import (
	"strings"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Services is the live table of services.
type Services struct {
	state  *State
	scroll style.Viewport
	filter string
}

// NewServices returns the table of services.
func NewServices(state *State) *Services { return &Services{state: state} }

func joinFaults(s *controlpb.Service) string { return strings.Join(s.GetFaults(), "; ") }

// rows are the services that match the filter.
func (p *Services) rows() []*controlpb.Service {
	if p.filter == "" {
		return p.state.Services()
	}
	var rows []*controlpb.Service
	for _, s := range p.state.Services() {
		if style.ContainsFold(s.GetName()+" "+s.GetWorkload()+" "+stateOf(s)+" "+joinFaults(s), p.filter) {
			rows = append(rows, s)
		}
	}
	return rows
}

func (p *Services) at(rows []*controlpb.Service) int {
	for i, s := range rows {
		if s.GetName() == p.state.Selected {
			return i
		}
	}
	return -1
}

// Scroll moves the selection.
func (p *Services) Scroll(lines int) {
	rows := p.rows()
	if len(rows) == 0 {
		return
	}
	p.state.Selected = rows[min(max(p.at(rows)+lines, 0), len(rows)-1)].GetName()
}

// Click selects the service in a line of what was last rendered.
func (p *Services) Click(line int) {
	if rows, i := p.rows(), p.scroll.Top+line-1; line > 0 && i < len(rows) {
		p.state.Selected = rows[i].GetName()
	}
}

// Filter returns the pane's filter.
func (p *Services) Filter() *string { return &p.filter }

// Position describes which part is in view.
func (p *Services) Position() string { return p.scroll.Position() }

// Render draws the table.
func (p *Services) Render(width, height int) string {
	if p.state.Status == nil {
		return waiting(p.state, width)
	}
	rows := p.rows()
	if len(rows) == 0 {
		if p.filter != "" {
			return p.state.Faint.Paint(p.state.Say("no service matches " + p.filter))
		}
		return p.state.Faint.Paint("the shop has no services")
	}
	g := style.NewGrid(serviceColumns(p.state), width-2)
	for i := range g.Columns {
		g.Columns[i].Title = p.state.Say(g.Columns[i].Title)
	}
	lines := []string{p.state.Faint.Paint("  " + g.Header(p.state.Theme))}
	if i := p.at(rows); i >= 0 {
		p.scroll.Height = max(height-1, 1)
		p.scroll.Reveal(i, i+1)
	}
	from, to := p.scroll.Window(len(rows), height-1)
	for _, s := range rows[from:to] {
		lines = append(lines, p.row(s, g, width))
	}
	return strings.Join(lines, "\n")
}

// row draws one service. Where there is no column for faults, the fault replaces the numbers between state and trend.
func (p *Services) row(s *controlpb.Service, g style.Grid[*controlpb.Service], width int) string {
	var b strings.Builder
	mark := "  "
	if s.GetName() == p.state.Selected {
		mark = p.state.Mark + " "
	}
	b.WriteString(mark)
	from, to := p.over(s, g)
	for i, c := range g.Columns {
		if i > from && i < to {
			continue
		}
		if i > 0 {
			b.WriteString(style.Spaces(g.Gap))
		}
		if i == from {
			b.WriteString(p.state.Warn.Paint(p.state.Fit(joinFaults(s), style.Needed(g.Columns[from:to], g.Gap))))
			continue
		}
		b.WriteString(c.Fit(p.state.Theme, c.Cell(s, c.Width)))
	}
	line := p.state.Fit(b.String(), width)
	if s.GetName() == p.state.Selected {
		line = p.state.Highlight(line)
	}
	return line
}

// over is the range of columns that the text of a fault replaces; -1 if there is no fault, or no room.
func (p *Services) over(s *controlpb.Service, g style.Grid[*controlpb.Service]) (from, to int) {
	if len(s.GetFaults()) == 0 || g.Columns[len(g.Columns)-1].Title == p.state.Say(faultsTitle) {
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
	if from == to || style.Needed(g.Columns[from:to], g.Gap) < 12 {
		return -1, -1
	}
	return from, to
}
