package delivery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

const green = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: catalogservice-green}
spec:
  selector: {matchLabels: {app: catalogservice, version: green}}
  template:
    metadata: {labels: {app: catalogservice, version: green}}
    spec: {containers: [{name: server, image: "shopctl/catalog:v1", ports: [{containerPort: 3550}]}]}
`

const routes = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: catalog}
spec: {host: catalogservice, subsets: [{name: one, labels: {version: v1}}, {name: two, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: catalog}
spec:
  hosts: [catalogservice]
  http: [{route: [{destination: {host: catalogservice, subset: one}, weight: 100}, {destination: {host: catalogservice, subset: two}, weight: 0}]}]
`

// blueGreen is a world in which each Deployment has an instance.
type blueGreen struct {
	*world
	state  string // of the instances of green
	silent bool   // they do not answer
}

func (b *blueGreen) Snapshot() (orchestrator.Snapshot, <-chan struct{}) {
	var snap orchestrator.Snapshot
	for _, d := range store.All[*appsv1.Deployment](b.store.Snapshot(), "production") {
		w := orchestrator.Workload{Key: orchestrator.Key{Namespace: d.Namespace, Name: d.Name}, Replicas: 1, Ready: 1, Updated: 1}
		in := orchestrator.Instance{Name: d.Name + "-1", State: "ready"}
		if strings.HasSuffix(d.Name, "-green") && b.state != "" {
			in.State, in.Message, w.Ready = b.state, "health is NOT_SERVING", 0
		}
		w.Instances = append(w.Instances, in)
		snap.Workloads = append(snap.Workloads, w)
	}
	return snap, nil
}

func (b *blueGreen) Probe(_ context.Context, instance string) (string, error) {
	if b.silent && strings.Contains(instance, "green") {
		return "", errors.New("gRPC health of container server: no response in time")
	}
	return "gRPC health", nil
}

