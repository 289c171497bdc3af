package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// traceGrid is which columns the list has, and how wide those are that vary.
type traceGrid struct {
	id, spans, services bool
	bar, root           int
}

func (p *tracesPane) grid(width int) traceGrid {
	g := traceGrid{id: width >= 70, spans: width >= 60, services: width >= 100}
	left := width - 2 - 10 - 9 - 2 - resultWidth
	if g.id {
		left -= 10
	}
	if g.spans {
		left -= 7
	}
	if width >= 60 && !p.w.linear {
		g.bar = min(width/10, 12)
		left -= g.bar + 2
	}
	g.root = left
	if g.services {
		g.root = min(left, 30)
	}
	return g
}

// resultWidth is as wide as most results: "● 12 errors".
const resultWidth = 11

func (g traceGrid) head(t *theme) string {
	text := "  " + t.fit("TIME", 10)
	if g.id {
		text += t.fit("TRACE", 10)
	}
	text += t.right("TOOK", 7) + "  "
	if g.bar > 0 {
		text += spaces(g.bar + 2)
	}
	if g.spans {
		text += t.right("SPANS", 5) + "  "
	}
	text += t.fit("ROOT", g.root) + "  " + t.fit("RESULT", resultWidth)
	if g.services {
		text += "  SERVICES"
	}
	return text
}

func (p *tracesPane) row(s *controlpb.TraceSummary, g traceGrid, chosen bool, longest time.Duration, width int) string {
	w := p.w
	mark := "  "
	if chosen {
		mark = w.mark + " "
	}
	text := mark + w.faint.paint(s.GetStart().AsTime().In(w.now().Location()).Format("15:04:05")) + "  "
	if g.id {
		text += w.fit(short(s.GetTraceId()), 8) + "  "
	}
	took := s.GetDuration().AsDuration()
	text += w.right(humanize.Duration(took), 7) + "  "
	if g.bar > 0 {
		n := min(max(int(float64(took)/float64(longest)*float64(g.bar)+0.5), 1), g.bar)
		text += w.info.paint(strings.Repeat(w.bar, n)) + spaces(g.bar-n+2)
	}
	if g.spans {
		text += w.right(fmt.Sprint(s.GetSpans()), 5) + "  "
	}
	text += w.fit(p.root(s), g.root) + "  "
	tone, symbol := w.good, w.ok
	switch {
	case s.GetFailed():
		tone, symbol = w.bad, w.broken
	case s.GetErrors() > 0:
		tone, symbol = w.warn, w.alert
	}
	if w.linear {
		symbol = ""
	}
	text += tone.paint(w.fit(strings.TrimSpace(symbol+" "+p.errors(s)), resultWidth))
	if g.services {
		text += "  " + w.faint.paint(strings.Join(p.services(s), " "))
	}
	text = w.fit(text, width)
	if chosen {
		text = w.highlight(text)
	}
	return text
}

func (p *tracesPane) errors(s *controlpb.TraceSummary) string {
	switch n := int(s.GetErrors()); {
	case n > 0:
		return humanize.Count(n, "error")
	case s.GetFailed():
		return "failed"
	}
	return "ok"
}

// root is what a trace is about: its root, or what was asked for by a root that is a caller.
func (p *tracesPane) root(s *controlpb.TraceSummary) string {
	service, name := clean(s.GetRootService()), clean(s.GetRootName())
	if s.GetEntryName() != "" {
		service, name = clean(s.GetEntryService()), clean(s.GetEntryName())
	}
	if i := strings.LastIndexByte(name, '/'); i > 0 && i < len(name)-1 && !strings.Contains(name, " ") {
		name = name[i+1:]
	}
	return p.w.serviceName(service) + " " + name
}

func (p *tracesPane) services(s *controlpb.TraceSummary) []string {
	var names []string
	for _, name := range s.GetServices() {
		names = append(names, p.w.serviceName(clean(name)))
	}
	return names
}

// short is the beginning of an id, which is enough to tell it from others.
func short(id string) string { return clean(id[:min(len(id), 8)]) }
