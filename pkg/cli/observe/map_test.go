package observe_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/cli"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/cli/observe"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestMapAndTopPrintWhatTheGoldensSay(t *testing.T) {
	for golden, args := range map[string][]string{
		"map.golden":            {"map"},
		"map-ascii.golden":      {"map", "--ascii"},
		"map-accessible.golden": {"map", "--accessible"},
		"map-color.golden":      {"map", "--color", "always"},
		"map-json.golden":       {"map", "-o", "json"},
		"map-dot.golden":        {"map", "-o", "dot"},
		"map-mermaid.golden":    {"map", "-o", "mermaid"},
		"top.golden":            {"top"},
		"top-memory.golden":     {"top", "--sort", "memory"},
		"top-name.golden":       {"top", "--sort", "name", "-o", "name"},
		"top-json.golden":       {"top", "-o", "json"},
	} {
		t.Run(golden, func(t *testing.T) {
			w := clitest.NewWorld(t).Serve(&clitest.MappedShop{M: clitest.SmallMap()})
			w.Want(cmdutil.ExitOK, args...)
			w.Golden(golden)
		})
	}
}

func TestTopIsLimitedToANamespace(t *testing.T) {
	m := clitest.SmallMap()
	m.Nodes = append(m.Nodes, &controlpb.MapNode{Service: "mine/web", State: "ok", Traffic: &controlpb.Traffic{}})
	shop := &clitest.MappedShop{M: m}
	shop.Current = clitest.ThreeServices()
	shop.Current.Services = append(shop.Current.Services, &controlpb.Service{Name: "mine/web", Workload: "web", Namespace: "mine"})
	for _, namespace := range []string{"mine", "production"} {
		shop.Objects = append(shop.Objects, clitest.Object("v1", "Namespace", namespace, nil))
	}
	w := clitest.NewWorld(t).Serve(shop)
	for namespace, want := range map[string]string{"mine": "mine/web\n", "production": "payment\n"} {
		w.Want(cmdutil.ExitOK, "top", "--namespace", namespace, "-o", "name")
		if got := w.Out.String(); got != want {
			t.Errorf("%s: %q, want %q", namespace, got, want)
		}
	}
	w.Want(cmdutil.ExitUsage, "top", "--namespace", "nowhere")
}

func TestMapAndTopShowWhatSidecarsKnow(t *testing.T) {
	m := clitest.SmallMap()
	m.Edges[0].Mesh = &controlpb.EdgeMesh{
		MutualTls: 60, Plaintext: 6, Versions: []*controlpb.EdgeCount{{Name: "v1", Requests: 60}, {Name: "v2", Requests: 6}}, Retries: 5, Denied: 2,
		Flags: []*controlpb.EdgeCount{{Name: "URX", Requests: 3}}, Ejected: []string{"paymentservice-1"}, Overflows: []*controlpb.EdgeCount{{Name: "upstream_rq_pending_overflow", Requests: 4}}, Pending: 1,
	}
	for golden, args := range map[string][]string{
		"map-mesh.golden":      {"map"},
		"map-mesh-json.golden": {"map", "-o", "json"},
		"top-mesh.golden":      {"top"},
	} {
		t.Run(golden, func(t *testing.T) {
			w := clitest.NewWorld(t).Serve(&clitest.MappedShop{M: m})
			w.Want(cmdutil.ExitOK, args...)
			w.Golden(golden)
		})
	}
}

func TestAMapCoversTheRequestedWindow(t *testing.T) {
	shop := &clitest.MappedShop{M: &controlpb.GetMapResponse{}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "map", "--window", "2m")
	w.WantErr("no calls in this window\n", "next: shopctl load start --rate 20 --seed 42\n")
	w.Want(cmdutil.ExitOK, "top")
	if a, b := shop.Asks[0].GetWindow().AsDuration(), shop.Asks[1].GetWindow().AsDuration(); a != 2*time.Minute || b != 30*time.Second {
		t.Errorf("asked for %s and %s", a, b)
	}
	w.Want(cmdutil.ExitOK, "map", "--proxy")
	if shop.Asks[0].GetProxy() || !shop.Asks[2].GetProxy() {
		t.Errorf("asked with sidecars: %v, %v", shop.Asks[0].GetProxy(), shop.Asks[2].GetProxy())
	}
	shop.Fail = control.Error(codes.InvalidArgument, "read map: a window of 1h0m0s", "use one from 1s to 5m0s, such as 30s", cmdutil.ExitUsage)
	w.Want(cmdutil.ExitUsage, "map", "--window", "1h")
	w.WantErr("error: read map: a window of 1h0m0s", "hint: use one from 1s to 5m0s")
}

func TestMapAndTopRefuseWhatMakesNoSense(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.MappedShop{M: clitest.SmallMap()})
	for _, args := range [][]string{
		{"map", "payment"},
		{"map", "--watch", "-o", "dot"},
		{"map", "--watch", "-o", "yaml"},
		{"map", "--window", "soon"},
		{"top", "--watch", "--every", "10ms"},
		{"top", "--sort", "colour"},
		{"top", "-o", "name", "--watch"},
		{"top", "payment"},
	} {
		w.Want(cmdutil.ExitUsage, args...)
		w.WantErr("shopctl: error: ", "shopctl: hint: ")
	}
	w = clitest.NewWorld(t)
	for _, args := range [][]string{{"map"}, {"top"}} {
		w.Want(cmdutil.ExitNotRunning, args...)
		w.WantErr("hint: shopctl up")
	}
}

func TestWatchingTopIsAnObjectALine(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&clitest.MappedShop{M: clitest.SmallMap()})
	r, out := io.Pipe()
	w.F.IO.Out = iostreams.New(nil, out, nil).Out
	ctx, cancel := context.WithCancelCause(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- cli.Execute(ctx, w.F, []string{"top", "--watch", "-o", "json", "--every", "1s"})
		out.Close()
	}()
	line, err := bufio.NewReader(r).ReadBytes('\n')
	var view observe.TopView
	if err != nil || json.Unmarshal(line, &view) != nil || len(view.Services) != 3 || view.Services[0].Service != "checkout" {
		t.Errorf("%v: %s", err, line)
	}
	cancel(cmdutil.ErrInterrupted)
	if got := <-code; got != cmdutil.ExitInterrupted {
		t.Errorf("exit %d", got)
	}
}
