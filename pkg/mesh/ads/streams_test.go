package ads_test

import (
	"context"
	"sync"
	"testing"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/ads"
	"github.com/shopctl/shopctl/pkg/mesh/ca"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/agent"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

func TestWhatOneSidecarAcknowledgesIsNotTakenForAnothers(t *testing.T) {
	server, plane, target := serve(t)
	checkout := ca.Identity{TrustDomain: "cluster.local", Namespace: "production", ServiceAccount: "checkoutservice"}
	plane.callers["other"] = ads.Caller{Node: "checkout", Identity: checkout}
	want := map[string]string{}
	for node, ports := range map[string]int{"payment": 1, "checkout": 2} {
		r := resources(t, ports)
		want[node] = r.Version
		if err := server.Set(node, r); err != nil {
			t.Fatal(err)
		}
	}
	accept := func(*xds.Resources) error { return nil }
	follow(t, target, accept)
	other, err := agent.New(agent.Config{Target: target, Node: "checkout", Token: "other", Identity: checkout, Apply: accept, Report: func(err error) { t.Log(err) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { other.Follow(ctx) })
	defer func() { cancel(); running.Wait(); other.Close() }()
	eventually.True(t, "each has its own version in force", func() bool {
		plane.mu.Lock()
		defer plane.mu.Unlock()
		return plane.acked["payment"] == want["payment"] && plane.acked["checkout"] == want["checkout"]
	})
}
