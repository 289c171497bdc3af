package record

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts requests under Istio's names, with those of its labels that tell edges, versions and failures apart.
type Metrics struct {
	workload, namespace, version string

	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	// retries are counted by cluster, and what policies denied by caller, both under Envoy's names.
	retries, denied, tokens *prometheus.CounterVec
	tcp                     tcpMetrics
}

// NewMetrics returns the measurements of a workload's sidecar.
func NewMetrics(workload, namespace, version string) *Metrics {
	labels := []string{
		"reporter", "source_workload", "source_principal", "destination_service", "destination_service_name", "destination_version",
		"request_protocol", "response_code", "grpc_response_status", "response_flags", "connection_security_policy",
	}
	return &Metrics{
		workload: workload, namespace: namespace, version: version, tcp: newTCPMetrics(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "istio_requests_total", Help: "Requests that the sidecar has handled, by their edge and how they ended.",
		}, labels),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "istio_request_duration_milliseconds", Help: "How long requests took, by their edge.",
			Buckets: []float64{0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000},
		}, []string{"reporter", "source_workload", "destination_service", "destination_service_name", "destination_version"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "envoy_cluster_upstream_rq_retry", Help: "Attempts at requests after the first.",
		}, []string{"cluster_name"}),
		denied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "envoy_http_rbac_denied", Help: "Requests that an AuthorizationPolicy denied, by their caller.",
		}, []string{"source_principal"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "envoy_http_jwt_authn_denied", Help: "Requests whose token a RequestAuthentication refused, by their caller.",
		}, []string{"source_principal"}),
	}
}

// vectors are all of them.
func (m *Metrics) vectors() []prometheus.Collector {
	return append(m.tcp.vectors(), m.requests, m.duration, m.retries, m.denied, m.tokens)
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, v := range m.vectors() {
		v.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, v := range m.vectors() {
		v.Collect(ch)
	}
}

// Record counts a request, or the end of a connection whose requests are not read. What could not be read as a request is none.
func (m *Metrics) Record(e *Entry) {
	if e.Protocol == "-" {
		m.closed(e)
	}
	if e.Method == "" {
		return
	}
	reporter, source, principal, version := "source", m.workload, "unknown", ""
	service, subset := destination(e)
	name, _, _ := strings.Cut(service, ".")
	if version = cmp.Or(e.Version, subset); version == "" {
		version = "unknown"
	}
	if e.Inbound {
		reporter, source, version = "destination", "unknown", m.version
		if e.Principal != "" {
			principal = e.Principal
			source = e.Principal[strings.LastIndexByte(e.Principal, '/')+1:]
		}
	}
	code := e.GRPCStatus
	if n, err := strconv.ParseUint(code, 10, 8); code != "" && (err != nil || n > 16) {
		code = "unknown" // a callee may write what it likes, and must not make series
	}
	protocol, security := "http", "none"
	if e.GRPC {
		protocol = "grpc"
	}
	switch {
	case e.MutualTLS:
		security = "mutual_tls"
	case !e.Inbound && e.UpstreamLocal == "":
		security = "unknown" // it was not sent
	}
	m.requests.WithLabelValues(reporter, source, principal, service, name, version, protocol, strconv.Itoa(e.Status), code,
		e.Flags.String(), security).Inc()
	m.duration.WithLabelValues(reporter, source, service, name, version).Observe(float64(e.Duration.Microseconds()) / 1000)
	if e.Attempts > 1 && !e.Inbound {
		m.retries.WithLabelValues(e.Cluster).Add(float64(e.Attempts - 1))
	}
	switch {
	case !e.Inbound:
	case strings.HasPrefix(e.Details, "rbac_access_denied"):
		m.denied.WithLabelValues(principal).Inc()
	case strings.HasPrefix(e.Details, "jwt_authn_access_denied"):
		m.tokens.WithLabelValues(principal).Inc()
	}
}

// destination is the service that a request was for, and the subset of it. What a caller itself wrote counts only if nothing else is
// known, without its port, and as no name of its own: it must not make series.
func destination(e *Entry) (service, subset string) {
	if _, rest, ok := strings.Cut(e.Cluster, "|"); ok && strings.Count(rest, "|") == 2 { // direction|port|subset|service
		_, rest, _ = strings.Cut(rest, "|")
		if subset, service, _ = strings.Cut(rest, "|"); service != "" {
			return service, subset
		}
	}
	if service, _, ok := strings.Cut(e.Operation, ":"); ok {
		return service, ""
	}
	if e.Inbound {
		host, _, _ := strings.Cut(e.ServerName, ":")
		if parts := strings.SplitN(host, "_.", 4); len(parts) == 4 && e.MutualTLS {
			return parts[3], ""
		}
	}
	return "unknown", ""
}
