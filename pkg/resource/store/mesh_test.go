package store_test

import (
	"strings"
	"testing"
)

const peerAuthentication = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: away}
spec: {mtls: {mode: STRICT}}
`

func TestAnObjectOfIstioInANamespaceThatHasLeftTheMeshIsWarnedOf(t *testing.T) {
	for label, want := range map[string]bool{"enabled": false, "disabled": true} {
		s := open(t, config(t, "", "apiVersion: v1\nkind: Namespace\nmetadata: {name: away, labels: {istio-injection: "+label+"}}\n"))
		result, err := s.Apply(t.Context(), manifests(t, peerAuthentication), "", true)
		if err != nil {
			t.Fatal(err)
		}
		warned := false
		for _, w := range result.Warnings {
			warned = warned || strings.Contains(w.Message, "has no effect while namespace away is out of the mesh")
		}
		if warned != want {
			t.Errorf("istio-injection: %s: warned is %v, want %v: %v", label, warned, want, result.Warnings)
		}
	}
}
