package translate

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
)

// mirrors are the destinations that get a copy of requests.
func (r *router) mirrors(vs *VirtualService, rule *networking.HTTPRoute) []*routev3.RouteAction_RequestMirrorPolicy {
	var policies []*routev3.RouteAction_RequestMirrorPolicy
	if to := rule.GetMirror(); to != nil {
		if share := mirrorShare(rule); share != nil {
			policies = append(policies, r.mirror(vs, to, share))
		}
	}
	for _, m := range rule.GetMirrors() {
		share := &typev3.FractionalPercent{Numerator: 100}
		if m.GetPercentage() != nil {
			share = millionths(m.GetPercentage())
		}
		if share.GetNumerator() > 0 {
			policies = append(policies, r.mirror(vs, m.GetDestination(), share))
		}
	}
	return policies
}

// mirrorShare is how many requests are copied: all, unless a rule names a percentage. Nil: none.
func mirrorShare(rule *networking.HTTPRoute) *typev3.FractionalPercent {
	share := &typev3.FractionalPercent{Numerator: 100}
	//lint:ignore SA1019 Istio still accepts the older field.
	older := rule.GetMirrorPercent()
	switch {
	case rule.GetMirrorPercentage() != nil:
		share = millionths(rule.GetMirrorPercentage())
	case older != nil:
		share.Numerator = older.GetValue()
	}
	if share.GetNumerator() == 0 {
		return nil
	}
	return share
}

func (r *router) mirror(vs *VirtualService, to *networking.Destination, share *typev3.FractionalPercent) *routev3.RouteAction_RequestMirrorPolicy {
	return &routev3.RouteAction_RequestMirrorPolicy{
		Cluster:                       r.cluster(vs, to),
		RuntimeFraction:               &corev3.RuntimeFractionalPercent{DefaultValue: share},
		TraceSampled:                  wrapperspb.Bool(false),
		DisableShadowHostSuffixAppend: true,
	}
}
