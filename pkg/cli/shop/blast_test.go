package shop_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

func TestPsAndStatusSayHowFarFaultsReach(t *testing.T) {
	shop := &clitest.MappedShop{M: clitest.SmallMap()}
	shop.Current = clitest.ThreeServices()
	w := clitest.NewWorld(t).Serve(shop)
	for _, command := range []string{"ps", "status"} {
		w.Want(cmdutil.ExitOK, command)
		w.WantOut("fault on payment: UNAVAILABLE 50% Charge, 1m59s left\n" + clitest.BlastSentence + "\n")
	}
	w.Want(cmdutil.ExitOK, "ps", "-o", "json")
	if len(shop.Asks) != 2 {
		t.Errorf("asked for %d maps", len(shop.Asks))
	}
}
