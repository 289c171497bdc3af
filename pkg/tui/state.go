package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// world is what all panes look at. The model alone changes it.
type world struct {
	*theme
	name   string // of the shop
	now    func() time.Time
	status *controlpb.StatusResponse // nil until the daemon has answered
	down   string                    // why there is no connection; empty while there is one
	chosen string                    // service
	// alerts and topology are what was told last; nil until then.
	alerts   *controlpb.ListAlertsResponse
	topology *controlpb.GetMapResponse
}

func (w *world) services() []*controlpb.Service { return w.status.GetServices() }

// service returns the chosen service, nil if there is none.
func (w *world) service() *controlpb.Service {
	for _, s := range w.services() {
		if s.GetName() == w.chosen {
			return s
		}
	}
	return nil
}

// take keeps a new status; the choice stays while the service is there.
func (w *world) take(status *controlpb.StatusResponse) {
	w.status = status
	if w.service() == nil && len(w.services()) > 0 {
		w.chosen = w.services()[0].GetName()
	}
}

// choose moves the choice of a service by some places in the order of all.
func (w *world) choose(by int) {
	all := w.services()
	i := slices.IndexFunc(all, func(s *controlpb.Service) bool { return s.GetName() == w.chosen })
	if len(all) > 0 {
		w.chosen = all[min(max(i+by, 0), len(all)-1)].GetName()
	}
}

// stateOf is the word for how s does: a fault shows where all else is well.
func stateOf(s *controlpb.Service) string {
	if s.GetState() == "ok" && len(s.GetFaults()) > 0 {
		return stateFault
	}
	return s.GetState()
}

// store tells whether s is a store, which is counted apart from the services.
func store(s *controlpb.Service) bool { return s.GetRole() == "store" }

// up counts the services that are ok, and all of them.
func (w *world) up() (ok, all int) {
	for _, s := range w.services() {
		if store(s) {
			continue
		}
		all++
		if s.GetState() == "ok" {
			ok++
		}
	}
	return ok, all
}

// edge is the p95 of what users meet, in milliseconds: the storefront's, or else the slowest service's.
func (w *world) edge() float64 {
	slowest := 0.0
	for _, s := range w.services() {
		p95 := s.GetStats().GetP95Ms()
		if s.GetName() == "frontend" {
			return p95
		}
		slowest = max(slowest, p95)
	}
	return slowest
}

// noticeable is the share of failing calls from which a service counts as affected.
const noticeable = 0.01

// effects says for each active fault what it does, as the daemon computes it from spans: "payment
// UNAVAILABLE 50% → checkout errors 48% → 47% of orders fail". Before it has, the services' own figures
// tell.
func (w *world) effects() []string {
	var all []string
	for _, f := range w.status.GetFaults() {
		text := f.GetService() + " " + f.GetPhrase() + w.spread(f.GetService())
		for _, b := range w.topology.GetBlast() {
			if b.GetFaultId() == f.GetId() && b.GetSentence() != "" {
				text = strings.ReplaceAll(b.GetSentence(), " -> ", " "+w.arrow+" ")
			}
		}
		all = append(all, text)
	}
	return all
}

// spread follows errors from a service to its callers.
func (w *world) spread(from string) string {
	var b strings.Builder
	seen := map[string]bool{}
	for next := []string{from}; len(next) > 0; {
		var callers []string
		for _, s := range w.services() {
			if seen[s.GetName()] || !slices.Contains(next, s.GetName()) {
				continue
			}
			seen[s.GetName()] = true
			st := s.GetStats()
			if st.GetErrorRatio() < noticeable {
				continue
			}
			fmt.Fprintf(&b, " %s %s %s errors", w.arrow, s.GetName(), humanize.Percent(st.GetErrorRatio()))
			callers = append(callers, w.callers(s)...)
		}
		next = callers
	}
	return b.String()
}

// callers are the services that depend on s, by either of its names.
func (w *world) callers(s *controlpb.Service) []string {
	var names []string
	for _, c := range w.services() {
		if slices.Contains(c.GetDependsOn(), s.GetName()) || slices.Contains(c.GetDependsOn(), s.GetWorkload()) {
			names = append(names, c.GetName())
		}
	}
	return names
}

// firing are the alerts that fire.
func (w *world) firing() []*controlpb.Alert {
	var all []*controlpb.Alert
	for _, a := range w.alerts.GetAlerts() {
		if a.GetState() == "firing" {
			all = append(all, a)
		}
	}
	return all
}

// serviceName is what people call a service that spans name by its workload.
func (w *world) serviceName(name string) string {
	for _, s := range w.services() {
		if s.GetWorkload() == name {
			return s.GetName()
		}
	}
	return name
}

// waiting is what a pane says before the daemon has answered.
func waiting(w *world, width int) string {
	if w.down != "" {
		lines := append(wrap(w.down, width), "", w.faint.paint("u starts it, or in a shell: ")+w.code.paint(w.command("up")))
		return strings.Join(lines, "\n")
	}
	return w.faint.paint("waiting for the shop")
}

// commandLines draws a command line as it can be pasted.
func (w *world) commandLines(args string, width int) []string {
	return w.paintHang(w.faint.paint("$ "), w.code.paint(clean(w.command(args))), width)
}

// command spells a command line for this shop, to be pasted.
func (w *world) command(args string) string {
	if w.name != "" && w.name != "default" {
		return "shopctl --name " + w.name + " " + args
	}
	return "shopctl " + args
}
