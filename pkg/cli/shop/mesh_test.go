package shop_test

import (
	"context"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// meshedShop has two instances of payment, one of them with a sidecar, and cart without.
type meshedShop struct{ clitest.FakeShop }

func (*meshedShop) Status(context.Context, *controlpb.StatusRequest) (*controlpb.StatusResponse, error) {
	sidecar := &controlpb.Container{Name: "istio-proxy", Kind: "sidecar", State: "running", Ready: true}
	return &controlpb.StatusResponse{Services: []*controlpb.Service{
		{Name: "payment", State: "ok", Ready: 2, Replicas: 2, Address: "127.0.0.1:1", Role: "service", Instances: []*controlpb.Instance{
			{Name: "a", Containers: []*controlpb.Container{sidecar, {Name: "server", Kind: "app"}}}, {Name: "b"},
		}},
		{Name: "cart", State: "ok", Ready: 1, Replicas: 1, Address: "127.0.0.1:2", Role: "service"},
	}}, nil
}

func TestPsNamesTheSidecarsWhereThereAreAny(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&meshedShop{})
	w.Want(cmdutil.ExitOK, "ps", "--ascii")
	clitest.WantEqual(t, w.Out.String(), `NAME      STATE   READY   RESTARTS   VERSION   MESH   ADDRESS       FAULTS
payment   ok      2/2     0          -         1/2    127.0.0.1:1
cart      ok      1/1     0          -         -      127.0.0.1:2

2/2 services healthy
`)
}
