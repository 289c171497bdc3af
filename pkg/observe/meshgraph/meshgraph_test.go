package meshgraph_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/shopctl/shopctl/pkg/observe/meshgraph"
	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

const (
	host    = "paymentservice.production.svc.cluster.local"
	account = "spiffe://cluster.local/ns/production/sa/checkoutservice"
)

// store has series by their text, `name;label=value;...`, with a sample every ten seconds from began on; a negative one is none.
func store(t *testing.T, began time.Time, series map[string][]float64) *tsdb.DB {
	t.Helper()
	db := tsdb.New(tsdb.Config{})
	for i := range 6 {
		a := db.Appender()
		for text, samples := range series {
			if i >= len(samples) || samples[i] < 0 {
				continue
			}
			parts := strings.Split(text, ";")
			pairs := []string{"__name__", parts[0], "namespace", "production"}
			for _, p := range parts[1:] {
				name, value, _ := strings.Cut(p, "=")
				pairs = append(pairs, name, value)
			}
			if _, err := a.Append(0, labels.FromStrings(pairs...), began.Add(time.Duration(i)*10*time.Second).UnixMilli(), samples[i]); err != nil {
				t.Error(err)
			}
		}
		a.Close()
	}
	return db
}

func TestARequestIsCountedByItsCallersSidecarAlone(t *testing.T) {
	request := func(reporter, job, version, flags, security string) string {
		return "istio_requests_total;job=" + job + ";reporter=" + reporter + ";destination_service=" + host + ";destination_version=" + version +
			";response_flags=" + flags + ";connection_security_policy=" + security
	}
	began := time.Unix(1_700_000_000, 0)
	db := store(t, began, map[string][]float64{
		request("source", "checkoutservice", "v1", "-", "mutual_tls"):                                           {5, 5, 9, 15}, // 10
		request("source", "checkoutservice", "v2", "-", "none"):                                                 {-1, -1, -1, 2},
		request("source", "checkoutservice", "unknown", "UF,URX", "unknown"):                                    {0, 7, 1, 2}, // reset: 2
		request("destination", "paymentservice", "v1", "-", "mutual_tls"):                                       {0, 0, 50, 90},
		"envoy_cluster_upstream_rq_retry;job=checkoutservice;cluster_name=outbound|50051||" + host:              {0, 1, 3, 4},
		"envoy_cluster_upstream_rq_retry;job=checkoutservice;cluster_name=inbound":                              {0, 0, 9, 9},
		"envoy_cluster_upstream_rq_pending_overflow;job=checkoutservice;cluster_name=outbound|50051||" + host:   {1, 1, 4, 9},
		"envoy_cluster_upstream_cx_overflow;job=checkoutservice;cluster_name=outbound|50051||" + host:           {0, 0, 0, 0},
		"envoy_cluster_upstream_rq_pending_active;job=checkoutservice;cluster_name=outbound|50051|v1|" + host:   {0, 9, 9, 2},
		"envoy_cluster_upstream_rq_pending_active;job=checkoutservice;cluster_name=outbound|50051|gone|" + host: {5, 5},
		"envoy_http_rbac_denied;job=paymentservice;source_principal=" + account:                                 {0, 0, 0, 2},
		"envoy_http_jwt_authn_denied;job=paymentservice;source_principal=" + account:                            {0, 0, 1, 1},
		"istio_request_duration_milliseconds_count;job=checkoutservice;destination_service=" + host:             {0, 0, 100, 100},
		"envoy_cluster_upstream_rq_retry;job=frontend;cluster_name=outbound|50051|v1|" + host + "|x|toom":       {0, 0, 5, 5},
	})
	got, err := meshgraph.Between(t.Context(), db, began.Add(10*time.Second), began.Add(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	want := meshgraph.Graph{
		Edges: []meshgraph.Edge{{
			Caller: meshgraph.Workload{Namespace: "production", Name: "checkoutservice"}, Host: host, MutualTLS: 10, Plaintext: 2, Retries: 3,
			Overflows: map[string]int64{"upstream_rq_pending_overflow": 8}, Pending: 2,
			Versions: map[string]int64{"v1": 10, "v2": 2}, Flags: map[string]int64{"UF": 2, "URX": 2},
		}},
		Denials: []meshgraph.Denial{{Callee: meshgraph.Workload{Namespace: "production", Name: "paymentservice"}, Principal: account, Requests: 3}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestConnectionsThatAreOpenAndTheFlagsOfThoseThatEndedAreOnTheirEdge(t *testing.T) {
	connections := func(name, reporter, security, more string) string {
		return "istio_tcp_connections_" + name + "_total;job=cartservice;reporter=" + reporter + ";destination_service=" + host + ";connection_security_policy=" + security + more
	}
	began := time.Unix(1_700_000_000, 0)
	db := store(t, began, map[string][]float64{
		connections("opened", "source", "mutual_tls", ""):                     {7, 7, 8, 9},
		connections("closed", "source", "mutual_tls", ";response_flags=-"):    {5, 5, 6, 6}, // 3 are open
		connections("opened", "source", "unknown", ""):                        {0, 0, 2, 4},
		connections("closed", "source", "unknown", ";response_flags=UF"):      {0, 0, 2, 4},
		connections("opened", "destination", "mutual_tls", ""):                {7, 7, 8, 9},
		"envoy_tcp_rbac_denied;job=redis-cart;source_principal=" + account:    {0, 0, 0, 5},
		"istio_tcp_sent_bytes_total;job=cartservice;destination_service=none": {0, 9, 9, 9},
	})
	got, err := meshgraph.Between(t.Context(), db, began.Add(10*time.Second), began.Add(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	want := meshgraph.Graph{
		Edges: []meshgraph.Edge{{
			Caller: meshgraph.Workload{Namespace: "production", Name: "cartservice"}, Host: host, MutualTLSConnections: 3,
			Overflows: map[string]int64{}, Versions: map[string]int64{}, Flags: map[string]int64{"UF": 4},
		}},
		Denials: []meshgraph.Denial{{Callee: meshgraph.Workload{Namespace: "production", Name: "redis-cart"}, Principal: account, Requests: 5}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestAHopHasTheFiguresOfTheSidecarThatCountsIt(t *testing.T) {
	began := time.Unix(1_700_000_000, 0)
	sent := ";job=checkoutservice;reporter=source;source_workload=checkoutservice;destination_service=" + host
	served := ";job=paymentservice;reporter=destination;source_workload=checkout;destination_service=" + host
	db := store(t, began, map[string][]float64{
		"istio_requests_total;response_code=200;grpc_response_status=0" + sent:   {0, 0, 0, 90},
		"istio_requests_total;response_code=200;grpc_response_status=14" + sent:  {0, 0, 0, 6},
		"istio_requests_total;response_code=503" + sent:                          {0, 0, 0, 4},
		"istio_request_duration_milliseconds_bucket;le=5" + sent:                 {0, 0, 0, 50},
		"istio_request_duration_milliseconds_bucket;le=10" + sent:                {0, 0, 0, 90},
		"istio_request_duration_milliseconds_bucket;le=+Inf" + sent:              {0, 0, 0, 100},
		"istio_requests_total;response_code=200;grpc_response_status=0" + served: {0, 0, 0, 90},
	})
	hops, err := meshgraph.Hops(t.Context(), db, began.Add(10*time.Second), began.Add(30*time.Second))
	if err != nil || len(hops) != 2 {
		t.Fatalf("%v, %v", hops, err)
	}
	for _, h := range hops {
		switch {
		case h.Host == host && h.Reporter.Name == "checkoutservice":
			if h.Requests != 100 || h.Failed != 10 || h.Quantile(0.5) != 5*time.Millisecond || h.Quantile(0.7) != 7500*time.Microsecond || h.Quantile(0.99) != 10*time.Millisecond {
				t.Errorf("%+v: half took %s, 0.7 %s, 0.99 %s", h, h.Quantile(0.5), h.Quantile(0.7), h.Quantile(0.99))
			}
		case h.Account == "checkout" && h.Reporter.Name == "paymentservice":
			if h.Requests != 90 || h.Failed != 0 || h.Quantile(0.5) != 0 {
				t.Errorf("%+v", h)
			}
		default:
			t.Errorf("%+v", h)
		}
	}
}

func TestAShopWithoutSidecarsHasNoEdges(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	got, err := meshgraph.Between(t.Context(), tsdb.New(tsdb.Config{}), now.Add(-time.Minute), now)
	if err != nil || len(got.Edges)+len(got.Denials) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
