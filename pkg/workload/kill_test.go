package workload

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

func TestOneOfSeveralIsKilledAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("cart", 3)
		w.run()
		defer w.stop()
		w.pass(6 * time.Second)
		if err := w.ctl.Kill(orchestrator.Key{Namespace: ns, Name: "cart"}, true); err != nil {
			t.Fatal(err)
		}
		w.ctl.Sync()
		if wl := w.workload("cart"); wl.Ready != 2 {
			t.Errorf("%d are ready at once, want 2", wl.Ready)
		}
		w.pass(100 * time.Millisecond)
		if wl := w.workload("cart"); wl.Ready != 2 {
			t.Errorf("%d are ready, want 2", wl.Ready)
		}
		w.pass(200 * time.Millisecond)
		if wl := w.workload("cart"); wl.Ready != 3 || wl.Restarts != 1 {
			t.Errorf("%d are ready after %d restarts", wl.Ready, wl.Restarts)
		}
		if err := w.ctl.Kill(orchestrator.Key{Namespace: ns, Name: "unknown"}, true); err == nil {
			t.Error("an unknown workload was killed")
		}
		// One that is stopping does not count.
		w.deployment("cart", func(d *appsv1.Deployment) { *d.Spec.Replicas = 2 })
		w.pass(10 * time.Millisecond)
		if err := w.ctl.Kill(orchestrator.Key{Namespace: ns, Name: "cart"}, true); err != nil {
			t.Fatal(err)
		}
		w.pass(50 * time.Millisecond)
		if wl := w.workload("cart"); wl.Ready != 1 {
			t.Errorf("%d are ready, want 1 of those that stay", wl.Ready)
		}
	})
}

func TestARolloutGoesOnThoughAnInstanceDiedJustBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("cart", 2)
		w.run()
		defer w.stop()
		w.pass(6 * time.Second)
		if err := w.ctl.Kill(orchestrator.Key{Namespace: ns, Name: "cart"}, true); err != nil {
			t.Fatal(err)
		}
		w.pass(50 * time.Millisecond) // it waits to be started again
		w.deployment("cart", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{"kubectl.kubernetes.io/restartedAt": "now"}
		})
		w.pass(5 * time.Second)
		if wl := w.state("cart", "ok"); wl.Updated != 2 || wl.Total != 2 {
			t.Errorf("%d of %d instances are new", wl.Updated, wl.Total)
		}
	})
}

func TestAKilledSidecarComesBackAndItsProgramRunsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("cart", 1)
		w.run(withMesh)
		defer w.stop()
		key := orchestrator.Key{Namespace: ns, Name: "cart"}
		w.pass(steadyAfter)
		if err := w.ctl.KillSidecars(key, false); err == nil || !strings.Contains(err.Error(), "no sidecar is running") {
			t.Errorf("without a sidecar: %v", err)
		}
		w.inject("enabled")
		w.pass(steadyAfter)
		app, sidecar := w.split("cart")
		if err := w.ctl.KillSidecars(key, true); err != nil {
			t.Fatal(err)
		}
		w.ctl.Sync()
		if got := w.endpoints("cart"); len(got) > 0 {
			t.Errorf("cart is called at %v, although its sidecar was killed", got)
		}
		w.pass(steadyAfter)
		if same, again := w.split("cart"); same != app || again == sidecar || again == nil {
			t.Error("want the same program with another sidecar")
		}
		if wl := w.state("cart", "ok"); wl.Restarts != 1 {
			t.Errorf("%d restarts, want the sidecar's", wl.Restarts)
		}
	})
}

func TestACommandRunsInTheContainerThatIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := podWorld(t)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		var out strings.Builder
		run := func(instance, container string) (string, int, error) {
			out.Reset()
			used := ""
			code, err := w.ctl.Exec(t.Context(), instance, container, orchestrator.Command{Args: []string{"ls"}, Stdout: &out}, func(name string) { used = name })
			return used, code, err
		}
		pod := w.pod()
		var main, other string
		for _, c := range pod.Containers {
			switch {
			case c.Kind == orchestrator.AppContainer && main == "":
				main = c.Name
			case c.Kind == orchestrator.AppContainer:
				other = c.Name
			}
		}
		for asked, want := range map[string]string{"": main, main: main, other: other} {
			if used, code, err := run(pod.Name, asked); used != want || code != 3 || err != nil || out.String() != want+" [ls]\n" {
				t.Errorf("%q: ran in %q, code %d, %v, wrote %q", asked, used, code, err, out.String())
			}
		}
		var noInstance *orchestrator.NoInstanceError
		if _, _, err := run("nosuch", ""); !errors.As(err, &noInstance) {
			t.Errorf("an unknown pod: %v", err)
		}
		var noContainer *orchestrator.NoContainerError
		if _, _, err := run(pod.Name, "nosuch"); !errors.As(err, &noContainer) || noContainer.Exists {
			t.Errorf("an unknown container: %v", err)
		}
		for _, c := range pod.Containers {
			if c.Kind != orchestrator.InitContainer {
				continue
			}
			if _, _, err := run(pod.Name, c.Name); !errors.As(err, &noContainer) || !noContainer.Exists {
				t.Errorf("a container that has completed: %v", err)
			}
		}
	})
}
