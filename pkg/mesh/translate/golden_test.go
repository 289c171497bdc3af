package translate

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/protoyaml"
)

// golden is a directory of cases in the form of testdata/istio, whose README explains it.
var golden = flag.String("golden", "../../../testdata/istio", "directory of golden cases")

// leftOut are the topics that this package does not translate, with the reason.
var leftOut = map[string]string{
	"peerauthentication":    "the callee's side, and what it changes at the caller's, is not translated yet",
	"authorizationpolicy":   "the callee's side is not translated yet",
	"requestauthentication": "the callee's side is not translated yet",
}

// goldenCase is the file case.json.
type goldenCase struct {
	Accepted, Host, Side, Topic string
	Proxy                       map[string]string
}

// object is a document of a YAML file.
type object struct {
	Kind     string
	Metadata struct {
		Name, Namespace   string
		CreationTimestamp time.Time `yaml:"creationTimestamp"`
	}
	Spec yaml.Node
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
		topic, _, _ := strings.Cut(c.Topic, "/")
		if c.Accepted != "yes" || leftOut[topic] != "" {
			continue // what is not accepted has no translation: see the test of decoding
		}
		compared++
		t.Run(filepath.Base(dir), func(t *testing.T) { compareCase(t, dir, c) })
	}
	t.Logf("%d of %d cases have a translation that is compared", compared, len(cases))
	if *golden == flag.Lookup("golden").DefValue && compared < 70 {
		t.Errorf("only %d cases were compared", compared)
	}
}

func compareCase(t *testing.T, dir string, c goldenCase) {
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

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(project(want), project(got)); d != "" {
		t.Errorf("%s (-Istio +ours):\n%s", what, d)
	}
}

// trimmed are the fields of the resources that the cases do not have: see their README.
var trimmed = map[string]bool{
	"edsClusterConfig": true, "tlsCertificateSdsSecretConfigs": true, "validationContextSdsSecretConfig": true,
}

// tlsContext is the type of a socket, which the cases are without.
const tlsContext = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"

// project removes what the cases are without, and what means the same as nothing.
func project(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			if trimmed[key] || key == "caseSensitive" && value == true || key == "@type" && value == tlsContext {
				continue
			}
			out[key] = project(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = project(value)
		}
		return out
	}
	return v
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

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// readMesh reads the services of all cases and the objects of one. Without a time of their own, objects are as old as
// their order in the file says.
func readMesh(t *testing.T, path string) *Mesh {
	t.Helper()
	m := &Mesh{Domain: "cluster.local", TrustDomain: "cluster.local", RootNamespace: "istio-system"}
	for _, o := range readObjects(t, filepath.Join(*golden, "mesh.yaml")) {
		m.addService(t, o)
	}
	age := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, o := range readObjects(t, path) {
		meta := Meta{o.Metadata.Name, o.Metadata.Namespace, o.Metadata.CreationTimestamp}
		if meta.Created.IsZero() {
			meta.Created = age.Add(time.Duration(i) * time.Second)
		}
		spec := newSpec(o.Kind)
		if err := protoyaml.Into(&o.Spec, spec); err != nil {
			t.Fatalf("%s %s: %v", o.Kind, meta.Name, err)
		}
		switch spec := spec.(type) {
		case *networking.VirtualService:
			m.VirtualServices = append(m.VirtualServices, VirtualService{meta, spec})
		case *networking.DestinationRule:
			m.DestinationRules = append(m.DestinationRules, DestinationRule{meta, spec})
		}
	}
	return m
}

func newSpec(kind string) proto.Message {
	switch kind {
	case "VirtualService":
		return &networking.VirtualService{}
	case "DestinationRule":
		return &networking.DestinationRule{}
	case "PeerAuthentication":
		return &security.PeerAuthentication{}
	case "AuthorizationPolicy":
		return &security.AuthorizationPolicy{}
	case "RequestAuthentication":
		return &security.RequestAuthentication{}
	}
	return &networking.ServiceEntry{}
}

func (m *Mesh) addService(t *testing.T, o object) {
	t.Helper()
	var entry networking.ServiceEntry
	if err := protoyaml.Into(&o.Spec, &entry); err != nil {
		t.Fatal(err)
	}
	s := Service{Name: o.Metadata.Name, Namespace: o.Metadata.Namespace, VIP: entry.GetAddresses()[0]}
	for _, p := range entry.GetPorts() {
		port := Port{Number: p.GetNumber(), TargetPort: p.GetNumber(), Protocol: map[string]Protocol{"GRPC": GRPC, "HTTP": HTTP}[p.GetProtocol()]}
		if p.GetTargetPort() != 0 {
			port.TargetPort = p.GetTargetPort()
		}
		s.Ports = append(s.Ports, port)
	}
	for _, e := range entry.GetEndpoints() {
		s.Endpoints = append(s.Endpoints, Endpoint{
			Address: e.GetAddress(), Labels: e.GetLabels(), ServiceAccount: e.GetServiceAccount(),
			Sidecar: e.GetLabels()["security.istio.io/tlsMode"] == istioMode,
		})
	}
	m.Services = append(m.Services, s)
}

func readObjects(t *testing.T, path string) []object {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var objects []object
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		if err := dec.Decode(&o); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if !reflect.ValueOf(o).IsZero() {
			objects = append(objects, o)
		}
	}
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
