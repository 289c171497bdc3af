package topology_test

import (
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/topology"
)

func TestWithSidecarsEachCallIsOneOfThreeAndKeepsItsOwnFigures(t *testing.T) {
	traffic := func(n int64) topology.Traffic { return topology.Traffic{Requests: n, Rate: float64(n)} }
	m := topology.Map{Edges: []topology.Edge{
		{Caller: "user", Callee: "frontend", Traffic: traffic(5)},
		{Caller: "frontend", Callee: "cart", Traffic: traffic(10), Failures: []string{"UNAVAILABLE"}, Mesh: &topology.Mesh{MutualTLS: 9}},
		{Caller: "cart", Callee: "redis-cart", Traffic: traffic(20), Mesh: &topology.Mesh{MutualTLSConnections: 2}},
		{Caller: "old", Callee: "cart", Traffic: traffic(3)},
	}}
	pair := func(a, b string) [2]string { return [2]string{a, b} }
	got := m.WithSidecars(topology.Hops{
		Sent:     map[[2]string]topology.Traffic{pair("istio-ingressgateway", "frontend"): traffic(4), pair("frontend", "cart"): traffic(9)},
		Served:   map[[2]string]topology.Traffic{pair("istio-ingressgateway", "frontend"): traffic(3), pair("frontend", "cart"): traffic(8), pair("old", "cart"): traffic(2)},
		Gateways: map[string]bool{"istio-ingressgateway": true},
	})
	var lines []string
	for _, e := range got.Edges {
		line := e.Caller + " -> " + e.Callee + " " + string(rune('0'+e.Traffic.Requests%10)) + strings.Join(e.Failures, "")
		if e.Mesh != nil {
			line += " " + e.Mesh.Security()
		}
		lines = append(lines, line)
	}
	want := `user -> istio-ingressgateway 5
istio-ingressgateway -> frontend's sidecar from istio-ingressgateway 4
frontend's sidecar from istio-ingressgateway -> frontend 3
frontend -> frontend's sidecar to cart 0UNAVAILABLE
frontend's sidecar to cart -> cart's sidecar from frontend 9 mTLS
cart's sidecar from frontend -> cart 8
cart -> redis-cart 0 mTLS
old -> cart's sidecar from old 3
cart's sidecar from old -> cart 2`
	if text := strings.Join(lines, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if text := strings.Join(topology.Text(got, topology.Style{ASCII: true}), "\n"); !strings.Contains(text, "cart's sidecar from frontend") {
		t.Error(text)
	}
}
