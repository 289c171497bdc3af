package pane

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Mesh shows the selected service's sidecar: its routes, its clusters with the endpoints that it has ejected, and the calls that
// go through it with their flags.
type Mesh struct {
	state *State
	held  *controlpb.GetSidecarResponse
	fail  string
	style.Selection
	filter string
}

// NewMesh returns the pane of the mesh.
func NewMesh(state *State) *Mesh { return &Mesh{state: state} }

func (p *Mesh) Query() feed.Query {
	return feed.Query{Topic: feed.TopicMesh, Service: p.state.Selected}
}

func (p *Mesh) Apply(s *feed.Result) {
	if p.fail = s.Failure; s.Failure == "" {
		p.held = s.Sidecar
	}
}

func (p *Mesh) Forget() { p.held, p.fail = nil, "" }

// Filter returns the pane's filter.
func (p *Mesh) Filter() *string { return &p.filter }

// Position describes which part is in view.
func (p *Mesh) Position() string { return p.Viewport.Position() }

// Scroll moves the cursor.
func (p *Mesh) Scroll(lines int) { p.At = min(max(p.At+lines, 0), max(len(p.rows())-1, 0)) }

// Render draws the rows.
func (p *Mesh) Render(width, height int) string {
	switch {
	case p.state.Status == nil:
		return waiting(p.state, width)
	case p.fail != "":
		lines := p.state.Warn.PaintLines(style.Wrap(p.fail, width))
		return strings.Join(append(lines, p.state.commandLines("mesh on", width)...), "\n")
	case p.held == nil:
		return p.state.Faint.Paint("loading what the sidecar holds")
	}
	rows := p.rows()
	if len(rows) == 0 {
		return p.state.Faint.Paint("nothing matches " + style.Clean(p.filter))
	}
	p.At = min(p.At, len(rows)-1)
	return strings.Join(p.DrawRows(len(rows), height, func(i int, selected bool) []string {
		return p.state.MarkRow(rows[i], selected, width)
	}), "\n")
}

// rows are the lines that match the filter, each section behind its title.
func (p *Mesh) rows() []string {
	var rows []string
	for _, section := range []struct {
		title string
		lines []string
	}{{"SIDECAR", p.sidecar()}, {"CALLS", p.calls()}, {"CLUSTERS", p.clusters()}, {"ROUTES", p.routes()}} {
		lines := slices.DeleteFunc(section.lines, func(line string) bool { return p.filter != "" && !style.ContainsFold(line, p.filter) })
		if len(lines) > 0 {
			rows = append(append(rows, p.state.Faint.Paint(section.title)), lines...)
		}
	}
	return rows
}

// sidecar is the state of the sidecar and of its certificate.
func (p *Mesh) sidecar() []string {
	s := p.held.GetSidecar()
	tone := p.state.Warn
	if s.GetState() == "synced" {
		tone = p.state.Good
	}
	text := style.Clean(s.GetInstance()) + "  " + tone.Paint(style.Clean(s.GetState()))
	if s.GetMessage() != "" {
		text += "  " + p.state.Bad.Paint(style.Clean(s.GetMessage()))
	}
	switch left := s.GetNotAfter().AsTime().Sub(p.state.Now()); {
	case s.GetNotAfter() == nil:
		text += "  " + p.state.Warn.Paint("no certificate")
	case left <= 0:
		text += "  " + p.state.Bad.Paint("its certificate has expired")
	default:
		text += "  " + p.state.Faint.Paint("certificate valid for "+left.Round(time.Minute).String())
	}
	return []string{text}
}

// calls are the edges of the service, with what sidecars know of them.
func (p *Mesh) calls() []string {
	var lines []string
	for _, e := range control.TopologyMap(p.state.Topology).Edges {
		from, to := p.state.ServiceName(e.Caller), p.state.ServiceName(e.Callee)
		if e.Mesh == nil || from != p.state.Selected && to != p.state.Selected {
			continue
		}
		text, troubled := e.Mesh.Words()
		tone := p.state.Faint
		if troubled {
			tone = p.state.Warn
		}
		lines = append(lines, fmt.Sprintf("%s %s %s  %s/s  %s", style.Clean(from), p.state.Arrow, style.Clean(to), humanize.Rate(e.Traffic.Rate), tone.Paint(style.Clean(text))))
	}
	return lines
}

