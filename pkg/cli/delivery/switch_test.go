package delivery_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// switching is a shop that makes every switch.
type switching struct {
	clitest.FakeShop
	asked  *controlpb.SwitchServiceRequest
	behind []string
}

func (s *switching) SwitchService(_ context.Context, r *controlpb.SwitchServiceRequest) (*controlpb.SwitchServiceResponse, error) {
	s.asked = r
	return &controlpb.SwitchServiceResponse{
		Service: "catalog", Object: "production/productcatalogservice", From: "app=x,version=v1", To: "app=x,version=green", Behind: s.behind,
		Checks: []*controlpb.SwitchCheck{
			{Pod: "green-1", Workload: "green", Asked: "gRPC health", Took: durationpb.New(1234 * time.Microsecond)},
			{Pod: "green-2\x1b[2J", Workload: "green"},
		},
	}, s.Fail
}

func TestASwitchShowsWhatWasChecked(t *testing.T) {
	shop := &switching{}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(0, "switch", "catalog", "--to", "green")
	clitest.WantEqual(t, w.Out.String(), `catalog  app=x,version=v1 -> app=x,version=green
checked green-1: ready, gRPC health answered in 1.2ms
checked green-2^[[2J: ready; nothing to ask it by
`)
	if shop.asked.GetLabel() != "version" || shop.asked.GetTo() != "green" || shop.asked.GetBack() {
		t.Errorf("asked for %v", shop.asked)
	}
	w.Want(0, "switch", "catalog", "--back", "-o", "json")
	if shop.asked.GetLabel() != "" || !shop.asked.GetBack() || !strings.Contains(w.Out.String(), `"took_ms": 1.234`) {
		t.Errorf("asked for %v, printed\n%s", shop.asked, w.Out.String())
	}
	shop.behind = []string{"frontend-1"}
	w.Want(1, "switch", "catalog", "--to", "blue", "--label", "color")
	if shop.asked.GetLabel() != "color" || !strings.Contains(w.Err.String(), "not in force yet in the sidecars of frontend-1") {
		t.Errorf("asked for %v, said\n%s", shop.asked, w.Err.String())
	}
}
