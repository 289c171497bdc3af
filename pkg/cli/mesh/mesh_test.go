package mesh_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// meshed is a shop with a mesh.
type meshed struct {
	clitest.FakeShop
	status  *controlpb.MeshStatusResponse
	asked   string
	sidecar *controlpb.GetSidecarResponse
}

func (s *meshed) MeshStatus(context.Context, *controlpb.MeshStatusRequest) (*controlpb.MeshStatusResponse, error) {
	return s.status, nil
}

func (s *meshed) GetSidecar(_ context.Context, r *controlpb.GetSidecarRequest) (*controlpb.GetSidecarResponse, error) {
	s.asked = r.GetService()
	return s.sidecar, nil
}

func (s *meshed) ExplainMesh(context.Context, *controlpb.ExplainMeshRequest) (*controlpb.ExplainMeshResponse, error) {
	return &controlpb.ExplainMeshResponse{TraceId: "4bf92f3577b34da6a3ce929d0e0e4736", Hops: []*controlpb.ExplainedHop{{
		Caller: "checkout", Callee: "payment", Operation: "hipstershop.PaymentService/Charge", Status: "UNAVAILABLE", Flags: "UT", Attempts: 1,
		Duration: durationpb.New(500 * time.Millisecond), Depth: 1,
		Decisions: []*controlpb.ExplainedDecision{
			{Verb: "timed out", What: "timed out after 500ms", Object: "VirtualService production/payment", Position: "payment.yaml:9", Without: "the caller would have waited for as long as payment took"},
			{Verb: "routed", What: "to every endpoint of paymentservice"},
		},
	}}, Remarks: []string{"the trace has no span of frontend's sidecar"}}, nil
}

