package translate

import (
	"strings"
	"testing"

	networkrbacv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/rbac/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/show"
)

// connectionPolicies are the names of the rules that the filter of an action has for the connections of a workload.
func connectionPolicies(t *testing.T, p *security.AuthorizationPolicy) (names []string, filters int) {
	t.Helper()
	m := &Mesh{AuthorizationPolicies: []AuthorizationPolicy{{Meta: Meta{Name: "p", Namespace: "production"}, Spec: p}}}
	all := m.tcpFilters(Workload{Namespace: "production"}, Port{Number: 6379, TargetPort: 6379})
	for _, f := range all[:len(all)-1] {
		var config networkrbacv3.RBAC
		if err := f.GetTypedConfig().UnmarshalTo(&config); err != nil {
			t.Fatal(err)
		}
		for name, policy := range config.GetRules().GetPolicies() {
			if policy.GetPermissions()[0].GetNotRule() == nil {
				names = append(names, name)
			}
		}
	}
	return names, len(all)
}

func TestAPolicyAboutRequestsAllowsNoConnection(t *testing.T) {
	methods := &security.Rule{To: []*security.Rule_To{{Operation: &security.Operation{Methods: []string{"GET"}}}}}
	names, filters := connectionPolicies(t, &security.AuthorizationPolicy{Rules: []*security.Rule{methods}})
	if len(names) != 0 || filters != 2 {
		t.Errorf("rules %v in %d filters, want none that fits in 2", names, filters)
	}
}

func TestAPolicyAboutRequestsDeniesConnectionsWithoutThatCondition(t *testing.T) {
	methods := &security.Rule{To: []*security.Rule_To{{Operation: &security.Operation{Methods: []string{"GET"}}}}}
	names, _ := connectionPolicies(t, &security.AuthorizationPolicy{Action: security.AuthorizationPolicy_DENY, Rules: []*security.Rule{methods}})
	if len(names) != 1 {
		t.Errorf("rules %v, want one", names)
	}
}

func TestAPolicyAboutCallersHoldsForConnections(t *testing.T) {
	from := &security.Rule{From: []*security.Rule_From{{Source: &security.Source{Principals: []string{"cluster.local/ns/production/sa/cartservice"}}}}}
	names, filters := connectionPolicies(t, &security.AuthorizationPolicy{Rules: []*security.Rule{from}})
	if len(names) != 1 || filters != 2 {
		t.Errorf("rules %v in %d filters", names, filters)
	}
}

// redis is a mesh with one service of TCP, and another with another port, to which a rule leads.
func redis(rules ...*networking.TCPRoute) (*Mesh, *Service) {
	m := &Mesh{
		Domain: "cluster.local", Services: []Service{
			{Name: "redis-cart", Namespace: "production", Ports: []Port{{Number: 6379, TargetPort: 6379}}},
			{Name: "valkey", Namespace: "production", Ports: []Port{{Number: 7000, TargetPort: 7000}}},
		},
		VirtualServices: []VirtualService{{
			Meta: Meta{Name: "redis", Namespace: "production"}, Spec: &networking.VirtualService{Hosts: []string{"redis-cart"}, Tcp: rules},
		}},
	}
	return m, &m.Services[0]
}

// forwards is where connections of a caller go, and by which rule and match.
func forwards(t *testing.T, m *Mesh, s *Service, from Proxy) (clusters, rule string) {
	t.Helper()
	chain := m.TCPChain(from, s, s.Ports[0])
	var config tcpproxyv3.TcpProxy
	if err := chain.GetFilters()[0].GetTypedConfig().UnmarshalTo(&config); err != nil {
		t.Fatal(err)
	}
	if err := config.ValidateAll(); err != nil {
		t.Errorf("Envoy would refuse it: %v", err)
	}
	names := []string{config.GetCluster()}
	for _, c := range config.GetWeightedClusters().GetClusters() {
		names = append(names, c.GetName())
	}
	return strings.Join(names, " "), show.RuleOf(chain.GetMetadata()) + " " + show.OriginOf(chain.GetMetadata(), "match")
}

func to(host, subset string, weight int32) *networking.RouteDestination {
	return &networking.RouteDestination{Destination: &networking.Destination{Host: host, Subset: subset}, Weight: weight}
}

func TestTheFirstRuleForTCPThatFitsTheCallerHolds(t *testing.T) {
	m, s := redis(
		&networking.TCPRoute{
			Match: []*networking.L4MatchAttributes{{Port: 6380}, {SourceLabels: map[string]string{"app": "cart"}}},
			Route: []*networking.RouteDestination{to("redis-cart", "v2", 0)},
		},
		&networking.TCPRoute{
			Match: []*networking.L4MatchAttributes{{DestinationSubnets: []string{"10.0.0.0/8"}}},
			Route: []*networking.RouteDestination{to("redis-cart", "v3", 0)},
		},
		&networking.TCPRoute{Route: []*networking.RouteDestination{to("valkey", "", 0)}},
	)
	for name, tc := range map[string]struct {
		from        Proxy
		where, rule string
	}{
		"by its labels": {Proxy{Namespace: "production", Labels: map[string]string{"app": "cart"}}, "outbound|6379|v2|redis-cart.production.svc.cluster.local", "spec.tcp[0] spec.tcp[0].match[1]"},
		"and else, with the port of the other service": {Proxy{Namespace: "production"}, "outbound|7000||valkey.production.svc.cluster.local", "spec.tcp[2] "},
	} {
		t.Run(name, func(t *testing.T) {
			if where, rule := forwards(t, m, s, tc.from); where != tc.where || rule != tc.rule {
				t.Errorf("connections go to %s by %q, want %s by %q", where, rule, tc.where, tc.rule)
			}
		})
	}
}

func TestConnectionsAreSharedByWeightWithoutThoseOfNone(t *testing.T) {
	m, s := redis(&networking.TCPRoute{Route: []*networking.RouteDestination{to("redis-cart", "v1", 90), to("redis-cart", "v2", 0), to("redis-cart", "v3", 10)}})
	where, _ := forwards(t, m, s, Proxy{Namespace: "production"})
	if want := " outbound|6379|v1|redis-cart.production.svc.cluster.local outbound|6379|v3|redis-cart.production.svc.cluster.local"; where != want {
		t.Errorf("connections go to%s, want%s", where, want)
	}
}

func TestConnectionsThatNoRuleIsForGoToAllInstances(t *testing.T) {
	m, s := redis(&networking.TCPRoute{
		Match: []*networking.L4MatchAttributes{{SourceNamespace: "elsewhere"}}, Route: []*networking.RouteDestination{to("redis-cart", "v2", 0)},
	})
	if where, rule := forwards(t, m, s, Proxy{Namespace: "production"}); where != "outbound|6379||redis-cart.production.svc.cluster.local" || rule != " " {
		t.Errorf("connections go to %s by %q", where, rule)
	}
}
