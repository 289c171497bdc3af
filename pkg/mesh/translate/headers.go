package translate

import (
	"maps"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	networking "istio.io/api/networking/v1alpha3"
)

// headerOperations change the headers of requests and responses.
type headerOperations struct {
	requestAdd, responseAdd       []*corev3.HeaderValueOption
	requestRemove, responseRemove []string
	// authority replaces the request's; empty: it stays.
	authority string
}

func translateHeaders(h *networking.Headers) headerOperations {
	request, response := h.GetRequest(), h.GetResponse()
	o := headerOperations{
		requestAdd:     headerValues(request),
		requestRemove:  removable(request.GetRemove()),
		responseAdd:    headerValues(response),
		responseRemove: removable(response.GetRemove()),
	}
	for _, name := range slices.Sorted(maps.Keys(request.GetSet())) {
		if isAuthority(name) {
			o.authority = request.GetSet()[name]
		}
	}
	return o
}

// headerValues are the headers to set and those to add, each by name.
func headerValues(h *networking.Headers_HeaderOperations) []*corev3.HeaderValueOption {
	var options []*corev3.HeaderValueOption
	for _, part := range []struct {
		values map[string]string
		action corev3.HeaderValueOption_HeaderAppendAction
	}{
		{h.GetSet(), corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD},
		{h.GetAdd(), corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD},
	} {
		for _, name := range slices.Sorted(maps.Keys(part.values)) {
			if !isInternal(name) {
				options = append(options, &corev3.HeaderValueOption{
					Header: &corev3.HeaderValue{Key: name, Value: part.values[name]}, AppendAction: part.action,
				})
			}
		}
	}
	return options
}

func removable(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), isInternal)
}

// isInternal reports whether a header cannot be changed as one: pseudo-headers are part of the protocol.
func isInternal(name string) bool { return strings.HasPrefix(name, ":") || isAuthority(name) }

func isAuthority(name string) bool {
	return strings.EqualFold(name, ":authority") || strings.EqualFold(name, "host")
}

func (o headerOperations) addTo(route *routev3.Route) {
	route.RequestHeadersToAdd = append(route.RequestHeadersToAdd, o.requestAdd...)
	route.RequestHeadersToRemove = append(route.RequestHeadersToRemove, o.requestRemove...)
	route.ResponseHeadersToAdd = append(route.ResponseHeadersToAdd, o.responseAdd...)
	route.ResponseHeadersToRemove = append(route.ResponseHeadersToRemove, o.responseRemove...)
}

// addToWeight changes the headers of one destination of several. The authority of the whole rule goes first.
func (o headerOperations) addToWeight(w *routev3.WeightedCluster_ClusterWeight, authority bool) {
	w.RequestHeadersToAdd, w.RequestHeadersToRemove = o.requestAdd, o.requestRemove
	w.ResponseHeadersToAdd, w.ResponseHeadersToRemove = o.responseAdd, o.responseRemove
	if authority && o.authority != "" {
		w.HostRewriteSpecifier = &routev3.WeightedCluster_ClusterWeight_HostRewriteLiteral{HostRewriteLiteral: o.authority}
	}
}
