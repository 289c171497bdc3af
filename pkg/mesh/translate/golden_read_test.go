package translate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/protoyaml"
)

// object is a document of a YAML file.
type object struct {
	Kind     string
	Metadata struct {
		Name, Namespace   string
		CreationTimestamp time.Time `yaml:"creationTimestamp"`
		Annotations       map[string]string
	}
	Spec yaml.Node
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
			m.VirtualServices = append(m.VirtualServices, VirtualService{Meta: meta, Spec: spec})
		case *networking.DestinationRule:
			m.DestinationRules = append(m.DestinationRules, DestinationRule{meta, spec})
		case *security.PeerAuthentication:
			m.PeerAuthentications = append(m.PeerAuthentications, PeerAuthentication{meta, spec})
		case *security.AuthorizationPolicy:
			dry := o.Metadata.Annotations["istio.io/dry-run"] == "true"
			m.AuthorizationPolicies = append(m.AuthorizationPolicies, AuthorizationPolicy{meta, dry, spec})
		case *security.RequestAuthentication:
			m.RequestAuthentications = append(m.RequestAuthentications, RequestAuthentication{meta, spec})
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
