package workload

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

func TestAShutdownEndsDependentsBeforeTheirDependencies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("redis", 1)
		w.app("cart", 1, "redis")
		w.app("front", 2, "cart")
		w.run()
		w.pass(time.Second)
		var steps []string
		w.ctl.Shutdown(false, func(p orchestrator.Progress) { steps = append(steps, p.Workload.Name+" "+p.State) })
		<-w.ctl.Done()
		if !inOrder(steps) {
			t.Errorf("steps %v", steps)
		}
	})
}

// inOrder reports whether each workload was gone before the one that it needs was asked to stop.
func inOrder(steps []string) bool {
	at := func(s string) int { return slices.Index(steps, s) }
	return len(steps) == 6 && at("front stopping") == 0 && at("front stopped") < at("cart stopped") &&
		at("front stopping") < at("cart stopping") && at("cart stopped") < at("redis stopped") && at("cart stopping") < at("redis stopping")
}

func TestAWorkloadIsStoppingAndThenStoppedAsTheShopGoesDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("cart", 1)
		w.app("front", 1, "cart")
		w.run()
		w.pass(time.Second)
		var states []string
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for last := false; ; {
				snap, changed := w.ctl.Snapshot()
				for _, one := range snap.Workloads {
					if one.Name == "cart" && !slices.Contains(states, one.State) {
						states = append(states, one.State)
					}
				}
				if last {
					return
				}
				select {
				case <-changed:
				case <-w.ctl.Done():
					last = true
				}
			}
		}()
		w.ctl.Shutdown(false, nil)
		<-watched
		if want := []string{"ok", "stopping", "stopped"}; !slices.Equal(states, want) {
			t.Errorf("cart was %v, want %v", states, want)
		}
	})
}
