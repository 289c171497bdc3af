package advice_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/advice"
	"github.com/shopctl/shopctl/pkg/mesh/protoyaml"
)

// shop has a gRPC service with two versions, and a storefront.
func shop(t *testing.T) advice.World {
	t.Helper()
	payment := func(version string) map[string]string {
		return map[string]string{"app": "paymentservice", "version": version}
	}
	return advice.World{
		Services: []advice.Service{
			{Namespace: "production", Name: "paymentservice", Selector: map[string]string{"app": "paymentservice"}, GRPC: true, HTTP2: true},
			{Namespace: "production", Name: "frontend", Selector: map[string]string{"app": "frontend"}},
			{Namespace: "production", Name: "gateway", Selector: map[string]string{"istio": "ingressgateway"}, Ports: []uint32{80, 8000}},
		},
		Workloads: []advice.Workload{
			{Namespace: "production", Name: "paymentservice", Labels: payment("v1"), Replicas: 3},
			{Namespace: "production", Name: "paymentservice-v2", Labels: payment("v2"), Replicas: 1},
			{Namespace: "production", Name: "frontend", Labels: map[string]string{"app": "frontend"}, Replicas: 1},
			{Namespace: "production", Name: "gateway", Labels: map[string]string{"istio": "ingressgateway"}, Replicas: 1, Gateway: true},
		},
		Accounts: []string{"production/checkoutservice", "production/default"},
		Secrets:  []string{"production/shop", "production/known"}, Authorities: []string{"production/known-cacert"},
		VirtualServices: []advice.VirtualService{{
			Namespace: "production", Name: "older", Created: time.Unix(1, 0),
			Spec: read(t, "hosts: [frontend]", &networking.VirtualService{}),
		}},
		Gateways: []advice.Gateway{{
			Namespace: "production", Name: "edge",
			Spec: read(t, `{selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*.example.com", "./frontend"]}]}`, &networking.Gateway{}),
		}},
		DestinationRules: []advice.DestinationRule{{
			Namespace: "production", Name: "payment",
			Spec: read(t, "{host: paymentservice, subsets: [{name: v1}, {name: v2}]}", &networking.DestinationRule{}),
		}},
	}
}

