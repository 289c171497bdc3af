package workload

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// podWorld is a shop of one Deployment "web" whose pods have the init container "setup", the sidecar "proxy" and the
// containers "server" and "tail", of which "tail" does not listen.
func podWorld(t *testing.T) *world {
	w := newWorld(t)
	w.app("web", 1)
	always := corev1.ContainerRestartPolicyAlways
	spec := &w.objects.Deployments[0].Spec.Template.Spec
	spec.InitContainers = []corev1.Container{
		{Name: "setup", Image: "setup"},
		{Name: "proxy", Image: "proxy", RestartPolicy: &always, Ports: []corev1.ContainerPort{{Name: "in", ContainerPort: 15001}}},
	}
	spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80}}
	spec.Containers = append(spec.Containers, corev1.Container{Name: "tail", Image: "tail"})
	w.behave["web/setup"] = func(in *fakeInstance) { time.AfterFunc(10*time.Millisecond, func() { in.end(Exit{}) }) }
	w.behave["web/tail"] = func(*fakeInstance) {}
	return w
}

// container of the only pod that runs.
func (w *world) container(name string) *fakeInstance {
	w.t.Helper()
	for _, in := range w.instances("web") {
		if in.c.Name == name {
			return in
		}
	}
	w.t.Fatalf("no container %q runs", name)
	return nil
}

// pod is the state of the first pod.
func (w *world) pod() orchestrator.Instance {
	w.t.Helper()
	wl := w.workload("web")
	if len(wl.Instances) == 0 {
		w.t.Fatal("there is no pod")
	}
	return wl.Instances[0]
}

func TestContainersOfAPodStartInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := podWorld(t)
		w.run()
		defer w.stop()
		if p := w.pod(); p.Status != "Init:0/2" || p.State != "starting" || p.Message != "waits for init container setup to complete" {
			t.Errorf("while the init container runs: %s %s %q", p.Status, p.State, p.Message)
		}
		w.pass(time.Second)
		w.state("web", "ok")
		slices.Sort(w.started[2:]) // these two start side by side
		if want := []string{"web/setup", "web/proxy", "web/server", "web/tail"}; !slices.Equal(w.started, want) {
			t.Errorf("started %v, want %v", w.started, want)
		}
		p := w.pod()
		var states []string
		ready := 0
		for _, c := range p.Containers {
			if c.Ready && c.Kind != orchestrator.InitContainer {
				ready++
			}
			states = append(states, c.Name+" "+string(c.Kind)+" "+c.State)
		}
		if ready != 3 || p.Status != "Running" || p.Restarts != 0 {
			t.Errorf("%d containers ready, %s, %d restarts", ready, p.Status, p.Restarts)
		}
		if want := []string{"setup init completed", "proxy sidecar running", "server app running", "tail app running"}; !slices.Equal(states, want) {
			t.Errorf("containers %v, want %v", states, want)
		}
	})
}

func TestTheNextContainerWaitsForTheStartupProbeOfASidecar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := podWorld(t)
		var mu sync.Mutex
		up := false
		w.objects.Deployments[0].Spec.Template.Spec.InitContainers[1].StartupProbe = &corev1.Probe{
			ProbeHandler:     corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"up"}}},
			FailureThreshold: 100,
		}
		w.exec = func([]string) error {
			mu.Lock()
			defer mu.Unlock()
			if !up {
				return errNotUp
			}
			return nil
		}
		w.run()
		defer w.stop()
		w.pass(10 * time.Second)
		if p := w.pod(); p.Status != "Init:1/2" || !strings.HasPrefix(p.Message, "container proxy: startup probe: up: ") || slices.Contains(w.started, "web/server") {
			t.Errorf("%s %q, started %v", p.Status, p.Message, w.started)
		}
		mu.Lock()
		up = true
		mu.Unlock()
		w.pass(time.Second)
		w.state("web", "ok")
	})
}

func TestAnInitContainerThatFailsIsRepeatedWithABackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := podWorld(t)
		w.behaves("web/setup", func(in *fakeInstance) { in.end(Exit{Code: 2}) })
		w.run()
		defer w.stop()
		w.pass(100 * time.Millisecond)
		if p := w.pod(); p.Status != "Init:Error" || p.State != "backoff" || p.Message != "init container setup: exited with code 2: last words" {
			t.Errorf("after one failure: %s %s %q", p.Status, p.State, p.Message)
		}
		w.pass(10 * time.Second)
		if p := w.pod(); p.Status != "Init:CrashLoopBackOff" || p.State != "crashloop" || p.Restarts != 5 {
			t.Errorf("after several: %s %s, %d restarts", p.Status, p.State, p.Restarts)
		}
		if slices.Contains(w.started, "web/proxy") {
			t.Error("the next container did not wait")
		}
		w.behaves("web/setup", func(in *fakeInstance) { in.end(Exit{}) })
		w.pass(10 * time.Second)
		w.state("web", "ok")
	})
}

