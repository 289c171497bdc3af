package proxy

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/cluster"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/rbac"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/record"
)

// tcpRoute is where connections go whose requests are not read: to one of several clusters, by their weights.
type tcpRoute struct {
	clusters []string
	weights  []uint32 // of each; nil: there is one cluster
	sum      uint64
}

func compileTCP(config *tcpv3.TcpProxy) (*tcpRoute, error) {
	if name := config.GetCluster(); name != "" {
		return &tcpRoute{clusters: []string{name}}, nil
	}
	r := &tcpRoute{}
	for _, c := range config.GetWeightedClusters().GetClusters() {
		r.clusters, r.weights = append(r.clusters, c.GetName()), append(r.weights, c.GetWeight())
		r.sum += uint64(c.GetWeight())
	}
	if r.sum == 0 {
		return nil, fmt.Errorf("a cluster by %T is not supported", config.GetClusterSpecifier())
	}
	return r, nil
}

// pick chooses the cluster of a connection.
func (r *tcpRoute) pick() string {
	if r.weights == nil {
		return r.clusters[0]
	}
	at := rand.Uint64N(r.sum)
	for i, w := range r.weights {
		if at < uint64(w) {
			return r.clusters[i]
		}
		at -= uint64(w)
	}
	return r.clusters[len(r.clusters)-1]
}

// serveTCP passes on a connection whose requests are not read.
func (d *downstream) serveTCP(c *chain) { d.splicing(c, &sniffed{d.conn, d.raw}) }

// splice passes on the bytes of a connection to a cluster.
func (d *downstream) splice(c *chain) { d.splicing(c, &sniffed{d.conn, d.raw}) }

func (d *downstream) splicing(c *chain, conn net.Conn) {
	d.onGraceful(func() {}) // it ends when one of its ends does
	entry := d.entry("-")
	e := &entry
	e.Cluster = c.tcp.pick()
	defer d.listener.proxy.record(e)
	if e.Inbound && d.peer != nil && len(d.peer.URIs) > 0 {
		e.Principal = d.peer.URIs[0]
	}
	opened := func() {
		if d.listener.proxy.opt.Opened != nil {
			d.listener.proxy.opt.Opened(e)
		}
	}
	if denied := d.denial(c); denied != nil {
		e.Details, e.Termination = denied.Details(), "rbac_access_denied"
		opened()
		return
	}
	up, release := d.connect(e.Cluster, e)
	opened()
	if up == nil {
		return
	}
	defer release()
	stop := context.AfterFunc(d.listener.proxy.ctx, func() { _ = up.Close() })
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { e.BytesReceived = pump(up, conn) })
	e.BytesSent = pump(conn, up)
	_ = up.SetReadDeadline(time.Now())
	wg.Wait()
}

// denial is the decision of the policies of connections that denies this one; nil: all let it in.
func (d *downstream) denial(c *chain) *rbac.Decision {
	for _, f := range c.network {
		request := d.rbacRequest()
		if decision := f.Evaluate(&request); !decision.Allowed {
			return &decision
		}
	}
	return nil
}

// pump copies until one end closes, and passes that on.
func pump(to, from net.Conn) int64 {
	n, err := io.Copy(to, from)
	if c, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = c.CloseWrite()
	} else {
		_ = to.Close()
	}
	return n
}

// connect finds a host of a cluster and connects to it.
func (d *downstream) connect(name string, e *record.Entry) (net.Conn, func()) {
	p := d.listener.proxy
	c := p.clusters.Get(name)
	if c == nil {
		e.Flags = record.NC
		return nil, nil
	}
	host, err := c.Pick(0, nil, 0)
	if err != nil {
		e.Flags = record.UH
		return nil, nil
	}
	if !c.Connections.Acquire() {
		e.Flags = record.UO
		return nil, nil
	}
	e.UpstreamHost, e.Attempts = host.Address, 1
	up, principal, err := p.dial(host, false)
	if err != nil {
		c.Connections.Release()
		host.Report(cluster.Failed)
		e.Flags, e.TransportFailure = record.UF, transportFailure(err)
		return nil, nil
	}
	host.Report(cluster.Connected)
	host.Begin()
	if !e.Inbound {
		e.Principal, e.MutualTLS = principal, principal != ""
	}
	return up, func() {
		_ = up.Close()
		host.End()
		c.Connections.Release()
	}
}

// rbacRequest is what policies see of the connection.
func (d *downstream) rbacRequest() rbac.Request {
	r := rbac.Request{Peer: d.peer, ServerName: d.server, DirectIP: d.from.Addr(), RemoteIP: d.from.Addr(), Destination: d.to}
	if port := d.listener.config.Load().port; port != 0 {
		r.Destination = netip.AddrPortFrom(r.Destination.Addr(), port) // the kernel chose the one that was dialed
	}
	return r
}
