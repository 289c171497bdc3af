package workload

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

func TestInstancesStartAfterWhatTheyDependOnIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("front", 1, "checkout", "cart")
		w.app("checkout", 1, "cart")
		w.app("cart", 1, "redis")
		w.app("redis", 1)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		if want := []string{"redis", "cart", "checkout", "front"}; !slices.Equal(w.started, want) {
			t.Errorf("started %v, want %v", w.started, want)
		}
		snap, _ := w.ctl.Snapshot()
		if last := snap.Startup[3]; !snap.Ready || last.Workload.Name != "front" || last.After != "checkout" || last.Ready != 40*time.Millisecond {
			t.Errorf("startup: ready %v, last %+v", snap.Ready, last)
		}
	})
}

func TestACycleOfDependenciesStartsWithAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("hen", 1, "egg")
		w.app("egg", 1, "hen")
		w.run()
		defer w.stop()
		w.pass(time.Second)
		w.state("hen", "ok")
		w.state("egg", "ok")
		if !slices.Contains(slices.Concat(w.reasons("hen"), w.reasons("egg")), "DependencyCycle") {
			t.Error("no warning about the cycle")
		}
	})
}

func TestADependencyThatNeverStartsBlocksNothingForever(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*world)
		within  time.Duration
	}{
		"scaled to zero": {func(w *world) { *w.objects.Deployments[0].Spec.Replicas = 0 }, 50 * time.Millisecond},
		"unknown image":  {func(w *world) { w.objects.Deployments[0].Spec.Template.Spec.Containers[0].Image = "unknown" }, 50 * time.Millisecond},
		"crashing": {func(w *world) {
			w.behave["slow"] = func(in *fakeInstance) { time.AfterFunc(time.Millisecond, func() { in.end(Exit{Code: 1}) }) }
		}, 5 * time.Second},
		"never ready": {func(w *world) { w.behave["slow"] = func(*fakeInstance) {} }, 16 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.app("slow", 1)
				w.app("front", 1, "slow")
				c.prepare(w)
				w.run()
				defer w.stop()
				w.pass(c.within)
				w.state("front", "ok")
			})
		})
	}
}

func TestARollingUpdateKeepsEveryReplicaReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("catalog", 3)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		old := w.instances("catalog")
		least := w.watchLeast("catalog")
		w.deployment("catalog", image("v2"))
		w.state("catalog", "updating")
		w.pass(10 * time.Second)
		wl := w.state("catalog", "ok")
		if wl.Versions[0] != "v2" || len(wl.Versions) != 1 || len(wl.Instances) != 3 {
			t.Errorf("after the update: %+v", wl)
		}
		if least() < 3 {
			t.Errorf("only %d of 3 replicas were ready at times", least())
		}
		for _, in := range old {
			if in.servingWhenStopped {
				t.Errorf("%s was stopped while calls were still sent to it", in.spec.Name)
			}
		}
		if r := w.reasons("catalog"); !slices.Contains(r, "RollingUpdate") || !slices.Contains(r, "RolloutComplete") {
			t.Errorf("events: %v", r)
		}
	})
}

func TestAVersionThatNeverBecomesReadyLeavesTheOldOneServingAndCanBeUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("catalog", 2)
		w.behave["catalog:v2"] = func(*fakeInstance) {}
		w.run()
		defer w.stop()
		w.pass(time.Second)
		before := w.instances("catalog")
		seconds := int32(30)
		w.deployment("catalog", func(d *appsv1.Deployment) {
			image("v2")(d)
			d.Spec.ProgressDeadlineSeconds = &seconds
		})
		w.pass(time.Minute)
		if wl := w.state("catalog", "updating"); wl.Ready != 2 || !wl.Late {
			t.Errorf("while v2 hangs: %d ready, late %v", wl.Ready, wl.Late)
		}
		w.deployment("catalog", image("v1"))
		w.pass(time.Second)
		w.state("catalog", "ok")
		if after := w.instances("catalog"); !slices.Equal(before, after) {
			t.Error("undoing restarted the old instances")
		}
	})
}

func TestRecreateStopsTheOldBeforeItStartsTheNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("redis", 1)
		w.objects.Deployments[0].Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
		w.run()
		defer w.stop()
		w.pass(time.Second)
		most := 0
		w.behaves("redis:v2", func(in *fakeInstance) {
			w.mu.Lock()
			most = len(w.running)
			w.mu.Unlock()
			in.listen()
		})
		w.deployment("redis", image("v2"))
		w.pass(5 * time.Second)
		w.state("redis", "ok")
		if most != 1 {
			t.Errorf("%d instances ran when the new one started", most)
		}
	})
}

