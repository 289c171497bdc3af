package daemon

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/eventually"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rundir"
)

// virtualServices are the names of those that there are.
func virtualServices(t *testing.T, c *control.Client, overlays bool) (names []string) {
	t.Helper()
	resp, err := c.Get(t.Context(), &controlpb.GetRequest{Kind: "vs", Overlays: overlays})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range resp.GetObjects() {
		names = append(names, o.GetName())
	}
	return names
}

func TestFaultsInSidecarsEndWithTheirOwnerOrTheShopAndAreStoredNowhere(t *testing.T) {
	vars := home(t)
	withMesh := func(c *Config) { c.Only, c.Mesh = []string{"cart"}, MeshOn }
	c := open(t, vars, withMesh)
	inMesh(t, c, true)
	st := await(t, c, "cart is ready", func(st *controlpb.StatusResponse) bool { return find(st, "cart").GetState() == "ok" })
	conn, err := grpc.NewClient(find(st, "cart").GetAddress(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	works := func() bool {
		_, err := hipstershop.NewCartServiceClient(conn).GetCart(t.Context(), &hipstershop.GetCartRequest{UserId: "someone"})
		return err == nil
	}
	inject := func(f *controlpb.Fault) {
		t.Helper()
		f.Service, f.Owner = "cart", "lesson x"
		if _, err := c.InjectFault(t.Context(), &controlpb.InjectFaultRequest{Fault: f}); err != nil {
			t.Fatal(err)
		}
	}
	eventually.True(t, "the cart is called", works)
	inject(&controlpb.Fault{Partition: true, From: "redis-cart"})
	inject(&controlpb.Fault{Where: "client", Error: "INTERNAL"})
	eventually.True(t, "the cart does not reach its store", func() bool { return !works() })
	if shown, stored := virtualServices(t, c, true), virtualServices(t, c, false); len(shown) != 1 || shown[0] != "cartservice" || len(stored) > 0 {
		t.Errorf("shown are %q, and stored %q", shown, stored)
	}
	if _, err := c.ClearFaults(t.Context(), &controlpb.ClearFaultsRequest{Owner: "lesson x"}); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "the cart reaches its store again", works)
	if shown := virtualServices(t, c, true); len(shown) > 0 {
		t.Errorf("after the faults there is %q", shown)
	}

	inject(&controlpb.Fault{Where: "client", Error: "INTERNAL"})
	inject(&controlpb.Fault{Drop: 100})
	dir, err := rundir.Resolve("default", func(k string) string { return vars[k] })
	if err != nil {
		t.Fatal(err)
	}
	shutdown(t, dir)
	c = open(t, vars, withMesh)
	inMesh(t, c, true)
	resp, err := c.ListFaults(t.Context(), &controlpb.ListFaultsRequest{})
	if err != nil || len(resp.GetFaults()) > 0 || len(virtualServices(t, c, true)) > 0 {
		t.Errorf("the next shop has faults %v and %q, %v", resp.GetFaults(), virtualServices(t, c, true), err)
	}
}
