package translate

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/mesh/protoyaml"
)

// golden is a directory of cases in the form of testdata/istio, whose README explains it.
var golden = flag.String("golden", "../../../testdata/istio", "directory of golden cases")

// leftOut are the fields of the cases that this package does not translate, with the reason.
var leftOut = map[string]string{
	"otherFilterChains": "a sidecar has a listener for each port, and none for ports that its workload does not declare",
	"otherVirtualHosts": "the same: a service is called at its own ports",
}

// goldenCase is the file case.json.
type goldenCase struct {
	Accepted, Host, Side, Topic string
	Proxy                       map[string]string
}

func TestTheTranslationIsIstios(t *testing.T) {
	cases, err := filepath.Glob(filepath.Join(*golden, "*", "case.json"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases in %s: %v", *golden, err)
	}
	compared := 0
	for _, path := range cases {
		dir := filepath.Dir(path)
		var c goldenCase
		readJSON(t, path, &c)
		if c.Accepted != "yes" {
			continue // it has no translation: see the test of decoding
		}
		compared++
		compare := compareOutbound
		if c.Side == "inbound" {
			compare = compareInbound
		}
		t.Run(filepath.Base(dir), func(t *testing.T) { compare(t, dir, c) })
	}
	t.Logf("%d of %d cases have a translation that is compared", compared, len(cases))
	if *golden == flag.Lookup("golden").DefValue && compared < 118 {
		t.Errorf("only %d cases were compared", compared)
	}
}

func compareOutbound(t *testing.T, dir string, c goldenCase) {
	m := readMesh(t, filepath.Join(dir, "in.yaml"))
	proxy := Proxy{Namespace: c.Proxy["namespace"], Labels: map[string]string{"app": c.Proxy["app"], "version": c.Proxy["version"]}}
	s := m.service(c.Host)
	if s == nil {
		t.Fatalf("no service %s", c.Host)
	}
	var routes struct{ VirtualHosts []any }
	readJSON(t, filepath.Join(dir, "routes.json"), &routes)
	var hosts []any
	clusters, endpoints := []any{}, map[string]any{}
	for _, port := range s.Ports {
		hosts = append(hosts, encode(t, m.VirtualHost(proxy, s, port)))
		for _, cluster := range m.Clusters(proxy, s, port) {
			clusters = append(clusters, encode(t, cluster))
		}
		for _, a := range m.Endpoints(proxy, s, port) {
			list := []any{}
			for _, locality := range a.GetEndpoints() {
				for _, e := range locality.GetLbEndpoints() {
					address := e.GetEndpoint().GetAddress().GetSocketAddress()
					mode := e.GetMetadata().GetFilterMetadata()["envoy.transport_socket_match"].GetFields()[tlsModeKey].GetStringValue()
					list = append(list, map[string]any{"address": fmt.Sprintf("%s:%d", address.GetAddress(), address.GetPortValue()), "tlsMode": mode})
				}
			}
			endpoints[a.GetClusterName()] = list
		}
	}
	diff(t, "virtual hosts", routes.VirtualHosts, hosts)
	var want struct{ Clusters []any }
	readJSON(t, filepath.Join(dir, "clusters.json"), &want)
	diff(t, "clusters", want.Clusters, clusters)
	var wantEndpoints map[string]any
	readJSON(t, filepath.Join(dir, "endpoints.json"), &wantEndpoints)
	diff(t, "endpoints", wantEndpoints, endpoints)
}

func compareInbound(t *testing.T, dir string, c goldenCase) {
	m := readMesh(t, filepath.Join(dir, "in.yaml"))
	s := m.service(c.Host)
	if s == nil {
		t.Fatalf("no service %s", c.Host)
	}
	w := Workload{Namespace: c.Proxy["namespace"], Labels: map[string]string{"app": c.Proxy["app"], "version": c.Proxy["version"]}}
	var want map[string]any
	readJSON(t, filepath.Join(dir, "inbound.json"), &want)
	for field := range want {
		if leftOut[field] != "" {
			delete(want, field)
		}
	}
	var chains, filters []any
	for _, chain := range m.InboundChains(w, s.Ports[0]) {
		var manager hcmv3.HttpConnectionManager
		if err := chain.GetFilters()[0].GetTypedConfig().UnmarshalTo(&manager); err != nil {
			t.Fatal(err)
		}
		config := encode(t, &manager).(map[string]any)
		out := encode(t, chain).(map[string]any)
		delete(out, "filters")
		for _, field := range []string{"forwardClientCertDetails", "setCurrentClientCertDetails"} {
			out[field] = config[field]
		}
		if first := want["filterChains"].([]any)[0].(map[string]any); first["routes"] != nil {
			out["routes"] = config["routeConfig"].(map[string]any)["virtualHosts"].([]any)[0].(map[string]any)["routes"]
		}
		chains = append(chains, out)
		filters = config["httpFilters"].([]any)
	}
	istios, _ := want["httpFilters"].([]any)
	wantPolicies, wantOthers := splitFilters(t, istios)
	policies, others := splitFilters(t, filters[:len(filters)-1])
	comparePolicies(t, dir, wantPolicies, policies)
	if want["httpFilters"] != nil {
		want["httpFilters"] = wantOthers
	}
	diff(t, "inbound", want, map[string]any{"filterChains": chains, "httpFilters": others})
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(project(want), project(got)); d != "" {
		t.Errorf("%s (-Istio +ours):\n%s", what, d)
	}
}

// trimmed are the fields of the resources that the cases do not have: see their README.
var trimmed = map[string]bool{
	"edsClusterConfig": true, "tlsCertificateSdsSecretConfigs": true, "validationContextSdsSecretConfig": true,
	"shadowRulesStatPrefix": true,
}

// unwrap replaces an and or an or of one element by that element.
func unwrap(v map[string]any) any {
	for set, list := range map[string]string{"andRules": "rules", "orRules": "rules", "andIds": "ids", "orIds": "ids"} {
		if inner, ok := v[set].(map[string]any); ok && len(v) == 1 {
			if all, ok := inner[list].([]any); ok && len(all) == 1 {
				return all[0]
			}
		}
	}
	return v
}

// socketType begins the type of a socket, which the cases are without.
const socketType = "type.googleapis.com/envoy.extensions.transport_sockets.tls."

// project removes what the cases are without, and what means the same as nothing.
func project(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			text, _ := value.(string)
			if trimmed[key] || namesObject(key, value) || key == "caseSensitive" && value == true || key == "@type" && strings.HasPrefix(text, socketType) {
				continue
			}
			out[key] = project(value)
		}
		return unwrap(out)
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = project(value)
		}
		return out
	}
	return v
}

