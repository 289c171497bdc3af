package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/plot"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// alertsPane shows alerts, the rules that they come from, and what became of earlier ones.
type alertsPane struct {
	w    *world
	fail string
	choice
	filter string
	// seek is the alert to choose once the alerts are there; empty: none.
	seek string
}

// newAlerts returns the pane of alerts.
func newAlerts(w *world) *alertsPane { return &alertsPane{w: w} }

func (p *alertsPane) sight() sight { return sight{topic: topicAlerts} }

func (p *alertsPane) take(s *seen) { p.fail = s.fail }

func (p *alertsPane) forget() {}

// alertRow is a line of the pane.
type alertRow struct {
	text string
	name string
	// expr is what enter plots; a row without one cannot be chosen.
	expr string
	head bool
}

// rows are all lines that the filter leaves.
func (p *alertsPane) rows() []alertRow {
	a := p.w.alerts
	var rows []alertRow
	section := func(title string, lines []alertRow) {
		if p.filter != "" {
			lines = slices.DeleteFunc(lines, func(r alertRow) bool { return !matches(r.text, p.filter) })
		}
		if len(lines) == 0 {
			return
		}
		if rows != nil {
			rows = append(rows, alertRow{head: true})
		}
		rows = append(rows, alertRow{text: p.w.faint.paint(title), head: true})
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

func (p *alertsPane) active(a *controlpb.ListAlertsResponse) []alertRow {
	alerts := slices.Clone(a.GetAlerts())
	slices.SortStableFunc(alerts, func(a, b *controlpb.Alert) int { return strings.Compare(a.GetState(), b.GetState()) })
	var rows []alertRow
	for _, x := range alerts {
		since := x.GetActiveSince()
		if x.GetFired() != nil {
			since = x.GetFired()
		}
		text := p.w.alertState(x.GetState()) + " " + p.w.bold.paint(clean(x.GetName())) + "  for " + humanize.Age(p.w.now().Sub(since.AsTime()))
		if about := alertText(x.GetAnnotations()); about != "" {
			text += "  " + about
		} else {
			text += "  value " + plot.Plain.Format(x.GetValue()) + " " + p.w.faint.paint(labelText(without(x.GetLabels(), "alertname")))
		}
		rows = append(rows, alertRow{text: text, name: x.GetName(), expr: ruleExpr(a, x.GetName())})
	}
	return rows
}

// alertText is what an alert says of itself.
func alertText(annotations map[string]string) string {
	for _, key := range []string{"summary", "description", "message"} {
		if text := annotations[key]; text != "" {
			return clean(text)
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

func (p *alertsPane) rules(a *controlpb.ListAlertsResponse) []alertRow {
	names := 0
	for _, r := range a.GetRules() {
		names = max(names, width(clean(r.GetName())))
	}
	var rows []alertRow
	for _, r := range a.GetRules() {
		text := p.w.alertState(r.GetState()) + " " + p.w.fit(clean(r.GetName()), min(names, 36))
		if r.GetLastError() != "" {
			text += "  " + p.w.bad.paint("cannot be evaluated: "+clean(r.GetLastError()))
		}
		if severity := r.GetLabels()["severity"]; severity != "" {
			text += "  " + p.w.fit(clean(severity), 6)
		}
		if d := r.GetFor().AsDuration(); d > 0 {
			text += "  " + p.w.faint.paint("for "+humanize.Span(d))
		}
		text += "  " + clean(strings.Join(strings.Fields(r.GetExpr()), " "))
		rows = append(rows, alertRow{text: text, name: r.GetName(), expr: r.GetExpr()})
	}
	return rows
}

func (p *alertsPane) history(a *controlpb.ListAlertsResponse) []alertRow {
	var rows []alertRow
	for _, c := range a.GetHistory() {
		text := fmt.Sprintf("%s %s %s", p.w.faint.paint(c.GetTime().AsTime().In(p.w.now().Location()).Format(time.TimeOnly)), p.w.alertState(c.GetState()), clean(c.GetName()))
		if c.GetSummary() != "" {
			text += "  " + clean(c.GetSummary())
		}
		rows = append(rows, alertRow{text: text, name: c.GetName(), expr: ruleExpr(a, c.GetName())})
	}
	return rows
}

// Select moves the cursor to an alert or its rule as soon as it is there, whatever the filter; empty: to none.
func (p *alertsPane) Select(name string) {
	p.seek = name
	if name != "" {
		p.filter = ""
	}
}

// Expr is the expression of the chosen row, empty if it has none.
func (p *alertsPane) Expr() string {
	if rows := p.rows(); p.at < len(rows) {
		return rows[p.at].expr
	}
	return ""
}

// Scroll moves the choice past headings.
func (p *alertsPane) Scroll(lines int) {
	rows := p.rows()
	if len(rows) == 0 {
		return
	}
	p.at = min(max(p.at+lines, 0), len(rows)-1)
	step := 1
	if lines < 0 {
		step = -1
	}
	p.settle(rows, step)
}

// settle moves the choice from a heading to the next row, and back where there is none.
func (p *alertsPane) settle(rows []alertRow, step int) {
	p.at = min(max(p.at, 0), max(len(rows)-1, 0))
	for range 2 {
		for i := p.at; i >= 0 && i < len(rows); i += step {
			if !rows[i].head {
				p.at = i
				return
			}
		}
		step = -step
	}
}

// Filter returns the pane's filter.
func (p *alertsPane) Filter() *string { return &p.filter }

// Position says which part is in view.
func (p *alertsPane) Position() string { return p.scroll.place() }

// Render draws the alerts, the rules and the history.
func (p *alertsPane) Render(width, height int) string {
	rows := p.rows()
	switch {
	case p.w.status == nil:
		return waiting(p.w, width)
	case p.fail != "":
		return strings.Join(p.w.warn.each(wrap(p.fail, width)), "\n")
	case p.w.alerts == nil:
		return p.w.faint.paint("asking for alerts")
	case len(rows) == 0 && p.filter != "":
		return p.w.faint.paint("nothing matches " + p.filter)
	case len(rows) == 0:
		return strings.Join(p.w.faint.each(wrap("there are no alerting rules; a PrometheusRule that is applied brings some", width)), "\n")
	}
	if i := slices.IndexFunc(rows, func(r alertRow) bool { return r.name == p.seek }); p.seek != "" && i >= 0 {
		p.at, p.seek = i, ""
	}
	p.settle(rows, 1)
	return strings.Join(p.render(len(rows), height, func(i int, chosen bool) []string {
		if rows[i].head {
			return []string{rows[i].text}
		}
		return p.w.marked(rows[i].text, chosen, width)
	}), "\n")
}
