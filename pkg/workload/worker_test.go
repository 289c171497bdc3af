package workload

import (
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// workerWorld is a shop of one Deployment "web" whose container does not listen, and its Service, which leads to it if selected.
func workerWorld(t *testing.T, selected bool) *world {
	w := newWorld(t)
	w.app("web", 1)
	if !selected {
		w.objects.Services[0].Spec.Selector = map[string]string{"app": "another"}
	}
	w.behave["web"] = func(*fakeInstance) {}
	return w
}

func TestAWorkerThatDoesNotListenIsReadyWhenItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := workerWorld(t, false)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		w.state("web", "ok")
	})
}

func TestWhatAServiceLeadsToIsReadyOnlyOnceItListens(t *testing.T) {
	for name, change := range map[string]func(w *world, c *corev1.Container){
		"selected":      func(*world, *corev1.Container) {},
		"port declared": func(w *world, c *corev1.Container) { c.Ports = []corev1.ContainerPort{{ContainerPort: 80}} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := workerWorld(t, name == "selected")
				change(w, &w.objects.Deployments[0].Spec.Template.Spec.Containers[0])
				w.run()
				defer w.stop()
				w.pass(time.Second)
				w.state("web", "starting")
				w.container("server").listen()
				w.pass(time.Second)
				w.state("web", "ok")
			})
		})
	}
}

func TestAServiceThatComesLaterLeadsToAWorkerOnceItListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := workerWorld(t, false)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		w.edit(func(o *Objects) {
			o.Services[0] = o.Services[0].DeepCopy()
			o.Services[0].Spec.Selector = map[string]string{"app": "web"}
		})
		w.pass(time.Second)
		if got := w.endpoints("web"); len(got) != 0 {
			t.Errorf("endpoints %v of what does not listen yet", got)
		}
		w.container("server").listen()
		w.pass(time.Second)
		if got := w.endpoints("web"); len(got) != 1 {
			t.Errorf("endpoints %v, want one", got)
		}
	})
}
