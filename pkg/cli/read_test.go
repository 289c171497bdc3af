package cli_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
)

func TestNamesOfServicesAreUnderstoodInEitherForm(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices()})
	for _, name := range []string{"cart", "cartservice", "CART"} {
		w.Want(cmdutil.ExitOK, "ps", name, "-o", "name")
		if got := w.Out.String(); got != "cart\n" {
			t.Errorf("ps %s printed %q", name, got)
		}
	}
}

func TestAnUnknownServiceIsAUsageErrorThatNamesTheNearest(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices()})
	for _, args := range [][]string{{"ps", "paymnt"}, {"logs", "paymnt"}, {"restart", "paymnt"}, {"scale", "paymnt", "--replicas", "2"}, {"events", "paymnt"}} {
		w.Want(cmdutil.ExitUsage, args...)
		w.WantErr(`shopctl: error: unknown service "paymnt"`, "shopctl: hint: did you mean payment?")
	}
}

func TestEveryCommandThatNeedsTheShopSaysThatItIsNotRunning(t *testing.T) {
	w := clitest.NewWorld(t)
	for _, args := range [][]string{
		{"ps"},
		{"status"},
		{"logs"},
		{"events"},
		{"get", "deploy"},
		{"describe", "svc"},
		{"mail"},
		{"order", "list"},
		{"bus", "topics"},
		{"bus", "start"},
		{"scale", "cart", "--replicas", "2"},
		{"restart", "cart"},
		{"stop", "cart"},
		{"start", "cart"},
		{"delete", "deploy", "x"},
	} {
		w.Want(cmdutil.ExitNotRunning, args...)
		w.WantErr("shopctl: error: ", "the shop is not running", "shopctl: hint: shopctl up\n")
	}
	w.Want(cmdutil.ExitNotRunning, "--name", "second", "ps")
	w.WantErr("shopctl: hint: shopctl --name second up\n")
}

func TestAHintOfTheDaemonReachesTheUserWithItsExitCode(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices(), Fail: control.Error(codes.FailedPrecondition, "write state: disk full", "free some space", cmdutil.ExitEnvironment)})
	w.Want(cmdutil.ExitEnvironment, "ps")
	if got, want := w.Err.String(), "shopctl: error: write state: disk full\nshopctl: hint: free some space\n"; got != want {
		t.Errorf("stderr is %q, want %q", got, want)
	}
}
