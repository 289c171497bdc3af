package control_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/mesh/xds"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// bySource has a timeout for the requests of checkout only.
const bySource = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: payment}
spec:
  hosts: [paymentservice]
  http:
  - match: [{sourceLabels: {app: checkoutservice}}]
    route: [{destination: {host: paymentservice}}]
    timeout: 3s
  - route: [{destination: {host: paymentservice}}]
`

// all are the messages of resources, in a stable order.
func all(r *xds.Resources) []proto.Message {
	var all []proto.Message
	for _, m := range r.Listeners {
		all = append(all, m)
	}
	for _, m := range r.Clusters {
		all = append(all, m)
	}
	for _, m := range r.Routes {
		all = append(all, m)
	}
	for _, m := range r.Endpoints {
		all = append(all, m)
	}
	return all
}

func TestSidecarsShareWhatIsTheSameAndAChangeRemakesWhatItTouches(t *testing.T) {
	objects, srv := openStore(t), &server{set: map[string]*xds.Resources{}}
	state := orchestrator.Snapshot{Endpoints: []orchestrator.Endpoint{endpoint}}
	apps := []string{"checkoutservice", "frontend", "cartservice"}
	watched := &observer{newer: make(chan struct{}), state: state}
	plane := control.New(control.Config{Objects: objects, Observer: watched, Server: srv, Now: time.Now, Report: func(err error) { t.Error(err) }})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { plane.Run(ctx) })
	defer running.Wait()
	defer cancel()
	node := func(app string) control.Node {
		return control.Node{ID: control.NodeID("production", app), Namespace: "production", Pod: app, ServiceAccount: app, Labels: map[string]string{"app": app}}
	}
	for _, app := range apps {
		plane.Register(node(app))
	}
	reached := func(revision uint64) {
		t.Helper()
		eventually.True(t, fmt.Sprintf("revision %d is followed", revision), func() bool {
			behind, err := plane.WaitInForce(t.Context(), revision) // none is connected
			return err == nil && len(behind) == 0 && plane.Resources(node("frontend").ID) != nil
		})
	}
	reached(objects.Snapshot().Revision())
	before := all(plane.Resources(node("frontend").ID))
	for _, app := range apps {
		if got := all(plane.Resources(node(app).ID)); !slices.Equal(got, before) {
			t.Errorf("%s has messages of its own, though all sidecars have the same", app)
		}
	}
	apply(t, objects, bySource)
	revision := objects.Snapshot().Revision()
	eventually.True(t, "the routes of checkout are its own", func() bool {
		return !slices.Equal(all(plane.Resources(node("checkoutservice").ID)), all(plane.Resources(node("frontend").ID)))
	})
	reached(revision)
	m := control.Mesh(objects.Snapshot(), state.Endpoints, nil)
	for _, app := range apps {
		got, want := plane.Resources(node(app).ID), control.Sidecar(m, node(app), nil)
		if got.Version != want.Version || len(got.Routes) != 1 || !proto.Equal(got.Routes[0], want.Routes[0]) {
			t.Errorf("%s: %s of version %s, want %s of %s", app, protojson.Format(got.Routes[0]), got.Version, protojson.Format(want.Routes[0]), want.Version)
		}
	}
	if a, b := all(plane.Resources(node("frontend").ID)), all(plane.Resources(node("cartservice").ID)); !slices.Equal(a, b) {
		t.Error("frontend and cart have the same routes, but not the same messages")
	}
	var changed int
	for _, m := range all(plane.Resources(node("frontend").ID)) {
		if !slices.Contains(before, m) {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d messages of the frontend are new, want that of the routes of payment", changed)
	}
}
