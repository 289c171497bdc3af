package daemon

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/services"
)

// recommending is a shop of the recommendations and the catalog that they call.
func recommending(t *testing.T) func(*Config) {
	t.Helper()
	return func(c *Config) {
		for _, name := range []string{"recommendation", "catalog"} {
			b, ok := services.Lookup(name)
			if !ok {
				t.Fatalf("there is no %s", name)
			}
			manifests, err := decode.Decode(name+".yaml", b.Manifest())
			if err != nil {
				t.Fatal(err)
			}
			c.Defaults = append(c.Defaults, manifests...)
		}
	}
}

// customers ask for recommendations without a pause, until the test or stop ends it, and fail the test if a call fails, or the
// sidecar of the recommendations loses one of the catalog. It counts the calls.
func customers(t *testing.T, c *control.Client) (calls *atomic.Int64, stop func()) {
	t.Helper()
	st := await(t, c, "both are ready", func(st *controlpb.StatusResponse) bool {
		return find(st, "recommendation").GetState() == "ok" && find(st, "catalog").GetState() == "ok"
	})
	conn, err := grpc.NewClient(find(st, "recommendation").GetAddress(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	calls = &atomic.Int64{}
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				_, err := hipstershop.NewRecommendationServiceClient(conn).ListRecommendations(context.WithoutCancel(ctx), &hipstershop.ListRecommendationsRequest{UserId: "someone"})
				if calls.Add(1); err != nil {
					t.Errorf("call %d: %v", calls.Load(), err)
					return
				}
			}
		})
	}
	lost, err := c.TapMesh(ctx, &controlpb.TapMeshRequest{Service: "recommendation", Failed: true})
	if err != nil {
		t.Fatal(err)
	}
	all.Go(func() {
		for {
			r, err := lost.Recv()
			if err != nil {
				return
			}
			t.Errorf("lost: %v", r)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
		conn.Close()
		t.Logf("%d calls", calls.Load())
	})
	t.Cleanup(stop)
	return calls, stop
}

// canary starts one of the catalog's.
func canary(t *testing.T, c *control.Client, req *controlpb.StartCanaryRequest) {
	t.Helper()
	req.Service, req.Check = "catalog", "error rate < 10%, p90 < 250ms"
	if _, err := c.StartCanary(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

// awaitCanary waits until the canary is as it should be.
func awaitCanary(t *testing.T, c *control.Client, what string, ok func(*controlpb.Canary) bool) *controlpb.Canary {
	t.Helper()
	var last *controlpb.Canary
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		resp, err := c.ListCanaries(ctx, &controlpb.ListCanariesRequest{Service: "catalog"})
		if err != nil || len(resp.GetCanaries()) != 1 {
			t.Fatalf("waiting until %s: %v, %v; last: %v", what, resp, err, last)
		}
		if last = resp.GetCanaries()[0]; ok(last) {
			return last
		}
		<-tick.C
	}
}

func inPhase(phase string) func(*controlpb.Canary) bool {
	return func(c *controlpb.Canary) bool { return c.GetPhase() == phase }
}

func TestACanaryIsPromotedUnderLoadWithoutALostCall(t *testing.T) {
	vars := home(t)
	c := open(t, vars, recommending(t))
	_, stop := customers(t, c)
	_, err := c.StartCanary(t.Context(), &controlpb.StartCanaryRequest{Service: "catalog", To: "v3"})
	if hint, _, _ := control.HintOf(err); status.Code(err) != codes.NotFound || hint != "shopctl canary catalog --to v3 --image shopctl/catalog:v3" {
		t.Errorf("without such a release: %v, hint %q", err, hint)
	}
	canary(t, c, &controlpb.StartCanaryRequest{To: "v3", Image: "shopctl/catalog:v3", Steps: []int32{20, 60, 100}, Hold: durationpb.New(time.Second)})
	first := awaitCanary(t, c, "it has passed a step", func(c *controlpb.Canary) bool { return len(c.GetPassed()) > 0 })
	if f := first.GetPassed()[0].GetFindings(); len(f) != 2 || f[0].GetNew().GetCalls() < 29 || f[0].GetOld().GetCalls() < f[0].GetNew().GetCalls() {
		t.Errorf("judged by %v: want more calls of the old release at 20%%", f)
	}
	done := awaitCanary(t, c, "it is promoted", inPhase("promoted"))
	if done.GetWeight() != 100 || len(done.GetPassed()) != 3 {
		t.Errorf("promoted as %v", done)
	}
	stop()
}

func TestASlowReleaseIsRolledBackUnderLoadWithoutALostCall(t *testing.T) {
	c := open(t, home(t), recommending(t))
	_, stop := customers(t, c)
	canary(t, c, &controlpb.StartCanaryRequest{To: "v3", From: "v1", Image: "shopctl/catalog:v3", Steps: []int32{30, 100}, Hold: durationpb.New(time.Minute)})
	awaitCanary(t, c, "its first step runs", inPhase("running"))
	if _, err := c.InjectFault(t.Context(), &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{
		Service: "productcatalogservice-v3", Delay: durationpb.New(400 * time.Millisecond), Percent: 100,
	}}); err != nil {
		t.Fatal(err)
	}
	done := awaitCanary(t, c, "it is rolled back", inPhase("rolled back"))
	i := slices.IndexFunc(done.GetFindings(), func(f *controlpb.CanaryFinding) bool { return f.GetVerdict() == "worse" })
	if done.GetWeight() != 0 || i < 0 || done.GetFindings()[i].GetCriterion() != "p90 < 250ms" {
		t.Errorf("rolled back as %v", done)
	}
	t.Logf("%s", done.GetReason())
	stop()
}

func TestACanaryGoesOnWithTheNextDaemonAndCanBeSteered(t *testing.T) {
	vars := home(t)
	t.Run("first", func(t *testing.T) {
		c := open(t, vars, recommending(t))
		_, stop := customers(t, c)
		canary(t, c, &controlpb.StartCanaryRequest{To: "v3", Image: "shopctl/catalog:v3", Steps: []int32{40, 100}, Hold: durationpb.New(30 * time.Second)})
		awaitCanary(t, c, "its first step runs", inPhase("running"))
		stop()
	})
	c := open(t, vars, recommending(t))
	if got := awaitCanary(t, c, "it runs again", inPhase("running")); got.GetStep() != 1 || got.GetWeight() != 40 {
		t.Errorf("after the restart: %v", got)
	}
	for _, x := range []struct {
		action controlpb.SteerCanaryRequest_Action
		phase  string
		weight int32
		code   codes.Code
	}{
		{controlpb.SteerCanaryRequest_ACTION_PAUSE, "paused", 40, codes.OK},
		{controlpb.SteerCanaryRequest_ACTION_PAUSE, "", 0, codes.FailedPrecondition},
		{controlpb.SteerCanaryRequest_ACTION_RESUME, "starting", 40, codes.OK},
		{controlpb.SteerCanaryRequest_ACTION_PROMOTE, "promoted", 100, codes.OK},
		{controlpb.SteerCanaryRequest_ACTION_ABORT, "", 0, codes.FailedPrecondition},
	} {
		got, err := c.SteerCanary(t.Context(), &controlpb.SteerCanaryRequest{Service: "catalog", Action: x.action})
		if status.Code(err) != x.code || got.GetPhase() != x.phase || got.GetWeight() != x.weight {
			t.Errorf("%s: %v, %v", x.action, got, err)
		}
	}
}
