package observe_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// podOf is a shop whose cart has three containers.
func podOf() *clitest.FakeShop {
	st := clitest.ThreeServices()
	for _, s := range st.GetServices() {
		if s.GetName() == "cart" {
			s.GetInstances()[0].Containers = []*controlpb.Container{{Name: "setup", Kind: "init"}, {Name: "server", Kind: "app"}, {Name: "proxy", Kind: "app"}}
		}
	}
	return &clitest.FakeShop{Current: st}
}

func TestLogsNameTheContainersThatAreNotShown(t *testing.T) {
	shop := podOf()
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "logs", "cart")
	w.WantErr("defaulted to container server of: server, proxy, setup (init)")
	w.Want(cmdutil.ExitOK, "logs", "cart", "-c", "setup")
	if req := shop.LogRequests[1]; req.GetContainer() != "setup" || req.GetAllContainers() {
		t.Errorf("asked for %v", req)
	}
	w.Want(cmdutil.ExitOK, "logs", "cart", "--all-containers")
	if req := shop.LogRequests[2]; req.GetContainer() != "" || !req.GetAllContainers() {
		t.Errorf("asked for %v", req)
	}
	w.Want(cmdutil.ExitUsage, "logs", "cart", "-c", "nothing")
	w.WantErr(`cart has no container "nothing": it has server, proxy, setup (init)`, "hint: shopctl logs cart -c server")
	w.Want(cmdutil.ExitUsage, "logs", "cart", "-c", "proxy", "--all-containers")
}

func TestLogsOfSeveralServicesAreAskedForTogether(t *testing.T) {
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Objects: clitest.SomeObjects()}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "logs", "cart", "deployment/paymentservice", "--since-time", "2026-03-01T11:00:00Z")
	w.Want(cmdutil.ExitOK, "logs", "-l", "app=cartservice")
	w.Want(cmdutil.ExitOK, "logs", "-l", "app=nosuch")
	w.WantErr("no instances found")
	asked := shop.LogRequests
	if len(asked) != 2 || asked[0].GetService() != "cart" || !slices.Equal(asked[0].GetMoreServices(), []string{"payment"}) || !asked[0].GetSince().AsTime().Equal(clitest.TestNow().Add(-time.Hour)) {
		t.Errorf("asked for %v", asked)
	}
	if got := asked[1]; got.GetService() != "production/deployment/cartservice" || len(got.GetMoreServices()) > 0 {
		t.Errorf("asked for %v", got)
	}
	for line, want := range map[string]string{
		"logs cart -l app=x": "a service and --selector cannot be combined", "logs -l ==": `selector "=="`, "logs cart nosuch": `unknown service "nosuch"`,
		"logs --since-time 5m": `read --since-time "5m"`, "logs --since 5m --since-time 2026-03-01T11:00:00Z": "--since and --since-time cannot be combined",
	} {
		w.Want(cmdutil.ExitUsage, strings.Fields(line)...)
		w.WantErr(want)
	}
}

func TestLogsAreOneRecordALine(t *testing.T) {
	shop := &clitest.FakeShop{Current: clitest.ThreeServices(), Lines: []*controlpb.LogLine{
		{
			Time: clitest.Ago(time.Second), Service: "cart", Instance: "cartservice-1", Level: "warn", Message: "slow read", TraceId: "4bf9",
			Raw: `{"time":"2026-03-01T11:59:59Z","level":"WARN","msg":"slow read","trace_id":"4bf9","took":"1.2s","user":"a b"}`,
		},
		{Time: clitest.Ago(0), Service: "redis-cart", Instance: "redis-cart-1", Raw: "Ready to accept connections"},
	}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "logs", "cart", "--since", "5m", "--tail", "7")
	w.WantOut(`cart           warn  slow read trace_id=4bf9 took=1.2s user="a b"`, "redis-cart           Ready to accept connections\n")
	if req := shop.LogRequests[0]; req.GetService() != "cart" || req.GetTail() != 7 || !req.GetSince().AsTime().Equal(clitest.TestNow().Add(-5*time.Minute)) {
		t.Errorf("asked for %v", req)
	}
	w.Want(cmdutil.ExitOK, "logs", "--prefix")
	w.WantOut("cartservice-1  warn  slow read", "redis-cart-1         Ready to accept connections\n")
	w.Want(cmdutil.ExitOK, "logs", "-o", "json")
	d := json.NewDecoder(&w.Out)
	var first, second map[string]any
	if err := d.Decode(&first); err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(&second); err != nil {
		t.Fatal(err)
	}
	if raw, ok := first["raw"].(map[string]any); !ok || raw["took"] != "1.2s" {
		t.Errorf("raw of a JSON record is %v", first["raw"])
	}
	if second["raw"] != "Ready to accept connections" {
		t.Errorf("raw of a plain line is %v", second["raw"])
	}
}

func TestEventsAreNDJSONOnRequest(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices(), Recent: clitest.SomeEvents()})
	w.Want(cmdutil.ExitOK, "events", "-o", "json")
	w.WantOut(`{"sequence":1,"time":"2026-03-01T11:58:30Z","type":"Normal","reason":"Started","service":"cart","instance":"cartservice-5d4f-x2k4q","message":"started"}` + "\n")
	w.Want(cmdutil.ExitOK, "events")
	w.WantOut("Warning BackOff            cart           restarts in 200ms\n")
}

func TestAnEmptyStreamSaysSoToThePersonAlone(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices()})
	w.Want(cmdutil.ExitOK, "logs", "cart", "--instance", "gone")
	w.WantErr("no lines found\n")
	w.Want(cmdutil.ExitOK, "events", "-o", "json")
	w.WantErr("no events found\n")
	if w.Out.Len() > 0 {
		t.Errorf("printed %q", w.Out.String())
	}
}

func TestASinceThatIsNotATimeIsAUsageError(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices()})
	w.Want(cmdutil.ExitUsage, "logs", "--since", "yesterday")
	w.WantErr(`read --since "yesterday"`, "hint: --since 5m")
}
