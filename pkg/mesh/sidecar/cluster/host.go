package cluster

import (
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/proto"
)

// Host is an endpoint of a cluster. The same endpoint is another host in another cluster, with a state of its own.
type Host struct {
	// Address is what is dialed: "127.0.0.1:50051", or "unix:/path".
	Address string
	Cluster *Cluster

	active  atomic.Int64 // requests
	ejected atomic.Bool
	failing atomic.Bool // it has failed since its last success
	config  atomic.Pointer[hostConfig]
	counted counters // of the cluster's mutex, like what follows
	since   time.Time
	why     Ejection
	times   int // the multiplier of the ejection time
	gone    bool
}

type hostConfig struct {
	endpoint endpoint
	tls      *TLS
	version  string
	healthy  bool // as far as the control plane knows
}

func newHost(c *Cluster, e endpoint) *Host {
	h := &Host{Address: e.address, Cluster: c}
	h.config.Store(h.configured(e))
	return h
}

// change takes over what resources now say of a host, and reports whether connections to it are secured otherwise than
// before.
func (h *Host) change(e endpoint) bool {
	old := h.config.Load()
	if proto.Equal(old.endpoint.config, e.config) {
		return false
	}
	now := h.configured(e)
	h.config.Store(now)
	return old.tls != now.tls
}

func (h *Host) configured(e endpoint) *hostConfig {
	return &hostConfig{e, h.Cluster.sockets.of(e.config.GetMetadata()), versionOf(e.config.GetMetadata()), isHealthy(e)}
}

// versionOf is the version of a workload, as istiod writes it into an endpoint's metadata:
// "WORKLOAD;NAMESPACE;CANONICAL_NAME;CANONICAL_REVISION;CLUSTER". It is empty where there is none.
func versionOf(m *corev3.Metadata) string {
	workload := m.GetFilterMetadata()["istio"].GetFields()["workload"].GetStringValue()
	if parts := strings.Split(workload, ";"); len(parts) == 5 {
		return parts[3]
	}
	return ""
}

func isHealthy(e endpoint) bool {
	switch e.config.GetHealthStatus() {
	case corev3.HealthStatus_UNKNOWN, corev3.HealthStatus_HEALTHY, corev3.HealthStatus_DEGRADED:
		return true
	}
	return false
}

// TLS is how connections to the host are secured; nil: they are not.
func (h *Host) TLS() *TLS { return h.config.Load().tls }

// Version is that of the workload's instance; empty if it is not known.
func (h *Host) Version() string { return h.config.Load().version }

// Metadata is the endpoint's.
func (h *Host) Metadata() *corev3.Metadata { return h.config.Load().endpoint.config.GetMetadata() }

// Begin and End count the requests to the host, by which the least busy one is picked.
func (h *Host) Begin() { h.active.Add(1) }

// End is that of a request that Begin counted.
func (h *Host) End() { h.active.Add(-1) }

// Active is the number of requests to the host at this time.
func (h *Host) Active() int64 { return h.active.Load() }

// Ejected reports whether the host is left out since it failed.
func (h *Host) Ejected() bool { return h.ejected.Load() }

func joinHostPort(host string, port uint32) string {
	return net.JoinHostPort(host, strconv.FormatUint(uint64(port), 10))
}
