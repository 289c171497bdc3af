package validate_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/protoyaml"
	"github.com/shopctl/shopctl/pkg/mesh/validate"
)

// golden is a directory of cases in the form of testdata/istio, whose README explains it.
var golden = flag.String("golden", "../../../testdata/istio", "directory of golden cases")

// object is a document of a YAML file.
type object struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Spec     yaml.Node
}

func newSpec(kind string) proto.Message {
	return map[string]proto.Message{
		"VirtualService": &networking.VirtualService{}, "DestinationRule": &networking.DestinationRule{},
		"PeerAuthentication": &security.PeerAuthentication{}, "AuthorizationPolicy": &security.AuthorizationPolicy{},
		"RequestAuthentication": &security.RequestAuthentication{},
	}[kind]
}

func TestVerdictsAndMessagesAreIstios(t *testing.T) {
	cases, err := filepath.Glob(filepath.Join(*golden, "*", "messages.txt"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases in %s: %v", *golden, err)
	}
	for _, path := range cases {
		dir := filepath.Dir(path)
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := os.ReadFile(filepath.Join(dir, "accepted.txt"))
		if err != nil {
			t.Fatal(err)
		}
		lines, refused := messages(t, filepath.Join(dir, "in.yaml"))
		if diff := cmp.Diff(string(want), lines); diff != "" && !bytes.Contains(want, []byte("decode: ")) {
			t.Errorf("%s (-Istio +ours):\n%s", filepath.Base(dir), diff)
		}
		if refused == (strings.TrimSpace(string(accepted)) == "yes") {
			t.Errorf("%s: refused %v, and Istio accepts it: %s", filepath.Base(dir), refused, accepted)
		}
	}
}

// messages are those of all objects in a file, as a case has them. What cannot be decoded has a text of our own.
func messages(t *testing.T, path string) (lines string, refused bool) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		if err := dec.Decode(&o); errors.Is(err, io.EOF) {
			return lines, refused
		} else if err != nil {
			t.Fatal(err)
		}
		spec := newSpec(o.Kind)
		if spec == nil {
			continue
		}
		if err := protoyaml.Into(&o.Spec, spec); err != nil {
			refused = true
			continue
		}
		for _, m := range validate.Spec(o.Metadata.Name, o.Metadata.Namespace, spec) {
			level := "ERROR"
			if m.Warning {
				level = "WARN"
			}
			refused = refused || !m.Warning
			lines += fmt.Sprintf("%s %s/%s: %s\n", level, o.Kind, o.Metadata.Name, m.Text)
		}
	}
}

func TestAMessageNamesItsField(t *testing.T) {
	const spec = `{hosts: [a, ""], http: [
  {match: [{headers: {x: {regex: "*"}}}], route: [{destination: {host: a}}], retries: {attempts: 1, retryOn: "5xx, reset", perTryTimeout: 0s}},
  {match: [{headers: {x: {regex: "*"}}}], fault: {abort: {grpcStatus: "14"}}, route: [{destination: {host: a}}, {destination: {host: a, port: {number: 70000}}, weight: -1}], timeout: 0s}]}`
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(spec), &node); err != nil {
		t.Fatal(err)
	}
	vs := &networking.VirtualService{}
	if err := protoyaml.Into(node.Content[0], vs); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, m := range validate.Spec("a", "b", vs) {
		paths = append(paths, m.Path)
	}
	want := []string{
		"spec.hosts[1]", "spec.http[0].match[0].headers.x", "spec.http[0].retries.perTryTimeout", "spec.http[0].retries.retryOn",
		"spec.http[1].match[0].headers.x", "spec.http[1].fault.abort", "spec.http[1].route[1].destination", "spec.http[1].route[1]",
		"spec.http[1].timeout", "spec.http[1].match[0]", "spec.http[1]",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
}