func read[M proto.Message](t *testing.T, text string, m M) M {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil {
		t.Fatal(err)
	}
	if err := protoyaml.Into(node.Content[0], m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

// lines are findings as they are printed.
func lines(issues []advice.Issue) []string {
	var found []string
	for _, i := range issues {
		found = append(found, i.Path+": "+i.Message)
	}
	return found
}

func TestAVirtualServiceThatDoesNotDoWhatItSeemsToIsFound(t *testing.T) {
	for spec, want := range map[string][]string{
		`{hosts: [paymentservice], http: [{retries: {attempts: 0}, route: [{destination: {host: paymentservice, subset: v2}}]}]}`: nil,
		`{hosts: [paymentservic], http: [{retries: {attempts: 0}, route: [{destination: {host: paymentservice}}]}]}`: {
			`spec.hosts[0]: no Service is called "paymentservic", so this has no effect; did you mean "paymentservice"?`,
		},
		`{hosts: [paymentservice.production], http: [{retries: {attempts: 0}, route: [{destination: {host: paymentservice}}]}]}`: {
			`spec.hosts[0]: "paymentservice.production" has a dot and is taken as a full name, which no Service has; write paymentservice or paymentservice.production.svc.cluster.local`,
		},
		`{hosts: [paymentservice], http: [{retries: {attempts: 0}, route: [{destination: {host: paymentservice, subset: v3}}]}]}`: {
			`spec.http[0].route[0].destination.subset: no DestinationRule for paymentservice has the subset "v3": calls fail with UNAVAILABLE (flag NC); did you mean "v1"?`,
		},
		`{hosts: [frontend], http: [{route: [{destination: {host: frontend}}]}]}`: {
			`spec.hosts[0]: VirtualService older is older and has this host: it alone holds, and this one is ignored for the host; change that one`,
		},
		`{hosts: [frontend, shop.example.com, "*"], gateways: [edge], http: [{route: [{destination: {host: frontend}}]}]}`: nil,
		`{hosts: [shop.example.org], gateways: [production/edge], http: [{route: [{destination: {host: frontend}}]}]}`: {
			`spec.hosts[0]: no server of these Gateways has the host "shop.example.org", so that no request gets to the rules; they have *.example.com, ./frontend`,
		},
		`{hosts: [shop.example.com], gateways: [edg], http: [{route: [{destination: {host: frontend}}]}]}`: {
			`spec.gateways[0]: no Gateway is called "edg", so no request comes in by it; did you mean "edge"?`,
		},
		`{hosts: [paymentservice], http: [{fault: {delay: {fixedDelay: 1s}, abort: {httpStatus: 503}}, retries: {attempts: 0}, route: [{destination: {host: paymentservice}}]}]}`: {
			`spec.http[0].fault.delay: without a percentage no request is delayed; add percentage: {value: 100}`,
			`spec.http[0].fault.abort: without a percentage no request is aborted; add percentage: {value: 100}`,
		},
		`{hosts: [paymentservice], http: [{match: [{headers: {X-Canary: {exact: "1"}}}], retries: {attempts: 0}, route: [{destination: {host: paymentservice}}]}]}`: {
			`spec.http[0].match[0].headers[X-Canary]: names of headers are in lower case on the wire, so this never matches; write x-canary`,
			`spec.http: every rule has a match: requests that fit none fail with UNIMPLEMENTED (flag NR); add a last rule without a match`,
		},
		`{hosts: [paymentservice], http: [{match: [{uri: {prefix: /}}], retries: {attempts: 0}, route: [{destination: {host: paymentservice}}]}, {retries: {attempts: 0}, route: [{destination: {host: paymentservice}}]}]}`: {
			`spec.http[1]: no request reaches this rule: spec.http[0].match[0] takes them all; move it to the end`,
		},
		`{hosts: [paymentservice], http: [{route: [{destination: {host: paymentservice}}], retries: {attempts: 3, retryOn: "gateway-error,connect-failure"}}]}`: {
			`spec.http[0].retries.retryOn: gateway-error is about HTTP's status, and a gRPC service that answers UNAVAILABLE has status 200: it is not tried again; add unavailable`,
		},
		`{hosts: [paymentservice], http: [{route: [{destination: {host: paymentservice}}], timeout: 2s, retries: {attempts: 3, perTryTimeout: 2s}}]}`: {
			`spec.http[0].retries.perTryTimeout: is ignored: it is not shorter than the timeout of 2s`,
		},
		`{hosts: [paymentservice], http: [{route: [{destination: {host: paymentservice}}], retries: {attempts: 3, perTryTimeout: 2s}}]}`: {
			`spec.http[0].retries.perTryTimeout: a try that takes longer ends, but is not tried again; add reset to retryOn`,
		},
		`{hosts: [paymentservice], http: [{timeout: 1s, route: [{destination: {host: paymentservice}}]}]}`: {
			`spec.http[0]: has no retries, so Istio's default holds: a call that fails with UNAVAILABLE is sent up to two times more, Charge too, and maybe to another instance; add retries: {attempts: 0}, or make sure that it is safe to charge twice`,
		},
		`{hosts: [payment-service], http: [{route: [{destination: {host: paymentservice}}], retries: {attempts: 3, retryOn: gateway-error}}]}`: {
			`spec.hosts[0]: no Service is called "payment-service", so this has no effect; did you mean "paymentservice"?`,
			`spec.http[0].retries.retryOn: gateway-error is about HTTP's status, and a gRPC service that answers UNAVAILABLE has status 200: it is not tried again; add unavailable`,
		},
		`{hosts: [frontend2], http: [{fault: {delay: {fixedDelay: 1s, percent: 5}}, route: [{destination: {host: frontend}}]}]}`: {
			`spec.hosts[0]: no Service is called "frontend2", so this has no effect; did you mean "frontend"?`,
		},
		`{hosts: [paymentservice], http: [{fault: {delay: {percentage: {value: 5}}, abort: {percentage: {value: 5}}}, retries: {}, route: [{destination: {host: paymentservice}}]}]}`: {
			`spec.http[0].fault.delay: has no effect: it has no duration; add fixedDelay, such as 1s`,
			`spec.http[0].fault.abort: has no effect: it has no status; add httpStatus, or grpcStatus such as UNAVAILABLE`,
		},
	} {
		vs := advice.VirtualService{Namespace: "production", Name: "new", Spec: read(t, spec, &networking.VirtualService{})}
		if diff := cmp.Diff(want, lines(advice.OfVirtualService(vs, shop(t)))); diff != "" {
			t.Errorf("%s: %s", spec, diff)
		}
	}
}

func TestTheOlderOfTwoVirtualServicesLearnsOfTheYounger(t *testing.T) {
	world := shop(t)
	older := world.VirtualServices[0]
	world.VirtualServices = append(world.VirtualServices, advice.VirtualService{
		Namespace: "production", Name: "younger", Created: time.Unix(2, 0), Spec: older.Spec,
	})
	want := []string{"spec.hosts[0]: VirtualService younger has this host too and is younger: it is ignored; put the rules of both in one"}
	if diff := cmp.Diff(want, lines(advice.OfVirtualService(older, world))); diff != "" {
		t.Error(diff)
	}
}

func TestADestinationRuleThatDoesNotDoWhatItSeemsToIsFound(t *testing.T) {
	for spec, want := range map[string][]string{
		`{host: paymentservice, subsets: [{name: v1, labels: {version: v1}}]}`: nil,
		`{host: payment-service}`: {
			`spec.host: no Service is called "payment-service", so this has no effect; did you mean "paymentservice"?`,
		},
		`{host: paymentservice, subsets: [{name: v3, labels: {version: v3}}]}`: {
			`spec.subsets[0].labels: no pods of paymentservice have these labels: calls to the subset fail with UNAVAILABLE (flag UH); they have version: v1, version: v2`,
		},
		`{host: paymentservice, trafficPolicy: {outlierDetection: {consecutiveGatewayErrors: 5, maxEjectionPercent: 50}}}`: {
			`spec.trafficPolicy.outlierDetection.consecutiveGatewayErrors: has no effect: consecutive5xxErrors, which counts these errors too, ejects after 5; write consecutive5xxErrors: 0 to count gateway errors alone`,
		},
		`{host: paymentservice, trafficPolicy: {outlierDetection: {consecutiveErrors: 3, maxEjectionPercent: 50}}}`: {
			`spec.trafficPolicy.outlierDetection.consecutiveErrors: is ignored, so an endpoint is ejected after 5 errors; write consecutive5xxErrors: 3`,
		},
		`{host: paymentservice, trafficPolicy: {outlierDetection: {consecutive5xxErrors: 3}}}`: {
			`spec.trafficPolicy.outlierDetection: maxEjectionPercent is 10: of fewer than 10 endpoints none is ejected, and there are 4; write 25 or more`,
		},
		`{host: paymentservice, subsets: [{name: v2, labels: {version: v2}, trafficPolicy: {outlierDetection: {maxEjectionPercent: 50}}}]}`: {
			`spec.subsets[0].trafficPolicy.outlierDetection.maxEjectionPercent: is 50: of fewer than 2 endpoints none is ejected, and there is 1; write 100 or more`,
		},
		`{host: paymentservice, trafficPolicy: {connectionPool: {http: {http1MaxPendingRequests: 1}}}}`: {
			`spec.trafficPolicy.connectionPool.http.http1MaxPendingRequests: hardly ever reached with HTTP/2, where requests wait only for a first connection; to bound requests use http2MaxRequests`,
		},
	} {
		d := advice.DestinationRule{Namespace: "production", Name: "payment", Spec: read(t, spec, &networking.DestinationRule{})}
		if diff := cmp.Diff(want, lines(advice.OfDestinationRule(d, shop(t)))); diff != "" {
			t.Errorf("%s: %s", spec, diff)
		}
	}
}

func TestAPolicyThatNeverMatchesIsFound(t *testing.T) {
	for spec, want := range map[string][]string{
		`{selector: {matchLabels: {app: paymentservice}}, rules: [{from: [{source: {principals: [cluster.local/ns/production/sa/checkoutservice]}}], to: [{operation: {paths: [/hipstershop.PaymentService/Charge]}}]}]}`: nil,
		`{selector: {matchLabels: {app: payment-service}}}`: {
			`spec.selector.matchLabels: no pods of namespace production have the label app: payment-service, so this has no effect; did you mean "paymentservice"?`,
		},
		`{selector: {matchLabels: {team: a}}}`: {
			`spec.selector.matchLabels: no pods of namespace production have the label team, so this has no effect`,
		},
		`{rules: [{from: [{source: {principals: ["spiffe://cluster.local/ns/production/sa/default"]}}]}]}`: {
			`spec.rules[0].from[0].source.principals[0]: principals are written without spiffe://, so this never matches; write cluster.local/ns/production/sa/default`,
		},
		`{rules: [{from: [{source: {principals: [cluster.local/ns/production/sa/checkout-service]}}]}]}`: {
			`spec.rules[0].from[0].source.principals[0]: there is no ServiceAccount checkout-service in namespace production, so no peer has this identity; did you mean "checkoutservice"?`,
		},
		`{selector: {matchLabels: {app: paymentservice}}, rules: [{to: [{operation: {methods: [GET], paths: [/api/v1/charge]}}]}]}`: {
			`spec.rules[0].to[0].operation.methods: requests of gRPC are always POST, so this never matches; write POST, or name the call in paths`,
			`spec.rules[0].to[0].operation.paths[0]: paths of gRPC are /PACKAGE.SERVICE/METHOD, so this never matches; write a call such as /hipstershop.PaymentService/Charge, or */Charge`,
		},
		`{selector: {matchLabels: {app: frontend}}, rules: [{to: [{operation: {methods: [GET], paths: [/api/v1/charge]}}]}]}`: nil,
	} {
		if diff := cmp.Diff(want, lines(advice.OfAuthorizationPolicy("production", read(t, spec, &security.AuthorizationPolicy{}), shop(t)))); diff != "" {
			t.Errorf("%s: %s", spec, diff)
		}
	}
}

func TestAuthenticationThatDoesNotDoWhatItSeemsToIsFound(t *testing.T) {
	peer := read(t, `{portLevelMtls: {8080: {mode: STRICT}}}`, &security.PeerAuthentication{})
	want := []string{`spec.portLevelMtls: has no effect without a selector; name the workload in selector.matchLabels`}
	if diff := cmp.Diff(want, lines(advice.OfPeerAuthentication("production", peer, shop(t)))); diff != "" {
		t.Error(diff)
	}
	request := read(t, `{jwtRules: [{issuer: a, jwks: b}]}`, &security.RequestAuthentication{})
	want = []string{`spec.jwtRules: a request without a token is accepted all the same; to require one, add an AuthorizationPolicy with requestPrincipals: ["*"]`}
	if diff := cmp.Diff(want, lines(advice.OfRequestAuthentication("production", request, shop(t)))); diff != "" {
		t.Error(diff)
	}
}

func TestAPolicyThatAsksForTokensIsNotAskedForAgain(t *testing.T) {
	const anyToken = `rules: [{from: [{source: {requestPrincipals: ["*"]}}]}]`
	for policy, finds := range map[string]int{
		`{` + anyToken + `}`: 0,
		`{selector: {matchLabels: {app: paymentservice}}, ` + anyToken + `}`:         0,
		`{selector: {matchLabels: {app: frontend}}, ` + anyToken + `}`:               1,
		`{action: DENY, rules: [{from: [{source: {notRequestPrincipals: ["*"]}}]}]}`: 0,
		`{rules: [{from: [{source: {namespaces: [production]}}]}]}`:                  1,
	} {
		world := shop(t)
		world.Authorizations = []advice.Authorization{{Namespace: "production", Spec: read(t, policy, &security.AuthorizationPolicy{})}}
		request := read(t, `{selector: {matchLabels: {app: paymentservice}}, jwtRules: [{issuer: a, jwks: b}]}`, &security.RequestAuthentication{})
		if got := lines(advice.OfRequestAuthentication("production", request, world)); len(got) != finds {
			t.Errorf("%s: %q, want %d", policy, got, finds)
		}
	}
}

func TestAGatewayThatTakesNothingIsFound(t *testing.T) {
	for spec, want := range map[string][]string{
		`{selector: {istio: ingressgateway}, servers: [{port: {number: 8000, name: http, protocol: HTTP}, hosts: ["*"]}]}`: nil,
		`{selector: {istio: gateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}`: {
			`spec.selector: no gateway has these labels, so this has no effect; the shop's has istio: ingressgateway`,
		},
		`{selector: {istio: ingressgateway}, servers: [{port: {number: 81, name: http, protocol: HTTP}, tls: {httpsRedirect: true}, hosts: ["*"]}, {port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: PASSTHROUGH}, hosts: ["*"]}]}`: {
			`spec.servers[0].port.number: no Service of the gateway has port 81, so that nothing comes in by it; its ports are 80, 8000`,
			`spec.servers[1].tls.mode: PASSTHROUGH is not served here, so that no connection can be made; write SIMPLE or MUTUAL`,
			`spec.servers[1].port.number: no Service of the gateway has port 443, so that nothing comes in by it; its ports are 80, 8000`,
		},
		`{selector: {istio: ingressgateway}, servers: [{port: {number: 8000, name: a, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: shop}, hosts: ["*"]}, {port: {number: 8000, name: b, protocol: HTTPS}, tls: {mode: MUTUAL, credentialName: known}, hosts: ["*"]}]}`: nil,
		`{selector: {istio: ingressgateway}, servers: [{port: {number: 8000, name: a, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: none}, hosts: ["*"]}, {port: {number: 8000, name: b, protocol: HTTPS}, tls: {mode: MUTUAL, credentialName: shop}, hosts: ["*"]}, {port: {number: 8000, name: c, protocol: HTTPS}, tls: {mode: SIMPLE}, hosts: ["*"]}, {port: {number: 8000, name: d, protocol: TCP}, hosts: ["*"]}]}`: {
			`spec.servers[0].tls.credentialName: there is no Secret production/none with tls.crt and tls.key, so that no connection can be made: kubectl create secret tls none --cert FILE --key FILE --dry-run=client -o yaml | shopctl apply -f -`,
			`spec.servers[1].tls.credentialName: Secret production/shop has no ca.crt, by which callers are known, so that no connection can be made; add it, or a Secret shop-cacert with it`,
			`spec.servers[2].tls.credentialName: no certificate is read from files here, so that no connection can be made; name a Secret of type kubernetes.io/tls`,
			`spec.servers[3].port.protocol: TCP is not served here: a gateway takes HTTP and HTTPS; write one of them`,
		},
	} {
		got := lines(advice.OfGateway("production", read(t, spec, &networking.Gateway{}), shop(t)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", spec, diff)
		}
	}
}
