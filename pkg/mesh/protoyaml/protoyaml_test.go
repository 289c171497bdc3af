package protoyaml

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/strictyaml"
)

func read(t *testing.T, text string, m proto.Message) error {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return Into(doc.Content[0], m)
}

func TestASpecIsReadWithAllKindsOfValues(t *testing.T) {
	var got, want networking.VirtualService
	err := read(t, `
hosts: [payment]
http:
- name: canary
  match:
  - headers: {x-user: {exact: "1"}, on: {regex: "a.*"}}
    ignoreUriCase: true
    port: 50051
  timeout: 1.5m
  retries: {attempts: 2, retryIgnorePreviousHosts: false, perTryTimeout: 500ms}
  fault: {delay: {percentage: {value: 0.5}, fixedDelay: 2s}}
  mirror:
  route: &route
  - destination: {host: payment, port: {number: 50051}}
    weight: 90
- route: *route
`, &got)
	if err != nil {
		t.Fatal(err)
	}
	route := `"route": [{"destination": {"host": "payment", "port": {"number": 50051}}, "weight": 90}]`
	if err := protojson.Unmarshal([]byte(`{"hosts": ["payment"], "http": [{
		"name": "canary", "match": [{"headers": {"x-user": {"exact": "1"}, "on": {"regex": "a.*"}}, "ignoreUriCase": true, "port": 50051}],
		"timeout": "90s", "retries": {"attempts": 2, "retryIgnorePreviousHosts": false, "perTryTimeout": "0.5s"},
		"fault": {"delay": {"percentage": {"value": 0.5}, "fixedDelay": "2s"}}, `+route+`}, {`+route+`}]}`), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, &got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesHaveTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		"http: [{retires: {attempts: 2}}]":                 `1:9: unknown field "retires"; did you mean "retries"?`,
		"http: [{per_try_timeout: 1s}]":                    `1:9: unknown field "per_try_timeout"`,
		"http: [{retries: {attempts: three}}]":             `1:29: attempts is a number, not "three"`,
		"http: [{retries: {attempts: \"3\"}}]":             `1:29: attempts is a number, not "3"`,
		"http: [{retries: {attempts: 3000000000}}]":        `1:29: attempts is a number, not "3000000000"`,
		"http: [{timeout: 3 seconds}]":                     `1:18: want a duration such as 500ms, 3s or 1.5m, not "3 seconds"`,
		"http: [{match: [{ignoreUriCase: yes}]}]":          `1:33: ignoreUriCase is true or false, not "yes"`,
		"http: [{match: [{headers: {a: {exact: true}}}]}]": `1:39: exact is a text: write "true" in quotes`,
		"http: {}":                         `1:7: http is a list`,
		"hosts: [{}]":                      `1:9: hosts is a single value`,
		"http: [a]":                        `1:8: want fields of HTTPRoute`,
		"http: [{match: [{headers: []}]}]": `1:27: headers has names and values`,
		"http: [{match: [{headers: {a: {}, a: {}}}]}]":                `1:35: "a" is given twice`,
		"hosts: [a]\nhosts: [b]":                                      `2:1: "hosts" is given twice`,
		"http: [{directResponse: {status: 200, body: {bytes: ':'}}}]": `1:53: bytes is written in base64`,
	} {
		err := read(t, text, &networking.VirtualService{})
		var mistake *strictyaml.Error
		if !errors.As(err, &mistake) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if err := read(t, "trafficPolicy: {loadBalancer: {simple: RANDM}}", &networking.DestinationRule{}); err == nil || err.Error() != `1:40: simple cannot be "RANDM"; did you mean "RANDOM"?` {
		t.Errorf("an enum: %v", err)
	}
}

func TestAllMistakesAreReported(t *testing.T) {
	err := read(t, "hots: []\nhttp: [{timeout: x}, {timeout: y}]", &networking.VirtualService{})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("%v, want three mistakes", err)
	}
}

func TestTheLastDeclaredFieldOfAChoiceHolds(t *testing.T) {
	var m networking.StringMatch
	if err := read(t, "{prefix: b, exact: a}", &m); err != nil || m.GetPrefix() != "b" {
		t.Errorf("%v %v", &m, err)
	}
}

func TestAliasesOfAliasesEnd(t *testing.T) {
	text := "http:\n- match: &m [" + strings.TrimSuffix(strings.Repeat("{}, ", 300), ", ") + "]\n" + strings.Repeat("- match: *m\n", 400)
	err := read(t, text, &networking.VirtualService{})
	if err == nil || !strings.Contains(err.Error(), "too many values") {
		t.Errorf("%v", err)
	}
}

func FuzzInto(f *testing.F) {
	f.Add("http: [{timeout: 1s, match: [{headers: {a: {exact: b}}}]}]")
	f.Add("hosts: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		var doc yaml.Node
		if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) == 0 {
			return
		}
		var m networking.VirtualService
		if Into(doc.Content[0], &m) == nil {
			if _, err := proto.Marshal(&m); err != nil {
				t.Errorf("%q was read and cannot be written: %v", text, err)
			}
		}
	})
}

func TestAKeyThatIsANumberMayBeInQuotes(t *testing.T) {
	for _, text := range []string{`portLevelMtls: {8080: {mode: STRICT}}`, `portLevelMtls: {"8080": {mode: STRICT}}`} {
		var got security.PeerAuthentication
		if err := read(t, text, &got); err != nil || got.GetPortLevelMtls()[8080].GetMode() != security.PeerAuthentication_MutualTLS_STRICT {
			t.Errorf("%s: %v, %v", text, &got, err)
		}
	}
	if err := read(t, `portLevelMtls: {http: {mode: STRICT}}`, new(security.PeerAuthentication)); err == nil {
		t.Error("a key that is no number is accepted")
	}
}