// clusters are those of other services: first those with ejected endpoints, then those of a DestinationRule.
func (p *Mesh) clusters() []string {
	all := slices.DeleteFunc(slices.Clone(p.held.GetClusters()), func(c *controlpb.MeshCluster) bool { return c.GetDirection() != "outbound" })
	slices.SortStableFunc(all, func(a, b *controlpb.MeshCluster) int {
		return cmp.Or(cmp.Compare(b.GetEjected(), a.GetEjected()), byOrigin(a.GetObject(), b.GetObject()))
	})
	var lines []string
	for _, c := range all {
		text := style.Clean(shortCluster(c.GetName())) + "  " + humanize.Count(c.GetEndpoints(), "endpoint")
		if c.GetEndpoints() == 0 {
			text = p.state.Warn.Paint(text)
		}
		for _, e := range p.held.GetEndpoints() {
			if e.GetCluster() == c.GetName() && e.GetEjectedSince() != nil {
				text += "  " + p.state.Bad.Paint("ejected "+style.Clean(cmp.Or(e.GetInstance(), e.GetAddress()))+" "+p.back(e)+", "+style.Clean(e.GetEjectedReason()))
			}
		}
		for _, b := range c.GetBreakers() {
			tone := p.state.Faint
			if b.GetActive() >= b.GetLimit() {
				tone = p.state.Warn
			}
			text += "  " + tone.Paint(style.Clean(fmt.Sprintf("%s %d/%d", b.GetName(), b.GetActive(), b.GetLimit())))
		}
		lines = append(lines, text+"  "+p.origin(c.GetObject(), c.GetPosition())+p.state.Faint.Paint(style.Clean(c.GetPolicy())))
	}
	return lines
}

// back is when an ejected endpoint is called again.
func (p *Mesh) back(e *controlpb.MeshEndpoint) string {
	left := e.GetEjectedUntil().AsTime().Sub(p.state.Now())
	if left <= 0 {
		return "until the next check"
	}
	return "for " + humanize.Span(left.Round(time.Second))
}

// routes are those of VirtualServices first, and then Istio's own.
func (p *Mesh) routes() []string {
	all := slices.DeleteFunc(slices.Clone(p.held.GetRoutes()), func(r *controlpb.MeshRoute) bool { return strings.HasPrefix(r.GetName(), "inbound") })
	slices.SortStableFunc(all, func(a, b *controlpb.MeshRoute) int { return byOrigin(a.GetObject(), b.GetObject()) })
	var lines []string
	for _, r := range all {
		host, _, _ := strings.Cut(r.GetName(), ".")
		text := fmt.Sprintf("%s %s %s %s", style.Clean(host), style.Clean(r.GetMatch()), p.state.Arrow, style.Clean(shortTargets(r.GetTarget())))
		if r.GetPolicy() != "" {
			text += "  " + style.Clean(r.GetPolicy())
		}
		if r.GetObject() == "" {
			lines = append(lines, p.state.Faint.Paint(text))
			continue
		}
		lines = append(lines, text+"  "+p.origin(r.GetObject(), r.GetPosition()))
	}
	return lines
}

// byOrigin puts what an object made before the defaults.
func byOrigin(a, b string) int {
	switch {
	case (a == "") == (b == ""):
		return 0
	case a == "":
		return 1
	}
	return -1
}

// origin is the object that a row is of, and where it was written.
func (p *Mesh) origin(object, position string) string {
	if object == "" {
		return ""
	}
	return p.state.Info.Paint(style.Clean(cmp.Or(position, object))) + "  "
}

// shortCluster is a cluster in few words: "paymentservice:50051 v2".
func shortCluster(name string) string {
	parts := strings.Split(name, "|")
	if len(parts) != 4 {
		return name
	}
	host, _, _ := strings.Cut(parts[3], ".")
	return strings.TrimSuffix(host+":"+parts[1]+" "+parts[2], " ")
}

// shortTargets are the targets of a route, with their clusters in few words: "90% cart:7070 v1, 10% cart:7070 v2".
func shortTargets(text string) string {
	words := strings.Split(text, ", ")
	for i, w := range words {
		at := strings.LastIndexByte(w, ' ') + 1
		words[i] = w[:at] + shortCluster(w[at:])
	}
	return strings.Join(words, ", ")
}
