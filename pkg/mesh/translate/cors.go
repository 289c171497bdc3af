package translate

import (
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	corsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
)

// corsFilter is the name of the filter that lets browsers know which sites may call.
const corsFilter = "envoy.filters.http.cors"

func translateCORS(cors *networking.CorsPolicy) *corsv3.CorsPolicy {
	out := &corsv3.CorsPolicy{
		FilterEnabled:    &corev3.RuntimeFractionalPercent{DefaultValue: &typev3.FractionalPercent{Numerator: 100}},
		AllowMethods:     strings.Join(cors.GetAllowMethods(), ","),
		AllowHeaders:     strings.Join(cors.GetAllowHeaders(), ","),
		ExposeHeaders:    strings.Join(cors.GetExposeHeaders(), ","),
		AllowCredentials: cors.GetAllowCredentials(),
	}
	for _, origin := range cors.GetAllowOrigins() {
		out.AllowOriginStringMatch = append(out.AllowOriginStringMatch, stringMatcher(origin))
	}
	//lint:ignore SA1019 Istio still accepts the older field.
	for _, origin := range cors.GetAllowOrigin() {
		out.AllowOriginStringMatch = append(out.AllowOriginStringMatch, &matcherv3.StringMatcher{
			MatchPattern: &matcherv3.StringMatcher_Exact{Exact: origin},
		})
	}
	switch cors.GetUnmatchedPreflights() {
	case networking.CorsPolicy_FORWARD:
		out.ForwardNotMatchingPreflights = wrapperspb.Bool(true)
	case networking.CorsPolicy_IGNORE:
		out.ForwardNotMatchingPreflights = wrapperspb.Bool(false)
	}
	if cors.GetMaxAge() != nil {
		out.MaxAge = strconv.FormatInt(cors.GetMaxAge().GetSeconds(), 10)
	}
	return out
}
