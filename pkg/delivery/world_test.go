package delivery

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
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
	ending bool // the shop goes down
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
	snap := orchestrator.Snapshot{GoingDown: w.ending}
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
