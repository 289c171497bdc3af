package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/istio"
)

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
		w.mu.Lock()
		w.ending, w.down = true, true
		w.mu.Unlock()
		time.Sleep(5 * time.Second)
		end()
		w.open()
		w.requests = &observe.Requests{}
		r = w.runner()
		if s := only(t, r); s.Phase != Running || s.Step != 2 || w.weight() != 50 {
			t.Fatalf("after the restart: %+v with %d%%", s, w.weight())
		}
		w.mu.Lock()
		w.ending = false // its instances start, too
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

func TestAnObservationOfBeforeAVerbChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.runner()
		end := run(w, r)
		start(t, r)
		time.Sleep(2 * time.Second)
		end()
		before := only(t, r)
		if before.Phase != Running {
			t.Fatalf("it is %s", before.Phase)
		}
		if _, err := r.Steer(t.Context(), "production", "catalogservice", Canary.Pause); err != nil {
			t.Fatal(err)
		}
		if err := r.advance(t.Context(), key, before.Canary, Observation{InForce: true}); err != nil { // no instance is ready
			t.Error(err)
		}
		if s := only(t, r); s.Phase != Paused || w.weight() != 5 {
			t.Errorf("%s with %d%%", s.Phase, w.weight())
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
