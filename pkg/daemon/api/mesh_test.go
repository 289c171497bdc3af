package api

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/mesh/show"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/observe/spans"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
)

// fewRequests lets three through at a time.
func fewRequests() *clusterv3.CircuitBreakers {
	return &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{MaxRequests: wrapperspb.UInt32(3)}}}
}

// twoSidecars is a mesh of two replicas of payment.
type twoSidecars struct{}

func (twoSidecars) Mode() string { return "auto" }

func (twoSidecars) Sidecars() []Sidecar {
	key := orchestrator.Key{Namespace: "production", Name: "paymentservice"}
	valid := Certificate{Identity: "spiffe://cluster.local/ns/production/sa/payment-service", Serial: "1f", NotBefore: meshNow(), NotAfter: meshNow().Add(time.Hour)}
	return []Sidecar{
		{Workload: key, Instance: "paymentservice-1", Node: "n1", State: "synced", Certificate: valid},
		{Workload: key, Instance: "paymentservice-2", Node: "n2", State: "stale"},
	}
}

func (twoSidecars) Overlays() []resource.Object { return nil }

func (twoSidecars) Held(node string) (Held, bool) {
	return Held{Resources: &xds.Resources{Clusters: []*clusterv3.Cluster{{Name: "outbound|80||" + node, CircuitBreakers: fewRequests()}}}}, node == "n1"
}

func (twoSidecars) Ejected(node string) map[string]map[string]show.Ejection {
	if node != "n1" {
		return nil
	}
	return map[string]map[string]show.Ejection{"outbound|7070||cartservice.production.svc.cluster.local": {"127.0.0.1:2": {Reason: "consecutive 5xx errors"}}}
}

func (m twoSidecars) InForce(context.Context) (sidecars int, behind []Sidecar) {
	all := m.Sidecars()
	return 1, all[1:]
}

func meshNow() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func newMeshServer(requests *observe.Requests) *meshServer {
	snap := orchestrator.Snapshot{Workloads: []orchestrator.Workload{
		{Key: orchestrator.Key{Namespace: "production", Name: "paymentservice"}, Builtin: "payment", Instances: []orchestrator.Instance{{Name: "paymentservice-1"}, {Name: "paymentservice-2"}}},
		{Key: orchestrator.Key{Namespace: "production", Name: "cartservice"}, Builtin: "cart"},
	}}
	directory := &names.Directory{
		Namespace: "production",
		Snapshot:  func() orchestrator.Snapshot { return snap },
		Deployments: func() (keys []orchestrator.Key) {
			for _, w := range snap.Workloads {
				keys = append(keys, w.Key)
			}
			return keys
		},
	}
	return &meshServer{
		mesh: twoSidecars{}, names: directory, requests: requests, now: meshNow, refresh: func(context.Context) {},
		vector: func(_ context.Context, expr string, _ time.Time) (promql.Vector, error) {
			if !strings.Contains(expr, `pod="paymentservice-1"`) {
				return nil, nil
			}
			return promql.Vector{{F: 1, Metric: labels.FromStrings("__name__", "envoy_cluster_circuit_breakers_default_remaining_rq", "cluster_name", "outbound|80||n1")}}, nil
		},
	}
}

func TestTheSidecarsThatLagAreNamed(t *testing.T) {
	resp, err := newMeshServer(nil).AwaitMesh(t.Context(), &controlpb.AwaitMeshRequest{Timeout: durationpb.New(time.Second)})
	if err != nil || resp.GetSidecars() != 1 || len(resp.GetBehind()) != 1 || resp.GetBehind()[0].GetInstance() != "paymentservice-2" {
		t.Errorf("%v, %v", resp, err)
	}
	if resp, err := (&meshServer{}).AwaitMesh(t.Context(), &controlpb.AwaitMeshRequest{}); err != nil || resp.GetSidecars() != 0 {
		t.Errorf("without a mesh: %v, %v", resp, err)
	}
}

