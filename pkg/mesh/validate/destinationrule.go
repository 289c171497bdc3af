package validate

import (
	networking "istio.io/api/networking/v1alpha3"
)

func (c *checker) destinationRule(dr *networking.DestinationRule) {
	c.in("host", func() { c.domain(dr.GetHost()) })
	if dr.GetTrafficPolicy() != nil {
		c.in("trafficPolicy", func() { c.policy(dr.GetTrafficPolicy()) })
	}
	known := map[string]bool{}
	for i, s := range dr.GetSubsets() {
		c.in(item("subsets", i), func() {
			if known[s.GetName()] {
				c.refuse("duplicate subset names: %s", s.GetName())
			}
			known[s.GetName()] = true
			if s.GetTrafficPolicy() != nil {
				c.in("trafficPolicy", func() { c.policy(s.GetTrafficPolicy()) })
			}
		})
	}
}

func (c *checker) policy(p *networking.TrafficPolicy) {
	c.blocks(p)
	for i, port := range p.GetPortLevelSettings() {
		c.in(item("portLevelSettings", i), func() { c.blocks(port) })
	}
}

// blocks are those of a whole policy, or of one port.
func (c *checker) blocks(p interface {
	GetOutlierDetection() *networking.OutlierDetection
	GetConnectionPool() *networking.ConnectionPoolSettings
	GetTls() *networking.ClientTLSSettings
},
) {
	c.in("outlierDetection", func() { c.outliers(p.GetOutlierDetection()) })
	c.in("connectionPool", func() { c.pool(p.GetConnectionPool()) })
	c.in("tls", func() { c.tls(p.GetTls()) })
}

func (c *checker) outliers(o *networking.OutlierDetection) {
	c.in("baseEjectionTime", func() { c.duration(o.GetBaseEjectionTime()) })
	//lint:ignore SA1019 Istio still accepts the older field.
	if o.GetConsecutiveErrors() != 0 {
		c.in("consecutiveErrors", func() {
			c.warn("outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or consecutive5xxErrors instead")
		})
	}
	c.refuseIf(!o.GetSplitExternalLocalOriginErrors() && o.GetConsecutiveLocalOriginFailures().GetValue() > 0,
		"outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false")
	c.in("interval", func() { c.duration(o.GetInterval()) })
	c.in("maxEjectionPercent", func() { c.percent(o.GetMaxEjectionPercent()) })
	c.in("minHealthPercent", func() { c.percent(o.GetMinHealthPercent()) })
}

func (c *checker) pool(p *networking.ConnectionPoolSettings) {
	if p == nil {
		return
	}
	http, tcp := p.GetHttp(), p.GetTcp()
	c.refuseIf(http == nil && tcp == nil, "connection pool must have at least one field")
	c.in("http.http1MaxPendingRequests", func() {
		c.refuseIf(http.GetHttp1MaxPendingRequests() < 0, "http1 max pending requests must be non-negative")
	})
	c.in("http.http2MaxRequests", func() { c.refuseIf(http.GetHttp2MaxRequests() < 0, "http2 max requests must be non-negative") })
	c.in("http.maxRequestsPerConnection", func() {
		c.refuseIf(http.GetMaxRequestsPerConnection() < 0, "max requests per connection must be non-negative")
	})
	c.in("http.maxRetries", func() { c.refuseIf(http.GetMaxRetries() < 0, "max retries must be non-negative") })
	c.in("http.idleTimeout", func() { c.duration(http.GetIdleTimeout()) })
	c.in("http.maxConcurrentStreams", func() { c.refuseIf(http.GetMaxConcurrentStreams() < 0, "max concurrent streams must be non-negative") })
	c.in("tcp.maxConnections", func() { c.refuseIf(tcp.GetMaxConnections() < 0, "max connections must be non-negative") })
	c.in("tcp.connectTimeout", func() { c.duration(tcp.GetConnectTimeout()) })
	c.in("tcp.maxConnectionDuration", func() { c.duration(tcp.GetMaxConnectionDuration()) })
	c.in("tcp.idleTimeout", func() { c.duration(tcp.GetIdleTimeout()) })
}

func (c *checker) tls(t *networking.ClientTLSSettings) {
	if t.GetMode() == networking.ClientTLSSettings_MUTUAL && t.GetCredentialName() == "" {
		c.refuseIf(t.GetClientCertificate() == "", "client certificate required for mutual tls")
		c.refuseIf(t.GetPrivateKey() == "", "private key required for mutual tls")
	}
}
