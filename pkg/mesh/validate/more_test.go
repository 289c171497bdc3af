package validate_test

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/shopctl/shopctl/pkg/mesh/protoyaml"
	"github.com/shopctl/shopctl/pkg/mesh/validate"
)

func TestEachMistakeHasItsMessage(t *testing.T) {
	const to = "route: [{destination: {host: a}}]"
	rule := func(text string) string { return "hosts: [a]\nhttp: [{" + text + ", " + to + "}]" }
	for _, tc := range []struct{ kind, spec, want string }{
		{"VirtualService", rule("retries: {attempts: 1, retryOn: 'gateway-error, connect-failure'}"), `" connect-failure" is not a valid retryOn policy`},
		{"VirtualService", rule("retries: {attempts: 1, retryOn: '503,cancelled'}"), ""},
		{"VirtualService", rule("retries: {attempts: 1, retryOn: '99'}"), `"99" is not a valid retryOn policy`},
		{"VirtualService", rule("timeout: 1500us"), "only durations to ms precision are supported"},
		{"VirtualService", rule("match: [{headers: {a: {prefix: ''}}}]"), `"headers": prefix string match should not be empty`},
		{"VirtualService", rule("match: [{uri: {regex: ''}}]"), `"uri": regex string match should not be empty`},
		{"VirtualService", rule("match: [{uri: {regex: '" + strings.Repeat("a", 1025) + "'}}]"), `"uri": regex is too large, max length allowed is 1024`},
		{"VirtualService", rule("match: [{port: 70000}]"), "port number 70000 must be in the range 1..65535"},
		{"VirtualService", rule("directResponse: {status: 200}"), "HTTP route cannot contain both route and direct_response"},
		{"VirtualService", rule("mirrors: [{destination: {host: '*'}}]"), "invalid destination host *"},
		{"VirtualService", "hosts: [a_b]\nhttp: [{" + to + "}]", `domain name "a_b" invalid (label "a_b" invalid)`},
		{"VirtualService", "hosts: [240.0.0.1, '*.a.b']\nhttp: [{" + to + "}]", ""},
		{"VirtualService", "hosts: ['*']\ngateways: [edge]\nhttp: [{" + to + "}]", ""},
		{"VirtualService", "hosts: [a]\ntcp: [{match: [{port: 1}]}]", "TCP route is required"},
		{"VirtualService", "hosts: [a]\ntcp: [{match: [{port: 70000}], " + to + "}]", "port number 70000 must be in the range 1..65535"},
		{"VirtualService", "hosts: [a]\ntcp: [{match: [{destinationSubnets: [10.0.0.0/33]}], " + to + "}]", "10.0.0.0/33 is not a valid CIDR block"},
		{"VirtualService", "hosts: [a]\ntcp: [{match: [{destinationSubnets: [10.0.0]}], " + to + "}]", "10.0.0 is not a valid IP"},
		{"VirtualService", "hosts: [a]\ntcp: [{match: [{destinationSubnets: [10.0.0.0/8, 10.0.0.1]}], " + to + "}]", ""},
		{"VirtualService", "hosts: [a]\ntcp: [{route: [{destination: {host: a}}, {destination: {host: b}}]}]", "total destination weight = 0"},
		{"DestinationRule", "host: a\ntrafficPolicy: {connectionPool: {}}", "connection pool must have at least one field"},
		{"DestinationRule", "host: a\nsubsets: [{name: b, trafficPolicy: {connectionPool: {http: {maxRetries: -1}}}}]", "max retries must be non-negative"},
		{"AuthorizationPolicy", "action: CUSTOM\nprovider: {name: x}", "invalid policy n.ns: CUSTOM action without `rules` is meaningless as it will never be triggered, add an empty rule `{}` if you want it be triggered for every request"},
		{"AuthorizationPolicy", "provider: {name: x}\nrules: [{}]", "invalid policy n.ns: `provider` must not be with non CUSTOM action, found ALLOW"},
		{"AuthorizationPolicy", "rules: [{to: [{}]}]", "invalid policy n.ns: `to.operation` must not be empty, found at rule 0"},
		{"AuthorizationPolicy", "rules: [{to: [{operation: {ports: [http]}}]}]", "invalid policy n.ns: invalid port http"},
		{"AuthorizationPolicy", "rules: [{from: [{source: {ipBlocks: [10.0.0.0/99]}}]}]", "invalid policy n.ns: bad IP address: 10.0.0.0/99"},
		{"AuthorizationPolicy", "rules: [{when: [{key: source.ip}]}]", "invalid policy n.ns: at least one of `values` or `notValues` must be set for key source.ip"},
		{"AuthorizationPolicy", "rules: [{when: [{key: request.headers, values: [a]}]}]", "bad key (request.headers): should have format a[b]"},
		{"AuthorizationPolicy", "action: DENY\nrules: [{from: [{source: {principals: [a]}}], to: [{operation: {methods: [GET]}}]}]", ""},
		{"RequestAuthentication", "jwtRules: [{issuer: a, audiences: ['']}]", "audience must be non-empty string"},
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(tc.spec), &doc); err != nil {
			t.Fatal(err)
		}
		spec := newSpec(tc.kind)
		if err := protoyaml.Into(doc.Content[0], spec); err != nil {
			t.Fatal(err)
		}
		all := validate.Spec("n", "ns", spec)
		switch {
		case tc.want == "" && len(all) > 0:
			t.Errorf("%s: %v, want no message", tc.spec, all)
		case tc.want != "" && (len(all) == 0 || !strings.Contains(all[0].Text, tc.want) || all[0].Warning):
			t.Errorf("%s: %v, want %s", tc.spec, all, tc.want)
		}
	}
}
