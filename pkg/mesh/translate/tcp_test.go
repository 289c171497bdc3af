package translate

import (
	"testing"

	networkrbacv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/rbac/v3"
	security "istio.io/api/security/v1beta1"
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
