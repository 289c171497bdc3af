package workload

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// fakeMesh implements Mesh.
type fakeMesh struct{}

func (fakeMesh) Environ(pod podspec.Pod, ports map[string]string) ([]string, error) {
	return []string{"POD=" + pod.Name, "OLD=" + ports["inbound_80"]}, nil
}

// meshed is a world whose sidecars listen for every Service, and for their own pod.
func meshed(t *testing.T) *world {
	w := newWorld(t)
	w.plan = func(spec *podspec.Pod) Plan {
		plan := Plan{Builtins: map[string]string{}}
		for _, c := range spec.All() {
			if spec.Workload != "foreign" {
				plan.Builtins[c.Name] = spec.Workload
			}
		}
		return plan
	}
	w.sidecar = func(in *fakeInstance) {
		time.AfterFunc(20*time.Millisecond, func() {
			in.reportListeners("inbound_80", "catalog.production.svc.cluster.local_80", "cart.production.svc.cluster.local_80")
			in.listen()
		})
	}
	return w
}

// reportListeners lets a sidecar report listeners, whose addresses are their names and its own.
func (in *fakeInstance) reportListeners(names ...string) {
	in.mu.Lock()
	in.listeners = map[string]string{}
	for _, name := range names {
		in.listeners[name] = in.addr + "/" + name
	}
	in.mu.Unlock()
	in.reports <- struct{}{}
}

func withMesh(c *Config) { c.Mesh = fakeMesh{} }

// inject labels the namespace.
func (w *world) inject(value string) {
	w.edit(func(o *Objects) {
		o.Namespaces = map[string]*corev1.Namespace{ns: {ObjectMeta: metav1.ObjectMeta{Name: ns, Labels: map[string]string{resource.InjectionLabel: value}}}}
	})
}

// split separates the sidecar of a workload's only pod from its program.
func (w *world) split(workload string) (app, sidecar *fakeInstance) {
	w.t.Helper()
	for _, in := range w.instances(workload) {
		if in.c.Name == SidecarName {
			sidecar = in
		} else {
			app = in
		}
	}
	return app, sidecar
}

func TestARunningPodJoinsTheMeshWithoutARestartAndAlwaysHasAReadyEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("catalog", 1)
		w.app("cart", 1, "catalog")
		w.run(withMesh)
		defer w.stop()
		w.pass(steadyAfter)
		app, _ := w.split("cart")
		stable := w.workload("catalog").Address
		least := w.watchLeast("catalog")
		w.inject("enabled")
		w.pass(10 * time.Millisecond)
		app.checkEndpoints(t, map[string][]string{stable: w.endpoints("catalog")}) // sidecars start beside it
		w.pass(time.Second)
		same, sidecar := w.split("cart")
		if same != app || sidecar == nil {
			t.Fatalf("cart runs as %v with sidecar %v; want the same process with one beside it", same, sidecar)
		}
		app.checkEndpoints(t, map[string][]string{stable: {sidecar.addr + "/catalog.production.svc.cluster.local_80"}})
		_, callee := w.split("catalog")
		if got, want := w.endpoints("catalog"), []string{callee.addr + "/inbound_80"}; !slices.Equal(got, want) {
			t.Errorf("the stable address leads to %v, want %v", got, want)
		}
		if n := least(); n < 1 {
			t.Errorf("the address had %d endpoints at worst", n)
		}
		snap, _ := w.ctl.Snapshot()
		for _, e := range snap.Endpoints {
			if !e.Sidecar || e.Addr == e.PeerAddr || !e.Serving() {
				t.Errorf("endpoint %+v: want a serving one with a sidecar", e)
			}
		}
		if wl := w.state("cart", "ok"); wl.Restarts != 0 || len(wl.Instances[0].Containers) != 2 || wl.Instances[0].Addr != app.addr {
			t.Errorf("cart: %+v", wl)
		}
	})
}