func TestASidecarIsFoundByItsServiceOrItsInstance(t *testing.T) {
	s := newMeshServer(nil)
	objects, err := store.Open(store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s.objects = objects
	resp, err := s.GetSidecar(t.Context(), &controlpb.GetSidecarRequest{Service: "payment"})
	if err != nil || resp.GetSidecar().GetInstance() != "paymentservice-1" || resp.GetClusters()[0].GetName() != "outbound|80||n1" {
		t.Fatalf("%v, %v", resp, err)
	}
	if b := resp.GetClusters()[0].GetBreakers(); len(b) != 1 || b[0].GetName() != "requests" || b[0].GetActive() != 2 || b[0].GetLimit() != 3 {
		t.Errorf("its circuit breakers are %v", b)
	}
	if secret := resp.GetSecrets()[0]; secret.GetStatus() != "ACTIVE" || !secret.GetValid() || secret.GetSerial() != "1f" {
		t.Errorf("%v", secret)
	}
	if !strings.Contains(string(resp.GetClusters()[0].GetJson()), `"name":"outbound|80||n1"`) {
		t.Errorf("%s", resp.GetClusters()[0].GetJson())
	}
	for name, want := range map[string]string{
		"pod/paymentservice-2": "the sidecar of paymentservice-2 holds nothing yet", "cart": "cart has no sidecar",
	} {
		if _, err := s.GetSidecar(t.Context(), &controlpb.GetSidecarRequest{Service: name}); status.Convert(err).Message() != want || status.Code(err) != codes.FailedPrecondition {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.GetSidecar(t.Context(), &controlpb.GetSidecarRequest{Service: "paymnt"}); status.Code(err) != codes.NotFound {
		t.Errorf("%v", err)
	}
	if st, err := s.MeshStatus(t.Context(), nil); err != nil || len(st.GetSidecars()) != 2 || st.GetSidecars()[0].GetService() != "payment" || st.GetMode() != "auto" {
		t.Errorf("%v, %v", st, err)
	}
}

// tapped receives what is sent.
type tapped struct {
	grpc.ServerStream
	ctx context.Context
	got chan *controlpb.TappedRequest
}

func (s tapped) Context() context.Context { return s.ctx }
func (s tapped) Send(r *controlpb.TappedRequest) error {
	s.got <- r
	return nil
}

func TestTapSendsTheLastRequestsAndThenThoseThatCome(t *testing.T) {
	var requests observe.Requests
	add := func(id, service, flags string) {
		requests.Add([]trace.Record{{
			Service: service, Kind: trace.Client, Proxy: true, Start: meshNow(), End: meshNow().Add(time.Second),
			Sidecar: &trace.Sidecar{RequestID: id, Flags: flags, Status: "200"},
		}})
	}
	add("1", "paymentservice", "-")
	add("2", "paymentservice", "-")
	add("3", "cartservice", "-")
	s := newMeshServer(&requests)
	ctx, cancel := context.WithCancel(t.Context())
	stream := tapped{ctx: ctx, got: make(chan *controlpb.TappedRequest)}
	done := make(chan error)
	go func() { done <- s.TapMesh(&controlpb.TapMeshRequest{Service: "payment", Tail: 1}, stream) }()
	if r := <-stream.got; r.GetRequestId() != "2" || r.GetService() != "payment" || r.GetDirection() != "outbound" || r.GetCode() != 200 || r.GetDuration().AsDuration() != time.Second {
		t.Errorf("%v", r)
	}
	add("4", "paymentservice", "UT")
	if r := <-stream.got; r.GetRequestId() != "4" || r.GetFlags() != "UT" {
		t.Errorf("%v", r)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	all := tapped{ctx: t.Context(), got: make(chan *controlpb.TappedRequest, 9)}
	if err := s.TapMesh(&controlpb.TapMeshRequest{Failed: true, Tail: 9, NoFollow: true}, all); err != nil || len(all.got) != 1 {
		t.Errorf("%v, %d requests", err, len(all.got))
	}
}

// timedOut is a call whose caller's sidecar gave up, as OTLP.
func timedOut() []byte {
	text := func(key, value string) *commonpb.KeyValue {
		return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
	}
	request, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("service.name", "checkoutservice")}},
		ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{
			TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "x", Kind: tracepb.Span_SPAN_KIND_CLIENT,
			StartTimeUnixNano: uint64(meshNow().UnixNano()), EndTimeUnixNano: uint64(meshNow().UnixNano()) + 1e9,
			Attributes: []*commonpb.KeyValue{
				text("component", "proxy"), text("node_id", "n1"), text("response_flags", "UT"), text("guid:x-request-id", "request-1"),
				text("istio.config", "/apis/networking.istio.io/v1/namespaces/production/virtual-service/payment"), text("rpc.response.status_code", "UNAVAILABLE"),
				text("upstream_cluster", "outbound|50051||paymentservice.production.svc.cluster.local"), text("url.path", "/hipstershop.PaymentService/Charge"),
			},
		}}}},
	}}})
	if err != nil {
		panic(err)
	}
	return request
}

func TestExplainNamesTheFileAndLineThatWasApplied(t *testing.T) {
	objects, err := store.Open(store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	written, err := decode.Decode("mesh/payment.yaml", []byte(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: payment}
spec:
  hosts: [paymentservice]
  http:
  - route:
    - destination: {host: paymentservice}
    timeout: 1s
`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := objects.Apply(t.Context(), written, "", false); err != nil {
		t.Fatal(err)
	}
	var requests observe.Requests
	now := meshNow()
	kept := spans.New(spans.Config{Now: func() time.Time { return now }, OnRecords: requests.Add})
	if _, _, err := kept.Ingest(timedOut()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour) // long after its last span
	s := newMeshServer(&requests)
	s.objects, s.traces = objects, &tracesServer{spans: kept, names: s.names, now: meshNow}
	resp, err := s.ExplainMesh(t.Context(), &controlpb.ExplainMeshRequest{Request: "request-1"})
	if err != nil {
		t.Fatal(err)
	}
	hop := resp.GetHops()[0]
	var decisions []string
	for _, d := range hop.GetDecisions() {
		decisions = append(decisions, d.GetVerb()+" "+d.GetPosition()+" "+d.GetObject())
	}
	want := []string{"routed mesh/payment.yaml:8 VirtualService production/payment", "timed out mesh/payment.yaml:9 VirtualService production/payment"}
	if hop.GetCaller() != "checkout" || hop.GetCallee() != "payment" || !slices.Equal(decisions, want) {
		t.Errorf("%v\n%q, want %q", hop, decisions, want)
	}
}
