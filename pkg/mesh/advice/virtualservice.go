package advice

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/suggest"
)

// OfVirtualService returns the findings about a VirtualService.
func OfVirtualService(v VirtualService, world World) []Issue {
	f := &finder{World: world, namespace: v.Namespace}
	f.gateways(v.Spec.GetGateways())
	grpc := false
	for i, host := range v.Spec.GetHosts() {
		path := fmt.Sprintf("spec.hosts[%d]", i)
		if !onSidecars(v.Spec) {
			f.hostOfGateways(path, host, v.Spec.GetGateways())
			continue
		}
		if _, ok := f.host(path, host); ok {
			f.olderOne(path, v, host)
		}
		grpc = grpc || f.meant(host).GRPC
	}
	for i, rule := range v.Spec.GetHttp() {
		f.rule(fmt.Sprintf("spec.http[%d]", i), rule, grpc)
	}
	for i, rule := range v.Spec.GetTcp() {
		for j, d := range rule.GetRoute() {
			f.destination(fmt.Sprintf("spec.tcp[%d].route[%d].destination", i, j), d.GetDestination(), theyAreShut)
		}
	}
	f.resent(v.Spec.GetHttp())
	f.order(v.Spec.GetHttp(), grpc)
	return f.issues
}

// olderOne reports another object for the same host that holds instead.
func (f *finder) olderOne(path string, v VirtualService, host string) {
	if !onSidecars(v.Spec) {
		return
	}
	for _, o := range f.VirtualServices {
		if o.Namespace == v.Namespace && o.Name == v.Name || !onSidecars(o.Spec) {
			continue
		}
		same := slices.ContainsFunc(o.Spec.GetHosts(), func(h string) bool {
			return fullName(h, o.Namespace) == fullName(host, v.Namespace)
		})
		if !same {
			continue
		}
		older := cmp.Or(v.Created.Compare(o.Created), strings.Compare(v.Name, o.Name)) > 0 || v.Created.IsZero() // not stored yet
		if older {
			f.add(path, "VirtualService %s is older and has this host: it alone holds, and this one is ignored for the host; change that one", o.Name)
		} else {
			f.add(path, "VirtualService %s has this host too and is younger: it is ignored; put the rules of both in one", o.Name)
		}
		return
	}
}

// onSidecars reports whether sidecars use an object, rather than gateways alone.
func onSidecars(spec *networking.VirtualService) bool {
	return len(spec.GetGateways()) == 0 || slices.Contains(spec.GetGateways(), "mesh")
}

func (f *finder) rule(path string, rule *networking.HTTPRoute, grpc bool) {
	for i, m := range rule.GetMatch() {
		at := fmt.Sprintf("%s.match[%d]", path, i)
		f.upperCase(at+".headers", m.GetHeaders())
		f.upperCase(at+".withoutHeaders", m.GetWithoutHeaders())
	}
	for i, d := range rule.GetRoute() {
		f.destination(fmt.Sprintf("%s.route[%d].destination", path, i), d.GetDestination(), callsFail)
	}
	if m := rule.GetMirror(); m != nil {
		f.destination(path+".mirror", m, callsFail)
	}
	for i, m := range rule.GetMirrors() {
		f.destination(fmt.Sprintf("%s.mirrors[%d].destination", path, i), m.GetDestination(), callsFail)
	}
	f.fault(path+".fault", rule.GetFault())
	f.retries(path, rule, grpc)
}

// upperCase reports names of headers that never match.
func (f *finder) upperCase(path string, headers map[string]*networking.StringMatch) {
	for name := range headers {
		if lower := strings.ToLower(name); lower != name {
			f.add(path+"["+name+"]", "names of headers are in lower case on the wire, so this never matches; write %s", lower)
		}
	}
}

// What happens with what is sent to a subset that is not there.
const (
	callsFail   = "calls fail with UNAVAILABLE"
	theyAreShut = "connections are closed"
)

// destination reports a host or a subset that is not there, and the end of what is sent there.
func (f *finder) destination(path string, d *networking.Destination, end string) {
	s, ok := f.host(path+".host", d.GetHost())
	if !ok || d.GetSubset() == "" {
		return
	}
	var names []string
	for _, r := range f.DestinationRules {
		if fullName(r.Spec.GetHost(), r.Namespace) == s.host() {
			for _, subset := range r.Spec.GetSubsets() {
				names = append(names, subset.GetName())
			}
		}
	}
	if !slices.Contains(names, d.GetSubset()) {
		f.add(path+".subset", "no DestinationRule for %s has the subset %q: %s (flag NC)%s", s.Name, d.GetSubset(), end,
			suggest.Phrase(d.GetSubset(), names))
	}
}

// fault reports faults that are never injected.
func (f *finder) fault(path string, fault *networking.HTTPFaultInjection) {
	switch d := fault.GetDelay(); {
	case d == nil:
	case d.GetHttpDelayType() == nil:
		f.add(path+".delay", "has no effect: it has no duration; add fixedDelay, such as 1s")
	//lint:ignore SA1019 Istio still follows the older field.
	case d.GetPercentage() == nil && d.GetPercent() == 0:
		f.add(path+".delay", "without a percentage no request is delayed; add percentage: {value: 100}")
	}
	switch a := fault.GetAbort(); {
	case a == nil:
	case a.GetErrorType() == nil:
		f.add(path+".abort", "has no effect: it has no status; add httpStatus, or grpcStatus such as UNAVAILABLE")
	case a.GetPercentage() == nil:
		f.add(path+".abort", "without a percentage no request is aborted; add percentage: {value: 100}")
	}
}

