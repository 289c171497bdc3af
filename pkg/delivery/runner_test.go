package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/istio"
	"github.com/shopctl/shopctl/pkg/resource/store"
	"github.com/shopctl/shopctl/pkg/trace"
)

const objects = `
apiVersion: v1
kind: Service
metadata: {name: catalogservice}
spec: {selector: {app: catalogservice}, ports: [{name: grpc, port: 3550}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: catalogservice, labels: {app: catalogservice, version: v1}}
spec:
  selector: {matchLabels: {app: catalogservice}}
  template:
    metadata: {labels: {app: catalogservice, version: v1}}
    spec: {containers: [{name: server, image: "shopctl/catalog:v1"}]}
`

var key = resource.Key{Kind: resource.KindVirtualService, Namespace: "production", Name: "catalogservice"}

// world is a shop without processes: its instances are ready as soon as they have a Deployment, and it has traffic.
type world struct {
	t        *testing.T
	path     string
	store    *store.Store
	requests *observe.Requests
	// failing is the share of the new release's calls that fail.
	failing float64

	mu     sync.Mutex
	down   bool // the new release has no ready instance
	events []Event
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), "objects.yaml"), requests: &observe.Requests{}}
	w.open()
	return w
}

// open reads the objects, as a daemon that starts does.
func (w *world) open() {
	w.t.Helper()
	defaults, err := decode.Decode("objects.yaml", []byte(objects))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.store, err = store.Open(store.Config{Path: w.path, Namespace: "production", Defaults: defaults, Now: time.Now}); err != nil {
		w.t.Fatal(err)
	}
}

// Snapshot implements orchestrator.Observer.
func (w *world) Snapshot() (orchestrator.Snapshot, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	releases, err := releasesOf(w.store.Snapshot(), "production", "catalogservice")
	if err != nil {
		w.t.Error(err)
	}
	var snap orchestrator.Snapshot
	for version, d := range releases {
		snap.Endpoints = append(snap.Endpoints, orchestrator.Endpoint{
			Service: orchestrator.Key{Namespace: "production", Name: "catalogservice"}, Pod: d.Name + "-1", Labels: d.Spec.Template.Labels,
			Ready: version == "v1" || !w.down,
		})
	}
	return snap, nil
}

func (w *world) runner() *Runner {
	return NewRunner(Config{
		Objects: w.store, Observer: w, Requests: w.requests, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		InForce: func(context.Context) bool { return true }, Join: func(context.Context, string) error { return nil },
		CheckImage: func(image string, _ []string) error {
			if strings.Contains(image, "nothing") {
				return errors.New("there is no image " + image)
			}
			return nil
		},
		Changed: func() {},
		Event: func(e Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	})
}

// traffic is what callers' sidecars report, a hundred calls a second, divided as the VirtualService says, until ctx ends.
func (w *world) traffic(ctx context.Context) {
	random := rand.New(rand.NewPCG(1, 2))
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Millisecond):
		}
		vs := w.virtualService()
		subset := "v1"
		if vs != nil && random.IntN(100) < (Plan{To: "v2"}).newShare(vs.Spec.Message().GetHttp()[0]) {
			subset = "v2"
		}
		w.requests.Add([]trace.Record{{
			Kind: trace.Client, Start: time.Now().Add(-5 * time.Millisecond), End: time.Now(), Error: subset == "v2" && random.Float64() < w.failing,
			Sidecar: &trace.Sidecar{
				Cluster: "outbound|3550|" + subset + "|catalogservice.production.svc.cluster.local",
				Config:  objectPath("production", "catalogservice"), Rule: "spec.http[0]",
			},
		}})
	}
}

func (w *world) virtualService() *istio.VirtualService {
	for _, vs := range store.All[*istio.VirtualService](w.store.Snapshot(), "production") {
		return vs
	}
	return nil
}

// weight is the percentage that the new release gets.
func (w *world) weight() int {
	return Plan{To: "v2"}.newShare(w.virtualService().Spec.Message().GetHttp()[0])
}

func (w *world) reasons() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		all = append(all, e.Reason)
	}
	return all
}

// run runs a runner and traffic, and returns what ends both.
func run(w *world, r *Runner) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { r.Run(ctx) })
	all.Go(func() { w.traffic(ctx) })
	return func() {
		cancel()
		all.Wait()
	}
}

func start(t *testing.T, r *Runner) {
	t.Helper()
	p := plan()
	p.From, p.Image = "", "shopctl/catalog:v2"
	s, err := r.Start(t.Context(), "production", p)
	if err != nil {
		t.Fatal(err)
	}
	if s.Phase != Starting || s.From != "v1" || s.Weight() != 0 || s.Key != key {
		t.Fatalf("it began as %+v", s)
	}
}

func only(t *testing.T, r *Runner) State {
	t.Helper()
	all := r.List()
	if len(all) != 1 {
		t.Fatalf("%d canaries", len(all))
	}
	return all[0]
}

// ended waits until the canary has ended.
func ended(t *testing.T, r *Runner) {
	t.Helper()
	for begin := time.Now(); !only(t, r).Over(); time.Sleep(time.Second) {
		if time.Since(begin) > 10*time.Minute {
			t.Fatalf("after ten minutes it is %s", only(t, r).Phase)
		}
	}
}

func TestASoundReleaseIsMadeAndPromoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.runner()
		end := run(w, r)
		defer end()
		start(t, r)
		if _, err := r.Start(t.Context(), "production", plan()); !errors.Is(err, ErrUnderWay) {
			t.Errorf("a second one: %v", err)
		}
		ended(t, r)
		if s := only(t, r); s.Phase != Promoted || w.weight() != 100 || len(s.Passed) != 3 {
			t.Fatalf("%+v with %d%%", s, w.weight())
		}
		want := []string{"CanaryStarting", "CanaryStep", "CanaryStep", "CanaryStep", "CanaryPromoted"}
		if got := w.reasons(); !slices.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
		d, err := w.store.Snapshot().Get(resource.Key{Kind: resource.KindDeployment, Namespace: "production", Name: "catalogservice-v2"})
		if err != nil || d.GetLabels()["version"] != "v2" {
			t.Errorf("the release: %v, %v", d, err)
		}
		next := plan()
		next.From, next.To = "", "v1"
		if s, err := r.Start(t.Context(), "production", next); err != nil || s.From != "v2" || s.Weight() != 0 {
			t.Errorf("the way back by another canary: %+v, %v", s, err)
		}
	})
}

func TestABadReleaseIsRolledBackAtItsFirstStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.failing = 0.2
		r := w.runner()
		defer run(w, r)()
		start(t, r)
		ended(t, r)
		s := only(t, r)
		if s.Phase != RolledBack || s.Step != 1 || w.weight() != 0 || !strings.HasPrefix(s.Reason, "error rate < 1% at 5%: ") {
			t.Errorf("%+v with %d%%", s, w.weight())
		}
		if took := s.Since.Sub(w.virtualService().CreationTimestamp.Time); took > 30*time.Second {
			t.Errorf("found after %s", took)
		}
	})
}

func TestACanaryGoesOnAfterTheDaemonWasStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.runner()
		end := run(w, r)
		start(t, r)
		for only(t, r).Step < 2 {
			time.Sleep(time.Second)
		}
		end()
		w.open()
		w.requests = &observe.Requests{}
		r = w.runner()
		if s := only(t, r); s.Phase != Running || s.Step != 2 || w.weight() != 50 {
			t.Fatalf("after the restart: %+v with %d%%", s, w.weight())
		}
		w.mu.Lock()
		w.down = true // its instances start, too
		w.mu.Unlock()
		defer run(w, r)()
		time.Sleep(5 * time.Second)
		if s := only(t, r); s.Phase != Starting || w.weight() != 50 {
			t.Errorf("while v2 starts: %s with %d%%", s.Phase, w.weight())
		}
		w.mu.Lock()
		w.down = false
		w.mu.Unlock()
		ended(t, r)
		if s := only(t, r); s.Phase != Promoted || w.weight() != 100 || !slices.Contains(w.reasons(), "CanaryResumed") {
			t.Errorf("%s with %d%%, events %v", s.Phase, w.weight(), w.reasons())
		}
	})
}

func TestWithoutTrafficNothingIsKnownAndTheCanaryPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.runner()
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { r.Run(ctx) })
		start(t, r)
		time.Sleep(30 * time.Second)
		if s := only(t, r); s.Phase != Running || s.Step != 1 || s.Findings[0].Verdict != Unknown {
			t.Errorf("after half a minute: %+v", s)
		}
		time.Sleep(time.Minute)
		if s := only(t, r); s.Phase != Paused || w.weight() != 5 {
			t.Errorf("after the deadline: %+v with %d%%", s, w.weight())
		}
		if s, err := r.Steer(ctx, "production", "catalogservice", Canary.Abort); err != nil || s.Phase != Aborted || w.weight() != 0 {
			t.Errorf("abort: %+v, %v", s, err)
		}
		if _, err := r.Steer(ctx, "production", "cart", Canary.Abort); !errors.Is(err, ErrNone) {
			t.Errorf("abort of none: %v", err)
		}
		cancel()
		all.Wait()
	})
}

func TestAReleaseWithoutInstancesAndWeightsOfAnotherHandEndTheCanary(t *testing.T) {
	for name, x := range map[string]struct {
		disturb func(w *world) error
		phase   Phase
		weight  int
	}{
		"no instance": {func(w *world) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.down = true
			return nil
		}, RolledBack, 0},
		"other weights": {func(w *world) error {
			_, err := w.store.EditObjects(context.Background(), []resource.Key{key}, false, func(o resource.Object) error {
				vs, ok := o.(*istio.VirtualService)
				if !ok {
					return fmt.Errorf("a %T", o)
				}
				return Plan{Host: "catalogservice", From: "v1", To: "v2"}.setWeights(vs, 40)
			})
			return err
		}, Paused, 40},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				r := w.runner()
				defer run(w, r)()
				start(t, r)
				time.Sleep(2 * time.Second)
				if err := x.disturb(w); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
				if s := only(t, r); s.Phase != x.phase || w.weight() != x.weight {
					t.Errorf("%+v with %d%%", s, w.weight())
				}
			})
		})
	}
}

func TestAPlanThatFitsNoReleaseChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.runner()
		for want, change := range map[string]func(*Plan){
			"catalog has no release v2":    func(*Plan) {},
			"catalog has no release v7":    func(p *Plan) { p.From = "v7" },
			"v1 gets the calls of catalog": func(p *Plan) { p.To = "v1" },
			"service/nothing not found":    func(p *Plan) { p.Host = "nothing" },
			"there is no image nothing:v2": func(p *Plan) { p.Image = "nothing:v2" },
		} {
			p := plan()
			change(&p)
			if _, err := r.Start(t.Context(), "production", p); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if vs := w.virtualService(); vs != nil {
			t.Errorf("VirtualService %s was made", vs.Name)
		}
	})
}
