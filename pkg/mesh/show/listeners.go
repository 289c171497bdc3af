package show

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	rbacv3 "github.com/envoyproxy/go-control-plane/envoy/config/rbac/v3"
	rbacfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/rbac/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

// Listeners are where a sidecar accepts connections, a row for each filter chain.
func Listeners(r *xds.Resources, live Live) []Listener {
	var rows []Listener
	for _, l := range r.Listeners {
		var resource proto.Message = l
		chains := l.GetFilterChains()
		if l.GetDefaultFilterChain() != nil {
			chains = append(chains[:len(chains):len(chains)], l.GetDefaultFilterChain())
		}
		for _, chain := range chains {
			rows = append(rows, Listener{
				Name: l.GetName(), Direction: direction(l.GetName()), Address: cmp.Or(live.Addresses[l.GetName()], Address(l.GetAddress())),
				Match: chainMatch(chain.GetFilterChainMatch()), Destination: destination(chain), Resource: resource,
			})
			resource = nil
		}
	}
	return rows
}

// chainMatch says which connections a filter chain takes.
func chainMatch(m *listenerv3.FilterChainMatch) string {
	var words []string
	switch m.GetTransportProtocol() {
	case "tls":
		words = append(words, "TLS")
		if len(m.GetApplicationProtocols()) > 0 {
			words = append(words, "of the mesh")
		}
	case "raw_buffer":
		words = append(words, "plaintext")
	}
	if len(m.GetServerNames()) > 0 {
		words = append(words, "for "+strings.Join(m.GetServerNames(), ","))
	}
	if len(words) == 0 {
		return "ALL"
	}
	return strings.Join(words, " ")
}

// destination says what a filter chain does with a connection: the filters that may refuse a request, then where it goes.
func destination(chain *listenerv3.FilterChain) string {
	var words []string
	for _, f := range chain.GetFilters() {
		var manager hcmv3.HttpConnectionManager
		var tcp tcpv3.TcpProxy
		config := f.GetTypedConfig()
		switch {
		case config.MessageIs(&manager) && config.UnmarshalTo(&manager) == nil:
			for _, h := range manager.GetHttpFilters() {
				if name := shortFilter(h.GetName()); name == "rbac" || name == "jwt_authn" {
					words = append(words, name)
				}
			}
			words = append(words, managed(&manager))
		case config.MessageIs(&tcp) && config.UnmarshalTo(&tcp) == nil:
			words = append(words, forwarded(&tcp))
		default:
			words = append(words, shortFilter(f.GetName()))
		}
	}
	return strings.Join(words, ", ")
}

// forwarded names the cluster of connections, or several with their shares.
func forwarded(p *tcpv3.TcpProxy) string {
	if p.GetCluster() != "" {
		return "Cluster: " + p.GetCluster()
	}
	return "Clusters: " + shares(p.GetWeightedClusters().GetClusters(), (*tcpv3.TcpProxy_WeightedCluster_ClusterWeight).GetWeight)
}

func managed(m *hcmv3.HttpConnectionManager) string {
	if m.GetRds() != nil {
		return "Route: " + m.GetRds().GetRouteConfigName()
	}
	return "Inline Route: " + m.GetRouteConfig().GetName()
}

// shortFilter is the last part of a filter's name.
func shortFilter(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// Policies are the names of the rules of a sidecar's ALLOW policies, in order.
func Policies(r *xds.Resources) []string {
	if r == nil {
		return nil
	}
	var names []string
	for _, l := range r.Listeners {
		for _, chain := range l.GetFilterChains() {
			for _, f := range chain.GetFilters() {
				var manager hcmv3.HttpConnectionManager
				if !f.GetTypedConfig().MessageIs(&manager) || f.GetTypedConfig().UnmarshalTo(&manager) != nil {
					continue
				}
				for _, h := range manager.GetHttpFilters() {
					names = append(names, allowed(h)...)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// allowed are the names of the rules of one filter, if it allows.
func allowed(h *hcmv3.HttpFilter) []string {
	var config rbacfilterv3.RBAC
	if !h.GetTypedConfig().MessageIs(&config) || h.GetTypedConfig().UnmarshalTo(&config) != nil || config.GetRules().GetAction() != rbacv3.RBAC_ALLOW {
		return nil
	}
	return slices.Collect(maps.Keys(config.GetRules().GetPolicies()))
}
