package probe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/status"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/shellword"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// Mesh compares the sidecars of a service and what they hold; what is not set is not compared.
type Mesh struct {
	At      strictyaml.Position
	Service string `yaml:"service" lesson:"required"`
	// State of each sidecar: synced, stale, rejected or disconnected; none: the service has no sidecar.
	State Strings `yaml:"state"`
	// Ready is how many sidecars are ready, Restarts how often they have been restarted since the step began.
	Ready    *Bound `yaml:"ready"`
	Restarts *Bound `yaml:"restarts"`
	// Destination is a service that this one calls. What follows is of its clusters, of the one of Subset if that is set.
	Destination string `yaml:"destination"`
	Subset      string `yaml:"subset"`
	// Endpoints counts the instances in the clusters, and Ejected those among them that a sidecar does not call since they failed.
	// Each sidecar ejects for itself; each must be within the bounds.
	Endpoints *Bound `yaml:"endpoints"`
	Ejected   *Bound `yaml:"ejected"`
	// Route and Cluster are found if a line of "shopctl mesh routes" or "clusters" meets the condition: its match, target and policy,
	// or its policy.
	Route   *Match `yaml:"route"`
	Cluster *Match `yaml:"cluster"`
}

// sidecarStates are the values of State.
func sidecarStates() []string { return []string{"synced", "stale", "rejected", "disconnected", "none"} }

// Validate implements Probe.
func (m *Mesh) Validate(report Report) {
	if m.Service == "" {
		report(m.At, "a mesh check names a service")
	}
	for _, state := range m.State {
		if !slices.Contains(sidecarStates(), state) {
			report(m.At, "unknown state %q%s", state, strictyaml.DidYouMean(state, sidecarStates()))
		}
	}
	if len(m.State) == 0 && m.Ready == nil && m.Restarts == nil && !m.held() {
		report(m.At, "a mesh check has state, ready, restarts, endpoints, ejected, route or cluster")
	}
	if m.held() != (m.Destination != "") {
		report(m.At, "endpoints, ejected, route and cluster are those of a destination: name both")
	}
	for _, match := range []*Match{m.Route, m.Cluster} {
		if match != nil && match.empty() {
			report(m.At, "route and cluster have a condition: add equals, contains or matches")
		}
	}
	report.bounds(m.Ready, m.Restarts, m.Endpoints, m.Ejected)
}

// held reports whether what the sidecars hold is compared.
func (m *Mesh) held() bool {
	return m.Endpoints != nil || m.Ejected != nil || m.Route != nil || m.Cluster != nil
}

// ProbeKind implements Probe.
func (*Mesh) ProbeKind() string { return "mesh" }

// NamedServices implements Probe.
func (m *Mesh) NamedServices() []Named { return []Named{{m.Service, m.At}, {m.Destination, m.At}} }

// Lookback implements Probe.
func (*Mesh) Lookback() time.Duration { return 0 }

// Triggers implements Probe.
func (*Mesh) Triggers() Event { return StateChanged }

// Command implements Probe.
func (m *Mesh) Command() string {
	switch {
	case m.Route != nil:
		return shellword.Join("shopctl", "mesh", "routes", m.Service)
	case m.Cluster != nil:
		return shellword.Join("shopctl", "mesh", "clusters", m.Service)
	case m.held():
		return shellword.Join("shopctl", "mesh", "endpoints", m.Service)
	}
	return "shopctl mesh status"
}

// Evidence implements Probe.
func (m *Mesh) Evidence() Evidence { return Evidence{Kind: InstanceEvidence, Service: m.Service} }

// notes collects what was compared.
type notes struct {
	ok                 bool
	expected, observed []string
}

func (n *notes) add(holds bool, name, wanted, is string) {
	n.ok = n.ok && holds
	n.expected = append(n.expected, strings.TrimSpace(name+" "+wanted))
	n.observed = append(n.observed, strings.TrimSpace(name+" "+is))
}

func (n *notes) bound(b *Bound, name string, is int) {
	if b != nil {
		n.add(b.Holds(float64(is)), name, b.String(), fmt.Sprint(is))
	}
}

func (n *notes) result(service string) Result {
	return Result{
		Verdict:  verdict(n.ok),
		Expected: service + ": " + strings.Join(n.expected, ", "), Observed: service + ": " + strings.Join(n.observed, ", "),
	}
}

// sidecars of a service, as its status has them.
type sidecarCounts struct{ ready, restarts int }

// sidecarContainer is the name of a sidecar's container.
const sidecarContainer = "istio-proxy"

func sidecarsOf(s *controlpb.Service) (n sidecarCounts) {
	for _, in := range s.GetInstances() {
		for _, c := range in.GetContainers() {
			if c.GetName() == sidecarContainer {
				n.restarts += int(c.GetRestarts())
				if c.GetReady() {
					n.ready++
				}
			}
		}
	}
	return n
}

