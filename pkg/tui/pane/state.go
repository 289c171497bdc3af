package pane

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/style"
)

// world is what all panes look at. The model alone changes it.
type State struct {
	*style.Theme
	Name         string // of the shop
	Now          func() time.Time
	Status       *controlpb.StatusResponse // nil until the daemon has answered
	Disconnected string                    // why there is no connection; empty while there is one
	Selected     string                    // service
	// alerts and topology are what was told last; nil until then.
	Alerts   *controlpb.ListAlertsResponse
	Topology *controlpb.GetMapResponse
}

func (state *State) Services() []*controlpb.Service { return state.Status.GetServices() }

// service returns the chosen service, nil if there is none.
func (state *State) Service() *controlpb.Service {
	for _, s := range state.Services() {
		if s.GetName() == state.Selected {
			return s
		}
	}
	return nil
}

// take keeps a new status; the choice stays while the service is there.
func (state *State) Apply(status *controlpb.StatusResponse) {
	state.Status = status
	if state.Service() == nil && len(state.Services()) > 0 {
		state.Selected = state.Services()[0].GetName()
	}
}

// choose moves the choice of a service by some places in the order of all.
func (state *State) MoveSelection(by int) {
	all := state.Services()
	i := slices.IndexFunc(all, func(s *controlpb.Service) bool { return s.GetName() == state.Selected })
	if len(all) > 0 {
		state.Selected = all[min(max(i+by, 0), len(all)-1)].GetName()
	}
}

// stateOf is the word for how s does: a fault shows where all else is well.
func StateOf(s *controlpb.Service) string {
	if s.GetState() == "ok" && len(s.GetFaults()) > 0 {
		return style.StateFault
	}
	return s.GetState()
}

// store tells whether s is a store, which is counted apart from the services.
func IsStore(s *controlpb.Service) bool { return s.GetRole() == "store" }

// up counts the services that are ok, and all of them.
func (state *State) CountUp() (ok, all int) {
	for _, s := range state.Services() {
		if IsStore(s) {
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
func (state *State) StorefrontP95() float64 {
	slowest := 0.0
	for _, s := range state.Services() {
		p95 := s.GetStats().GetP95Ms()
		if s.GetName() == "frontend" {
			return p95
		}
		slowest = max(slowest, p95)
	}
	return slowest
}

// noticeable is the share of failing calls from which a service counts as affected.
const minErrorRatio = 0.01

// effects says for each active fault what it does, as the daemon computes it from spans: "payment
// UNAVAILABLE 50% → checkout errors 48% → 47% of orders fail". Before it has, the services' own figures
// tell.
func (state *State) FaultEffects() []string {
	var all []string
	for _, f := range state.Status.GetFaults() {
		text := f.GetService() + " " + f.GetPhrase() + state.errorPath(f.GetService())
		for _, b := range state.Topology.GetBlast() {
			if b.GetFaultId() == f.GetId() && b.GetSentence() != "" {
				text = strings.ReplaceAll(b.GetSentence(), " -> ", " "+state.Arrow+" ")
			}
		}
		all = append(all, text)
	}
	return all
}

// spread follows errors from a service to its callers.
func (state *State) errorPath(from string) string {
	var b strings.Builder
	seen := map[string]bool{}
	for next := []string{from}; len(next) > 0; {
		var callers []string
		for _, s := range state.Services() {
			if seen[s.GetName()] || !slices.Contains(next, s.GetName()) {
				continue
			}
			seen[s.GetName()] = true
			st := s.GetStats()
			if st.GetErrorRatio() < minErrorRatio {
				continue
			}
			fmt.Fprintf(&b, " %s %s %s errors", state.Arrow, s.GetName(), humanize.Percent(st.GetErrorRatio()))
			callers = append(callers, state.callers(s)...)
		}
		next = callers
	}
	return b.String()
}

// callers are the services that depend on s, by either of its names.
func (state *State) callers(s *controlpb.Service) []string {
	var names []string
	for _, c := range state.Services() {
		if slices.Contains(c.GetDependsOn(), s.GetName()) || slices.Contains(c.GetDependsOn(), s.GetWorkload()) {
			names = append(names, c.GetName())
		}
	}
	return names
}

// firing are the alerts that fire.
func (state *State) FiringAlerts() []*controlpb.Alert {
	var all []*controlpb.Alert
	for _, a := range state.Alerts.GetAlerts() {
		if a.GetState() == "firing" {
			all = append(all, a)
		}
	}
	return all
}

// serviceName is what people call a service that spans name by its workload.
func (state *State) ServiceName(name string) string {
	for _, s := range state.Services() {
		if s.GetWorkload() == name {
			return s.GetName()
		}
	}
	return name
}

// waiting is what a pane says before the daemon has answered.
func waiting(state *State, width int) string {
	if state.Disconnected != "" {
		lines := append(style.Wrap(state.Disconnected, width), "", state.Faint.Paint("u starts it, or in a shell: ")+state.Code.Paint(state.Command("up")))
		return strings.Join(lines, "\n")
	}
	return state.Faint.Paint("waiting for the shop")
}

// commandLines draws a command line as it can be pasted.
func (state *State) commandLines(args string, width int) []string {
	return state.HangPainted(state.Faint.Paint("$ "), state.Code.Paint(style.Clean(state.Command(args))), width)
}

// command spells a command line for this shop, to be pasted.
func (state *State) Command(args string) string {
	if state.Name != "" && state.Name != "default" {
		return "shopctl --name " + state.Name + " " + args
	}
	return "shopctl " + args
}
