package pane

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// traceGrid is which columns the list has, and the widths that vary.
type traceGrid struct {
	id, spans, services bool
	bar, root           int
}

func (p *Traces) grid(width int) traceGrid {
	g := traceGrid{id: width >= 70, spans: width >= 60, services: width >= 100}
	left := width - 2 - 10 - 9 - 2 - resultWidth
	if g.id {
		left -= idWidth() + 2
	}
	if g.spans {
		left -= 7
	}
	if width >= 60 && !p.state.Linear {
		g.bar = min(width/10, 12)
		left -= g.bar + 2
	}
	g.root = left
	if g.services {
		g.root = min(left, 30)
	}
	return g
}

// idWidth is the number of digits of a short trace id.
func idWidth() int { return len(trace.ID{}.Short()) }

// resultWidth is the width of most results: "● 12 errors".
const resultWidth = 11

func (g traceGrid) head(t *style.Theme) string {
	text := "  " + t.Fit("TIME", 10)
	if g.id {
		text += t.Fit("TRACE", idWidth()+2)
	}
	text += t.AlignRight("TOOK", 7) + "  "
	if g.bar > 0 {
		text += style.Spaces(g.bar + 2)
	}
	if g.spans {
		text += t.AlignRight("SPANS", 5) + "  "
	}
	text += t.Fit("ROOT", g.root) + "  " + t.Fit("RESULT", resultWidth)
	if g.services {
		text += "  SERVICES"
	}
	return text
}

func (p *Traces) row(s *controlpb.TraceSummary, g traceGrid, selected bool, longest time.Duration, width int) string {
	state := p.state
	mark := "  "
	if selected {
		mark = state.Mark + " "
	}
	text := mark + state.Faint.Paint(s.GetStart().AsTime().In(state.Now().Location()).Format("15:04:05")) + "  "
	if g.id {
		text += state.Fit(ShortID(s.GetTraceId()), idWidth()) + "  "
	}
	took := s.GetDuration().AsDuration()
	duration := humanize.Duration(took)
	if s.GetDuration() == nil {
		duration = "unknown"
	}
	text += state.AlignRight(duration, 7) + "  "
	if g.bar > 0 {
		n := min(max(int(float64(took)/float64(longest)*float64(g.bar)+0.5), 1), g.bar)
		text += state.Info.Paint(strings.Repeat(state.Bar, n)) + style.Spaces(g.bar-n+2)
	}
	if g.spans {
		text += state.AlignRight(fmt.Sprint(s.GetSpans()), 5) + "  "
	}
	text += state.Fit(p.root(s), g.root) + "  "
	tone, symbol := state.Good, state.OK
	switch {
	case s.GetArriving():
		tone, symbol = state.Faint, ""
	case s.GetFailed():
		tone, symbol = state.Bad, state.Broken
	case s.GetErrors() > 0:
		tone, symbol = state.Warn, state.Alert
	}
	if state.Linear {
		symbol = ""
	}
	text += tone.Paint(state.Fit(strings.TrimSpace(symbol+" "+p.errors(s)), resultWidth))
	if g.services {
		text += "  " + state.Faint.Paint(strings.Join(p.services(s), " "))
	}
	text = state.Fit(text, width)
	if selected {
		text = state.Highlight(text)
	}
	return text
}

func (p *Traces) errors(s *controlpb.TraceSummary) string {
	switch n := int(s.GetErrors()); {
	case s.GetArriving():
		return "arriving"
	case n > 0:
		return humanize.Count(n, "error")
	case s.GetFailed():
		return "failed"
	}
	return "ok"
}

// root is the name of a trace: its root span, or its first server span if the root is a client.
func (p *Traces) root(s *controlpb.TraceSummary) string {
	service, name := style.Clean(s.GetRootService()), style.Clean(s.GetRootName())
	if s.GetEntryName() != "" {
		service, name = style.Clean(s.GetEntryService()), style.Clean(s.GetEntryName())
	}
	if i := strings.LastIndexByte(name, '/'); i > 0 && i < len(name)-1 && !strings.Contains(name, " ") {
		name = name[i+1:]
	}
	return p.state.ServiceName(service) + " " + name
}

func (p *Traces) services(s *controlpb.TraceSummary) []string {
	var names []string
	for _, name := range s.GetServices() {
		names = append(names, p.state.ServiceName(style.Clean(name)))
	}
	return names
}

// ShortID is the start of an id, long enough to distinguish it from others.
func ShortID(id string) string { return style.Clean(trace.ShortID(id)) }
