package explain_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/mesh/explain"
	"github.com/shopctl/shopctl/pkg/mesh/show"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/tracetest"
)

func read[T proto.Message](t *testing.T, into T, text string) T {
	t.Helper()
	if err := protojson.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
	return into
}

const (
	config  = "/apis/networking.istio.io/v1/namespaces/production/virtual-service/payment"
	v1      = "outbound|50051|v1|paymentservice.production.svc.cluster.local"
	plain   = "outbound|50051||paymentservice.production.svc.cluster.local"
	outline = `
1 - server checkoutservice hipstershop.CheckoutService/PlaceOrder 0 100
2 1 client checkoutservice hipstershop.PaymentService/Charge 10 90
3 2 client checkoutservice payment:50051/* 11 89 component=proxy node_id=checkout %s
4 3 server paymentservice  payment:50051/* 12 40 component=proxy node_id=payment %s
`
)

// mesh is what the test's sidecars hold: for payment a rule by header, and one for the others with a timeout and retries.
type mesh struct{ *testing.T }

func (m mesh) Resources(node string) *xds.Resources {
	if node == "payment" {
		return &xds.Resources{Listeners: []*listenerv3.Listener{read(m.T, &listenerv3.Listener{}, `{"filterChains":[{"filters":[{"typedConfig":{
			"@type":"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager","httpFilters":[{"typedConfig":{
			"@type":"type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC","rules":{"action":"ALLOW","policies":{"ns[production]-policy[allow-checkout]-rule[0]":{}}}}}]}}]}]}`)}}
	}
	metadata := `"metadata":{"filterMetadata":{"istio":{"config":"%s"}}}`
	rule := strings.ReplaceAll(config, "virtual-service", "destination-rule")
	return &xds.Resources{
		Routes: []*routev3.RouteConfiguration{read(m.T, &routev3.RouteConfiguration{}, `{"virtualHosts":[{"routes":[
			{"name":"canary",`+fmt.Sprintf(metadata, config)+`,"route":{"cluster":"`+v1+`"}},
			{"name":"",`+fmt.Sprintf(metadata, config)+`,"route":{"cluster":"`+plain+`","timeout":"0.5s","retryPolicy":{"numRetries":3,"retryOn":"unavailable","perTryTimeout":"0.1s"},"requestMirrorPolicies":[{"cluster":"`+v1+`"}]}}]}]}`)},
		Endpoints: []*endpointv3.ClusterLoadAssignment{read(m.T, &endpointv3.ClusterLoadAssignment{}, `{"clusterName":"`+v1+`","endpoints":[{"lbEndpoints":[{}]}]}`)},
		Clusters: []*clusterv3.Cluster{
			read(m.T, &clusterv3.Cluster{}, `{"name":"`+v1+`","transportSocketMatches":[{"name":"any"}],`+fmt.Sprintf(metadata, rule)+`,"outlierDetection":{"consecutive5xx":3},"circuitBreakers":{"thresholds":[{"maxRequests":1}]}}`),
		},
	}
}

func (m mesh) VirtualService(namespace, name string) *networking.VirtualService {
	if namespace+"/"+name != "production/payment" {
		return nil
	}
	return read(m.T, &networking.VirtualService{}, `{"http":[{"name":"canary","match":[{"headers":{"x-canary":{"exact":"yes"}}}],"route":[{"destination":{"host":"paymentservice","subset":"v1"}}]},
		{"route":[{"destination":{"host":"paymentservice"}}],"timeout":"0.5s","retries":{"attempts":3},"mirror":{"host":"paymentservice","subset":"v1"}}]}`)
}

func (mesh) Changed(show.Object) time.Time { return time.Time{} }

func (mesh) Position(o show.Object, path string) string { return o.Name + ".yaml#" + path }