// namesObject reports whether a field is the metadata of a route or a cluster, which the cases do not have. Those in a policy's
// rules are another field of this name.
func namesObject(key string, value any) bool {
	m, ok := value.(map[string]any)
	return key == "metadata" && ok && len(m) == 1 && m["filterMetadata"] != nil
}

// encode is a resource as its JSON, decoded.
func encode(t *testing.T, m proto.Message) any {
	t.Helper()
	if v, ok := m.(interface{ ValidateAll() error }); ok {
		if err := v.ValidateAll(); err != nil {
			t.Errorf("Envoy would refuse it: %v", err)
		}
	}
	text, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestObjectsAreDecodedAsIstioDecodesThem(t *testing.T) {
	cases, err := filepath.Glob(filepath.Join(*golden, "*", "in.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range cases {
		messages, err := os.ReadFile(filepath.Join(filepath.Dir(path), "messages.txt"))
		if err != nil {
			t.Fatal(err)
		}
		var failed []error
		for _, o := range readObjects(t, path) {
			if err := protoyaml.Into(&o.Spec, newSpec(o.Kind)); err != nil {
				failed = append(failed, err)
			}
		}
		if refused := bytes.Contains(messages, []byte("decode: ")); refused != (len(failed) > 0) {
			t.Errorf("%s: Istio says %q, and the errors are %v", path, messages, failed)
		}
	}
}
