package cli

import (
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// healthy is the shop of threeServices after payment was repaired.
func healthy() *controlpb.StatusResponse {
	st := threeServices()
	payment := st.GetServices()[1]
	payment.State, payment.Message, payment.Ready, payment.Faults = "ok", "", 1, nil
	st.Ready, st.Faults = true, nil
	return st
}

func TestUpOfARunningShopSaysSoAndWhatToDoNext(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: healthy()})
	w.want(exitOK, "up")
	w.wantErr("shop default runs already (pid 4711)\n", "next: shopctl dash\n")
	w.wantOut("2/2 services healthy, 1/1 stores healthy\n")
	w.want(exitOK, "up", "-q", "-o", "json")
	w.wantOut(`"pid": 4711`, `"url": "http://127.0.0.1:8080"`)
	if w.err.Len() > 0 {
		t.Errorf("--quiet wrote %q", w.err.String())
	}
}

func TestUpSaysWhichFlagsComeTooLateForARunningShop(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: healthy()})
	w.want(exitOK, "up", "--only", "cart", "--port-base", "7000")
	w.wantErr("shop default runs already (pid 4711)\n", "shopctl: warning: --only, --port-base: read when the shop starts, without effect on one that runs\n")
	if strings.Contains(w.err.String(), "is ready after") {
		t.Errorf("told how it once came up: %q", w.err.String())
	}
}

func TestUpStartsAnewAShopThatIsGoingDown(t *testing.T) {
	st := healthy()
	st.Ready, st.GoingDown = false, true
	w := newWorld(t).serve(&fakeShop{status: st})
	w.want(exitFailed, "up")
	w.wantErr("shop default is going down; it starts again after that\n", "start daemon: ") // the test has no binary
}

func TestUpRefusesToForgetAShopThatRuns(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: healthy()})
	w.want(exitFailed, "up", "--fresh")
	w.wantErr(`start afresh: shop "default" runs already (pid 4711)`, "hint: shopctl down && shopctl up --fresh")
}

func TestUpPrintsTheCriticalChainWhenVerbose(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: healthy()})
	w.want(exitOK, "up", "-v")
	w.wantErr("critical chain, 84ms:\n  redis-cart      started at 2ms, ready at 31ms\n  cart            started at 32ms, ready at 84ms\n")
}

func TestUpFailsForAServiceThatCrashesAgainAndAgain(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: threeServices()})
	w.want(exitFailed, "up")
	w.wantErr("start payment: exit status 2", "hint: shopctl logs --tail 20 payment")
}

func TestUpDoesNotWaitForWhatCannotStart(t *testing.T) {
	st := healthy()
	st.Ready = false
	st.Services = append(st.Services, &controlpb.Service{
		Name: "app-blue", Workload: "app-blue", State: "unhealthy", Replicas: 3, Role: "custom", Message: `image "myapp:v1" is no built-in service`,
	})
	w := newWorld(t).serve(&fakeShop{status: st})
	w.want(exitFailed, "up")
	w.wantErr(`start the shop: all is ready but app-blue: image "myapp:v1" is no built-in service`, "hint: shopctl ps")
}

func TestUpTimesOutWithExitFour(t *testing.T) {
	st := healthy()
	st.Ready = false
	w := newWorld(t).serve(&fakeShop{status: st})
	w.want(exitInconclusive, "up", "--timeout", "20ms")
	w.wantErr("not ready after 20ms", "hint: shopctl ps")
}

func TestBadFlagsOfUpStartNothing(t *testing.T) {
	w := newWorld(t)
	for line, text := range map[string]string{
		"--driver docker":     `driver "docker" is not in this version`,
		"--driver kubernetes": `driver "kubernetes" is not in this version`,
		"--driver proces":     "hint: did you mean process?",
		"--only cart,paymnt":  "hint: did you mean payment?",
		"--port 70000":        "read --port 70000",
		"--port-base -1":      "read --port-base -1",
		"now":                 `unexpected argument "now"`,
	} {
		w.want(exitUsage, append([]string{"up"}, strings.Fields(line)...)...)
		w.wantErr(text)
	}
	if _, err := os.Stat(w.env["SHOPCTL_RUN_DIR"]); err == nil {
		t.Error("a run directory was made")
	}
}