func TestARunningPodLeavesTheMeshWithoutARestartAndAlwaysHasAReadyEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("catalog", 1)
		w.app("cart", 1, "catalog")
		w.objects.Namespaces = map[string]*corev1.Namespace{ns: {ObjectMeta: metav1.ObjectMeta{Name: ns, Labels: map[string]string{resource.InjectionLabel: "enabled"}}}}
		w.run(withMesh)
		defer w.stop()
		w.pass(steadyAfter)
		app, sidecar := w.split("cart")
		least := w.watchLeast("catalog")
		w.inject("disabled")
		callee, _ := w.split("catalog")
		app.checkEndpoints(t, map[string][]string{w.workload("catalog").Address: {callee.addr}})
		if slices.Contains(sidecar.history(), "stop") {
			t.Error("the sidecar was stopped at once: callers have not learned yet that it goes")
		}
		w.pass(2 * detachPause)
		if same, gone := w.split("cart"); same != app || gone != nil {
			t.Errorf("cart runs as %v with sidecar %v; want the same process alone", same, gone)
		}
		if n := least(); n < 1 {
			t.Errorf("the address had %d endpoints at worst", n)
		}
		if wl := w.state("cart", "ok"); len(wl.Instances[0].Containers) != 1 {
			t.Errorf("cart: %+v", wl.Instances[0].Containers)
		}
	})
}

func TestCallsToADeadSidecarAreNotSentAroundIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("catalog", 1)
		w.app("cart", 1, "catalog")
		w.run(withMesh)
		defer w.stop()
		w.inject("enabled")
		w.pass(steadyAfter)
		stable := w.workload("catalog").Address
		app, sidecar := w.split("cart")
		sidecar.end(Exit{Code: 137, Signal: sigkill})
		w.pass(time.Millisecond)
		app.checkEndpoints(t, map[string][]string{stable: {sidecar.addr + "/catalog.production.svc.cluster.local_80"}})
		if got := w.endpoints("cart"); len(got) > 0 {
			t.Errorf("cart is called at %v, although its sidecar is gone", got)
		}
		w.pass(5 * time.Second)
		same, again := w.split("cart")
		if same != app || again == nil || again == sidecar {
			t.Fatal("want the same program with another sidecar")
		}
		if want := "OLD=" + sidecar.addr + "/inbound_80"; !slices.Contains(again.c.Env, want) {
			t.Errorf("the next run is started with %q, want %s", again.c.Env, want)
		}
		if got, want := w.endpoints("cart"), []string{again.addr + "/inbound_80"}; !slices.Equal(got, want) {
			t.Errorf("cart is called at %v, want %v", got, want)
		}
		if wl := w.state("cart", "ok"); wl.Restarts != 1 {
			t.Errorf("%d restarts, want the sidecar's", wl.Restarts)
		}
	})
}

func TestAnotherProgramJoinsTheMeshByARollingRestartAfterItsSidecarListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("catalog", 1)
		w.app("foreign", 1, "catalog")
		w.run(withMesh)
		defer w.stop()
		w.pass(steadyAfter)
		before, _ := w.split("foreign")
		w.inject("enabled")
		w.pass(steadyAfter)
		app, sidecar := w.split("foreign")
		if app == before || sidecar == nil {
			t.Fatal("want another instance, with a sidecar")
		}
		if want := "CATALOG_ADDR=" + sidecar.addr + "/catalog.production.svc.cluster.local_80"; !slices.Contains(app.c.Env, want) {
			t.Errorf("environment %q, want %s", app.c.Env, want)
		}
	})
}

func TestTheStorefrontIsOpenForBrowsersInTheMesh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("cart", 1)
		w.run(withMesh, func(c *Config) { c.Storefront = orchestrator.Key{Namespace: ns, Name: "cart"} })
		defer w.stop()
		w.inject("enabled")
		w.pass(steadyAfter)
		app, _ := w.split("cart")
		if got, want := w.endpoints("cart"), []string{app.addr}; !slices.Equal(got, want) {
			t.Errorf("the storefront's address leads to %v, want its program at %v", got, want)
		}
	})
}

