package translate

import (
	"fmt"

	rbacv3 "github.com/envoyproxy/go-control-plane/envoy/config/rbac/v3"
	rbacfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/rbac/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	security "istio.io/api/security/v1beta1"
)

// rbacFilter is the name of the filter that allows and denies requests.
const rbacFilter = "envoy.filters.http.rbac"

// AuthorizationPolicy says who may call what.
type AuthorizationPolicy struct {
	Meta
	// DryRun: it is only reported what the policy would do.
	DryRun bool
	Spec   *security.AuthorizationPolicy
}

// authorization is the filter of all policies for a workload with an action; nil if there is none.
func (m *Mesh) authorization(w Workload, action security.AuthorizationPolicy_Action) *hcmv3.HttpFilter {
	enforced, shadow := map[string]*rbacv3.Policy{}, map[string]*rbacv3.Policy{}
	for _, p := range m.AuthorizationPolicies {
		if p.Spec.GetAction() != action || p.Namespace != w.Namespace && p.Namespace != m.RootNamespace ||
			!includes(w.Labels, p.Spec.GetSelector().GetMatchLabels()) {
			continue
		}
		policies := enforced
		if p.DryRun {
			policies = shadow
		}
		p.addTo(policies)
	}
	if len(enforced)+len(shadow) == 0 {
		return nil
	}
	config := &rbacfilterv3.RBAC{}
	if len(enforced) > 0 {
		config.Rules = &rbacv3.RBAC{Action: rbacAction(action), Policies: enforced}
	}
	if len(shadow) > 0 {
		config.ShadowRules = &rbacv3.RBAC{Action: rbacAction(action), Policies: shadow}
		config.ShadowRulesStatPrefix = "istio_dry_run_allow_"
		if action == security.AuthorizationPolicy_DENY {
			config.ShadowRulesStatPrefix = "istio_dry_run_deny_"
		}
	}
	return HTTPFilter(rbacFilter, config)
}

// rbacAction is Envoy's action. A request for an external authorizer is denied: there is none.
func rbacAction(action security.AuthorizationPolicy_Action) rbacv3.RBAC_Action {
	switch action {
	case security.AuthorizationPolicy_ALLOW:
		return rbacv3.RBAC_ALLOW
	case security.AuthorizationPolicy_AUDIT:
		return rbacv3.RBAC_LOG
	}
	return rbacv3.RBAC_DENY
}

// addTo adds the rules of a policy. A policy without rules fits no request, so that one that allows lets none in.
func (p *AuthorizationPolicy) addTo(policies map[string]*rbacv3.Policy) {
	name := func(i int) string {
		name := fmt.Sprintf("ns[%s]-policy[%s]-rule[%d]", p.Namespace, p.Name, i)
		if p.Spec.GetAction() == security.AuthorizationPolicy_CUSTOM {
			name = "istio-ext-authz-" + p.Spec.GetProvider().GetName() + "-" + name + "-deny-due-to-bad-CUSTOM-action"
		}
		return name
	}
	if len(p.Spec.GetRules()) == 0 {
		policies[name(0)] = &rbacv3.Policy{
			Permissions: []*rbacv3.Permission{notPermission(anyPermission())},
			Principals:  []*rbacv3.Principal{notPrincipal(anyPrincipal())},
		}
	}
	for i, rule := range p.Spec.GetRules() {
		policies[name(i)] = p.rule(rule)
	}
}

// rule is one of a policy: one of its sources, one of its operations, and all conditions have to fit.
func (p *AuthorizationPolicy) rule(rule *security.Rule) *rbacv3.Policy {
	callers, calls := p.conditions(rule.GetWhen())
	out := &rbacv3.Policy{}
	for _, from := range rule.GetFrom() {
		out.Principals = append(out.Principals, allPrincipals(append(p.source(from.GetSource()), callers...)))
	}
	if len(out.GetPrincipals()) == 0 {
		out.Principals = []*rbacv3.Principal{allPrincipals(callers)}
	}
	for _, to := range rule.GetTo() {
		out.Permissions = append(out.Permissions, allPermissions(append(operation(to.GetOperation()), calls...)))
	}
	if len(out.GetPermissions()) == 0 {
		out.Permissions = []*rbacv3.Permission{allPermissions(calls)}
	}
	return out
}
