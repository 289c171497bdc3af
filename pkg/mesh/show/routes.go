package show

import (
	"fmt"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	faultv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// Routes are the routes of a sidecar, in the order in which it tries them.
func Routes(r *xds.Resources) []Route {
	var rows []Route
	for _, configuration := range r.Routes {
		var resource proto.Message = configuration
		for _, host := range configuration.GetVirtualHosts() {
			for _, route := range host.GetRoutes() {
				rows = append(rows, Route{
					Name: configuration.GetName(), VirtualHost: host.GetName(), Domains: host.GetDomains(),
					Match: Match(route.GetMatch()), Target: Target(route), Policy: strings.Join(Policy(route), ", "),
					Rule: route.GetName(), Object: ObjectOf(route.GetMetadata()), Part: RuleOf(route.GetMetadata()), Resource: resource,
				})
				resource = nil
			}
		}
	}
	return rows
}

// Match says which requests a route takes.
func Match(m *routev3.RouteMatch) string {
	var words []string
	switch p := m.GetPathSpecifier().(type) {
	case *routev3.RouteMatch_Prefix:
		words = append(words, p.Prefix+"*")
	case *routev3.RouteMatch_Path:
		words = append(words, p.Path)
	case *routev3.RouteMatch_PathSeparatedPrefix:
		words = append(words, p.PathSeparatedPrefix+"/*")
	case *routev3.RouteMatch_SafeRegex:
		words = append(words, "regex "+p.SafeRegex.GetRegex())
	}
	for _, h := range m.GetHeaders() {
		words = append(words, header(h))
	}
	for _, q := range m.GetQueryParameters() {
		words = append(words, "query "+q.GetName())
	}
	return strings.Join(words, " ")
}

func header(h *routev3.HeaderMatcher) string {
	text := h.GetName()
	switch s := h.GetStringMatch(); {
	case s.GetExact() != "":
		text += "=" + s.GetExact()
	case s.GetPrefix() != "":
		text += "=" + s.GetPrefix() + "*"
	case s.GetSuffix() != "":
		text += "=*" + s.GetSuffix()
	case s.GetSafeRegex() != nil:
		text += "~" + s.GetSafeRegex().GetRegex()
	default:
		text += " present"
	}
	if h.GetInvertMatch() {
		return "not " + text
	}
	return text
}

// Target says where a route sends a request.
func Target(route *routev3.Route) string {
	switch a := route.GetAction().(type) {
	case *routev3.Route_Redirect:
		return strings.TrimSpace("redirect to " + a.Redirect.GetHostRedirect() + a.Redirect.GetPathRedirect())
	case *routev3.Route_DirectResponse:
		return fmt.Sprintf("response %d", a.DirectResponse.GetStatus())
	}
	action := route.GetRoute()
	weighted := action.GetWeightedClusters().GetClusters()
	if len(weighted) == 0 {
		return action.GetCluster()
	}
	return shares(weighted, func(w *routev3.WeightedCluster_ClusterWeight) uint32 { return w.GetWeight().GetValue() })
}

// shares names clusters with the share of each, in percent.
func shares[C interface{ GetName() string }](clusters []C, weight func(C) uint32) string {
	var sum uint32
	for _, c := range clusters {
		sum += weight(c)
	}
	var words []string
	for _, c := range clusters {
		words = append(words, fmt.Sprintf("%s %s", percent(float64(weight(c)), float64(sum)), c.GetName()))
	}
	return strings.Join(words, ", ")
}

func percent(part, whole float64) string {
	if whole == 0 {
		return "0%"
	}
	return fmt.Sprintf("%.4g%%", 100*part/whole)
}

// Policy says what else a route does: faults, timeout, retries and mirrors, a phrase each.
func Policy(route *routev3.Route) []string {
	words := Faults(route)
	action := route.GetRoute()
	if t := action.GetTimeout().AsDuration(); t > 0 {
		words = append(words, "timeout "+t.String())
	}
	if r := action.GetRetryPolicy(); r != nil {
		words = append(words, Retries(r))
	}
	for _, m := range action.GetRequestMirrorPolicies() {
		words = append(words, "mirrors "+fraction(m.GetRuntimeFraction())+" to "+m.GetCluster())
	}
	return words
}

// fraction is a share; one that is absent is all.
func fraction(f *corev3.RuntimeFractionalPercent) string {
	if f == nil {
		return "100%"
	}
	return Share(f.GetDefaultValue())
}

// Share is a share in percent.
func Share(p *typev3.FractionalPercent) string {
	whole := map[typev3.FractionalPercent_DenominatorType]float64{
		typev3.FractionalPercent_HUNDRED: 100, typev3.FractionalPercent_TEN_THOUSAND: 1e4, typev3.FractionalPercent_MILLION: 1e6,
	}[p.GetDenominator()]
	return percent(float64(p.GetNumerator()), whole)
}

// Retries says when a request is tried again.
func Retries(r *routev3.RetryPolicy) string {
	text := fmt.Sprintf("%d retries", r.GetNumRetries().GetValue())
	if r.GetNumRetries().GetValue() == 1 {
		text = "1 retry"
	}
	text += " on " + strings.TrimPrefix(r.GetRetryOn(), ",")
	if t := r.GetPerTryTimeout().AsDuration(); t > 0 {
		text += " with " + t.String() + " per try"
	}
	return text
}

// faultFilter is the name of the filter that injects faults.
const faultFilter = "envoy.filters.http.fault"

// Faults says which faults a route injects.
func Faults(route *routev3.Route) []string {
	var words []string
	var fault faultv3.HTTPFault
	config := route.GetTypedPerFilterConfig()[faultFilter]
	if config == nil || config.UnmarshalTo(&fault) != nil {
		return nil
	}
	if d := fault.GetDelay(); d != nil {
		words = append(words, fmt.Sprintf("delay %s %s", d.GetFixedDelay().AsDuration().Round(time.Millisecond), Share(d.GetPercentage())))
	}
	switch e := fault.GetAbort().GetErrorType().(type) {
	case *faultv3.FaultAbort_HttpStatus:
		words = append(words, fmt.Sprintf("abort %d %s", e.HttpStatus, Share(fault.GetAbort().GetPercentage())))
	case *faultv3.FaultAbort_GrpcStatus:
		words = append(words, fmt.Sprintf("abort %s %s", codes.Code(e.GrpcStatus), Share(fault.GetAbort().GetPercentage())))
	}
	return words
}
