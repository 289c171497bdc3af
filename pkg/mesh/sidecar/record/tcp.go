package record

import (
	"cmp"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// tcpMetrics counts connections whose requests are not read, under Istio's names.
type tcpMetrics struct {
	opened, closed, sent, received *prometheus.CounterVec
	// denied are those that an AuthorizationPolicy denied, by caller, under Envoy's name.
	denied *prometheus.CounterVec
}

func newTCPMetrics() tcpMetrics {
	counter := func(name, help string, more ...string) *prometheus.CounterVec {
		labels := []string{"reporter", "source_workload", "destination_service", "connection_security_policy"}
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append(labels, more...))
	}
	return tcpMetrics{
		opened:   counter("istio_tcp_connections_opened_total", "Connections that the sidecar has passed on, by their edge."),
		closed:   counter("istio_tcp_connections_closed_total", "Connections that have ended, by their edge.", "response_flags"),
		sent:     counter("istio_tcp_sent_bytes_total", "Bytes to callers, counted when a connection ends."),
		received: counter("istio_tcp_received_bytes_total", "Bytes from callers, counted when a connection ends."),
		denied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "envoy_tcp_rbac_denied", Help: "Connections that an AuthorizationPolicy denied, by their caller.",
		}, []string{"source_principal"}),
	}
}

func (m *tcpMetrics) vectors() []prometheus.Collector {
	return []prometheus.Collector{m.opened, m.closed, m.sent, m.received, m.denied}
}

// Opened counts a connection whose requests are not read, once it is known where it leads. Record counts its end.
func (m *Metrics) Opened(e *Entry) { m.tcp.opened.WithLabelValues(m.connection(e)...).Inc() }

// closed counts the end of a connection.
func (m *Metrics) closed(e *Entry) {
	labels := m.connection(e)
	m.tcp.closed.WithLabelValues(append(labels, e.Flags.String())...).Inc()
	m.tcp.sent.WithLabelValues(labels...).Add(float64(e.BytesSent))
	m.tcp.received.WithLabelValues(labels...).Add(float64(e.BytesReceived))
	if e.Inbound && strings.HasPrefix(e.Details, "rbac_access_denied") {
		m.tcp.denied.WithLabelValues(cmp.Or(e.Principal, "unknown")).Inc()
	}
}

// connection are the labels of a connection.
func (m *Metrics) connection(e *Entry) []string {
	service, _ := destination(e)
	reporter, source, security := "source", m.workload, "none"
	if e.Inbound {
		reporter, source = "destination", "unknown"
		if e.Principal != "" {
			source = e.Principal[strings.LastIndexByte(e.Principal, '/')+1:]
		}
	}
	switch {
	case e.MutualTLS:
		security = "mutual_tls"
	case !e.Inbound && e.UpstreamHost == "":
		security = "unknown" // it led nowhere
	}
	return []string{reporter, source, service, security}
}
