package pane

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/plot"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// Alerts shows alerts, their rules, and earlier alerts.
type Alerts struct {
	state *State
	fail  string
	style.Selection
	filter string
	// seek is the alert to select once the alerts have arrived; empty: none.
	seek string
}

// NewAlerts returns the pane of alerts.
func NewAlerts(state *State) *Alerts { return &Alerts{state: state} }

func (p *Alerts) Query() feed.Query { return feed.Query{Topic: feed.TopicAlerts} }

func (p *Alerts) Apply(s *feed.Result) { p.fail = s.Failure }

func (p *Alerts) Forget() {}

// alertRow is a line of the pane.
type alertRow struct {
	text string
	name string
	// expr is the expression that enter plots; a row without one cannot be selected.
	expr string
	head bool
}

// rows are all lines that match the filter.
func (p *Alerts) rows() []alertRow {
	a := p.state.Alerts
	var rows []alertRow
	section := func(title string, lines []alertRow) {
		if p.filter != "" {
			lines = slices.DeleteFunc(lines, func(r alertRow) bool { return !style.ContainsFold(r.text, p.filter) })
		}
		if len(lines) == 0 {
			return
		}
		if rows != nil {
			rows = append(rows, alertRow{head: true})
		}
		rows = append(rows, alertRow{text: p.state.Faint.Paint(title), head: true})
		rows = append(rows, lines...)
	}
	section("ALERTS", p.active(a))
	section("RULES", p.rules(a))
	section("HISTORY", p.history(a))
	return rows
}

// ruleExpr is the expression of the rule that an alert comes from.
func ruleExpr(a *controlpb.ListAlertsResponse, name string) string {
	for _, r := range a.GetRules() {
		if r.GetName() == name {
			return r.GetExpr()
		}
	}
	return ""
}

func (p *Alerts) active(a *controlpb.ListAlertsResponse) []alertRow {
	alerts := slices.Clone(a.GetAlerts())
	slices.SortStableFunc(alerts, func(a, b *controlpb.Alert) int { return strings.Compare(a.GetState(), b.GetState()) })
	var rows []alertRow
	for _, x := range alerts {
		since := x.GetActiveSince()
		if x.GetFired() != nil {
			since = x.GetFired()
		}
		text := p.state.AlertState(x.GetState()) + " " + p.state.Bold.Paint(style.Clean(x.GetName())) + "  for " + humanize.Age(p.state.Now().Sub(since.AsTime()))
		if about := alertText(x.GetAnnotations()); about != "" {
			text += "  " + about
		} else {
			text += "  value " + plot.Plain.Format(x.GetValue()) + " " + p.state.Faint.Paint(feed.LabelText(without(x.GetLabels(), "alertname")))
		}
		rows = append(rows, alertRow{text: text, name: x.GetName(), expr: ruleExpr(a, x.GetName())})
	}
	return rows
}

// alertText is the text that an alert's rule gives it.
func alertText(annotations map[string]string) string {
	for _, key := range []string{"summary", "description", "message"} {
		if text := annotations[key]; text != "" {
			return style.Clean(text)
		}
	}
	return ""
}

func without(labels map[string]string, name string) map[string]string {
	rest := map[string]string{}
	for k, v := range labels {
		if k != name {
			rest[k] = v
		}
	}
	return rest
}

func (p *Alerts) rules(a *controlpb.ListAlertsResponse) []alertRow {
	names := 0
	for _, r := range a.GetRules() {
		names = max(names, style.Width(style.Clean(r.GetName())))
	}
	var rows []alertRow
	for _, r := range a.GetRules() {
		text := p.state.AlertState(r.GetState()) + " " + p.state.Fit(style.Clean(r.GetName()), min(names, 36))
		if r.GetLastError() != "" {
			text += "  " + p.state.Bad.Paint("cannot be evaluated: "+style.Clean(r.GetLastError()))
		}
		if severity := r.GetLabels()["severity"]; severity != "" {
			text += "  " + p.state.Fit(style.Clean(severity), 6)
		}
		if d := r.GetFor().AsDuration(); d > 0 {
			text += "  " + p.state.Faint.Paint("for "+humanize.Span(d))
		}
		text += "  " + style.Clean(strings.Join(strings.Fields(r.GetExpr()), " "))
		rows = append(rows, alertRow{text: text, name: r.GetName(), expr: r.GetExpr()})
	}
	return rows
}

func (p *Alerts) history(a *controlpb.ListAlertsResponse) []alertRow {
	var rows []alertRow
	for _, c := range a.GetHistory() {
		text := fmt.Sprintf("%s %s %s", p.state.Faint.Paint(c.GetTime().AsTime().In(p.state.Now().Location()).Format(time.TimeOnly)), p.state.AlertState(c.GetState()), style.Clean(c.GetName()))
		if c.GetSummary() != "" {
			text += "  " + style.Clean(c.GetSummary())
		}
		rows = append(rows, alertRow{text: text, name: c.GetName(), expr: ruleExpr(a, c.GetName())})
	}
	return rows
}

// Select moves the cursor to an alert or its rule as soon as it has arrived, and removes the filter; empty: leaves
// it.
func (p *Alerts) Select(name string) {
	p.seek = name
	if name != "" {
		p.filter = ""
	}
}

// Expr is the expression of the selected row, empty if it has none.
func (p *Alerts) Expr() string {
	if rows := p.rows(); p.At < len(rows) {
		return rows[p.At].expr
	}
	return ""
}

// Scroll moves the cursor, and skips headings.
func (p *Alerts) Scroll(lines int) {
	rows := p.rows()
	if len(rows) == 0 {
		return
	}
	p.At = min(max(p.At+lines, 0), len(rows)-1)
	step := 1
	if lines < 0 {
		step = -1
	}
	p.settle(rows, step)
}

// settle moves the cursor from a heading to the next row, or back if there is none.
func (p *Alerts) settle(rows []alertRow, step int) {
	p.At = min(max(p.At, 0), max(len(rows)-1, 0))
	for range 2 {
		for i := p.At; i >= 0 && i < len(rows); i += step {
			if !rows[i].head {
				p.At = i
				return
			}
		}
		step = -step
	}
}

// Filter returns the pane's filter.
func (p *Alerts) Filter() *string { return &p.filter }

// Position describes which part is in view.
func (p *Alerts) Position() string { return p.Viewport.Position() }

// Render draws the alerts, the rules and the history.
func (p *Alerts) Render(width, height int) string {
	rows := p.rows()
	switch {
	case p.state.Status == nil:
		return waiting(p.state, width)
	case p.fail != "":
		return strings.Join(p.state.Warn.PaintLines(style.Wrap(p.fail, width)), "\n")
	case p.state.Alerts == nil:
		return p.state.Faint.Paint("loading alerts")
	case len(rows) == 0 && p.filter != "":
		return p.state.Faint.Paint("nothing matches " + p.filter)
	case len(rows) == 0:
		return strings.Join(p.state.Faint.PaintLines(style.Wrap("there are no alerting rules; apply a PrometheusRule to add some", width)), "\n")
	}
	if i := slices.IndexFunc(rows, func(r alertRow) bool { return r.name == p.seek }); p.seek != "" && i >= 0 {
		p.At, p.seek = i, ""
	}
	p.settle(rows, 1)
	return strings.Join(p.DrawRows(len(rows), height, func(i int, selected bool) []string {
		if rows[i].head {
			return []string{rows[i].text}
		}
		return p.state.MarkRow(rows[i].text, selected, width)
	}), "\n")
}
