package cluster

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
)

// Cluster is a destination.
type Cluster struct {
	Name string
	// Config is the resource that the cluster was made of. It is not changed.
	Config *clusterv3.Cluster

	ConnectTimeout time.Duration
	// HTTP2: requests go over HTTP/2, else over HTTP/1.1. Downstream: they go over that in which they came.
	HTTP2, Downstream bool
	// IdleTimeout ends a connection without requests, MaxConnectionDuration any; 0: nothing does.
	IdleTimeout, MaxConnectionDuration time.Duration
	// MaxRequestsPerConnection and MaxConcurrentStreams are 0 where they are not limited.
	MaxRequestsPerConnection, MaxConcurrentStreams uint32
	// KeepAlive is nil where the system's defaults hold.
	KeepAlive *corev3.TcpKeepalive
	// OriginalDestination: the cluster has no hosts of its own, but goes where the caller wanted to go.
	OriginalDestination bool

	// Connections, Pending, Requests and Retries are what the circuit breakers count.
	Connections, Pending, Requests, Retries *Breaker

	policy  policy
	panic   float64 // percentage of healthy hosts below which all are used
	sockets sockets
	events  *Events
	outlier *detector // nil: none

	mu    sync.Mutex // of what follows
	hosts map[string]*Host
	order []*Host
	used  atomic.Pointer[hostList]
	gone  bool

	next atomic.Uint64 // of round robin
}

func compile(config *clusterv3.Cluster, events *Events) (*Cluster, error) {
	c := &Cluster{
		Name: config.GetName(), Config: config, ConnectTimeout: 5 * time.Second, panic: 50, events: events, hosts: map[string]*Host{},
		KeepAlive: config.GetUpstreamConnectionOptions().GetTcpKeepalive(),
	}
	if config.GetConnectTimeout() != nil {
		c.ConnectTimeout = config.GetConnectTimeout().AsDuration()
	}
	if threshold := config.GetCommonLbConfig().GetHealthyPanicThreshold(); threshold != nil {
		c.panic = threshold.GetValue()
	}
	switch config.GetType() {
	case clusterv3.Cluster_EDS, clusterv3.Cluster_STATIC:
	case clusterv3.Cluster_ORIGINAL_DST:
		c.OriginalDestination = true
	default:
		return nil, fmt.Errorf("the type %s is not supported: only EDS, STATIC and ORIGINAL_DST are", config.GetType())
	}
	var err error
	if c.policy, err = compilePolicy(config); err != nil {
		return nil, err
	}
	if c.sockets, err = compileSockets(config); err != nil {
		return nil, err
	}
	if err := c.compileProtocol(config); err != nil {
		return nil, err
	}
	c.limit(config.GetCircuitBreakers())
	if config.GetOutlierDetection() != nil {
		c.outlier = newDetector(c, config.GetOutlierDetection())
	}
	c.used.Store(&hostList{})
	return c, nil
}

// httpOptions is Envoy's name of the options for requests to a cluster.
const httpOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

func (c *Cluster) compileProtocol(config *clusterv3.Cluster) error {
	packed := config.GetTypedExtensionProtocolOptions()[httpOptions]
	if packed == nil {
		return nil
	}
	var options httpv3.HttpProtocolOptions
	if err := packed.UnmarshalTo(&options); err != nil {
		return fmt.Errorf("protocol options: %w", err)
	}
	common := options.GetCommonHttpProtocolOptions()
	c.IdleTimeout = common.GetIdleTimeout().AsDuration()
	c.MaxConnectionDuration = common.GetMaxConnectionDuration().AsDuration()
	c.MaxRequestsPerConnection = common.GetMaxRequestsPerConnection().GetValue()
	if http2 := options.GetExplicitHttpConfig().GetHttp2ProtocolOptions(); http2 != nil {
		c.HTTP2 = true
		c.MaxConcurrentStreams = http2.GetMaxConcurrentStreams().GetValue()
	}
	c.Downstream = options.GetUseDownstreamProtocolConfig() != nil
	if t := c.sockets.fallback; t != nil && t.Files != nil {
		names := options.GetUpstreamHttpProtocolOptions()
		t.Files.AutoName, t.Files.Named = names.GetAutoSni(), names.GetAutoSanValidation()
	}
	return nil
}

// endpoint is a host as resources describe it.
type endpoint struct {
	address string
	config  *endpointv3.LbEndpoint
}

// resolve lists the endpoints of a cluster.
func (c *Cluster) resolve(assignments map[string]*endpointv3.ClusterLoadAssignment) ([]endpoint, error) {
	assignment := c.Config.GetLoadAssignment()
	if c.Config.GetType() == clusterv3.Cluster_EDS {
		name := c.Config.GetEdsClusterConfig().GetServiceName()
		if name == "" {
			name = c.Name
		}
		assignment = assignments[name]
	}
	var all []endpoint
	known := map[string]bool{}
	for _, locality := range assignment.GetEndpoints() {
		for _, e := range locality.GetLbEndpoints() {
			address, err := addressOf(e.GetEndpoint().GetAddress())
			if err != nil {
				return nil, err
			}
			if !known[address] { // the first counts
				known[address] = true
				all = append(all, endpoint{address, e})
			}
		}
	}
	return all, nil
}

// addressOf is an address as it is dialed: "127.0.0.1:50051", or "unix:/path".
func addressOf(a *corev3.Address) (string, error) {
	switch kind := a.GetAddress().(type) {
	case *corev3.Address_SocketAddress:
		return joinHostPort(kind.SocketAddress.GetAddress(), kind.SocketAddress.GetPortValue()), nil
	case *corev3.Address_Pipe:
		return "unix:" + kind.Pipe.GetPath(), nil
	}
	return "", fmt.Errorf("an endpoint has an address of %T, which is not supported", a.GetAddress())
}

// Hosts returns the hosts in the order of the resources.
func (c *Cluster) Hosts() []*Host { return c.used.Load().all }

// setHosts replaces the hosts. Those whose address stays are kept, with their outlier state.
func (c *Cluster) setHosts(endpoints []endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hosts := make(map[string]*Host, len(endpoints))
	order := make([]*Host, 0, len(endpoints))
	for _, e := range endpoints {
		h := c.hosts[e.address]
		if h == nil {
			h = newHost(c, e)
		} else {
			delete(c.hosts, e.address)
			if h.change(e) && c.events.Drain != nil {
				c.events.Drain(h)
			}
		}
		hosts[e.address] = h
		order = append(order, h)
	}
	for _, h := range c.hosts {
		c.forget(h)
	}
	c.hosts, c.order = hosts, order
	c.refresh()
}

// forget drops a host that is gone.
func (c *Cluster) forget(h *Host) {
	if h.ejected.Swap(false) && c.outlier != nil {
		c.outlier.active--
	}
	h.gone = true
	if c.events.Drain != nil {
		c.events.Drain(h)
	}
}

// close drains the hosts, and ends the timer.
func (c *Cluster) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	if c.outlier != nil {
		c.outlier.stop()
	}
	for _, h := range c.order {
		c.forget(h)
	}
	c.hosts, c.order = nil, nil
}
