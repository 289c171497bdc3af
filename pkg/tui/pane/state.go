package pane

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/tui/style"
	"github.com/shopctl/shopctl/pkg/tui/words"
)

// State is shared by all panes. Only the model changes it.
type State struct {
	*style.Theme
	words.Language
	Name         string // of the shop
	Now          func() time.Time
	Status       *controlpb.StatusResponse // nil until the daemon has responded
	Disconnected string                    // why there is no connection; empty while there is one
	Selected     string                    // name of a service
	// Alerts and Topology are the latest ones; nil until the first.
	Alerts   *controlpb.ListAlertsResponse
	Topology *controlpb.GetMapResponse
}

func (state *State) Services() []*controlpb.Service { return state.Status.GetServices() }

// Meshed reports whether an instance has a sidecar of the mesh.
func (state *State) Meshed() bool {
	for _, s := range state.Services() {
		for _, in := range s.GetInstances() {
			for _, c := range in.GetContainers() {
				if c.GetName() == "istio-proxy" {
					return true
				}
			}
		}
	}
	return false
}

// Service returns the selected service, nil if there is none.
func (state *State) Service() *controlpb.Service {
	for _, s := range state.Services() {
		if s.GetName() == state.Selected {
			return s
		}
	}
	return nil
}

// Apply replaces the status; the selection stays while its service exists.
func (state *State) Apply(status *controlpb.StatusResponse) {
	state.Status = status
	if state.Service() == nil && len(state.Services()) > 0 {
		state.Selected = state.Services()[0].GetName()
	}
}

// moveSelection selects another service, by places in the list of all.
func (state *State) moveSelection(by int) {
	all := state.Services()
	i := slices.IndexFunc(all, func(s *controlpb.Service) bool { return s.GetName() == state.Selected })
	if len(all) > 0 {
		state.Selected = all[min(max(i+by, 0), len(all)-1)].GetName()
	}
}

// stateOf is the state of s to show: an active fault replaces "ok".
func stateOf(s *controlpb.Service) string {
	if s.GetState() == "ok" && len(s.GetFaults()) > 0 {
		return style.StateFault
	}
	return s.GetState()
}

// IsStore reports whether s is a store; stores are counted separately from services.
func IsStore(s *controlpb.Service) bool { return s.GetRole() == "store" }

// CountUp counts the services that are ok, and all services.
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

// StorefrontP95 is the latency that users see, in milliseconds: the storefront's, or else the slowest service's.
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

// minErrorRatio is the share of failing calls from which a service counts as affected.
const minErrorRatio = 0.01

// FaultEffects describes the effect of each active fault, as the daemon computes it from spans: "payment UNAVAILABLE
// 50% → checkout errors 48% → 47% of orders fail". Until it has, the stats of the services are used.
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

// errorPath follows errors from a service to its callers.
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

// callers are the services that depend on s, under either of its names.
func (state *State) callers(s *controlpb.Service) []string {
	var names []string
	for _, c := range state.Services() {
		if slices.Contains(c.GetDependsOn(), s.GetName()) || slices.Contains(c.GetDependsOn(), s.GetWorkload()) {
			names = append(names, c.GetName())
		}
	}
	return names
}

// FiringAlerts are the alerts in state firing.
func (state *State) FiringAlerts() []*controlpb.Alert {
	var all []*controlpb.Alert
	for _, a := range state.Alerts.GetAlerts() {
		if a.GetState() == "firing" {
			all = append(all, a)
		}
	}
	return all
}

// ServiceName is the service's own name; spans use the name of its workload.
func (state *State) ServiceName(name string) string {
	for _, s := range state.Services() {
		if s.GetWorkload() == name {
			return s.GetName()
		}
	}
	return name
}

// waiting is shown in a pane before the daemon has responded.
func waiting(state *State, width int) string {
	if state.Disconnected != "" {
		lines := append(style.Wrap(state.Disconnected, width), "", state.Faint.Paint("u starts it; in a shell: ")+state.Code.Paint(state.Command("up")))
		return strings.Join(lines, "\n")
	}
	return state.Faint.Paint(state.Say("waiting for the shop"))
}

// commandLines draws a command line that can be pasted.
func (state *State) commandLines(args string, width int) []string {
	return state.HangPainted(state.Faint.Paint("$ "), state.Code.Paint(style.Clean(state.Command(args))), width)
}

// Command is a command line for this shop that can be pasted.
func (state *State) Command(args string) string {
	if state.Name != "" && state.Name != "default" {
		return "shopctl --name " + state.Name + " " + args
	}
	return "shopctl " + args
}
