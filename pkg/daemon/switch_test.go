package daemon

import (
	"context"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// withGreen adds to a shop a second release of the catalog, whose pods have the label version: green.
func withGreen(t *testing.T, mesh string) func(*Config) {
	t.Helper()
	return func(cfg *Config) {
		cfg.Mesh = mesh
		recommending(t)(cfg)
		for _, m := range cfg.Defaults {
			blue, ok := m.Object.(*appsv1.Deployment)
			if !ok || blue.Name != "productcatalogservice" {
				continue
			}
			green := resource.Clone(blue)
			green.Name += "-green"
			green.Spec.Selector.MatchLabels = map[string]string{"app": blue.Name, "version": "green"}
			green.Spec.Template.Labels = green.Spec.Selector.MatchLabels
			made, err := resource.NewManifest(green)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Defaults = append(cfg.Defaults, made)
			return
		}
		t.Fatal("the catalog has no Deployment")
	}
}

// strangers call the catalog at its stable address, each time by a new connection, until ctx ends, and fail the test if a call fails.
func strangers(ctx context.Context, t *testing.T, addr string) (wait func()) {
	t.Helper()
	var all sync.WaitGroup
	all.Go(func() {
		for calls := 1; ctx.Err() == nil; calls++ {
			conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				t.Errorf("connect: %v", err)
				return
			}
			_, err = hipstershop.NewProductCatalogServiceClient(conn).ListProducts(context.WithoutCancel(ctx), &hipstershop.Empty{})
			_ = conn.Close()
			if err != nil {
				t.Errorf("call %d at the stable address: %v", calls, err)
				return
			}
		}
	})
	return all.Wait
}

// switchTo switches the catalog, and returns who was asked before.
func switchTo(t *testing.T, c *control.Client, version string) (workloads string) {
	t.Helper()
	done, err := c.SwitchService(t.Context(), &controlpb.SwitchServiceRequest{Service: "catalog", Label: "version", To: version})
	if err != nil {
		t.Fatalf("switch to %s: %v", version, err)
	}
	if want := "app=productcatalogservice,version=" + version; done.GetTo() != want || len(done.GetBehind()) > 0 {
		t.Errorf("switched to %q, want %q; behind: %v", done.GetTo(), want, done.GetBehind())
	}
	for _, check := range done.GetChecks() {
		if check.GetAsked() != "gRPC health" {
			t.Errorf("%s was asked by %q", check.GetPod(), check.GetAsked())
		}
		workloads += check.GetWorkload()
	}
	return workloads
}

func testSwitches(t *testing.T, mesh string) {
	t.Helper()
	c := open(t, home(t), withGreen(t, mesh))
	st := await(t, c, "both releases are ready", func(st *controlpb.StatusResponse) bool {
		return find(st, "catalog").GetState() == "ok" && find(st, "productcatalogservice-green").GetState() == "ok"
	})
	calls, stop := customers(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	wait := strangers(ctx, t, find(st, "catalog").GetAddress())
	workloads := map[string]string{"v1": "productcatalogservice", "green": "productcatalogservice-green"}
	const rounds = 4
	for range rounds {
		for _, version := range []string{"v1", "green"} {
			if asked := switchTo(t, c, version); asked != workloads[version] {
				t.Errorf("before the switch to %s, %s was asked", version, asked)
			}
			before := calls.Load()
			eventually.True(t, "it has served calls", func() bool { return calls.Load() >= before+100 })
		}
	}
	awaitMap(t, c, "green gets the calls", func(m *controlpb.GetMapResponse) bool {
		return edgeOf(m, "recommendation", "productcatalogservice-green").GetTraffic().GetRequests() > 0
	})
	back, err := c.SwitchService(t.Context(), &controlpb.SwitchServiceRequest{Service: "catalog", Back: true})
	if err != nil || back.GetTo() != "app=productcatalogservice,version=v1" {
		t.Errorf("back: %v, %v", back, err)
	}
	before := calls.Load()
	eventually.True(t, "it has served calls again", func() bool { return calls.Load() >= before+100 })
	cancel()
	wait()
	stop()
	t.Logf("%d switches under load", 2*rounds+1)
}

func TestSwitchesUnderLoadLoseNoCall(t *testing.T) { testSwitches(t, MeshOff) }

func TestSwitchesUnderLoadLoseNoCallOfSidecars(t *testing.T) { testSwitches(t, MeshOn) }

func TestASwitchToPodsThatDoNotAnswerChangesNothing(t *testing.T) {
	c := open(t, home(t), withGreen(t, MeshOff))
	await(t, c, "both releases are ready", func(st *controlpb.StatusResponse) bool {
		return find(st, "catalog").GetState() == "ok" && find(st, "productcatalogservice-green").GetState() == "ok"
	})
	switchTo(t, c, "v1")
	if _, err := c.InjectFault(t.Context(), &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Service: "productcatalogservice-green", Pause: true}}); err != nil {
		t.Fatal(err)
	}
	_, err := c.SwitchService(t.Context(), &controlpb.SwitchServiceRequest{Service: "catalog", Label: "version", To: "green"})
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "pod productcatalogservice-green-") {
		t.Errorf("a release whose processes are paused: %v", err)
	}
	if _, err := c.SwitchService(t.Context(), &controlpb.SwitchServiceRequest{Service: "catalog", Label: "version", To: "v1"}); err == nil || !strings.Contains(err.Error(), "its selector leads there already") {
		t.Errorf("the selector has changed: %v", err)
	}
}