func TestProgressIsALiveBlockOnATerminal(t *testing.T) {
	w := newWorld(t)
	w.f.IO.ErrTTY, w.f.IO.Width = true, 30
	p := newProgress(w.f)
	st := threeServices()
	p.show(st)
	p.show(st)
	p.clear()
	got := w.err.String()
	if n := strings.Count(got, "\x1b[3A\r"); n != 2 {
		t.Errorf("the cursor went up %d times, want 2: %q", n, got)
	}
	if !strings.HasSuffix(got, "\x1b[J") {
		t.Errorf("the block stays: %q", got)
	}
	for line := range strings.Lines(strings.ReplaceAll(got, "\x1b[K", "")) {
		if text := strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "\x1b[3A\r"); len([]rune(text)) > 29 {
			t.Errorf("line %q does not fit", text)
		}
	}
}

func TestProgressIsALineAServiceElsewhere(t *testing.T) {
	for name, change := range map[string]func(*world){
		"pipe":       func(*world) {},
		"accessible": func(w *world) { w.f.IO.ErrTTY, w.f.IO.Width, w.f.IO.Accessible = true, 80, true },
		"dumb":       func(w *world) { w.f.IO.ErrTTY, w.f.IO.Width, w.env["TERM"] = true, 80, "dumb" },
	} {
		w := newWorld(t)
		change(w)
		p := newProgress(w.f)
		p.show(threeServices())
		p.show(threeServices())
		p.clear()
		want := "redis-cart is ready after 31ms\ncart is ready after 84ms\npayment is ready after 40ms\n"
		if got := w.err.String(); got != want {
			t.Errorf("%s: wrote %q, want %q", name, got, want)
		}
	}
}

func TestACriticalChainWithoutAnEndIsCut(t *testing.T) {
	chain := criticalChain([]*controlpb.StartupStep{
		{Service: "a", After: "b", Ready: durationpb.New(2 * time.Second)},
		{Service: "b", After: "a", Ready: durationpb.New(time.Second)},
	})
	if len(chain) != 2 || chain[1].GetService() != "a" {
		t.Errorf("chain: %v", chain)
	}
	if criticalChain(nil) != nil {
		t.Error("nothing has a chain")
	}
}

// leavingShop goes down in the steps that it is given.
type leavingShop struct {
	fakeShop
	steps []*controlpb.ShutdownProgress
	now   chan bool
	hold  chan struct{}
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

func TestDownTellsEachStepOnceAndKillsAtTheSecondSignal(t *testing.T) {
	shop := &leavingShop{now: make(chan bool, 2), hold: make(chan struct{}), steps: []*controlpb.ShutdownProgress{
		{Service: "cart", State: "stopping", Alive: []string{"cart", "payment"}},
		{Service: "cart", State: "stopped", Alive: []string{"payment"}},
	}}
	w := newWorld(t).serve(shop)
	signals := make(chan os.Signal)
	w.f.TakeSignals = func() (<-chan os.Signal, func()) { return signals, func() {} }
	code := make(chan int)
	go func() { code <- Execute(t.Context(), w.f, []string{"down"}) }()
	if <-shop.now {
		t.Error("the first call kills")
	}
	signals <- os.Interrupt
	signals <- os.Interrupt
	if !<-shop.now {
		t.Error("the second call does not kill")
	}
	if got := <-code; got != exitOK {
		t.Errorf("exit %d: %s", got, w.err.String())
	}
	w.wantErr("shopctl: warning: still alive: ", "Ctrl+C again kills them\n")
	if n := strings.Count(w.err.String(), "stopped cart\n"); n != 1 {
		t.Errorf("told %d times that the cart stopped:\n%s", n, w.err.String())
	}
}