func TestAContainerRestartsAloneAndMakesItsPodUnready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := podWorld(t)
		w.run()
		defer w.stop()
		w.pass(10 * time.Second)
		before := map[string]*fakeInstance{}
		for _, name := range []string{"proxy", "server", "tail"} {
			before[name] = w.container(name)
		}
		for _, name := range []string{"tail", "proxy"} {
			w.container(name).end(Exit{Code: 1})
			w.pass(100 * time.Millisecond)
			if wl := w.workload("web"); wl.Ready != 0 || wl.Instances[0].Status != "Error" || len(w.endpoints("web")) != 0 {
				t.Errorf("without %s: %d ready, %s", name, wl.Ready, wl.Instances[0].Status)
			}
			w.pass(time.Second)
			w.state("web", "ok")
			if w.container(name) == before[name] {
				t.Errorf("%s was not restarted", name)
			}
		}
		if w.container("server") != before["server"] || slices.Index(w.started, "web/setup") != 0 || slices.Contains(w.started[1:], "web/setup") {
			t.Errorf("more was restarted: %v", w.started)
		}
		restarts := map[string]int{}
		for _, c := range w.pod().Containers {
			restarts[c.Name] = c.Restarts
		}
		if restarts["tail"] != 1 || restarts["proxy"] != 1 || restarts["server"] != 0 || w.workload("web").Restarts != 2 {
			t.Errorf("restarts %v", restarts)
		}
		named := slices.ContainsFunc(w.events, func(e orchestrator.Event) bool {
			return e.Reason == "Exited" && e.Message == "container tail: exited with code 1: last words"
		})
		if !named {
			t.Error("no event names the container")
		}
	})
}

func TestSidecarsStopAfterTheOthersInReverseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := podWorld(t)
		always := corev1.ContainerRestartPolicyAlways
		spec := &w.objects.Deployments[0].Spec.Template.Spec
		spec.InitContainers = append(spec.InitContainers, corev1.Container{Name: "agent", Image: "agent", RestartPolicy: &always})
		w.behave["web/agent"] = func(*fakeInstance) {}
		w.run()
		w.pass(time.Second)
		w.state("web", "ok")
		var mu sync.Mutex
		var ended []string
		for _, name := range []string{"proxy", "agent", "server", "tail"} {
			in := w.container(name)
			go func() {
				<-in.done
				mu.Lock()
				defer mu.Unlock()
				ended = append(ended, name)
			}()
		}
		w.stop()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if slices.Sort(ended[:2]); !slices.Equal(ended, []string{"server", "tail", "agent", "proxy"}) {
			t.Errorf("ended in the order %v", ended)
		}
		if len(w.removed) != 1 {
			t.Errorf("the driver removed %v", w.removed)
		}
	})
}

func TestAServiceLeadsToTheContainerThatDeclaresItsTargetPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := podWorld(t)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		if got := w.endpoints("web"); !slices.Equal(got, []string{w.container("server").addr}) {
			t.Errorf("endpoints %v, want the server's", got)
		}
		w.edit(func(o *Objects) {
			o.Services[0] = o.Services[0].DeepCopy()
			o.Services[0].Spec.Ports[0].TargetPort.Type = 1
			o.Services[0].Spec.Ports[0].TargetPort.StrVal = "in"
		})
		if got := w.endpoints("web"); !slices.Equal(got, []string{w.container("proxy").addr}) {
			t.Errorf("endpoints %v, want the proxy's", got)
		}
		snap, _ := w.ctl.Snapshot()
		if len(snap.Endpoints) != 1 {
			t.Fatalf("endpoints %+v", snap.Endpoints)
		}
		if e := snap.Endpoints[0]; e.Container != "proxy" || e.TargetPort != 15001 || e.ServicePort != 80 || !e.Serving() ||
			e.Labels["app"] != "web" || e.ServiceAccount != "default" || e.Pod != w.pod().Name {
			t.Errorf("endpoint %+v", e)
		}
	})
}

func TestEndpointsOfAPodThatStopsAreDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("web", 2)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		w.deployment("web", replicas(1))
		snap, _ := w.ctl.Snapshot()
		draining := 0
		for _, e := range snap.Endpoints {
			if e.Draining && !e.Serving() && e.Ready {
				draining++
			}
		}
		if len(snap.Endpoints) != 2 || draining != 1 || len(w.endpoints("web")) != 1 {
			t.Errorf("endpoints %+v", snap.Endpoints)
		}
		w.pass(time.Second)
		if snap, _ := w.ctl.Snapshot(); len(snap.Endpoints) != 1 {
			t.Errorf("after it is gone: %+v", snap.Endpoints)
		}
	})
}

func TestAllContainersOfAPodArePausedAndKilledTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := podWorld(t)
		w.run()
		defer w.stop()
		w.pass(10 * time.Second)
		web := orchestrator.Key{Namespace: ns, Name: "web"}
		if err := w.ctl.SetPaused(web, true); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		w.state("web", "paused")
		if err := w.ctl.SetPaused(web, false); err != nil {
			t.Fatal(err)
		}
		for _, in := range w.instances("web") {
			if !slices.Equal(in.actions, []string{"pause", "resume"}) {
				t.Errorf("%s: %v", in.c.Name, in.actions)
			}
		}
		if err := w.ctl.Kill(web, false); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Millisecond)
		if left := w.instances("web"); len(left) != 0 {
			t.Errorf("%d containers are left", len(left))
		}
		w.pass(time.Second)
		if wl := w.state("web", "ok"); wl.Restarts != 3 {
			t.Errorf("%d restarts", wl.Restarts)
		}
	})
}

func TestTheContainersOfARunningPodAreMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := podWorld(t)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		pod := w.pod()
		used, ok := w.ctl.Memory(pod.Name)
		if !ok || len(used) != 3 {
			t.Errorf("memory %v, %v; want that of 3 containers", used, ok)
		}
		for name, bytes := range used {
			if seconds, ok := w.ctl.ProcessorTime(pod.Name, name); bytes != 1<<20 || seconds != 0.5 || !ok {
				t.Errorf("%s: %d bytes, %v s", name, bytes, seconds)
			}
		}
		if seconds, ok := w.ctl.ProcessorTime(pod.Name, "unknown"); ok {
			t.Errorf("an unknown container used %v s", seconds)
		}
		if _, ok := w.ctl.Memory("unknown"); ok {
			t.Error("an unknown pod has memory")
		}
	})
}