func TestANewPodIsReadyWhenItsSidecarTakesItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("catalog", 1)
		sidecar := make(chan *fakeInstance, 1)
		w.sidecar = func(in *fakeInstance) { in.listen(); sidecar <- in }
		w.objects.Namespaces = map[string]*corev1.Namespace{ns: {ObjectMeta: metav1.ObjectMeta{Name: ns, Labels: map[string]string{resource.InjectionLabel: "enabled"}}}}
		w.run(withMesh)
		defer w.stop()
		w.pass(time.Second)
		w.state("catalog", "starting")
		(<-sidecar).reportListeners("inbound_80")
		w.pass(time.Millisecond)
		w.state("catalog", "ok")
	})
}

func TestKillAndPauseOfAWorkloadLeaveItsSidecarAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("cart", 1)
		w.run(withMesh)
		defer w.stop()
		w.inject("enabled")
		w.pass(steadyAfter)
		_, sidecar := w.split("cart")
		key := orchestrator.Key{Namespace: ns, Name: "cart"}
		for _, do := range []func() error{
			func() error { return w.ctl.SetPaused(key, true) }, func() error { return w.ctl.SetPaused(key, false) }, func() error { return w.ctl.Kill(key, false) },
		} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(steadyAfter)
		if _, same := w.split("cart"); same != sidecar || len(sidecar.history()) > 0 {
			t.Errorf("the sidecar was treated with %v", sidecar.history())
		}
	})
}

func TestTheLabelOfInjectionReplacesNoBuiltinService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("cart", 1)
		w.run(withMesh)
		defer w.stop()
		w.pass(steadyAfter)
		app, _ := w.split("cart")
		w.deployment("cart", func(d *appsv1.Deployment) {
			d.Spec.Template.Labels = maps.Clone(d.Spec.Template.Labels)
			d.Spec.Template.Labels[resource.InjectLabel] = "true"
		})
		w.pass(steadyAfter)
		if same, sidecar := w.split("cart"); same != app || sidecar == nil {
			t.Errorf("cart runs as %v with sidecar %v; want the same process with one beside it", same, sidecar)
		}
	})
}

func TestWhatASidecarReportsOfItsStateIsKnownWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("catalog", 1)
		w.app("cart", 1, "catalog")
		w.run(withMesh)
		defer w.stop()
		w.inject("enabled")
		w.pass(steadyAfter)
		_, sidecar := w.split("cart")
		_, callee := w.split("catalog")
		report := func(p lifeline.Proxy) {
			sidecar.mu.Lock()
			sidecar.proxy = p
			sidecar.mu.Unlock()
			sidecar.reports <- struct{}{}
			w.pass(time.Millisecond)
		}
		known := func() lifeline.Proxy { return w.workload("cart").Instances[0].Containers[0].Proxy }
		ejecting := lifeline.Proxy{Certificate: lifeline.Certificate{Serial: "1f"}, Ejected: []lifeline.Ejection{{
			Cluster: "outbound|80||catalog", Address: callee.addr + "/inbound_80", Reason: "consecutive 5xx errors", Since: time.Now(), Until: time.Now().Add(30 * time.Second),
		}}}
		report(ejecting)
		if got := known(); !got.Equal(ejecting) {
			t.Errorf("the sidecar's state is %+v", got)
		}
		report(lifeline.Proxy{Certificate: ejecting.Certificate})
		events := strings.Join(w.reasons("cart"), " ")
		if !strings.Contains(events, "Ejected Readmitted") {
			t.Errorf("events %s", events)
		}
		report(ejecting)
		sidecar.end(Exit{Code: 1})
		w.pass(time.Millisecond)
		if got := known(); !got.Equal(lifeline.Proxy{}) {
			t.Errorf("the state of a sidecar that has ended is %+v", got)
		}
	})
}
