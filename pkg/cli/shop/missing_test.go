package shop_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestAMissingServiceIsCountedAndTheCommandThatRestoresItIsNamed(t *testing.T) {
	st := clitest.ThreeServices()
	st.Missing = []*controlpb.Missing{{Service: "catalog", Message: "Deployment productcatalogservice was deleted", Absent: true}}
	for _, args := range [][]string{{"ps"}, {"status"}} {
		w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st})
		w.Want(cmdutil.ExitOK, args...)
		w.WantOut("/3 services healthy", "catalog: Deployment productcatalogservice was deleted; to restore it: shopctl restore catalog")
	}
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st})
	w.Want(cmdutil.ExitOK, "status", "-o", "json")
	w.WantOut(`"ready": false`, `"restore": "shopctl restore catalog"`)
}

func TestOnlyTheKindsOfServicesThatAreShownAreCounted(t *testing.T) {
	own := &controlpb.Service{Name: "wishlist", Workload: "wishlist", Namespace: "production", Role: "custom", State: "ok", Replicas: 1, Ready: 1}
	st := clitest.ThreeServices()
	st.Services = append(st.Services, own)
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st})
	w.Want(cmdutil.ExitOK, "ps", "wishlist")
	w.WantOut("\n\n1/1 custom workloads healthy\n")
}
