package store_test

import (
	"path/filepath"
	"testing"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

const paymentRoute = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: payment
spec:
  hosts: [paymentservice]
  http:
  - timeout: 1s
    route:
    - destination: {host: paymentservice}
`

var paymentKey = resource.Key{Kind: resource.KindVirtualService, Namespace: store.DefaultNamespace, Name: "payment"}

// applyFile applies a manifest as if it stood in a file.
func applyFile(t *testing.T, s *store.Store, name, content string) []store.Change {
	t.Helper()
	written, err := decode.Decode(name, []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	result, err := s.Apply(t.Context(), written, "", false)
	if err != nil {
		t.Fatal(err)
	}
	return result.Changes
}

func wantAt(t *testing.T, s *store.Store, places map[string]string) {
	t.Helper()
	source := s.Snapshot().Source(paymentKey)
	for path, want := range places {
		if got := source.At(path); got != want {
			t.Errorf("%q is at %q, want %q", path, got, want)
		}
	}
}

func TestWhereThePartsOfAnObjectWereWrittenIsRemembered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.json")
	s := open(t, store.Config{Path: path})
	applyFile(t, s, "mesh/payment.yaml", paymentRoute)
	places := map[string]string{
		"": "mesh/payment.yaml:1", "spec.http[0]": "mesh/payment.yaml:8", "spec.http[0].timeout": "mesh/payment.yaml:8",
		"spec.http[0].route[0]": "mesh/payment.yaml:10", "spec.http[0].retries.attempts": "mesh/payment.yaml:8", "spec.tls": "mesh/payment.yaml:5",
	}
	wantAt(t, s, places)
	t.Run("over a restart", func(t *testing.T) { wantAt(t, open(t, store.Config{Path: path}), places) })
}

func TestAnObjectThatMovesInItsFileIsFoundAtItsNewPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.json")
	s := open(t, store.Config{Path: path})
	applyFile(t, s, "payment.yaml", paymentRoute)
	if changes := applyFile(t, s, "other.yaml", "# moved\n\n"+paymentRoute); changes[0].Action != store.ActionUnchanged {
		t.Errorf("the object itself is %s", changes[0].Action)
	}
	moved := map[string]string{"spec.http[0].route[0]": "other.yaml:12"}
	wantAt(t, s, moved)
	wantAt(t, open(t, store.Config{Path: path}), moved)
}

func TestASpecThatAProgramChangedStandsInNoFile(t *testing.T) {
	s := open(t, store.Config{})
	applyFile(t, s, "payment.yaml", paymentRoute)
	live, err := s.Snapshot().Get(paymentKey)
	if err != nil {
		t.Fatal(err)
	}
	live.SetLabels(map[string]string{"team": "pay"})
	if _, err := s.Put(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	wantAt(t, s, map[string]string{"spec.http[0]": "payment.yaml:8"})
	changed, err := resource.FromTree(mustKind(t), map[string]any{
		"metadata": map[string]any{"name": "payment"}, "spec": map[string]any{
			"hosts": []any{"paymentservice"},
			"http":  []any{map[string]any{"route": []any{map[string]any{"destination": map[string]any{"host": "paymentservice"}}}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	wantAt(t, s, map[string]string{"": "", "spec.http[0]": ""})
}

func mustKind(t *testing.T) resource.Kind {
	t.Helper()
	k, err := resource.LookupKind("vs")
	if err != nil {
		t.Fatal(err)
	}
	return k
}
