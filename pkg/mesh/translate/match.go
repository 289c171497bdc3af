package translate

import (
	"maps"
	"slices"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
)

// translateMatch translates a condition; nil fits every request.
func translateMatch(match *networking.HTTPMatchRequest) *routev3.RouteMatch {
	out := &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}}
	if match == nil {
		return out
	}
	out.CaseSensitive = wrapperspb.Bool(!match.GetIgnoreUriCase())
	switch uri := match.GetUri().GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		out.PathSpecifier = &routev3.RouteMatch_Path{Path: uri.Exact}
	case *networking.StringMatch_Prefix:
		out.PathSpecifier = &routev3.RouteMatch_Prefix{Prefix: uri.Prefix}
	case *networking.StringMatch_Regex:
		out.PathSpecifier = &routev3.RouteMatch_SafeRegex{SafeRegex: regex(uri.Regex)}
	}
	for _, name := range slices.Sorted(maps.Keys(match.GetHeaders())) {
		out.Headers = append(out.Headers, headerMatcher(name, match.GetHeaders()[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(match.GetWithoutHeaders())) {
		value := match.GetWithoutHeaders()[name]
		h := headerMatcher(name, value)
		h.InvertMatch = true
		h.TreatMissingHeaderAsEmpty = !isPresence(value) // a request without the header does not have the value
		out.Headers = append(out.Headers, h)
	}
	for _, pseudo := range []struct {
		name  string
		value *networking.StringMatch
	}{{":method", match.GetMethod()}, {":authority", match.GetAuthority()}, {":scheme", match.GetScheme()}} {
		if pseudo.value != nil {
			out.Headers = append(out.Headers, headerMatcher(pseudo.name, pseudo.value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(match.GetQueryParams())) {
		out.QueryParameters = append(out.QueryParameters, queryMatcher(name, match.GetQueryParams()[name]))
	}
	return out
}

// isPresence reports whether a condition asks only whether there is a value.
func isPresence(m *networking.StringMatch) bool { return m.GetMatchType() == nil }

func headerMatcher(name string, m *networking.StringMatch) *routev3.HeaderMatcher {
	if isPresence(m) {
		return &routev3.HeaderMatcher{Name: name, HeaderMatchSpecifier: &routev3.HeaderMatcher_PresentMatch{PresentMatch: true}}
	}
	return &routev3.HeaderMatcher{Name: name, HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: stringMatcher(m)}}
}

func queryMatcher(name string, m *networking.StringMatch) *routev3.QueryParameterMatcher {
	if isPresence(m) {
		return &routev3.QueryParameterMatcher{
			Name: name, QueryParameterMatchSpecifier: &routev3.QueryParameterMatcher_PresentMatch{PresentMatch: true},
		}
	}
	return &routev3.QueryParameterMatcher{
		Name: name, QueryParameterMatchSpecifier: &routev3.QueryParameterMatcher_StringMatch{StringMatch: stringMatcher(m)},
	}
}

func stringMatcher(m *networking.StringMatch) *matcherv3.StringMatcher {
	switch v := m.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: v.Exact}}
	case *networking.StringMatch_Prefix:
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: v.Prefix}}
	case *networking.StringMatch_Regex:
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: regex(v.Regex)}}
	}
	return nil
}

func regex(text string) *matcherv3.RegexMatcher { return &matcherv3.RegexMatcher{Regex: text} }

// fitsAll reports whether a condition holds for every request.
func fitsAll(m *routev3.RouteMatch) bool {
	return m.GetPrefix() == "/" && len(m.GetHeaders()) == 0 && len(m.GetQueryParameters()) == 0
}
