package api

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

func TestTheObjectsThatApplyToAServiceAreDescribedWithTheirLines(t *testing.T) {
	var defaults []resource.Manifest
	for _, b := range services.All() {
		written, err := decode.Decode(b.Workload+".yaml", b.Manifest())
		if err != nil {
			t.Fatal(err)
		}
		defaults = append(defaults, written...)
	}
	objects, err := store.Open(store.Config{Defaults: defaults})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"payment-timeout-retry.yaml", "circuit-breaker.yaml", "peer-authentication.yaml", "authorization-policy.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../../testdata/mesh", name))
		if err != nil {
			t.Fatal(err)
		}
		written, err := decode.Decode(name, text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := objects.Apply(t.Context(), written, "", false); err != nil {
			t.Fatal(err)
		}
	}
	s := newMeshServer(nil)
	s.objects = objects
	resp, err := s.DescribeMesh(t.Context(), &controlpb.DescribeMeshRequest{Service: "payment"})
	if err != nil {
		t.Fatal(err)
	}
	want := `payment in namespace production: 2 with a sidecar
Calls to it, in the sidecars of its callers:
  VirtualService payment (payment-timeout-retry.yaml:1) routes paymentservice:
    payment-timeout-retry.yaml:9 http[0]: every request
      to paymentservice
      timeout 10s
      retries 3
  DestinationRule circuit-breaker (circuit-breaker.yaml:1) for paymentservice: subsets none
    ejects endpoints that fail
Calls that reach it, in its own sidecar:
  PeerAuthentication default (peer-authentication.yaml:1) of namespace production: mTLS STRICT
  AuthorizationPolicy payment-policy (authorization-policy.yaml:1): ALLOW, 1 rules
  a request that no ALLOW rule fits is denied`
	if diff := cmp.Diff(want, resp.GetText()); diff != "" {
		t.Error(diff)
	}
}
