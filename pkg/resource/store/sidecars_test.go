package store_test

import (
	"strings"
	"testing"
)

const peerAuthentication = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default}
spec: {mtls: {mode: STRICT}}
`

const podsOf = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, sidecar.istio.io/inject: "INJECT"}}
    spec: {containers: [{name: web, image: "web:v1"}]}
---
`

func TestAnObjectOfIstioIsWarnedOfWhereNoPodHasASidecar(t *testing.T) {
	for inject, want := range map[string]bool{"true": false, "false": true} {
		s := open(t, config(t, "", strings.Replace(podsOf, "INJECT", inject, 1)))
		result, err := s.Apply(t.Context(), manifests(t, peerAuthentication), "", true)
		if err != nil {
			t.Fatal(err)
		}
		warned := false
		for _, w := range result.Warnings {
			warned = warned || strings.Contains(w.Message, "has no effect while no pod of namespace")
		}
		if warned != want {
			t.Errorf("inject: %s: warned is %v, want %v: %v", inject, warned, want, result.Warnings)
		}
	}
}
