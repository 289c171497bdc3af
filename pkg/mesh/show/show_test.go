package show_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/shopctl/shopctl/pkg/mesh/show"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
)

func read[T proto.Message](t *testing.T, into T, text string) T {
	t.Helper()
	if err := protojson.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
	return into
}

const payment = "outbound|50051||paymentservice.production.svc.cluster.local"

func resources(t *testing.T) *xds.Resources {
	t.Helper()
	return &xds.Resources{
		Listeners: []*listenerv3.Listener{
			read(t, &listenerv3.Listener{}, `{"name":"paymentservice.production.svc.cluster.local_50051","address":{"socketAddress":{"address":"127.0.0.1","portValue":0}},
				"filterChains":[{"filters":[{"name":"x","typedConfig":{"@type":"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager","rds":{"routeConfigName":"50051"}}}]}]}`),
			read(t, &listenerv3.Listener{}, `{"name":"inbound_50051","filterChains":[
				{"filterChainMatch":{"transportProtocol":"tls","applicationProtocols":["istio"]},"filters":[{"name":"x","typedConfig":{"@type":"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager","routeConfig":{"name":"inbound|50051||"},"httpFilters":[{"name":"envoy.filters.http.rbac"},{"name":"envoy.filters.http.router"}]}}]},
				{"filterChainMatch":{"transportProtocol":"raw_buffer"},"filters":[{"name":"x","typedConfig":{"@type":"type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy","cluster":"inbound|6379||"}}]}]}`),
		},
		Routes: []*routev3.RouteConfiguration{read(t, &routev3.RouteConfiguration{}, `{"name":"50051","virtualHosts":[{"name":"paymentservice.production.svc.cluster.local:50051","domains":["a","b","c"],"routes":[
			{"name":"canary","match":{"prefix":"/","headers":[{"name":"x-canary","stringMatch":{"exact":"yes"}}]},"metadata":{"filterMetadata":{"istio":{"config":"/apis/networking.istio.io/v1/namespaces/production/virtual-service/payment"}}},
			 "route":{"weightedClusters":{"clusters":[{"name":"a","weight":9},{"name":"b","weight":1}]},"timeout":"0.5s","retryPolicy":{"retryOn":",503","numRetries":2,"perTryTimeout":"0.1s"}},
			 "typedPerFilterConfig":{"envoy.filters.http.fault":{"@type":"type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault","delay":{"fixedDelay":"2s","percentage":{"numerator":500000,"denominator":"MILLION"}},"abort":{"grpcStatus":14,"percentage":{"numerator":100000,"denominator":"MILLION"}}}}},
			{"name":"default","match":{"prefix":"/"},"route":{"cluster":"`+payment+`","timeout":"0s","requestMirrorPolicies":[{"cluster":"m"}]}}]}]}`)},
		Clusters: []*clusterv3.Cluster{
			read(t, &clusterv3.Cluster{}, `{"name":"`+payment+`","type":"EDS","lbPolicy":"LEAST_REQUEST","circuitBreakers":{"thresholds":[{"maxConnections":4294967295,"maxRequests":5}]},
				"outlierDetection":{"consecutive5xx":3,"enforcingConsecutive5xx":100,"maxEjectionPercent":50,"baseEjectionTime":"30s"},"transportSocketMatches":[{"name":"x"}]}`),
			read(t, &clusterv3.Cluster{}, `{"name":"inbound|50051||","type":"STATIC","loadAssignment":{"clusterName":"inbound|50051||","endpoints":[{"lbEndpoints":[{"endpoint":{"address":{"socketAddress":{"address":"127.0.0.1","portValue":4000}}}}]}]}}`),
		},
		Endpoints: []*endpointv3.ClusterLoadAssignment{read(t, &endpointv3.ClusterLoadAssignment{}, `{"clusterName":"`+payment+`","endpoints":[{"lbEndpoints":[
			{"endpoint":{"address":{"socketAddress":{"address":"127.0.0.1","portValue":4001}}},"metadata":{"filterMetadata":{"envoy.transport_socket_match":{"tlsMode":"istio"}}}},
			{"endpoint":{"address":{"socketAddress":{"address":"127.0.0.1","portValue":4002}}},"healthStatus":"DRAINING"}]}]}`)},
	}
}

func TestRoutesSayWhereARequestGoesAndWhatElseHappensToIt(t *testing.T) {
	rows := show.Routes(resources(t))
	if len(rows) != 2 {
		t.Fatalf("%+v", rows)
	}
	canary := rows[0]
	if canary.Match != "/* x-canary=yes" || canary.Target != "90% a, 10% b" || canary.Object.String() != "payment.production" || canary.Object.Kind != "VirtualService" {
		t.Errorf("%+v", canary)
	}
	if want := "delay 2s 50%, abort Unavailable 10%, timeout 500ms, 2 retries on 503 with 100ms per try"; canary.Policy != want {
		t.Errorf("policy %q, want %q", canary.Policy, want)
	}
	if rows[1].Target != payment || rows[1].Policy != "mirrors 100% to m" || rows[1].Object.String() != "" {
		t.Errorf("%+v", rows[1])
	}
	if canary.Resource == nil || rows[1].Resource != nil {
		t.Error("the configuration is not with the first of its rows alone")
	}
}

