package delivery_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// releasing is a shop whose canary comes one phase further with each question.
type releasing struct {
	clitest.FakeShop
	phases  []string
	started *controlpb.StartCanaryRequest
	steered []*controlpb.SteerCanaryRequest
}

func (s *releasing) canary(phase string) *controlpb.Canary {
	c := &controlpb.Canary{
		Service: "catalog", VirtualService: "production/catalog", From: "v1", To: "v2", Steps: []int32{5, 25, 100}, Check: "error rate < 1%, p99 < 200ms",
		Phase: phase, Step: 2, Weight: 25, Since: timestamppb.New(clitest.TestNow().Add(-12 * time.Second)),
		Passed: []*controlpb.CanaryStep{{Weight: 5, Took: durationpb.New(31 * time.Second)}},
		Findings: []*controlpb.CanaryFinding{
			{Criterion: "error rate < 1%", Old: &controlpb.ReleaseCalls{Calls: 812}, New: &controlpb.ReleaseCalls{Calls: 271, Bad: 4}, Verdict: "not known yet", Because: "271 of at least 918 calls"},
			{Criterion: "p99 < 200ms", Old: &controlpb.ReleaseCalls{Calls: 812, Bad: 3, Quantile: durationpb.New(41300 * time.Microsecond)}, New: &controlpb.ReleaseCalls{}, Verdict: "fine\x1b[2J"},
		},
	}
	switch phase {
	case "rolled back":
		c.Weight, c.Reason = 0, "error rate < 1% at 25%: 8% of the calls, and 0% of the old release"
	case "paused":
		c.Reason = "step 2 is not decided after 10m0s"
	}
	return c
}

func (s *releasing) StartCanary(_ context.Context, r *controlpb.StartCanaryRequest) (*controlpb.Canary, error) {
	s.started = r
	return s.canary("starting"), s.Fail
}

func (s *releasing) ListCanaries(context.Context, *controlpb.ListCanariesRequest) (*controlpb.ListCanariesResponse, error) {
	if len(s.phases) == 0 {
		return &controlpb.ListCanariesResponse{}, nil
	}
	phase := s.phases[0]
	s.phases = s.phases[1:]
	return &controlpb.ListCanariesResponse{Canaries: []*controlpb.Canary{s.canary(phase)}}, nil
}

func (s *releasing) SteerCanary(_ context.Context, r *controlpb.SteerCanaryRequest) (*controlpb.Canary, error) {
	s.steered = append(s.steered, r)
	return s.canary("paused"), nil
}

func TestACanaryShowsBothReleasesBesideEachOther(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&releasing{phases: []string{"running", "running"}})
	w.Want(0, "canary", "status", "catalog")
	clitest.WantEqual(t, w.Out.String(), `catalog  v1 -> v2  running
step 2 of 3, v2 gets 25% of the calls, for 12s
passed 5% in 31s
CRITERION         v1                               v2                VERDICT
error rate < 1%   0 of 812 (0.0%)                  4 of 271 (1.5%)   not known yet: 271 of at least 918 calls
p99 < 200ms       41.3ms, slower 3 of 812 (0.4%)   no calls          fine^[[2J
`)
	w.Want(0, "canary", "status", "-o", "json")
	for _, want := range []string{`"canaries": [`, `"weight": 25`, `"quantile_ms": 41.3`, `"seconds": 31`, `"verdict": "not known yet"`} {
		if !strings.Contains(w.Out.String(), want) {
			t.Errorf("no %s in\n%s", want, w.Out.String())
		}
	}
	w.Want(0, "canary", "status")
	if !strings.Contains(w.Err.String(), "no service has a canary") {
		t.Error(w.Err.String())
	}
	w.Want(0, "canary", "status", "cart")
	if !strings.Contains(w.Err.String(), "cart has no canary") || strings.Contains(w.Err.String(), "no service has") {
		t.Error(w.Err.String())
	}
}

func TestTheFlagsOfACanaryAreItsPlan(t *testing.T) {
	shop := &releasing{}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(0, "canary", "catalog", "--to", "v2", "--from", "v1", "--image", "shopctl/catalog:v2", "--steps", "5,100", "--check", "p50 < 1ms", "--hold", "2s", "--deadline", "3m")
	r := shop.started
	if r.GetService() != "catalog" || r.GetTo() != "v2" || r.GetFrom() != "v1" || r.GetImage() != "shopctl/catalog:v2" || r.GetCheck() != "p50 < 1ms" ||
		len(r.GetSteps()) != 2 || r.GetSteps()[0] != 5 || r.GetHold().AsDuration() != 2*time.Second || r.GetDeadline().AsDuration() != 3*time.Minute {
		t.Errorf("asked for %v", r)
	}
	if !strings.Contains(w.Err.String(), "canary status catalog") {
		t.Errorf("no next step in %s", w.Err.String())
	}
	w.Want(2, "canary", "catalog")
	w.Want(2, "canary", "--to", "v2")
	w.Want(2, "canary", "catalog", "--to", "v2", "--steps", "5,x")
	w.Want(2, "canary", "catalog", "--to", "v2", "--deadline", "0s")
	shop.Fail = control.Error(codes.NotFound, "catalog has no release v2", "shopctl canary catalog --to v2 --image shopctl/catalog:v2", 2)
	w.Want(2, "canary", "catalog", "--to", "v2")
	if !strings.Contains(w.Err.String(), "--image shopctl/catalog:v2") {
		t.Error(w.Err.String())
	}
}

func TestWaitingEndsAsTheCanaryDoes(t *testing.T) {
	for _, x := range []struct {
		phases []string
		exit   int
		want   string
	}{
		{[]string{"running", "promoted"}, 0, "catalog: promoted"},
		{[]string{"running", "rolled back"}, 1, "catalog: rolled back: error rate < 1% at 25%: 8% of the calls"},
		{[]string{"paused"}, 4, "canary resume catalog"},
		{nil, 1, "its VirtualService was deleted or replaced"},
	} {
		w := clitest.NewWorld(t).Serve(&releasing{phases: x.phases})
		w.Want(x.exit, "canary", "catalog", "--to", "v2", "--wait")
		if !strings.Contains(w.Err.String(), x.want) {
			t.Errorf("%v: no %q in\n%s", x.phases, x.want, w.Err.String())
		}
	}
}

func TestEachVerbAsksForItsAction(t *testing.T) {
	shop := &releasing{}
	w := clitest.NewWorld(t).Serve(shop)
	for i, verb := range []string{"pause", "resume", "promote", "abort"} {
		w.Want(0, "canary", verb, "catalog")
		if got := shop.steered[i]; got.GetService() != "catalog" || int(got.GetAction()) != i+1 {
			t.Errorf("%s asked for %v", verb, got)
		}
		w.Want(2, "canary", verb)
	}
}
