package translate

import (
	"fmt"
	"strings"
	"testing"

	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	security "istio.io/api/security/v1beta1"
)

var payment = Workload{Namespace: "production", Labels: map[string]string{"app": "paymentservice"}}

func (m *Mesh) peers(t *testing.T, namespace, name, text string) {
	t.Helper()
	m.PeerAuthentications = append(m.PeerAuthentications, PeerAuthentication{
		Meta: Meta{Name: name, Namespace: namespace}, Spec: spec(t, &security.PeerAuthentication{}, text),
	})
}

func TestAPolicyThatLeavesTheModeOpenTakesThatOfTheNextScope(t *testing.T) {
	m := shop()
	mode := func(port uint32, want string) {
		t.Helper()
		if got := m.mtls(payment, port).mode.String(); got != want {
			t.Errorf("port %d is %s, want %s", port, got, want)
		}
	}
	mode(50051, "PERMISSIVE")
	m.peers(t, "istio-system", "mesh", "mtls: {mode: STRICT}")
	mode(50051, "STRICT")
	m.peers(t, "production", "namespace", "{}")
	mode(50051, "STRICT")
	m.peers(t, "production", "own", "{selector: {matchLabels: {app: paymentservice}}, portLevelMtls: {8080: {mode: DISABLE}, 9090: {mode: UNSET}}}")
	mode(50051, "STRICT")
	mode(8080, "DISABLE")
	mode(9090, "STRICT")
}

func TestACallerSendsPlainTextWhereMutualTLSIsSwitchedOff(t *testing.T) {
	m := shop()
	m.peers(t, "production", "v1", "{selector: {matchLabels: {version: v1}}, mtls: {mode: DISABLE}}")
	for _, e := range m.Endpoints(checkout, &m.Services[0], grpcPort)[0].GetEndpoints()[0].GetLbEndpoints() {
		if e.GetMetadata().GetFilterMetadata()["envoy.transport_socket_match"] != nil {
			t.Errorf("%v takes mutual TLS", e)
		}
	}
}

// filter returns one of the filters for requests to payment, as JSON; empty if there is none.
func (m *Mesh) filter(t *testing.T, index int) string {
	t.Helper()
	var manager hcmv3.HttpConnectionManager
	if err := m.InboundChains(payment, grpcPort)[0].GetFilters()[0].GetTypedConfig().UnmarshalTo(&manager); err != nil {
		t.Fatal(err)
	}
	return text(t, manager.GetHttpFilters()[index].GetTypedConfig())
}

func text(t *testing.T, m *anypb.Any) string {
	t.Helper()
	b, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), " ", "")
}

func TestATokenOfAnyIssuerIsEnoughAndAnInvalidOneIsNot(t *testing.T) {
	m := shop()
	for _, issuer := range []string{"b", "a"} {
		m.RequestAuthentications = append(m.RequestAuthentications, RequestAuthentication{
			Meta: Meta{Name: issuer, Namespace: "production"},
			Spec: spec(t, &security.RequestAuthentication{}, fmt.Sprintf("jwtRules: [{issuer: %s, jwksUri: 'https://keys'}]", issuer)),
		})
	}
	got := m.filter(t, 0)
	for _, want := range []string{
		`"origins-0":{"issuer":"a"`, `"origins-1":{"issuer":"b"`, `"inlineString":"{\"keys\":[]}"`,
		`"requiresAny":{"requirements":[{"providerName":"origins-0"},{"providerName":"origins-1"},{"requiresAll":{"requirements":[{"requiresAny":{"requirements":[{"providerName":"origins-0"},{"allowMissing":{}}]}}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func TestConditionsAreAboutCallersOrRequests(t *testing.T) {
	m := shop()
	m.AuthorizationPolicies = []AuthorizationPolicy{{
		Meta: Meta{Name: "p", Namespace: "production"},
		Spec: spec(t, &security.AuthorizationPolicy{}, `
rules:
- when:
  - {key: "request.auth.claims[realm][roles]", values: [admin]}
  - {key: request.auth.audiences, notValues: [guest]}
  - {key: request.auth.principal, values: ["https://id/x/*"]}
  - {key: source.serviceAccount, values: [checkout]}
  - {key: destination.ip, values: [10.0.0.0/8]}
  - {key: connection.sni, values: ["*.local"]}
  - {key: remote.ip, values: ["2001:db8::1"]}
`),
	}}
	got := m.filter(t, 0)
	permissions, principals, _ := strings.Cut(got, `"principals"`)
	for _, want := range []string{`"destinationIp":{"addressPrefix":"10.0.0.0","prefixLen":8}`, `"requestedServerName":{"suffix":".local"}`} {
		if !strings.Contains(permissions, want) {
			t.Errorf("no %s in %s", want, permissions)
		}
	}
	for _, want := range []string{
		`[{"key":"payload"},{"key":"realm"},{"key":"roles"}],"value":{"listMatch":{"oneOf":{"stringMatch":{"exact":"admin"}}}}`,
		`"notId":{"orIds":{"ids":[{"orIds":{"ids":[{"metadata":{"filter":"envoy.filters.http.jwt_authn","path":[{"key":"payload"},{"key":"aud"}]`,
		`[{"key":"payload"},{"key":"iss"}],"value":{"stringMatch":{"exact":"https://id/x"}}`,
		`spiffe://.+/ns/production/(.+/|)sa/checkout(/.+)?`, `"remoteIp":{"addressPrefix":"2001:db8::1","prefixLen":128}`,
	} {
		if !strings.Contains(principals, want) {
			t.Errorf("no %s in %s", want, principals)
		}
	}
}

func TestOnlyRequestsOfHTTP1AreSentAgainToTheWorkload(t *testing.T) {
	for protocol, want := range map[Protocol]string{GRPC: "", HTTP2: "", HTTP: "reset-before-request"} {
		if got := inboundRoute(Port{TargetPort: 8080, Protocol: protocol}).GetRoute().GetRetryPolicy().GetRetryOn(); got != want {
			t.Errorf("protocol %d: %q, want %q", protocol, got, want)
		}
	}
}

func TestAnEndpointNamesItsWorkloadAndVersion(t *testing.T) {
	m := shop()
	m.Services[0].Endpoints[0].Workload = "payment-v1"
	e := m.Endpoints(checkout, &m.Services[0], grpcPort)[0].GetEndpoints()[0].GetLbEndpoints()[0]
	got := e.GetMetadata().GetFilterMetadata()["istio"].GetFields()["workload"].GetStringValue()
	if want := "payment-v1;production;payment-v1;v1;Kubernetes"; got != want {
		t.Errorf("the workload is %q, want %q", got, want)
	}
}
