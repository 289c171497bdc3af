package shop_test

import (
	"os"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestDownOfAShopThatDoesNotRunIsFine(t *testing.T) {
	w := clitest.NewWorld(t)
	w.Want(cmdutil.ExitOK, "down")
	w.WantErr("shop default is not running\n")
	w.Want(cmdutil.ExitOK, "down", "-q")
	if w.Err.Len() > 0 {
		t.Errorf("--quiet wrote %q", w.Err.String())
	}
}

// leavingShop goes down in the steps that it is given.
type leavingShop struct {
	clitest.FakeShop
	steps []*controlpb.ShutdownProgress
	now   chan bool
	hold  chan struct{}
}

func TestDownPrintsEachStepOnceAndKillsAtTheSecondSignal(t *testing.T) {
	shop := &leavingShop{now: make(chan bool, 2), hold: make(chan struct{}), steps: []*controlpb.ShutdownProgress{
		{Service: "cart", State: "stopping", Alive: []string{"cart", "payment"}},
		{Service: "cart", State: "stopped", Alive: []string{"payment"}},
	}}
	w := clitest.NewWorld(t).Serve(shop)
	signals := make(chan os.Signal)
	w.F.TakeSignals = func() (<-chan os.Signal, func()) { return signals, func() {} }
	code := make(chan int)
	go func() { code <- cli.Execute(t.Context(), w.F, []string{"down"}) }()
	if <-shop.now {
		t.Error("the first call kills")
	}
	signals <- os.Interrupt
	signals <- os.Interrupt
	if !<-shop.now {
		t.Error("the second call does not kill")
	}
	if got := <-code; got != cmdutil.ExitOK {
		t.Errorf("exit %d: %s", got, w.Err.String())
	}
	w.WantErr("shopctl: warning: still running: ", "press Ctrl+C again to kill them\n")
	if n := strings.Count(w.Err.String(), "stopped cart\n"); n != 1 {
		t.Errorf("told %d times that the cart stopped:\n%s", n, w.Err.String())
	}
}