func TestStatusFailsWhileASidecarIsNotSynced(t *testing.T) {
	shop := &meshed{status: &controlpb.MeshStatusResponse{Mode: "on", Sidecars: []*controlpb.Sidecar{
		{Service: "checkout", Instance: "checkoutservice-1", State: "synced", Version: "7", Since: timestamppb.New(clitest.TestNow().Add(-time.Minute)), NotAfter: timestamppb.New(clitest.TestNow().Add(2 * time.Hour))},
	}}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(0, "mesh", "status")
	clitest.WantEqual(t, w.Out.String(), `SERVICE    INSTANCE            STATE    VERSION   AGE   CERTIFICATE        MESSAGE
checkout   checkoutservice-1   synced   7         60s   valid for 2h0m0s
`)
	shop.status.Sidecars = append(shop.status.Sidecars, &controlpb.Sidecar{Service: "payment", Instance: "paymentservice-1", State: "rejected", Message: "unknown cluster\x1b[2J"})
	w.Want(1, "mesh", "status")
	if out := w.Out.String(); !strings.Contains(out, "unknown cluster^[[2J") {
		t.Errorf("%q", out)
	}
	shop.status.Sidecars = nil
	w.Want(0, "mesh", "status")
	if !strings.Contains(w.Err.String(), "no sidecar runs") {
		t.Errorf("%q", w.Err.String())
	}
}

func TestASectionIsATableOrEnvoysResources(t *testing.T) {
	shop := &meshed{sidecar: &controlpb.GetSidecarResponse{Clusters: []*controlpb.MeshCluster{
		{
			Name: "outbound|50051|v1|paymentservice.production.svc.cluster.local", ServiceFqdn: "paymentservice.production.svc.cluster.local", Port: "50051", Subset: "v1",
			Direction: "outbound", Type: "EDS", Endpoints: 2, Ejected: 1, Object: "payment.production", Position: "dr.yaml:3", Policy: "LEAST_REQUEST", Breakers: []*controlpb.MeshBreaker{{Name: "requests", Active: 9, Limit: 10}}, Overflows: map[string]int64{"upstream_rq_pending_overflow": 37}, Json: []byte(`{"name":"a"}`),
		},
	}, Secrets: []*controlpb.MeshSecret{{Name: "default", Type: "Cert Chain", Status: "ACTIVE", Valid: true, Serial: "1f"}}}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(0, "mesh", "clusters", "checkout")
	clitest.WantEqual(t, w.Out.String(), `SERVICE FQDN                                  PORT    SUBSET   DIRECTION   TYPE   ENDPOINTS   EJECTED   BREAKERS                                         POLICY          DESTINATION RULE
paymentservice.production.svc.cluster.local   50051   v1       outbound    EDS    2           1         requests 9/10, upstream_rq_pending_overflow 37   LEAST_REQUEST   payment.production (dr.yaml:3)
`)
	if shop.asked != "checkout" {
		t.Errorf("asked for %q", shop.asked)
	}
	w.Want(0, "mesh", "clusters", "checkout", "-o", "json")
	clitest.WantEqual(t, w.Out.String(), "[\n  {\n    \"name\": \"a\"\n  }\n]\n")
	w.Want(0, "mesh", "clusters", "checkout", "-o", "name")
	clitest.WantEqual(t, w.Out.String(), "outbound|50051|v1|paymentservice.production.svc.cluster.local\n")
	w.Want(0, "mesh", "secrets", "checkout", "-o", "json")
	if strings.Contains(w.Out.String(), "PRIVATE") || !strings.Contains(w.Out.String(), `"serial": "1f"`) {
		t.Error(w.Out.String())
	}
	w.Want(2, "mesh", "clusters")
}

func TestWhoIsEjectedIsShownWithTheReasonAndForHowLong(t *testing.T) {
	const cluster = "outbound|50051||paymentservice.production.svc.cluster.local"
	at := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(clitest.TestNow().Add(d)) }
	shop := &meshed{sidecar: &controlpb.GetSidecarResponse{
		Clusters: []*controlpb.MeshCluster{{Name: cluster, ServiceFqdn: "payment", Direction: "outbound", Type: "EDS", Endpoints: 3, Ejected: 2}},
		Endpoints: []*controlpb.MeshEndpoint{
			{Address: "127.0.0.1:1", Status: "HEALTHY", Outlier: "FAILED", Cluster: cluster, Instance: "payment-1", EjectedReason: "consecutive 5xx errors", EjectedSince: at(-12 * time.Second), EjectedUntil: at(18 * time.Second)},
			{Address: "127.0.0.1:2", Status: "HEALTHY", Outlier: "FAILED", Cluster: cluster, EjectedReason: "consecutive gateway errors", EjectedSince: at(-time.Minute), EjectedUntil: at(-time.Second)},
			{Address: "127.0.0.1:3", Status: "HEALTHY", Outlier: "OK", Cluster: cluster},
		},
	}}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(0, "mesh", "endpoints", "checkout")
	for _, want := range []string{"FAILED          consecutive 5xx errors, 12s ago, for 18s more", "FAILED          consecutive gateway errors, 60s ago, until the next check", "OK              -   "} {
		if !strings.Contains(w.Out.String(), want) {
			t.Errorf("no %q in\n%s", want, w.Out.String())
		}
	}
	w.Want(0, "mesh", "clusters", "checkout")
	if want := " 2: payment-1 for 18s more, 127.0.0.1:2 until the next check "; !strings.Contains(w.Out.String(), want) {
		t.Errorf("no %q in\n%s", want, w.Out.String())
	}
}

func TestExplainNamesTheLineAndWhatWouldHaveBeen(t *testing.T) {
	w := clitest.NewWorld(t).Serve(&meshed{})
	w.Want(0, "mesh", "explain", "last")
	clitest.WantEqual(t, w.Out.String(), `trace 4bf92f3577b34da6a3ce929d0e0e4736
  checkout -> payment  hipstershop.PaymentService/Charge  UNAVAILABLE  500ms  flags UT
    payment.yaml:9 VirtualService production/payment: timed out after 500ms
      without: the caller would have waited for as long as payment took
    default of Istio: to every endpoint of paymentservice
the trace has no span of frontend's sidecar
`)
}