func TestCrashesBackOffAndFiveInAMinuteAreACrashLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("ad", 1)
		var mu sync.Mutex
		var starts []time.Time
		w.behaves("ad", func(in *fakeInstance) {
			mu.Lock()
			starts = append(starts, time.Now())
			mu.Unlock()
			in.end(Exit{Code: 3, Message: "no config"})
		})
		w.run()
		defer w.stop()
		w.pass(13 * time.Second)
		want := []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second}
		for i, pause := range want {
			mu.Lock()
			got := starts[i+1].Sub(starts[i])
			mu.Unlock()
			if got != pause {
				t.Errorf("pause %d is %s, want %s", i+1, got, pause)
			}
		}
		wl := w.state("ad", "crashloop")
		if !strings.Contains(wl.Message, "exited with code 3: no config: last words") || wl.Restarts != 5 {
			t.Errorf("%d restarts, message %q", wl.Restarts, wl.Message)
		}
		w.behaves("ad", func(in *fakeInstance) { in.listen() })
		w.pass(5 * time.Second)
		w.state("ad", "ok")
	})
}

func TestAnOutputThatIsHeldAfterTheEndIsAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("ad", 1)
		w.deployment("ad", func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Name = "hold" })
		w.behaves("ad", func(in *fakeInstance) { in.end(Exit{Code: 3}) })
		w.run()
		defer w.stop()
		w.pass(100 * time.Millisecond)
		if got := w.reasons("ad"); !slices.Equal(got, []string{"Started", "LeftBehind", "Exited", "BackOff"}) {
			t.Errorf("events %v", got)
		}
	})
}

func TestAKilledInstanceIsBackAfterTheFirstBackOffHoweverOftenItWasSteadyBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("cart", 1)
		w.run()
		defer w.stop()
		for i := range 8 {
			w.pass(6 * time.Second)
			if err := w.ctl.Kill(orchestrator.Key{Namespace: ns, Name: "cart"}, false); err != nil {
				t.Fatal(err)
			}
			w.pass(100 * time.Millisecond)
			if wl := w.workload("cart"); wl.Ready != 0 {
				t.Errorf("kill %d: still ready", i)
			}
			w.pass(200 * time.Millisecond)
			w.state("cart", "ok")
		}
		if wl := w.workload("cart"); wl.Restarts != 8 {
			t.Errorf("%d restarts", wl.Restarts)
		}
	})
}

func TestAnInstanceReceivesTheReadyEndpointsOfWhatItCallsAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("front", 1, "catalog")
		w.app("catalog", 2)
		w.app("other", 1)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		addr := w.workload("catalog").Address
		front := w.instances("front")[0]
		if !slices.Contains(front.c.Env, "CATALOG_ADDR="+addr) {
			t.Errorf("env %v", front.c.Env)
		}
		told := func() map[string][]string {
			front.mu.Lock()
			defer front.mu.Unlock()
			return *front.received.Endpoints
		}
		if got := told(); len(got) != 1 || len(got[addr]) != 2 {
			t.Errorf("told %v", got)
		}
		w.instances("catalog")[0].end(Exit{Code: 1})
		w.pass(time.Millisecond)
		if got := told(); len(got[addr]) != 1 {
			t.Errorf("after a crash: %v", got)
		}
		w.deployment("catalog", replicas(0))
		w.pass(time.Second)
		if got, ok := told()[addr]; !ok || len(got) != 0 {
			t.Errorf("without instances: %v", told())
		}
		w.state("catalog", "stopped")
	})
}

func TestAServiceSwitchesAtOnceWhenItsSelectorDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("blue", 2)
		w.app("green", 2)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		before := w.endpoints("blue")
		w.edit(func(o *Objects) {
			o.Services[0] = o.Services[0].DeepCopy()
			o.Services[0].Spec.Selector = map[string]string{"app": "green"}
		})
		w.mu.Lock()
		after := w.addrs["127.0.0.1:40000"].ready
		w.mu.Unlock()
		if len(before) != 2 || len(after) != 2 || slices.Equal(before, after) {
			t.Errorf("before %v, after %v", before, after)
		}
	})
}

// unmapped is a driver's error that says what to do.
type unmapped struct{}

func (unmapped) Error() string { return "image \"unknown:v1\" is not a built-in service" }
func (unmapped) Hint() string  { return "map it in shopctl.yaml" }

func TestAnUnknownImageIsUnhealthyUntilItIsMapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("unknown", 3)
		w.plan = func(*podspec.Pod) Plan { return Plan{Err: unmapped{}} }
		w.run()
		defer w.stop()
		wl := w.state("unknown", "unhealthy")
		if wl.Message != `image "unknown:v1" is not a built-in service; map it in shopctl.yaml` {
			t.Errorf("message %q", wl.Message)
		}
		w.mu.Lock()
		w.plan = nil
		w.mu.Unlock()
		w.edit(func(*Objects) {})
		w.pass(time.Second)
		w.state("unknown", "ok")
	})
}

func TestADeletedDeploymentLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("ad", 2)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		w.edit(func(o *Objects) { o.Deployments = nil })
		w.pass(time.Second)
		if snap, _ := w.ctl.Snapshot(); len(snap.Workloads) != 0 || len(w.running) != 0 {
			t.Errorf("left: %+v, %v", snap.Workloads, w.running)
		}
	})
}