func TestClustersSayWhatTheyLimitAndHowManyAreEjected(t *testing.T) {
	rows := show.Clusters(resources(t), show.Live{
		Ejected: map[string]map[string]show.Ejection{payment: {"127.0.0.1:4002": {}}},
		Measured: map[string]map[string]float64{payment: {
			"envoy_cluster_circuit_breakers_default_remaining_rq": 1, "envoy_cluster_upstream_rq_pending_overflow": 7, "envoy_cluster_upstream_cx_overflow": 0,
		}},
	})
	out := rows[0]
	if out.Host != "paymentservice.production.svc.cluster.local" || out.Port != "50051" || out.Endpoints != 2 || out.Ejected != 1 || out.Direction != show.Outbound {
		t.Errorf("%+v", out)
	}
	if want := "LEAST_REQUEST, at most 5 requests, ejects after 3 errors in a row for 30s, at most 50% of endpoints, mutual TLS where the endpoint has a sidecar"; out.Policy != want {
		t.Errorf("policy %q, want %q", out.Policy, want)
	}
	if want := (show.Breakers{Limits: []show.Breaker{{Name: "requests", Active: 4, Limit: 5}}, Overflows: map[string]int64{"upstream_rq_pending_overflow": 7}}); !reflect.DeepEqual(out.Breakers, want) {
		t.Errorf("breakers %+v, want %+v", out.Breakers, want)
	}
	live := out.Resource.(*clusterv3.Cluster).GetMetadata().GetFilterMetadata()["shopctl"].GetFields()
	requests := live["circuitBreakers"].GetStructValue().GetFields()["requests"].GetStructValue().GetFields()
	if requests["active"].GetNumberValue() != 4 || requests["limit"].GetNumberValue() != 5 || live["overflows"].GetStructValue().GetFields()["upstream_rq_pending_overflow"].GetNumberValue() != 7 {
		t.Errorf("Envoy's resource says %v", live)
	}
	if in := rows[1]; in.Direction != show.Inbound || in.Endpoints != 1 || in.Policy != "" {
		t.Errorf("%+v", in)
	}
}

func TestABudgetOfRetriesIsSaidWithWhatHoldsWhereItIsSilent(t *testing.T) {
	for budget, want := range map[string]string{
		`{}`: "retries at most 20% of requests, or 3",
		`{"budgetPercent":{"value":12.5},"minRetryConcurrency":1}`: "retries at most 12.5% of requests, or 1",
	} {
		c := read(t, &clusterv3.Cluster{}, `{"name":"`+payment+`","circuitBreakers":{"thresholds":[{"maxRetries":4294967295,"retryBudget":`+budget+`}]}}`)
		if got := show.Limits(c); !reflect.DeepEqual(got, []string{want}) {
			t.Errorf("%s: %q, want %q", budget, got, want)
		}
	}
}

func TestEndpointsSayWhoIsEjected(t *testing.T) {
	live := show.Live{Ejected: map[string]map[string]show.Ejection{payment: {"127.0.0.1:4001": {Reason: "consecutive 5xx errors", Until: time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)}}}, Instances: map[string]string{"127.0.0.1:4001": "paymentservice-1"}}
	held := resources(t)
	rows := show.Endpoints(held, live)
	var text []string
	for _, r := range rows {
		text = append(text, strings.Join([]string{r.Address, r.Status, r.Outlier, r.Instance, r.Security, r.Ejection.Reason}, " "))
	}
	want := "127.0.0.1:4001 HEALTHY FAILED paymentservice-1 mutual_tls consecutive 5xx errors\n127.0.0.1:4002 UNHEALTHY OK  none \n127.0.0.1:4000 HEALTHY OK  none "
	if got := strings.Join(text, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	said := func(m proto.Message) *structpb.Struct {
		return m.(*endpointv3.ClusterLoadAssignment).GetEndpoints()[0].GetLbEndpoints()[0].GetMetadata().GetFilterMetadata()["shopctl"]
	}
	why := said(rows[0].Resource).GetFields()["ejected"].GetStructValue().GetFields()
	if why["reason"].GetStringValue() != "consecutive 5xx errors" || why["until"].GetStringValue() != "2026-03-01T12:00:30Z" || said(held.Endpoints[0]) != nil {
		t.Errorf("Envoy's resource says %v, and what the sidecar holds %v", why, said(held.Endpoints[0]))
	}
}

func TestListenersSayWhichConnectionsGoWhere(t *testing.T) {
	rows := show.Listeners(resources(t), show.Live{Addresses: map[string]string{"inbound_50051": "127.0.0.1:41000"}})
	var text []string
	for _, r := range rows {
		text = append(text, strings.Join([]string{r.Direction, r.Address, r.Match, r.Destination}, " "))
	}
	want := "outbound 127.0.0.1:0 ALL Route: 50051\n" +
		"inbound 127.0.0.1:41000 TLS of the mesh rbac, Inline Route: inbound|50051||\n" +
		"inbound 127.0.0.1:41000 plaintext Cluster: inbound|6379||"
	if got := strings.Join(text, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAPathNamesAnObject(t *testing.T) {
	for path, want := range map[string]show.Object{
		"/apis/networking.istio.io/v1/namespaces/production/destination-rule/payment": {Kind: "DestinationRule", Namespace: "production", Name: "payment"},
		"": {}, "/apis/x": {}, "a/b/c/d/e/f/g": {},
	} {
		if got := show.ParseConfig(path); got != want {
			t.Errorf("%q: %+v, want %+v", path, got, want)
		}
	}
	if got := show.ShortCluster(payment); got != "paymentservice:50051" {
		t.Error(got)
	}
	if got := show.ShortCluster("outbound|50051|v1|a.b"); got != "a:50051 subset v1" {
		t.Error(got)
	}
}
