package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ns = "production"

// world is a shop whose instances live in memory and whose clock is the bubble's.
type world struct {
	t   *testing.T
	ctl *Controller

	mu      sync.Mutex
	objects Objects
	changed chan struct{}
	// behave decides how an instance lives, by its workload and version; nil: it listens after 10 ms.
	behave  map[string]func(*fakeInstance)
	started []string
	running map[string]*fakeInstance
	// removed are the pods that the driver has removed, volumes those that it was given last.
	removed []string
	volumes map[string][]podspec.Volume
	// exec decides whether commands in containers succeed; nil: none does.
	exec func(command []string) error
	// plan replaces the driver's plan of a pod.
	plan func(*podspec.Pod) Plan
	// sidecar decides how sidecars of the mesh live.
	sidecar func(*fakeInstance)
	events  []orchestrator.Event
	addrs   map[string]*fakeAddress
	// least is the smallest number of ready endpoints that an address had since watch was called.
	least map[string]int
}

func newWorld(t *testing.T) *world {
	return &world{
		t: t, changed: make(chan struct{}, 1), behave: map[string]func(*fakeInstance){},
		running: map[string]*fakeInstance{}, volumes: map[string][]podspec.Volume{}, addrs: map[string]*fakeAddress{}, least: map[string]int{},
		objects: Objects{ConfigMaps: map[orchestrator.Key]*corev1.ConfigMap{}, Secrets: map[orchestrator.Key]*corev1.Secret{}},
	}
}

// run starts the controller, and ends it with the test's bubble.
func (w *world) run(change ...func(*Config)) {
	w.t.Helper()
	cfg := Config{
		Source: w, Driver: w, Namespace: ns, OpenAddress: w.openAddress,
		Event:     func(e orchestrator.Event) { w.mu.Lock(); defer w.mu.Unlock(); w.events = append(w.events, e) },
		LastLines: func(string, string, int) []string { return []string{"last words"} },
	}
	for _, f := range change {
		f(&cfg)
	}
	ctl, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ctl = ctl
	go ctl.Run(context.Background())
	synctest.Wait()
}

func (w *world) stop() {
	w.ctl.Shutdown(false, nil)
	<-w.ctl.Done()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.running) > 0 {
		w.t.Errorf("instances left: %v", w.running)
	}
}

func (w *world) Objects() Objects {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.objects
	o.Deployments, o.Services = slices.Clone(o.Deployments), slices.Clone(o.Services)
	return o
}

func (w *world) Changed() <-chan struct{} { return w.changed }

// edit changes the objects and waits until the controller has seen that.
func (w *world) edit(f func(*Objects)) {
	w.mu.Lock()
	f(&w.objects)
	w.mu.Unlock()
	w.changed <- struct{}{}
	synctest.Wait()
}

// deployment replaces a copy of a Deployment by what f makes of it.
func (w *world) deployment(name string, f func(*appsv1.Deployment)) {
	w.edit(func(o *Objects) {
		for i, d := range o.Deployments {
			if d.Name == name {
				o.Deployments[i] = d.DeepCopy()
				o.Deployments[i].Generation++
				f(o.Deployments[i])
			}
		}
	})
}

// behaves decides how the instances that start from now on live.
func (w *world) behaves(workload string, f func(*fakeInstance)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.behave[workload] = f
}

func (w *world) workload(name string) orchestrator.Workload {
	w.t.Helper()
	snap, _ := w.ctl.Snapshot()
	for _, wl := range snap.Workloads {
		if wl.Name == name {
			return wl
		}
	}
	w.t.Fatalf("no workload %q", name)
	return orchestrator.Workload{}
}

func (w *world) state(name, want string) orchestrator.Workload {
	w.t.Helper()
	wl := w.workload(name)
	if wl.State != want {
		w.t.Errorf("%s is %s (%s), want %s", name, wl.State, wl.Message, want)
	}
	return wl
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) reasons(workload string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var reasons []string
	for _, e := range w.events {
		if e.Workload.Name == workload {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}

// instances that run now, of a workload.
func (w *world) instances(workload string) []*fakeInstance {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []*fakeInstance
	for _, in := range w.running {
		if in.spec.Workload == workload {
			found = append(found, in)
		}
	}
	slices.SortFunc(found, func(a, b *fakeInstance) int { return strings.Compare(a.spec.Name, b.spec.Name) })
	return found
}

// endpoints behind the stable address of a Service.
func (w *world) endpoints(service string) []string {
	addr := w.workload(service).Address
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.addrs[addr].ready
}

type fakeAddress struct {
	w     *world
	addr  string
	ready []string
}

func (w *world) openAddress(string) (Address, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := &fakeAddress{w: w, addr: fmt.Sprintf("127.0.0.1:%d", 40000+len(w.addrs))}
	w.addrs[a.addr] = a
	return a, nil
}

func (a *fakeAddress) String() string { return a.addr }
func (a *fakeAddress) Close() error   { return nil }

func (a *fakeAddress) Set(ready []string) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	a.ready = ready
	if least, ok := a.w.least[a.addr]; ok {
		a.w.least[a.addr] = min(least, len(ready))
	}
}

// watchLeast begins to note how few endpoints a Service has at worst.
func (w *world) watchLeast(service string) (least func() int) {
	addr := w.workload(service).Address
	w.mu.Lock()
	defer w.mu.Unlock()
	w.least[addr] = len(w.addrs[addr].ready)
	return func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.least[addr]
	}
}

// app makes a Deployment with a Service, whose instances are given the addresses of the Services that they call.
func (w *world) app(name string, replicas int32, calls ...string) {
	labels := map[string]string{"app": name}
	var env []corev1.EnvVar
	for _, c := range calls {
		env = append(env, corev1.EnvVar{Name: strings.ToUpper(c) + "_ADDR", Value: c + ":80"})
	}
	w.objects.Deployments = append(w.objects.Deployments, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: ns, Generation: 1},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: name + ":v1", Env: env}}},
			},
		},
	})
	w.objects.Services = append(w.objects.Services, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: ns},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Name: "grpc", Port: 80}}},
	})
}

func image(tag string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = d.Name + ":" + tag
	}
}

func replicas(n int32) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) { d.Spec.Replicas = &n }
}