// text is a hop and its decisions, a line for each.
func text(h explain.Hop) string {
	lines := []string{fmt.Sprintf("%s>%s %s %s", h.Caller, h.Callee, h.Operation, h.Status)}
	for _, d := range h.Decisions {
		at := d.Position
		if d.Object.Kind == "fault" {
			at = "(fault " + d.Object.Name + ")"
		}
		line := d.Verb + " " + at + ": " + d.What
		if d.Without != "" {
			line += " / " + d.Without
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func explained(t *testing.T, caller, callee string) string {
	t.Helper()
	tr := trace.AssembleAll(tracetest.Spans(t, fmt.Sprintf(outline, caller, callee)))[0]
	hops := explain.Hops(tr, mesh{t})
	if len(hops) != 1 {
		t.Fatalf("%d hops: %+v", len(hops), hops)
	}
	return text(hops[0])
}

func TestEachDecisionIsThatOfALine(t *testing.T) {
	of := "istio.config=" + config + " "
	head := "checkoutservice>paymentservice hipstershop.PaymentService/Charge "
	mirrored := "mirrored payment.yaml#spec.http[1].mirror: mirrored to paymentservice:50051 subset v1 / no copy would have been sent\n"
	byDefault := "routed payment.yaml#spec.http[1].route[0]: routed to paymentservice:50051 / to any endpoint of the service\n"
	for name, c := range map[string]struct{ caller, callee, want string }{
		"a rule by header": {
			of + "route_name=canary response_flags=- rpc.response.status_code=OK upstream_cluster=" + v1, "connection_security_policy=mutual_tls peer.principal=spiffe://a",
			head + "OK\nrouted payment.yaml#spec.http[0].route[0]: routed to paymentservice:50051 subset v1 by the rule \"canary\" / to any endpoint of the service\nsecured : arrived over mutual TLS from spiffe://a",
		},
		"a default": {
			"response_flags=- http.status_code=200 route_name=default upstream_cluster=" + plain, "connection_security_policy=none",
			head + "200\nrouted : routed to paymentservice:50051\nsecured : arrived in plaintext, without an identity",
		},
		"a timeout": {
			of + "response_flags=UT rpc.response.status_code=UNAVAILABLE response_code_details=response_timeout upstream_cluster=" + plain, "",
			head + "UNAVAILABLE\n" + byDefault + mirrored + "timed out payment.yaml#spec.http[1].timeout: the timeout of the request, 500ms, was over / the caller would have waited until its own deadline",
		},
		"retries that are used up": {
			of + "response_flags=UT,URX attempts=4 rpc.response.status_code=UNAVAILABLE response_code_details=upstream_per_try_timeout upstream_cluster=" + plain, "",
			head + "UNAVAILABLE\n" + byDefault + mirrored +
				"retried payment.yaml#spec.http[1].retries: tried 4 times (3 retries on unavailable with 100ms per try) / Istio's default would have tried at most 3 times, on other conditions\n" +
				"timed out payment.yaml#spec.http[1].retries.perTryTimeout: the timeout of a try, 100ms, was over / the try would have gone on until the timeout of the request, or the caller's own deadline\n" +
				"retried payment.yaml#spec.http[1].retries: no retry is left: the last failure is the response",
		},
		"no rule that fits": {
			of + "response_flags=NR rpc.response.status_code=UNIMPLEMENTED route_name=none", "",
			head + "UNIMPLEMENTED\nrouted payment.yaml#spec.http: no rule fits the request, so that it goes nowhere / to any endpoint of the service",
		},
		"all endpoints ejected": {
			of + "response_flags=UH rpc.response.status_code=UNAVAILABLE route_name=canary upstream_cluster=" + v1, "",
			head + "UNAVAILABLE\nrouted payment.yaml#spec.http[0].route[0]: routed to paymentservice:50051 subset v1 by the rule \"canary\" / to any endpoint of the service\n" +
				"ejected payment.yaml#spec.trafficPolicy.outlierDetection: no endpoint of paymentservice:50051 subset v1 is left: outlier detection ejects after 3 errors in a row, at most 10% of endpoints / the request would have been sent to an endpoint that failed before",
		},
		"a limit": {
			of + "response_flags=UO response_code_details=upstream_reset_before_response_started{overflow} rpc.response.status_code=UNAVAILABLE route_name=canary upstream_cluster=" + v1, "",
			head + "UNAVAILABLE\nrouted payment.yaml#spec.http[0].route[0]: routed to paymentservice:50051 subset v1 by the rule \"canary\" / to any endpoint of the service\n" +
				"limited payment.yaml#spec.trafficPolicy.connectionPool: a limit of paymentservice:50051 subset v1 was reached: at most 1 requests / the request would have been sent",
		},
		"a limit of retries": {
			of + "response_flags=UO response_code_details=via_upstream rpc.response.status_code=UNAVAILABLE route_name=canary upstream_cluster=" + v1, "",
			head + "UNAVAILABLE\nrouted payment.yaml#spec.http[0].route[0]: routed to paymentservice:50051 subset v1 by the rule \"canary\" / to any endpoint of the service\n" +
				"limited payment.yaml#spec.trafficPolicy.connectionPool: not tried again, as a limit of paymentservice:50051 subset v1 was reached: at most 1 requests / the request would have been tried again",
		},
		"an injected fault": {
			of + "response_flags=DI,FI rpc.response.status_code=UNAVAILABLE route_name=canary", "",
			head + "UNAVAILABLE\ndelayed payment.yaml#spec.http[0].fault.delay: delayed by a fault before it was sent / the request would have been sent at once\n" +
				"aborted payment.yaml#spec.http[0].fault.abort: aborted by a fault; the callee was not called / it would have been sent to the callee",
		},
		"a fault of the shop at the caller": {
			of + "istio.rule=fault:f1,f2 response_flags=FI rpc.response.status_code=UNAVAILABLE route_name=fault-f2", "",
			head + "UNAVAILABLE\naborted (fault f1,f2): aborted by a fault; the callee was not called / it would have been sent to the callee",
		},
		"a fault of the shop at the callee": {
			"response_flags=- rpc.response.status_code=INTERNAL route_name=default upstream_cluster=" + plain, "response_flags=FI route_name=fault-f3",
			head + "INTERNAL\nrouted : routed to paymentservice:50051\naborted (fault f3): aborted by a fault in the callee's sidecar / it would have reached the program",
		},
		"a rule that denies": {
			"response_flags=- rpc.response.status_code=PERMISSION_DENIED route_name=default upstream_cluster=" + plain, "response_code_details=rbac_access_denied_matched_policy[ns[production]-policy[deny]-rule[2]]",
			head + "PERMISSION_DENIED\nrouted : routed to paymentservice:50051\ndenied deny.yaml#spec.rules[2]: denied: a rule of a DENY policy fits the request / the request would have reached the program",
		},
		"no rule that allows": {
			"response_flags=- rpc.response.status_code=PERMISSION_DENIED route_name=default upstream_cluster=" + plain, "response_code_details=rbac_access_denied_matched_policy[none]",
			head + "PERMISSION_DENIED\nrouted : routed to paymentservice:50051\ndenied allow-checkout.yaml#spec.rules: denied: no rule of an ALLOW policy lets it in / the request would have reached the program",
		},
		"a token": {
			"response_flags=- rpc.response.status_code=UNAUTHENTICATED route_name=default upstream_cluster=" + plain, "response_code_details=jwt_authn_access_denied{Jwt_is_expired}",
			head + "UNAUTHENTICATED\nrouted : routed to paymentservice:50051\ndenied : denied: Jwt is expired / the token would not have been checked",
		},
		"a broken connection": {
			"response_flags=UC http.status_code=503 route_name=default upstream_cluster=" + plain, "",
			head + "503\nrouted : routed to paymentservice:50051\nfailed : the endpoint closed the connection (UC)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := explained(t, c.caller, c.callee); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestARequestThatCameFromOutsideIsExplainedByTheCalleesSidecar(t *testing.T) {
	tr := trace.AssembleAll(tracetest.Spans(t, `
1 - server frontend frontend:80/* 0 10 component=proxy http.status_code=403 response_code_details=rbac_access_denied_matched_policy[ns[production]-policy[deny]-rule[0]] url.path=/cart
`))[0]
	hops := explain.Hops(tr, mesh{t})
	if len(hops) != 1 || hops[0].Callee != "frontend" || hops[0].Operation != "cart" || hops[0].Status != "403" || hops[0].Decisions[0].Position != "deny.yaml#spec.rules[0]" {
		t.Errorf("%+v", hops)
	}
}

func TestAHopThatAFaultAbortedNamesWhomItWasFor(t *testing.T) {
	tr := trace.AssembleAll(tracetest.Spans(t, `
1 - client checkoutservice hipstershop.PaymentService/Charge 10 90
2 1 client checkoutservice paymentservice.production.svc.cluster.local:50051/* 11 89 component=proxy node_id=checkout response_flags=FI
`))[0]
	hops := explain.Hops(tr, mesh{t})
	if len(hops) != 1 || hops[0].Callee != "paymentservice" {
		t.Errorf("%+v", hops)
	}
}
