package schema_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/protoyaml"
	"github.com/shopctl/shopctl/pkg/mesh/schema"
)

// golden is a directory of cases in the form of testdata/istio, whose README explains it.
var golden = flag.String("golden", "../../../testdata/istio", "directory of golden cases")

func newSpec(kind string) proto.Message {
	return map[string]proto.Message{
		"VirtualService": &networking.VirtualService{}, "DestinationRule": &networking.DestinationRule{}, "Gateway": &networking.Gateway{},
		"PeerAuthentication": &security.PeerAuthentication{}, "AuthorizationPolicy": &security.AuthorizationPolicy{},
		"RequestAuthentication": &security.RequestAuthentication{},
	}[kind]
}

// TestTheSchemaRefusesWhatAnAPIServerDoes compares the places: the texts of the cases are not those of an API server.
// Specs that cannot be read, with a wrong type or an unknown field, do not come so far.
func TestTheSchemaRefusesWhatAnAPIServerDoes(t *testing.T) {
	cases, err := filepath.Glob(filepath.Join(*golden, "*", "in.yaml"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases in %s: %v", *golden, err)
	}
	for _, path := range cases {
		var want []string
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "crd.txt"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			parts := strings.SplitN(strings.TrimSpace(line), ": ", 3)
			want = append(want, parts[1])
		}
		got, unread := issues(t, path)
		if unread {
			continue
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-API server +ours):\n%s", filepath.Base(filepath.Dir(path)), diff)
		}
	}
}

func issues(t *testing.T, path string) (paths []string, unread bool) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o struct {
			Kind string
			Spec yaml.Node
		}
		if err := dec.Decode(&o); errors.Is(err, io.EOF) {
			slices.Sort(paths)
			return paths, unread
		} else if err != nil {
			t.Fatal(err)
		}
		spec := newSpec(o.Kind)
		if spec == nil {
			continue
		}
		unread = unread || protoyaml.Into(&o.Spec, spec) != nil
		var tree any
		if err := o.Spec.Decode(&tree); err != nil {
			t.Fatal(err)
		}
		for _, issue := range schema.Check(spec.ProtoReflect().Descriptor(), tree) {
			paths = append(paths, "spec."+issue.Path)
		}
	}
}

func TestBoundsThatNoGoldenCaseHas(t *testing.T) {
	for _, tc := range []struct{ kind, spec, want string }{
		{"DestinationRule", "{}", "host: is missing"},
		{"DestinationRule", "{host: a, subsets: [{labels: {a: b}}]}", "subsets[0].name: is missing"},
		{"DestinationRule", "{host: a, trafficPolicy: {loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: true}}}}", "trafficPolicy.loadBalancer: simple and consistentHash exclude each other; keep one"},
		{"DestinationRule", "{host: a, trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true, httpHeaderName: x}}}}", "trafficPolicy.loadBalancer.consistentHash: httpHeaderName and useSourceIp exclude each other; keep one"},
		{"DestinationRule", "{host: a, trafficPolicy: {connectionPool: {tcp: {connectTimeout: 10us}}}}", "trafficPolicy.connectionPool.tcp.connectTimeout: must be at least 1ms, and is 10us; leave it out if there should be none"},
		{"VirtualService", "{http: [{route: [{weight: 1}]}]}", "http[0].route[0].destination: is missing"},
		{"VirtualService", "{http: [{directResponse: {}}]}", "http[0].directResponse.status: is missing"},
		{"VirtualService", "{http: [{retries: {backoff: 0s}}]}", "http[0].retries.backoff: must be at least 1ms, and is 0s; leave it out if there should be none"},
		{"VirtualService", "{http: [{fault: {delay: {}}}]}", ""},
		{"Gateway", "{servers: [{hosts: ['*']}]}", "servers[0].port: is missing"},
		{"Gateway", "{servers: [{hosts: ['*'], port: {number: 80, name: http}}]}", "servers[0].port.protocol: is missing"},
		{"PeerAuthentication", "{portLevelMtls: {'80': {mode: STRICT}}}", "portLevelMtls: needs a selector; name the workload in selector.matchLabels"},
		{"PeerAuthentication", "{selector: {matchLabels: {app: a}}, portLevelMtls: {'99999': {mode: STRICT}}}", "portLevelMtls.99999: must be a port from 1 to 65535"},
		{"PeerAuthentication", "{selector: {matchLabels: {app: 'a*'}}}", `selector.matchLabels[app]: "a*" has a wildcard; labels are compared as they stand`},
		{"AuthorizationPolicy", "{selector: {}, targetRef: {kind: Service, name: a}}", ": selector and targetRef exclude each other; keep one"},
		{"AuthorizationPolicy", "{rules: [{from: [{source: {serviceAccounts: [a], principals: [b]}}]}]}", "rules[0].from[0].source: serviceAccounts and principals exclude each other; keep one"},
		{"AuthorizationPolicy", "{rules: [{when: [{values: [a]}]}]}", "rules[0].when[0].key: is missing"},
		{"RequestAuthentication", "{jwtRules: [{issuer: a, jwksUri: 'ftp://a'}]}", `jwtRules[0].jwksUri: must begin with http:// or https://, and is "ftp://a"`},
		{"RequestAuthentication", "{jwtRules: [{issuer: a, audiences: ['']}]}", "jwtRules[0].audiences[0]: must not be empty"},
		{"RequestAuthentication", "{jwtRules: [{issuer: a, outputClaimToHeaders: [{header: 'x y', claim: a}]}]}", `jwtRules[0].outputClaimToHeaders[0].header: "x y" is not a name of a header: letters, digits, - and _`},
	} {
		var tree map[string]any
		if err := yaml.Unmarshal([]byte(tc.spec), &tree); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, issue := range schema.Check(newSpec(tc.kind).ProtoReflect().Descriptor(), tree) {
			got += issue.Path + ": " + issue.Message
		}
		if got != tc.want {
			t.Errorf("%s %s:\n got %s\nwant %s", tc.kind, tc.spec, got, tc.want)
		}
	}
}
