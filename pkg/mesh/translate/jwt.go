package translate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	jwtv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/jwt_authn/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/types/known/emptypb"
	security "istio.io/api/security/v1beta1"
)

// RequestAuthentication says which tokens are valid.
type RequestAuthentication struct {
	Meta
	Spec *security.RequestAuthentication
}

// noKeys verify no token.
const noKeys = `{"keys":[]}`

// authentication is the filter that checks tokens; nil if no object asks for it. A request without a token passes: a policy
// may require one.
func (m *Mesh) authentication(w Workload) *hcmv3.HttpFilter {
	var rules []*security.JWTRule
	for _, a := range m.tokenRules(w) {
		rules = append(rules, a.Spec.GetJwtRules()...)
	}
	if len(rules) == 0 {
		return nil
	}
	slices.SortStableFunc(rules, func(a, b *security.JWTRule) int { return cmp.Compare(a.GetIssuer(), b.GetIssuer()) })
	config := &jwtv3.JwtAuthentication{Providers: map[string]*jwtv3.JwtProvider{}, BypassCorsPreflight: true}
	var names []string
	for i, rule := range rules {
		name := fmt.Sprintf("origins-%d", i)
		names = append(names, name)
		config.Providers[name] = m.provider(rule)
	}
	config.Rules = []*jwtv3.RequirementRule{{
		Match:           &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
		RequirementType: &jwtv3.RequirementRule_Requires{Requires: validIfAny(names)},
	}}
	return HTTPFilter(tokenFilter, config)
}

// tokenRules are the objects that say which tokens a workload takes, the oldest first.
func (m *Mesh) tokenRules(w Workload) []RequestAuthentication {
	var all []RequestAuthentication
	for _, a := range sortedOldest(m.RequestAuthentications, func(a RequestAuthentication) Meta { return a.Meta }) {
		if (a.Namespace == w.Namespace || a.Namespace == m.RootNamespace) && includes(w.Labels, a.Spec.GetSelector().GetMatchLabels()) {
			all = append(all, a)
		}
	}
	return all
}

// tokenPolicies are the paths of those objects that have rules.
func (m *Mesh) tokenPolicies(w Workload) []string {
	var paths []string
	for _, a := range m.tokenRules(w) {
		if len(a.Spec.GetJwtRules()) > 0 {
			paths = append(paths, configPath(a.Namespace, "request-authentication", a.Name))
		}
	}
	return paths
}

// validIfAny requires that tokens are valid where there are some. Providers may look in the same place, where the token is
// one's and not the other's: so any valid token will do, and else each provider must find none or a valid one.
func validIfAny(names []string) *jwtv3.JwtRequirement {
	missing := &jwtv3.JwtRequirement{RequiresType: &jwtv3.JwtRequirement_AllowMissing{AllowMissing: &emptypb.Empty{}}}
	var valid, each []*jwtv3.JwtRequirement
	for _, name := range names {
		one := &jwtv3.JwtRequirement{RequiresType: &jwtv3.JwtRequirement_ProviderName{ProviderName: name}}
		valid = append(valid, one)
		each = append(each, anyOf(one, missing))
	}
	if len(names) == 1 {
		return each[0]
	}
	all := &jwtv3.JwtRequirement{RequiresType: &jwtv3.JwtRequirement_RequiresAll{
		RequiresAll: &jwtv3.JwtRequirementAndList{Requirements: each},
	}}
	return anyOf(append(valid, all)...)
}

func anyOf(list ...*jwtv3.JwtRequirement) *jwtv3.JwtRequirement {
	return &jwtv3.JwtRequirement{RequiresType: &jwtv3.JwtRequirement_RequiresAny{RequiresAny: &jwtv3.JwtRequirementOrList{Requirements: list}}}
}

// FetchedKeys are the keys at the jwksUri of a rule.
type FetchedKeys struct {
	// JWKS is the set; empty while it is not known.
	JWKS string
	// Problem is why it could not be fetched, or not again; empty: it could.
	Problem string
}

// JWKSURIs are the addresses of the keys of all rules that do not have them, each with how long it may take to answer; 0:
// nothing says it. Of several that say it the longest counts.
func (m *Mesh) JWKSURIs() map[string]time.Duration {
	all := map[string]time.Duration{}
	for _, a := range m.RequestAuthentications {
		for _, rule := range a.Spec.GetJwtRules() {
			if uri := rule.GetJwksUri(); uri != "" && rule.GetJwks() == "" {
				all[uri] = max(all[uri], rule.GetTimeout().AsDuration())
			}
		}
	}
	return all
}

// keyProblems are why keys of a workload's rules could not be fetched.
func (m *Mesh) keyProblems(w Workload) []string {
	var all []string
	for _, a := range m.tokenRules(w) {
		for _, rule := range a.Spec.GetJwtRules() {
			if problem := m.Keys[rule.GetJwksUri()].Problem; problem != "" && rule.GetJwks() == "" && !slices.Contains(all, problem) {
				all = append(all, problem)
			}
		}
	}
	return all
}

// provider is an issuer of tokens. Its keys are those in the object, or those that were fetched from its URI. Without keys no
// token is valid.
func (m *Mesh) provider(rule *security.JWTRule) *jwtv3.JwtProvider {
	out := &jwtv3.JwtProvider{
		Issuer:    rule.GetIssuer(),
		Audiences: rule.GetAudiences(),
		JwksSourceSpecifier: &jwtv3.JwtProvider_LocalJwks{LocalJwks: &corev3.DataSource{
			Specifier: &corev3.DataSource_InlineString{InlineString: cmp.Or(rule.GetJwks(), m.Keys[rule.GetJwksUri()].JWKS, noKeys)},
		}},
		FromParams: rule.GetFromParams(), FromCookies: rule.GetFromCookies(),
		Forward: rule.GetForwardOriginalToken(), ForwardPayloadHeader: rule.GetOutputPayloadToHeader(),
		PayloadInMetadata: tokenPayload,
		NormalizePayloadInMetadata: &jwtv3.JwtProvider_NormalizePayload{
			SpaceDelimitedClaims: []string{"permission", "scope"},
		},
	}
	for _, h := range rule.GetFromHeaders() {
		out.FromHeaders = append(out.FromHeaders, &jwtv3.JwtHeader{Name: h.GetName(), ValuePrefix: h.GetPrefix()})
	}
	for _, c := range rule.GetOutputClaimToHeaders() {
		out.ClaimToHeaders = append(out.ClaimToHeaders, &jwtv3.JwtClaimToHeader{HeaderName: c.GetHeader(), ClaimName: c.GetClaim()})
	}
	return out
}
