// Package issuers reaches the issuers of tokens, for their keys: those of the network, and those that run in the shop.
package issuers

import (
	"context"
	"net"
	"net/http"
	"strconv"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/serviceaddr"
)

// Client fetches the keys of those who issue tokens. A Service of the shop is found under the names that a cluster's DNS has for it in
// every namespace, NAME.NAMESPACE.svc.cluster.local and the shorter ones, as istiod finds it; other hosts are the network's.
func Client(state *orchestrator.State) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	direct := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		now, _ := state.Snapshot()
		if found := addressInShop(now, addr); found != "" {
			addr = found
		}
		return direct(ctx, network, addr)
	}
	return &http.Client{Transport: transport}
}

// addressInShop is the address on this machine of "HOST:PORT" where the host is a Service; empty for others.
func addressInShop(s orchestrator.Snapshot, addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	service, _ := serviceaddr.Parse(host, "")
	number, err := strconv.ParseUint(port, 10, 16)
	if service.Name == "" || service.Namespace == "" || err != nil {
		return ""
	}
	for _, w := range s.Workloads {
		if w.Namespace != service.Namespace {
			continue
		}
		for _, p := range w.Ports {
			if p.Service == service.Name && p.Port == int32(number) {
				return p.Address
			}
		}
	}
	return ""
}
