package decode

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/istio"
)

// virtualService is a valid manifest; in the tests parts of it are replaced by wrong ones.
const virtualService = `apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata:
  name: payment
spec:
  hosts:
  - paymentservice
  http:
  - match:
    - headers:
        x-canary:
          exact: "true"
    route:
    - destination: {host: paymentservice}
      weight: 100
    timeout: 1.5m
    retries:
      attempts: 3
`

func TestASpecOfIstioIsReadStrictlyAndItsMistakesAreFoundAtTheirPlaces(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"unknown field", "weight: 100", "wieght: 100", `15:7: spec.http[0].route[0].wieght: unknown field "wieght"; did you mean "weight"?`},
		{"snake case", "timeout: 1.5m", "time_out: 1s", `16:5: spec.http[0].time_out: unknown field "time_out"; did you mean "timeout"?`},
		{"text for number", "attempts: 3", "attempts: three", `18:17: spec.http[0].retries.attempts: attempts is a number, not "three"`},
		{"duration", "timeout: 1.5m", "timeout: 10", `16:14: spec.http[0].timeout: want a duration such as 500ms, 3s or 1.5m, not "10"`},
		{"boolean for text", `exact: "true"`, `exact: true`, `12:18: spec.http[0].match[0].headers.x-canary.exact: exact is a text: write "true" in quotes`},
		{"boolean of YAML 1.1", `exact: "true"`, `exact: on`, `12:18: spec.http[0].match[0].headers.x-canary.exact: exact is a text: write "true" in quotes`},
		{"twice", "timeout: 1.5m", "timeout: 1s\n    timeout: 2s", `17:5: spec.http[0].timeout: duplicate key "timeout", first in line 16`},
		{"refused by Istio", "weight: 100", "weight: -1", `14:7: spec.http[0].route[0]: weight -1 < 0`},
		{"fault of two kinds", "timeout: 1.5m", "fault: {abort: {grpcStatus: UNAVAILABLE, httpStatus: 503}}", `16:13: spec.http[0].fault.abort: httpStatus and grpcStatus exclude each other; keep one`},
		{"no destination", "weight: 100", "weight: 100\n    - weight: 1", `16:7: spec.http[0].route[1].destination: is missing`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			content := strings.Replace(virtualService, tc.old, tc.new, 1)
			if content == virtualService {
				t.Fatal("nothing was replaced")
			}
			_, err := Decode("f.yaml", []byte(content))
			if err == nil || !strings.HasPrefix(err.Error(), "f.yaml:"+tc.want) {
				t.Errorf("\n got %v\nwant f.yaml:%s", err, tc.want)
			}
		})
	}
}

func TestASpecOfIstioMayHaveAliasesAndMergeKeys(t *testing.T) {
	const content = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec:
  hosts: [a]
  http:
  - &rule
    route: [{destination: {host: a}}]
    timeout: 1.5m
  - <<: *rule
    timeout: 500ms
status: {validationMessages: []}
`
	manifests, err := Decode("f.yaml", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	vs := manifests[0].Object.(*istio.VirtualService)
	rules := vs.Spec.Message().GetHttp()
	if len(rules) != 2 || rules[0].GetTimeout().AsDuration() != 90*time.Second || rules[1].GetTimeout().AsDuration() != 500*time.Millisecond ||
		rules[1].GetRoute()[0].GetDestination().GetHost() != "a" {
		t.Errorf("read as %v", rules)
	}
	tree, err := resource.ToTree(vs)
	if err != nil {
		t.Fatal(err)
	}
	route := []any{map[string]any{"destination": map[string]any{"host": "a"}}}
	want := map[string]any{"hosts": []any{"a"}, "http": []any{
		map[string]any{"route": route, "timeout": "1.5m"}, map[string]any{"route": route, "timeout": "500ms"},
	}}
	if diff := cmp.Diff(want, tree["spec"]); diff != "" {
		t.Error(diff)
	}
	if tree["status"] != nil {
		t.Errorf("the status is %v", tree["status"])
	}
	if at := manifests[0].Positions["spec.http[0].timeout"]; at != (resource.Position{Line: 9, Column: 14}) {
		t.Errorf("the timeout stands at %v", at)
	}
}

// The manifests have hosts and selectors that are not the shop's; they are read as they stand.
func TestManifestsOfIstioAreReadAsTheyStand(t *testing.T) {
	for file, want := range map[string][]string{
		"authorization-policy.yaml":                      {"authorizationpolicy/payment-service-policy"},
		"canary-95-5.yaml":                               {"virtualservice/myapp"},
		"circuit-breaker.yaml":                           {"destinationrule/circuit-breaker"},
		"payment-timeout-retry.yaml":                     {"virtualservice/payment"},
		"peer-authentication.yaml":                       {"peerauthentication/default"},
		"virtualservice-canary-and-destinationrule.yaml": {"virtualservice/productcatalog", "destinationrule/productcatalog"},
	} {
		content, err := os.ReadFile(filepath.Join("../../../testdata/yaml", file))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, keys(t, string(content))); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}
