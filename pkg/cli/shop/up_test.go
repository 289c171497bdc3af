package shop_test

import (
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestUpOfARunningShopSaysSoAndWhatToDoNext(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.Healthy()})
	w.Want(cmdutil.ExitOK, "up")
	w.WantErr("shop default is already running (pid 4711)\n", "next: shopctl dash\n")
	w.WantOut("2/2 services healthy, 1/1 stores healthy\n")
	w.Want(cmdutil.ExitOK, "up", "-q", "-o", "json")
	w.WantOut(`"pid": 4711`, `"url": "http://127.0.0.1:8080"`)
	if w.Err.Len() > 0 {
		t.Errorf("--quiet wrote %q", w.Err.String())
	}
}

func TestUpSaysWhichFlagsComeTooLateForARunningShop(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.Healthy()})
	w.Want(cmdutil.ExitOK, "up", "--only", "cart", "--port-base", "7000")
	w.WantErr("shop default is already running (pid 4711)\n", "shopctl: warning: --only, --port-base: no effect on a running shop\n")
	if strings.Contains(w.Err.String(), "is ready after") {
		t.Errorf("told how it once came up: %q", w.Err.String())
	}
}

func TestUpRestartsAShopThatIsGoingDown(t *testing.T) {
	st := clitest.Healthy()
	st.Ready, st.GoingDown = false, true
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st})
	w.Want(cmdutil.ExitFailed, "up")
	w.WantErr("shop default is stopping; starting it again afterwards\n", "start daemon: ") // the test has no binary
}

func TestUpRefusesToForgetAShopThatRuns(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.Healthy()})
	w.Want(cmdutil.ExitFailed, "up", "--reset")
	w.WantErr(`reset shop: shop "default" is already running (pid 4711)`, "hint: shopctl down && shopctl up --reset")
}

func TestUpPrintsTheCriticalChainWhenVerbose(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.Healthy()})
	w.Want(cmdutil.ExitOK, "up", "-v")
	w.WantErr("critical chain, 84ms:\n  redis-cart      started at 2.0ms, ready at 31ms\n  cart            started at 32ms, ready at 84ms\n")
}

func TestUpFailsForAServiceThatCrashesAgainAndAgain(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices()})
	w.Want(cmdutil.ExitFailed, "up")
	w.WantErr("start payment: exit status 2", "hint: shopctl logs --tail 20 payment")
}

func TestUpDoesNotWaitForWhatCannotStart(t *testing.T) {
	st := clitest.Healthy()
	st.Ready = false
	st.Services = append(st.Services, &controlpb.Service{
		Name: "app-blue", Workload: "app-blue", State: "unhealthy", Replicas: 3, Role: "custom", Message: `image "myapp:v1" is not a built-in service`,
	})
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st})
	w.Want(cmdutil.ExitFailed, "up")
	w.WantErr(`start the shop: cannot start app-blue: image "myapp:v1" is not a built-in service`, "hint: shopctl ps")
}

func TestUpTimesOutWithExitFour(t *testing.T) {
	st := clitest.Healthy()
	st.Ready = false
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st})
	w.Want(cmdutil.ExitInconclusive, "up", "--timeout", "20ms")
	w.WantErr("not ready after 20ms", "hint: shopctl ps")
}

func TestBadFlagsOfUpStartNothing(t *testing.T) {
	w := clitest.NewWorld(t)
	for line, text := range map[string]string{
		"--driver nomad":                    "unknown driver \"nomad\"\nshopctl: hint: one of process, docker",
		"--driver kubernetes":               `unknown driver "kubernetes"`,
		"--driver proces":                   "hint: did you mean process?",
		"--driver docker --sidecars shared": "--sidecars=shared is for processes",
		"--only cart,paymnt":                "hint: did you mean payment?",
		"--port 70000":                      "read --port 70000",
		"--port-base -1":                    "read --port-base -1",
		"now":                               `unexpected argument "now"`,
	} {
		w.Want(cmdutil.ExitUsage, append([]string{"up"}, strings.Fields(line)...)...)
		w.WantErr(text)
	}
	if _, err := os.Stat(w.Env["SHOPCTL_RUN_DIR"]); err == nil {
		t.Error("a run directory was made")
	}
}

func (s *leavingShop) Shutdown(req *controlpb.ShutdownRequest, stream grpc.ServerStreamingServer[controlpb.ShutdownProgress]) error {
	s.now <- req.GetNow()
	for _, step := range s.steps {
		if err := stream.Send(step); err != nil {
			return err
		}
	}
	if req.GetNow() {
		close(s.hold)
	}
	<-s.hold
	return nil
}
