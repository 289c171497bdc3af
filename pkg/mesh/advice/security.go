package advice

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/suggest"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// OfPeerAuthentication returns the findings about a PeerAuthentication of a namespace.
func OfPeerAuthentication(namespace string, spec *security.PeerAuthentication, world World) []Issue {
	f := &finder{World: world, namespace: namespace}
	labels := spec.GetSelector().GetMatchLabels()
	f.selector("spec.selector.matchLabels", labels)
	if len(spec.GetPortLevelMtls()) > 0 && len(labels) == 0 {
		f.add("spec.portLevelMtls", "has no effect without a selector; name the workload in selector.matchLabels")
	}
	return f.issues
}

// OfRequestAuthentication returns the findings about a RequestAuthentication of a namespace.
func OfRequestAuthentication(namespace string, spec *security.RequestAuthentication, world World) []Issue {
	f := &finder{World: world, namespace: namespace}
	f.selector("spec.selector.matchLabels", spec.GetSelector().GetMatchLabels())
	if len(spec.GetJwtRules()) > 0 && !f.asksForTokens(spec.GetSelector().GetMatchLabels()) {
		f.add("spec.jwtRules", `a request without a token is accepted all the same; to require one, add an AuthorizationPolicy with requestPrincipals: ["*"]`)
	}
	return f.issues
}

// asksForTokens reports whether a policy whose rules name request principals holds for all pods with some labels.
func (f *finder) asksForTokens(labels map[string]string) bool {
	return slices.ContainsFunc(f.Authorizations, func(a Authorization) bool {
		if a.Namespace != f.namespace || !includes(labels, a.Spec.GetSelector().GetMatchLabels()) {
			return false
		}
		return slices.ContainsFunc(a.Spec.GetRules(), func(r *security.Rule) bool {
			return slices.ContainsFunc(r.GetFrom(), func(from *security.Rule_From) bool {
				return len(from.GetSource().GetRequestPrincipals())+len(from.GetSource().GetNotRequestPrincipals()) > 0
			})
		})
	})
}

// OfAuthorizationPolicy returns the findings about an AuthorizationPolicy of a namespace.
func OfAuthorizationPolicy(namespace string, spec *security.AuthorizationPolicy, world World) []Issue {
	f := &finder{World: world, namespace: namespace}
	pods := f.selector("spec.selector.matchLabels", spec.GetSelector().GetMatchLabels())
	grpc := f.allGRPC(pods)
	for i, rule := range spec.GetRules() {
		path := fmt.Sprintf("spec.rules[%d]", i)
		for j, from := range rule.GetFrom() {
			at := fmt.Sprintf("%s.from[%d].source", path, j)
			f.principals(at+".principals", from.GetSource().GetPrincipals())
			f.principals(at+".notPrincipals", from.GetSource().GetNotPrincipals())
		}
		for j, to := range rule.GetTo() {
			if grpc {
				f.operation(fmt.Sprintf("%s.to[%d].operation", path, j), to.GetOperation())
			}
		}
	}
	return f.issues
}

// allGRPC reports whether all of some pods are behind Services of gRPC.
func (f *finder) allGRPC(pods []Workload) bool {
	for _, w := range pods {
		serves := slices.ContainsFunc(f.Services, func(s Service) bool {
			return s.GRPC && s.Namespace == w.Namespace && len(s.Selector) > 0 && includes(w.Labels, s.Selector)
		})
		if !serves {
			return false
		}
	}
	return len(pods) > 0
}

// principals reports names that no peer has.
func (f *finder) principals(path string, principals []string) {
	for i, p := range principals {
		at := fmt.Sprintf("%s[%d]", path, i)
		if rest, ok := strings.CutPrefix(p, "spiffe://"); ok {
			f.add(at, "principals are written without spiffe://, so this never matches; write %s", rest)
			continue
		}
		namespace, account, ok := accountOf(p)
		if !ok || slices.Contains(f.Accounts, namespace+"/"+account) {
			continue
		}
		var names []string
		for _, a := range f.Accounts {
			if in, name, _ := strings.Cut(a, "/"); in == namespace {
				names = append(names, name)
			}
		}
		f.add(at, "there is no ServiceAccount %s in namespace %s, so no peer has this identity%s", account, namespace, suggest.Phrase(account, names))
	}
}

// accountOf is the account in an exact principal "DOMAIN/ns/NAMESPACE/sa/NAME".
func accountOf(principal string) (namespace, account string, ok bool) {
	parts := strings.Split(principal, "/")
	if len(parts) != 5 || parts[1] != "ns" || parts[3] != "sa" || strings.Contains(principal, "*") {
		return "", "", false
	}
	return parts[2], parts[4], true
}

// operation reports what no request of gRPC has.
func (f *finder) operation(path string, o *security.Operation) {
	if methods := o.GetMethods(); len(methods) > 0 && !slices.ContainsFunc(methods, func(m string) bool { return m == "POST" || strings.Contains(m, "*") }) {
		f.add(path+".methods", "requests of gRPC are always POST, so this never matches; write POST, or name the call in paths")
	}
	for i, p := range o.GetPaths() {
		if !strings.Contains(p, "*") && !strings.Contains(p, "{") && !isCall(p) {
			f.add(fmt.Sprintf("%s.paths[%d]", path, i), "paths of gRPC are /PACKAGE.SERVICE/METHOD, so this never matches; write a call such as /hipstershop.PaymentService/Charge, or */Charge")
		}
	}
}

// isCall reports whether a path is that of a gRPC method.
func isCall(path string) bool {
	service, method, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return ok && strings.HasPrefix(path, "/") && service != "" && method != "" && !strings.Contains(method, "/") && strings.Contains(service, ".")
}
