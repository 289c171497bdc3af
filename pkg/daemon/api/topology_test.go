package api

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/observe/tsdb"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/topology"
)

func TestAnEdgeOfTheMapHasWhatItsCallersSidecarsCount(t *testing.T) {
	now := meshNow()
	db := tsdb.New(tsdb.Config{})
	a := db.Appender()
	for _, s := range []struct {
		labels []string
		n      float64
	}{
		{[]string{"__name__", "istio_requests_total", "job", "paymentservice", "reporter", "source", "destination_service", "cartservice.production.svc.cluster.local", "destination_version", "v1", "response_flags", "UT", "connection_security_policy", "mutual_tls"}, 7},
		{[]string{"__name__", "istio_requests_total", "job", "paymentservice", "reporter", "source", "destination_service", "nobody.production.svc.cluster.local", "connection_security_policy", "none"}, 9},
		{[]string{"__name__", "envoy_http_rbac_denied", "job", "cartservice", "source_principal", "spiffe://cluster.local/ns/production/sa/payer"}, 2},
	} {
		if _, err := a.Append(0, labels.FromStrings(append(s.labels, "namespace", "production")...), now.Add(-time.Second).UnixMilli(), s.n); err != nil {
			t.Error(err)
		}
	}
	a.Close()
	key := func(name string) orchestrator.Key { return orchestrator.Key{Namespace: "production", Name: name} }
	state := &orchestrator.State{}
	state.Publish(orchestrator.Snapshot{Endpoints: []orchestrator.Endpoint{
		{Service: key("cartservice"), Workload: key("cartservice"), Pod: "cart-1", PeerAddr: "127.0.0.1:2"},
		{Service: key("paymentservice"), Workload: key("paymentservice"), Pod: "payment-1", ServiceAccount: "payer"},
	}})
	s := &topologyServer{view: &view{names: newMeshServer(nil).names, shop: state}, mesh: twoSidecars{}, metrics: db}
	m := topology.Map{Window: 30 * time.Second, Edges: []topology.Edge{{Caller: "payment", Callee: "cart"}, {Caller: "frontend", Callee: "cart"}}}
	s.addMesh(t.Context(), &m, s.sidecars(), now)
	want := []topology.Edge{
		{Caller: "payment", Callee: "cart", Mesh: &topology.Mesh{
			MutualTLS: 7, Versions: []topology.Count{{Name: "v1", Requests: 7}}, Flags: []topology.Count{{Name: "UT", Requests: 7}}, Denied: 2, Ejected: []string{"cart-1"},
		}},
		{Caller: "frontend", Callee: "cart"},
	}
	if d := cmp.Diff(want, m.Edges); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAMapSinceATimeCountsTheWholeSecondInWhichItLies(t *testing.T) {
	at := func(seconds float64) time.Time {
		return meshNow().Truncate(time.Minute).Add(time.Duration(seconds * float64(time.Second)))
	}
	for since, want := range map[float64]float64{5.9: 5, 6: 6, 0.5: 1.2} {
		if got := beginning(&controlpb.GetMapRequest{Since: timestamppb.New(at(since))}, at(1.2)); !got.Equal(at(want)) {
			t.Errorf("since %g it counts from %s, want %s", since, got, at(want))
		}
	}
	if got := beginning(&controlpb.GetMapRequest{}, at(1.2)); !got.Equal(at(1.2)) {
		t.Errorf("without a time it counts from %s, not over its window", got)
	}
}
