package validate

import (
	networking "istio.io/api/networking/v1alpha3"
)

func (c *checker) destinationRule(dr *networking.DestinationRule) {
	c.domain(dr.GetHost())
	if dr.GetTrafficPolicy() != nil {
		c.policy(dr.GetTrafficPolicy())
	}
	known := map[string]bool{}
	for _, s := range dr.GetSubsets() {
		if known[s.GetName()] {
			c.refuse("duplicate subset names: %s", s.GetName())
		}
		known[s.GetName()] = true
		if s.GetTrafficPolicy() != nil {
			c.policy(s.GetTrafficPolicy())
		}
	}
}

func (c *checker) policy(p *networking.TrafficPolicy) {
	c.outliers(p.GetOutlierDetection())
	c.pool(p.GetConnectionPool())
	c.tls(p.GetTls())
	for _, port := range p.GetPortLevelSettings() {
		c.outliers(port.GetOutlierDetection())
		c.pool(port.GetConnectionPool())
		c.tls(port.GetTls())
	}
}

func (c *checker) outliers(o *networking.OutlierDetection) {
	c.duration(o.GetBaseEjectionTime())
	//lint:ignore SA1019 Istio still accepts the older field.
	if o.GetConsecutiveErrors() != 0 {
		c.warn("outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or consecutive5xxErrors instead")
	}
	c.refuseIf(!o.GetSplitExternalLocalOriginErrors() && o.GetConsecutiveLocalOriginFailures().GetValue() > 0,
		"outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false")
	c.duration(o.GetInterval())
	c.percent(o.GetMaxEjectionPercent())
	c.percent(o.GetMinHealthPercent())
}

func (c *checker) pool(p *networking.ConnectionPoolSettings) {
	if p == nil {
		return
	}
	http, tcp := p.GetHttp(), p.GetTcp()
	c.refuseIf(http == nil && tcp == nil, "connection pool must have at least one field")
	c.refuseIf(http.GetHttp1MaxPendingRequests() < 0, "http1 max pending requests must be non-negative")
	c.refuseIf(http.GetHttp2MaxRequests() < 0, "http2 max requests must be non-negative")
	c.refuseIf(http.GetMaxRequestsPerConnection() < 0, "max requests per connection must be non-negative")
	c.refuseIf(http.GetMaxRetries() < 0, "max retries must be non-negative")
	c.duration(http.GetIdleTimeout())
	c.refuseIf(http.GetMaxConcurrentStreams() < 0, "max concurrent streams must be non-negative")
	c.refuseIf(tcp.GetMaxConnections() < 0, "max connections must be non-negative")
	c.duration(tcp.GetConnectTimeout())
	c.duration(tcp.GetMaxConnectionDuration())
	c.duration(tcp.GetIdleTimeout())
}

func (c *checker) tls(t *networking.ClientTLSSettings) {
	if t.GetMode() == networking.ClientTLSSettings_MUTUAL && t.GetCredentialName() == "" {
		c.refuseIf(t.GetClientCertificate() == "", "client certificate required for mutual tls")
		c.refuseIf(t.GetPrivateKey() == "", "private key required for mutual tls")
	}
}