// charging is the service whose calls must not be sent twice: it takes money.
const charging = "paymentservice"

// resent reports the first rule that leaves to Istio's defaults whether a payment is sent again.
func (f *finder) resent(rules []*networking.HTTPRoute) {
	for i, rule := range rules {
		if rule.GetRetries() != nil {
			continue
		}
		for _, d := range rule.GetRoute() {
			if f.meant(d.GetDestination().GetHost()).Name == charging {
				f.add(fmt.Sprintf("spec.http[%d]", i), "has no retries, so Istio's default holds: a call that fails with UNAVAILABLE is sent up to two times more, Charge too, and maybe to another instance; add retries: {attempts: 0}, or make sure that it is safe to charge twice")
				return
			}
		}
	}
}

// retries reports policies that do not try again when they seem to.
func (f *finder) retries(path string, rule *networking.HTTPRoute, grpc bool) {
	r := rule.GetRetries()
	on := strings.Split(r.GetRetryOn(), ",")
	if grpc && slices.Contains(on, "gateway-error") && !slices.Contains(on, "unavailable") {
		f.add(path+".retries.retryOn", "gateway-error is about HTTP's status, and a gRPC service that answers UNAVAILABLE has status 200: it is not tried again; add unavailable")
	}
	timeout, perTry := rule.GetTimeout().AsDuration(), r.GetPerTryTimeout().AsDuration()
	switch {
	case perTry == 0:
	case timeout > 0 && perTry >= timeout:
		f.add(path+".retries.perTryTimeout", "is ignored: it is not shorter than the timeout of %v", timeout)
	case r.GetRetryOn() == "" || !slices.ContainsFunc(on, func(c string) bool { return c == "5xx" || c == "gateway-error" || c == "reset" }):
		f.add(path+".retries.perTryTimeout", "a try that takes longer ends, but is not tried again; add reset to retryOn")
	}
}

// order reports rules that no request reaches, where Istio is silent, and requests that no rule takes.
func (f *finder) order(rules []*networking.HTTPRoute, grpc bool) {
	for i, rule := range rules {
		if len(rule.GetMatch()) == 0 {
			return // Istio itself warns of those after it
		}
		if j := slices.IndexFunc(rule.GetMatch(), takesAll); j >= 0 {
			if i+1 < len(rules) {
				f.add(fmt.Sprintf("spec.http[%d]", i+1), "no request reaches this rule: spec.http[%d].match[%d] takes them all; move it to the end", i, j)
			}
			return
		}
		f.hides(rules, i)
	}
	if len(rules) == 0 {
		return
	}
	what := "get 404"
	if grpc {
		what = "fail with UNIMPLEMENTED"
	}
	f.add("spec.http", "every rule has a match: requests that fit none %s (flag NR); add a last rule without a match", what)
}

// hides reports a match that takes all requests of some callers, where rules after it look at the request: they do not hold
// for these callers.
func (f *finder) hides(rules []*networking.HTTPRoute, i int) {
	later := slices.IndexFunc(rules[i+1:], func(r *networking.HTTPRoute) bool {
		return slices.ContainsFunc(r.GetMatch(), func(m *networking.HTTPMatchRequest) bool { return !anyRequest(m) })
	})
	if later < 0 {
		return
	}
	for j, m := range rules[i].GetMatch() {
		if callers := callersOf(m); anyRequest(m) && callers != "" {
			f.add(fmt.Sprintf("spec.http[%d].match[%d]", i, j), "takes all requests %s, so that spec.http[%d] never holds for them; move this rule behind it", callers, i+1+later)
		}
	}
}

// anyRequest reports whether a match looks at nothing of a request itself.
func anyRequest(m *networking.HTTPMatchRequest) bool {
	if p := m.GetUri().GetPrefix(); m.GetUri() != nil && p != "/" {
		return false
	}
	return m.GetScheme() == nil && m.GetMethod() == nil && m.GetAuthority() == nil && len(m.GetHeaders()) == 0 && len(m.GetWithoutHeaders()) == 0 &&
		len(m.GetQueryParams()) == 0
}

// callersOf are the callers that a match is about, in words; empty: all, or none of those with a sidecar.
func callersOf(m *networking.HTTPMatchRequest) string {
	if len(m.GetGateways()) > 0 && !slices.Contains(m.GetGateways(), "mesh") {
		return ""
	}
	var words []string
	for _, name := range sortedKeys(m.GetSourceLabels()) {
		words = append(words, fmt.Sprintf("from pods with %s: %s", name, m.GetSourceLabels()[name]))
	}
	if n := m.GetSourceNamespace(); n != "" {
		words = append(words, "from namespace "+n)
	}
	if m.GetPort() != 0 {
		words = append(words, fmt.Sprintf("to port %d", m.GetPort()))
	}
	return strings.Join(words, " and ")
}

// takesAll reports whether a match takes every request. One about the caller or the port takes all of those callers': see
// hides.
func takesAll(m *networking.HTTPMatchRequest) bool {
	sidecars := len(m.GetGateways()) == 0 || slices.Contains(m.GetGateways(), "mesh")
	return sidecars && anyRequest(m) && callersOf(m) == ""
}
