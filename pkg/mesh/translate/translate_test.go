package translate

import (
	"slices"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	corsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/mesh/protoyaml"
)

var (
	checkout = Proxy{Namespace: "production", Labels: map[string]string{"app": "checkoutservice"}}
	grpcPort = Port{Number: 50051, TargetPort: 50051, Protocol: GRPC}
)

// shop has one service with two endpoints, of which the second has no sidecar.
func shop() *Mesh {
	return &Mesh{
		Domain: "cluster.local", TrustDomain: "cluster.local", RootNamespace: "istio-system",
		Services: []Service{{
			Name: "paymentservice", Namespace: "production", Ports: []Port{grpcPort},
			Endpoints: []Endpoint{
				{Address: "10.0.0.1", Labels: map[string]string{"version": "v1"}, ServiceAccount: "b", Sidecar: true},
				{Address: "10.0.0.2", Labels: map[string]string{"version": "v2"}, ServiceAccount: "a"},
			},
		}},
	}
}

func spec[M proto.Message](t *testing.T, m M, text string) M {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	if err := protoyaml.Into(doc.Content[0], m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *Mesh) virtual(t *testing.T, namespace, text string) {
	t.Helper()
	m.VirtualServices = append(m.VirtualServices, VirtualService{
		Meta: Meta{Name: "payment", Namespace: namespace}, Spec: spec(t, &networking.VirtualService{}, text),
	})
}

func (m *Mesh) rule(t *testing.T, text string) {
	t.Helper()
	m.DestinationRules = append(m.DestinationRules, DestinationRule{
		Meta: Meta{Name: "payment", Namespace: "production"}, Spec: spec(t, &networking.DestinationRule{}, text),
	})
}

func (m *Mesh) routesToPayment() []*routev3.Route {
	return m.VirtualHost(checkout, &m.Services[0], grpcPort).GetRoutes()
}

func TestTheMostExactHostDecidesBeforeAge(t *testing.T) {
	m := shop()
	m.virtual(t, "production", `{hosts: ["*.svc.cluster.local"], http: [{name: all, route: [{destination: {host: paymentservice}}]}]}`)
	m.virtual(t, "production", `{hosts: ["*.production.svc.cluster.local"], http: [{name: namespace, route: [{destination: {host: paymentservice}}]}]}`)
	if got := m.routesToPayment()[0].GetName(); got != "namespace" {
		t.Errorf("%s holds, want the longer suffix", got)
	}
	m.virtual(t, "production", `{hosts: [paymentservice], http: [{name: exact, route: [{destination: {host: paymentservice}}]}]}`)
	if got := m.routesToPayment()[0].GetName(); got != "exact" {
		t.Errorf("%s holds, want the full name", got)
	}
}

func TestARequestWithoutAHeaderDoesNotHaveTheValueThatIsExcluded(t *testing.T) {
	m := shop()
	m.virtual(t, "production", `{hosts: [paymentservice], http: [{match: [{withoutHeaders: {a: {exact: x}, b: {}}}], route: [{destination: {host: paymentservice}}]}]}`)
	headers := m.routesToPayment()[0].GetMatch().GetHeaders()
	if len(headers) != 2 || !headers[0].GetInvertMatch() || !headers[0].GetTreatMissingHeaderAsEmpty() || headers[1].GetTreatMissingHeaderAsEmpty() {
		t.Errorf("%v", headers)
	}
}

func TestEachOfSeveralDestinationsChangesHeadersForItself(t *testing.T) {
	m := shop()
	m.virtual(t, "production", `
hosts: [paymentservice]
http:
- headers: {response: {add: {b: "2", a: "1"}, remove: [c]}}
  route:
  - {destination: {host: paymentservice}, weight: 1, headers: {request: {set: {host: pay.example, x: "1", ":path": /}, remove: [":method", y]}}}
  - {destination: {host: paymentservice}, weight: 1}
`)
	route := m.routesToPayment()[0]
	if add := route.GetResponseHeadersToAdd(); len(add) != 2 || add[0].GetHeader().GetKey() != "a" || !slices.Equal(route.GetResponseHeadersToRemove(), []string{"c"}) {
		t.Errorf("of the rule: %v", route)
	}
	first := route.GetRoute().GetWeightedClusters().GetClusters()[0]
	if add := first.GetRequestHeadersToAdd(); len(add) != 1 || add[0].GetHeader().GetKey() != "x" || !slices.Equal(first.GetRequestHeadersToRemove(), []string{"y"}) || first.GetHostRewriteLiteral() != "pay.example" {
		t.Errorf("of a destination: %v", first)
	}
}

func TestACORSPolicyListsTheSitesThatMayCall(t *testing.T) {
	m := shop()
	m.virtual(t, "production", `
hosts: [paymentservice]
http:
- corsPolicy: {allowOrigins: [{exact: "https://a.example"}, {regex: ".*"}], allowMethods: [GET, POST], allowHeaders: [x], maxAge: 24h, allowCredentials: true}
  route: [{destination: {host: paymentservice}}]
`)
	var cors corsv3.CorsPolicy
	if err := m.routesToPayment()[0].GetTypedPerFilterConfig()[corsFilter].UnmarshalTo(&cors); err != nil {
		t.Fatal(err)
	}
	if len(cors.GetAllowOriginStringMatch()) != 2 || cors.GetAllowMethods() != "GET,POST" || cors.GetMaxAge() != "86400" || !cors.GetAllowCredentials().GetValue() {
		t.Errorf("%v", &cors)
	}
}

func TestOnlyEndpointsWithASidecarTakeMutualTLS(t *testing.T) {
	m := shop()
	endpoints := m.Endpoints(checkout, &m.Services[0], grpcPort)[0].GetEndpoints()[0].GetLbEndpoints()
	var takes []bool
	for _, e := range endpoints {
		takes = append(takes, e.GetMetadata().GetFilterMetadata()["envoy.transport_socket_match"] != nil)
	}
	if !slices.Equal(takes, []bool{true, false}) {
		t.Errorf("%v", endpoints)
	}
}

func TestTLSThatIsNotTranslatedDoesNotBecomePlainText(t *testing.T) {
	for _, mode := range []string{"SIMPLE", "MUTUAL"} {
		m := shop()
		m.rule(t, `{host: paymentservice, trafficPolicy: {tls: {mode: `+mode+`, credentialName: secret}}}`)
		for _, a := range m.Endpoints(checkout, &m.Services[0], grpcPort) {
			if len(a.GetEndpoints()) > 0 {
				t.Errorf("%s: a call would be sent in plain text", mode)
			}
		}
	}
}

func TestAllEndpointsEjectedAreNone(t *testing.T) {
	for text, want := range map[string]float64{
		`{host: paymentservice}`: 0,
		`{host: paymentservice, trafficPolicy: {outlierDetection: {minHealthPercent: 40}}}`: 40,
	} {
		m := shop()
		m.rule(t, text)
		panicBelow := m.Clusters(checkout, &m.Services[0], grpcPort)[0].GetCommonLbConfig().GetHealthyPanicThreshold()
		if panicBelow == nil || panicBelow.GetValue() != want {
			t.Errorf("%s: %v, want %g", text, panicBelow, want)
		}
	}
}

func TestTheSettingsOfAPortReplaceThoseOfTheService(t *testing.T) {
	m := shop()
	m.rule(t, `
host: paymentservice
trafficPolicy:
  loadBalancer: {simple: RANDOM}
  portLevelSettings: [{port: {number: 50051}, connectionPool: {tcp: {maxConnections: 7}}}]
subsets:
- {name: v1, labels: {version: v1}, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}}
`)
	clusters := m.Clusters(checkout, &m.Services[0], grpcPort)
	if len(clusters) != 2 || !strings.Contains(clusters[0].GetName(), "|v1|") {
		t.Fatalf("%d clusters, want that of v1 and that of all", len(clusters))
	}
	for i, want := range []clusterv3.Cluster_LbPolicy{clusterv3.Cluster_ROUND_ROBIN, clusterv3.Cluster_LEAST_REQUEST} {
		if c := clusters[i]; c.GetLbPolicy() != want || c.GetCircuitBreakers().GetThresholds()[0].GetMaxConnections().GetValue() != 7 {
			t.Errorf("%s: %v", c.GetName(), c)
		}
	}
}

func TestARetryBudgetIsThatOfTheSubsetElseOfTheService(t *testing.T) {
	m := shop()
	m.rule(t, `
host: paymentservice
trafficPolicy:
  retryBudget: {percent: 12.5}
  portLevelSettings: [{port: {number: 50051}, connectionPool: {http: {maxRetries: 7}}}]
subsets:
- {name: v1, labels: {version: v1}, trafficPolicy: {retryBudget: {minRetryConcurrency: 2}}}
- {name: v2, labels: {version: v2}}
`)
	clusters := m.Clusters(checkout, &m.Services[0], grpcPort)
	if len(clusters) != 3 {
		t.Fatalf("%d clusters", len(clusters))
	}
	want := map[string]string{"v1": `min_retry_concurrency:{value:2}`, "v2": `budget_percent:{value:12.5}`, "": `budget_percent:{value:12.5}`}
	for _, c := range clusters {
		subset := strings.Split(c.GetName(), "|")[2]
		budget := c.GetCircuitBreakers().GetThresholds()[0].GetRetryBudget()
		if got := strings.Join(strings.Fields(budget.String()), ""); got != want[subset] {
			t.Errorf("subset %q has the budget %s, want %s", subset, got, want[subset])
		}
	}
	if budget := shop().Clusters(checkout, &m.Services[0], grpcPort)[0].GetCircuitBreakers().GetThresholds()[0].GetRetryBudget(); budget != nil {
		t.Errorf("without a rule there is the budget %v", budget)
	}
}
