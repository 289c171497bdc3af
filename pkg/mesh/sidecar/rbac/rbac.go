// Package rbac decides whether a request may come in, by policies compiled once from Envoy's resources. A decision looks
// at nothing but the request it is given, and allocates nothing.
package rbac

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	rbacv3 "github.com/envoyproxy/go-control-plane/envoy/config/rbac/v3"
	rbacfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/rbac/v3"
	rbacnetworkv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/rbac/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

// Filters by Envoy's names.
const (
	HTTPFilter    = "envoy.filters.http.rbac"
	NetworkFilter = "envoy.filters.network.rbac"
)

// Denied is the text for a caller that may not call.
const Denied = "RBAC: access denied"

// Request is what policies see of a request, or of a connection.
type Request struct {
	// HTTP is nil for a connection whose requests are not read. Its path is normalized.
	HTTP *field.Request
	// Peer is the caller's certificate, which was verified; nil: the connection is plain text.
	Peer *Peer
	// DirectIP is the address of the connection's other end, RemoteIP that of the caller behind proxies that are trusted.
	DirectIP, RemoteIP netip.Addr
	Destination        netip.AddrPort
	// ServerName is the one requested in TLS.
	ServerName string
	// Metadata is what other filters found, by the filter's name.
	Metadata map[string]map[string]any
}

// Peer is a certificate's names.
type Peer struct {
	URIs, DNS []string
	Subject   string
}

// Decision is what a filter decides of a request.
type Decision struct {
	Allowed bool
	// Policy is the one that fits the request; "": none does.
	Policy string
	// Shadow is the policy in trial that fits, and ShadowAllowed what it would decide. Without policies in trial it allows.
	Shadow        string
	ShadowAllowed bool
}

// Details are those of a response that says so: "rbac_access_denied_matched_policy[none]".
func (d Decision) Details() string {
	if d.Policy == "" {
		return "rbac_access_denied_matched_policy[none]"
	}
	return "rbac_access_denied_matched_policy[" + d.Policy + "]"
}

// Filter is the policies of one filter. It is not changed.
type Filter struct{ rules, shadow *engine }

// Compile compiles the filter of requests.
func Compile(config *rbacfilterv3.RBAC) (*Filter, error) {
	if config.GetMatcher() != nil || config.GetShadowMatcher() != nil {
		return nil, errors.New("rbac: matchers are not supported: only rules are")
	}
	return compileFilter(config.GetRules(), config.GetShadowRules())
}

// CompileNetwork compiles the filter of connections.
func CompileNetwork(config *rbacnetworkv3.RBAC) (*Filter, error) {
	if config.GetMatcher() != nil || config.GetShadowMatcher() != nil {
		return nil, errors.New("rbac: matchers are not supported: only rules are")
	}
	return compileFilter(config.GetRules(), config.GetShadowRules())
}

func compileFilter(rules, shadow *rbacv3.RBAC) (*Filter, error) {
	f := &Filter{}
	var err error
	if f.rules, err = compileEngine(rules); err != nil {
		return nil, err
	}
	f.shadow, err = compileEngine(shadow)
	return f, err
}

// Evaluate decides of a request.
func (f *Filter) Evaluate(r *Request) Decision {
	d := Decision{Allowed: true, ShadowAllowed: true}
	if f.rules != nil {
		d.Allowed, d.Policy = f.rules.evaluate(r)
	}
	if f.shadow != nil {
		d.ShadowAllowed, d.Shadow = f.shadow.evaluate(r)
	}
	return d
}

// engine is policies with one action.
type engine struct {
	action   rbacv3.RBAC_Action
	policies []policy // by name, as Envoy evaluates them
}

type policy struct {
	name        string
	permissions []permission // any of them
	principals  []principal
}

func compileEngine(rules *rbacv3.RBAC) (*engine, error) {
	if rules == nil {
		return nil, nil
	}
	e := &engine{action: rules.GetAction()}
	for _, name := range slices.Sorted(maps.Keys(rules.GetPolicies())) {
		in := rules.GetPolicies()[name]
		// An expression that is not evaluated must not be taken for one that holds.
		if in.GetCondition() != nil || in.GetCheckedCondition() != nil {
			return nil, fmt.Errorf("rbac policy %q: expressions are not supported", name)
		}
		p := policy{name: name}
		var err error
		if p.permissions, err = compileAll(in.GetPermissions(), compilePermission); err != nil {
			return nil, fmt.Errorf("rbac policy %q: %w", name, err)
		}
		if p.principals, err = compileAll(in.GetPrincipals(), compilePrincipal); err != nil {
			return nil, fmt.Errorf("rbac policy %q: %w", name, err)
		}
		e.policies = append(e.policies, p)
	}
	return e, nil
}

func (e *engine) evaluate(r *Request) (allowed bool, name string) {
	for i := range e.policies {
		p := &e.policies[i]
		if fitsAny(p.permissions, r) && fitsAny(p.principals, r) {
			return e.action != rbacv3.RBAC_DENY, p.name
		}
	}
	return e.action != rbacv3.RBAC_ALLOW, ""
}

// condition is one of a policy: a permission is about the request, a principal about its caller.
type condition func(r *Request) bool

type (
	permission = condition
	principal  = condition
)

func compileAll[M any](in []M, one func(M) (condition, error)) ([]condition, error) {
	all := make([]condition, 0, len(in))
	for _, m := range in {
		c, err := one(m)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func fitsAny(all []condition, r *Request) bool {
	for _, c := range all {
		if c(r) {
			return true
		}
	}
	return false
}

func fitsAll(all []condition, r *Request) bool {
	for _, c := range all {
		if !c(r) {
			return false
		}
	}
	return true
}

func anyOf(all []condition, err error) (condition, error) {
	return func(r *Request) bool { return fitsAny(all, r) }, err
}

func allOf(all []condition, err error) (condition, error) {
	return func(r *Request) bool { return fitsAll(all, r) }, err
}

func not(c condition, err error) (condition, error) {
	return func(r *Request) bool { return !c(r) }, err
}