func (b *blueGreen) apply(text string) {
	b.t.Helper()
	manifests, err := decode.Decode("more.yaml", []byte(text))
	if err == nil {
		_, err = b.store.Apply(b.t.Context(), manifests, "production", false)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *blueGreen) switchTo(w Switch) (Switched, error) {
	w.Service, w.Host = "catalog", "catalogservice"
	return NewSwitcher(SwitcherConfig{
		Objects: b.store, Observer: b, Prober: b, Behind: func(context.Context) []string { return nil }, Changed: func() {},
		Event: func(e Event) { b.events = append(b.events, e) }, Now: time.Now,
	}).Switch(b.t.Context(), "production", w)
}

func (b *blueGreen) service() *corev1.Service {
	b.t.Helper()
	o, err := b.store.Snapshot().Get(resource.Key{Kind: resource.KindService, Namespace: "production", Name: "catalogservice"})
	service, ok := o.(*corev1.Service)
	if err != nil || !ok {
		b.t.Fatal(o, err)
	}
	return service
}

func TestASwitchGoesThereAndBack(t *testing.T) {
	b := &blueGreen{world: newWorld(t)}
	b.apply(green)
	for _, x := range []struct {
		do         Switch
		now, noted string
	}{
		{Switch{Label: "version", To: "v1"}, "v1", "app=catalogservice"},
		{Switch{Label: "version", To: "green"}, "green", "app=catalogservice,version=v1"},
		{Switch{Back: true}, "v1", "app=catalogservice,version=green"},
		{Switch{Back: true}, "green", "app=catalogservice,version=v1"},
	} {
		done, err := b.switchTo(x.do)
		if err != nil {
			t.Fatalf("%+v: %v", x.do, err)
		}
		if s := b.service(); s.Spec.Selector["version"] != x.now || s.Annotations[SelectorAnnotation] != x.noted || done.From != x.noted {
			t.Errorf("%+v: the Service selects %v and notes %q; from %q", x.do, s.Spec.Selector, s.Annotations[SelectorAnnotation], done.From)
		}
		if len(done.Checks) != 1 || done.Checks[0].Asked != "gRPC health" {
			t.Errorf("%+v: checked %+v", x.do, done.Checks)
		}
	}
	if !slices.ContainsFunc(b.events, func(e Event) bool {
		return e.Reason == "Switched" && e.Message == "app=catalogservice,version=v1 -> app=catalogservice,version=green"
	}) {
		t.Errorf("events %v", b.events)
	}
}

func TestARefusedSwitchChangesNothingAndSaysWhy(t *testing.T) {
	toGreen := Switch{Label: "version", To: "green"}
	for name, x := range map[string]struct {
		prepare func(b *blueGreen)
		do      Switch
		want    string
	}{
		"no pods":        {func(*blueGreen) {}, toGreen, "no Deployment makes pods for catalog with the labels app=catalogservice,version=green (there are v1)"},
		"unknown label":  {func(*blueGreen) {}, Switch{Label: "color", To: "green"}, "none of its pods has the label color"},
		"never switched": {func(*blueGreen) {}, Switch{Back: true}, "there is no way back"},
		"not ready":      {func(b *blueGreen) { b.apply(green); b.state = "unready" }, toGreen, "pod catalogservice-green-1 is unready (health is NOT_SERVING)"},
		"no answer":      {func(b *blueGreen) { b.apply(green); b.silent = true }, toGreen, "pod catalogservice-green-1: gRPC health of container server: no response in time"},
		"another port":   {func(b *blueGreen) { b.apply(strings.ReplaceAll(green, "3550", "3551")) }, toGreen, "Deployment catalogservice-green declares no port 3550"},
		"a route":        {func(b *blueGreen) { b.apply(green); b.apply(routes) }, toGreen, "VirtualService catalog sends calls of catalog to the subset one, in which no pod would be left"},
		"a canary": {func(b *blueGreen) {
			b.apply(green)
			plan := Plan{Service: "catalog", Host: "catalogservice", To: "v2", Image: "shopctl/catalog:v2", From: "v1", Steps: DefaultSteps(), Check: DefaultCheck}
			if _, err := b.runner().Start(b.t.Context(), "production", plan); err != nil {
				b.t.Fatal(err)
			}
		}, toGreen, "catalog, from v1 to v2: a canary of it is under way"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &blueGreen{world: newWorld(t)}
			x.prepare(b)
			_, err := b.switchTo(x.do)
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("error %v, want %q", err, x.want)
			}
			if s := b.service(); len(s.Spec.Selector) != 1 || s.Annotations[SelectorAnnotation] != "" {
				t.Errorf("the Service has changed: %v, %v", s.Spec.Selector, s.Annotations)
			}
		})
	}
}

func TestACanaryOfAPinnedServiceIsRefused(t *testing.T) {
	b := &blueGreen{world: newWorld(t)}
	if _, err := b.switchTo(Switch{Label: "version", To: "v1"}); err != nil {
		t.Fatal(err)
	}
	plan := Plan{Service: "catalog", Host: "catalogservice", To: "v2", Image: "shopctl/catalog:v2", Steps: DefaultSteps(), Check: DefaultCheck}
	if _, err := b.runner().Start(t.Context(), "production", plan); !errors.Is(err, ErrPinned) {
		t.Errorf("error %v", err)
	}
}

func TestACanaryBehindAGatewayNeedsItsRoutes(t *testing.T) {
	b := &blueGreen{world: newWorld(t)}
	r := b.runner()
	r.cfg.Front = orchestrator.Key{Namespace: "production", Name: "catalogservice"}
	plan := Plan{Service: "catalog", Host: "catalogservice", To: "v2", Image: "shopctl/catalog:v2", Steps: DefaultSteps(), Check: DefaultCheck}
	if _, err := r.Start(t.Context(), "production", plan); !errors.Is(err, ErrNoGateway) {
		t.Errorf("without one: %v", err)
	}
	b.apply(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge}
spec:
  hosts: ["*"]
  gateways: [shop]
  http: [{route: [{destination: {host: catalogservice}}]}]
`)
	state, err := r.Start(t.Context(), "production", plan)
	if err != nil || state.Key.Name != "edge" || state.From != "v1" {
		t.Errorf("with one: %+v, %v", state, err)
	}
}
