package translate

import (
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
)

// httpOptions is the name of the options for calls to a cluster.
const httpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

// limitConnections bounds connections, what waits for them, and retries. The limits of a cluster hold for one sidecar.
func limitConnections(c *clusterv3.Cluster, pool *networking.ConnectionPoolSettings, budget *networking.TrafficPolicy_RetryBudget) {
	tcp, http := pool.GetTcp(), pool.GetHttp()
	c.CircuitBreakers = &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{
		MaxConnections:     wrapperspb.UInt32(limit(tcp.GetMaxConnections())),
		MaxPendingRequests: wrapperspb.UInt32(limit(http.GetHttp1MaxPendingRequests())),
		MaxRequests:        wrapperspb.UInt32(limit(http.GetHttp2MaxRequests())),
		MaxRetries:         wrapperspb.UInt32(limit(http.GetMaxRetries())),
		RetryBudget:        retryBudget(budget),
	}}}
	if tcp.GetConnectTimeout() != nil {
		c.ConnectTimeout = tcp.GetConnectTimeout()
	}
	if alive := tcp.GetTcpKeepalive(); alive != nil {
		keep := &corev3.TcpKeepalive{}
		if alive.GetProbes() > 0 {
			keep.KeepaliveProbes = wrapperspb.UInt32(alive.GetProbes())
		}
		if alive.GetTime() != nil {
			keep.KeepaliveTime = wrapperspb.UInt32(uint32(alive.GetTime().GetSeconds()))
		}
		if alive.GetInterval() != nil {
			keep.KeepaliveInterval = wrapperspb.UInt32(uint32(alive.GetInterval().GetSeconds()))
		}
		c.UpstreamConnectionOptions = &clusterv3.UpstreamConnectionOptions{TcpKeepalive: keep}
	}
}

// retryBudget bounds the retries under way to a share of the requests under way; Envoy then ignores MaxRetries. What is
// not set stays Envoy's default: 20 percent, and 3 retries at least.
func retryBudget(in *networking.TrafficPolicy_RetryBudget) *clusterv3.CircuitBreakers_Thresholds_RetryBudget {
	if in == nil {
		return nil
	}
	out := &clusterv3.CircuitBreakers_Thresholds_RetryBudget{}
	if percent := in.GetPercent(); percent != nil {
		out.BudgetPercent = &typev3.Percent{Value: percent.GetValue()}
	}
	if least := in.GetMinRetryConcurrency(); least > 0 {
		out.MinRetryConcurrency = wrapperspb.UInt32(least)
	}
	return out
}

// upgrades reports whether a service of HTTP/1.1 is called with HTTP/2.
func upgrades(p Protocol, http *networking.ConnectionPoolSettings_HTTPSettings) bool {
	return p == HTTP && http.GetH2UpgradePolicy() == networking.ConnectionPoolSettings_HTTPSettings_UPGRADE
}

// speakHTTP chooses the version of HTTP, and how long connections serve.
func speakHTTP(c *clusterv3.Cluster, http2 bool, pool *networking.ConnectionPoolSettings, names *corev3.UpstreamHttpProtocolOptions) {
	common := &corev3.HttpProtocolOptions{
		IdleTimeout: pool.GetHttp().GetIdleTimeout(), MaxConnectionDuration: pool.GetTcp().GetMaxConnectionDuration(),
	}
	if n := pool.GetHttp().GetMaxRequestsPerConnection(); n > 0 {
		common.MaxRequestsPerConnection = wrapperspb.UInt32(uint32(n))
	}
	if common.GetIdleTimeout() == nil && common.GetMaxConnectionDuration() == nil && common.GetMaxRequestsPerConnection() == nil {
		common = nil
	}
	if !http2 && common == nil && names == nil {
		return
	}
	explicit := &httpv3.HttpProtocolOptions_ExplicitHttpConfig{}
	if http2 {
		options := &corev3.Http2ProtocolOptions{}
		if n := pool.GetHttp().GetMaxConcurrentStreams(); n > 0 {
			options.MaxConcurrentStreams = wrapperspb.UInt32(uint32(n))
		}
		explicit.ProtocolConfig = &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{Http2ProtocolOptions: options}
	} else {
		explicit.ProtocolConfig = &httpv3.HttpProtocolOptions_ExplicitHttpConfig_HttpProtocolOptions{
			HttpProtocolOptions: &corev3.Http1ProtocolOptions{},
		}
	}
	c.TypedExtensionProtocolOptions = map[string]*anypb.Any{httpOptions: Pack(&httpv3.HttpProtocolOptions{
		CommonHttpProtocolOptions: common, UpstreamHttpProtocolOptions: names,
		UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{ExplicitHttpConfig: explicit},
	})}
}
