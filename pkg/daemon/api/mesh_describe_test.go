package api

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// describing is a server whose shop has its own objects, and those of files by their names.
func describing(t *testing.T, files map[string]string) *meshServer {
	t.Helper()
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
	for _, name := range slices.Sorted(maps.Keys(files)) {
		written, err := decode.Decode(name, []byte(files[name]))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := objects.Apply(t.Context(), written, "", false); err != nil {
			t.Fatal(err)
		}
	}
	s := newMeshServer(nil)
	s.objects = objects
	return s
}

func TestTheObjectsThatApplyToAServiceAreDescribedWithTheirLines(t *testing.T) {
	files := map[string]string{}
	for _, name := range []string{"payment-timeout-retry.yaml", "circuit-breaker.yaml", "peer-authentication.yaml", "authorization-policy.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../../testdata/mesh", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	s := describing(t, files)
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
  mTLS STRICT: PeerAuthentication default (peer-authentication.yaml:8) of namespace production decides
  AuthorizationPolicy payment-policy (authorization-policy.yaml:1): ALLOW, 1 rules
  a request that no ALLOW rule fits is denied`
	if diff := cmp.Diff(want, resp.GetText()); diff != "" {
		t.Error(diff)
	}
}

func TestTheNarrowestPeerAuthenticationDecides(t *testing.T) {
	const policy = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: "
	files := map[string]string{
		"a.yaml": policy + "all, namespace: production}\nspec:\n  mtls: {mode: STRICT}\n",
		"b.yaml": policy + "own, namespace: production}\nspec:\n  selector: {matchLabels: {app: paymentservice}}\n  mtls: {mode: PERMISSIVE}\n" +
			"  portLevelMtls:\n    50051: {mode: DISABLE}\n",
		"c.yaml": policy + "other, namespace: production}\nspec:\n  selector: {matchLabels: {app: cartservice}}\n  mtls: {mode: UNSET}\n",
	}
	s := describing(t, files)
	for service, want := range map[string]string{
		"payment": "  mTLS PERMISSIVE: PeerAuthentication own (b.yaml:6) of namespace production decides\n" +
			"    for port 50051 mTLS DISABLE: PeerAuthentication own (b.yaml:8)\n",
		"cart": "  mTLS STRICT: PeerAuthentication all (a.yaml:5) of namespace production decides\n",
	} {
		resp, err := s.DescribeMesh(t.Context(), &controlpb.DescribeMeshRequest{Service: service})
		if err != nil || !strings.Contains(resp.GetText(), want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", service, err, resp.GetText(), want)
		}
	}
}
