package canaries

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestAShopWithoutSidecarsHasNoCanaries(t *testing.T) {
	key := orchestrator.Key{Namespace: "production", Name: "catalog"}
	s := NewServer(nil, nil, &names.Directory{
		Namespace: key.Namespace, Deployments: func() []orchestrator.Key { return []orchestrator.Key{key} },
		Snapshot: func() orchestrator.Snapshot {
			return orchestrator.Snapshot{Workloads: []orchestrator.Workload{{Key: key, Service: key.Name}}}
		},
	})
	_, err := s.StartCanary(t.Context(), &controlpb.StartCanaryRequest{Service: "catalog", To: "v2"})
	if hint, _, _ := control.HintOf(err); status.Code(err) != codes.FailedPrecondition || !strings.Contains(hint, "--mesh=on") {
		t.Errorf("start: %v, hint %q", err, hint)
	}
	if resp, err := s.ListCanaries(t.Context(), &controlpb.ListCanariesRequest{Service: "catalog"}); err != nil || len(resp.GetCanaries()) > 0 {
		t.Errorf("list: %v, %v", resp, err)
	}
	_, err = s.SteerCanary(t.Context(), &controlpb.SteerCanaryRequest{Service: "catalog", Action: controlpb.SteerCanaryRequest_ACTION_ABORT})
	if hint, _, _ := control.HintOf(err); status.Code(err) != codes.NotFound || hint != "shopctl canary catalog --to v2" {
		t.Errorf("abort: %v, hint %q", err, hint)
	}
}