// Ask implements Probe. It compares each sidecar of the service.
func (m *Mesh) Ask(ctx context.Context, env Env, base Baseline) Result {
	unknown := func(err error) Result {
		return Result{Verdict: Inconclusive, Expected: m.Service, Observed: status.Convert(err).Message()}
	}
	s, err := env.service(ctx, m.Service)
	if err != nil {
		return unknown(err)
	}
	list, err := env.sidecars(ctx, m.Service)
	if err != nil {
		return unknown(err)
	}
	n := &notes{ok: true}
	m.states(n, list)
	counts := sidecarsOf(s)
	n.bound(m.Ready, "ready sidecars", counts.ready)
	n.bound(m.Restarts, "restarts of sidecars", counts.restarts-base.SidecarRestarts[s.GetName()])
	if !m.held() {
		return n.result(m.Service)
	}
	if len(list) == 0 {
		return Result{Verdict: Inconclusive, Expected: m.Service + " has a sidecar", Observed: m.Service + " has no sidecar"}
	}
	names := env.names(ctx)
	var r Result
	for _, c := range list {
		held, err := env.Shop.GetSidecar(ctx, &controlpb.GetSidecarRequest{Service: c.GetInstance()})
		if err != nil {
			return unknown(err)
		}
		each := &notes{n.ok, slices.Clone(n.expected), slices.Clone(n.observed)}
		m.holds(each, held, names)
		if r = each.result(m.Service); r.Verdict != Pass {
			return r
		}
	}
	return r
}

// states compares the state of each sidecar.
func (m *Mesh) states(n *notes, list []*controlpb.Sidecar) {
	if len(m.State) == 0 {
		return
	}
	if len(list) == 0 {
		n.add(slices.Contains(m.State, "none"), "state", strings.Join(m.State, " or "), "none: it has no sidecar")
		return
	}
	state := list[0].GetState()
	for _, c := range list {
		if !slices.Contains(m.State, c.GetState()) {
			state = c.GetState()
		}
	}
	n.add(slices.Contains(m.State, state), "state", strings.Join(m.State, " or "), state)
}

// of reports whether a cluster is one of the destination and the subset.
func (m *Mesh) of(cluster string, names aliases) bool {
	parts := strings.Split(cluster, "|") // "outbound|50051|v1|paymentservice.production.svc.cluster.local"
	if len(parts) != 4 || parts[0] != "outbound" || m.Subset != "" && parts[2] != m.Subset {
		return false
	}
	host, _, _ := strings.Cut(parts[3], ".")
	return names.same(host, m.Destination)
}

// holds compares what one sidecar holds about the destination.
func (m *Mesh) holds(n *notes, held *controlpb.GetSidecarResponse, names aliases) {
	endpoints, ejected := map[string]bool{}, map[string]bool{}
	for _, e := range held.GetEndpoints() {
		if m.of(e.GetCluster(), names) {
			endpoints[e.GetAddress()] = true
			if e.GetOutlier() != "OK" {
				ejected[e.GetAddress()] = true
			}
		}
	}
	to := m.Destination
	if m.Subset != "" {
		to += " " + m.Subset
	}
	n.bound(m.Endpoints, "endpoints of "+to, len(endpoints))
	n.bound(m.Ejected, "ejected endpoints of "+to, len(ejected))
	var routes, clusters []string
	for _, r := range held.GetRoutes() {
		host, _, _ := strings.Cut(r.GetName(), ".")
		if names.same(host, m.Destination) {
			routes = append(routes, strings.TrimSpace(r.GetMatch()+" "+r.GetTarget()+" "+r.GetPolicy()))
		}
	}
	for _, c := range held.GetClusters() {
		if m.of(c.GetName(), names) {
			clusters = append(clusters, c.GetPolicy())
		}
	}
	n.line(m.Route, "route to "+to, routes)
	n.line(m.Cluster, "cluster of "+to, clusters)
}

// line looks for a line that meets a condition.
func (n *notes) line(want *Match, name string, lines []string) {
	if want == nil {
		return
	}
	is := "is absent"
	if len(lines) > 0 {
		is = short(strings.Join(lines, "; "))
	}
	i := slices.IndexFunc(lines, func(line string) bool { return want.Holds(line) })
	if i >= 0 {
		is = short(lines[i])
	}
	n.add(i >= 0, name, want.String(), is)
}

// sidecars are those of a service, by any of its names.
func (env Env) sidecars(ctx context.Context, service string) ([]*controlpb.Sidecar, error) {
	resp, err := env.Shop.MeshStatus(ctx, &controlpb.MeshStatusRequest{})
	if err != nil {
		return nil, fmt.Errorf("read the sidecars: %w", err)
	}
	names := env.names(ctx)
	return slices.DeleteFunc(resp.GetSidecars(), func(c *controlpb.Sidecar) bool { return !names.same(c.GetService(), service) }), nil
}
