package workload

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// reader is a shop in which "ad" reads its log level from the ConfigMap "settings".
func reader(t *testing.T, replicas int32) (w *world, set func(level string)) {
	w = newWorld(t)
	w.app("ad", replicas)
	w.app("other", 1)
	w.objects.Deployments[0].Spec.Template.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{
		ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}},
	}}
	return w, func(level string) {
		t.Helper()
		w.edit(func(o *Objects) {
			o.ConfigMaps = map[orchestrator.Key]*corev1.ConfigMap{{Namespace: ns, Name: "settings"}: {Data: map[string]string{"LOG_LEVEL": level}}}
		})
		w.pass(2 * time.Second)
	}
}

func levels(w *world) []string {
	var found []string
	for _, in := range w.instances("ad") {
		for _, e := range in.c.Env {
			if level, ok := strings.CutPrefix(e, "LOG_LEVEL="); ok {
				found = append(found, level)
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestAChangedConfigMapIsReadAtTheNextStartAndRestartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, set := reader(t, 2)
		w.run()
		defer w.stop()
		if wl := w.state("ad", "unhealthy"); !strings.Contains(wl.Message, `configmap "settings" not found`) {
			t.Errorf("message %q", wl.Message)
		}
		set("info")
		w.state("ad", "ok")
		set("debug")
		if wl := w.state("ad", "ok"); wl.Restarts != 0 || !slices.Equal(levels(w), []string{"info", "info"}) {
			t.Errorf("%d restarts, levels %v", wl.Restarts, levels(w))
		}
		// One that is killed restarts, and reads what the map holds now.
		if err := w.ctl.Kill(orchestrator.Key{Namespace: ns, Name: "ad"}, true); err != nil {
			t.Fatal(err)
		}
		w.pass(2 * time.Second)
		if wl := w.state("ad", "ok"); wl.Restarts != 1 || !slices.Equal(levels(w), []string{"debug", "info"}) {
			t.Errorf("%d restarts, levels %v", wl.Restarts, levels(w))
		}
		other := w.instances("other")[0]
		w.deployment("ad", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{"kubectl.kubernetes.io/restartedAt": "now"}
		})
		w.pass(5 * time.Second)
		if w.state("ad", "ok"); !slices.Equal(levels(w), []string{"debug", "debug"}) || w.instances("other")[0] != other {
			t.Errorf("after a rollout: levels %v", levels(w))
		}
	})
}

func TestARunningInstanceGoesOnWithoutItsConfigMapAndCannotRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, set := reader(t, 1)
		w.run()
		defer w.stop()
		set("info")
		w.edit(func(o *Objects) { o.ConfigMaps = map[orchestrator.Key]*corev1.ConfigMap{} })
		w.pass(2 * time.Second)
		if wl := w.state("ad", "degraded"); wl.Ready != 1 || !strings.Contains(wl.Message, "the next instance cannot start") {
			t.Errorf("%d ready, message %q", wl.Ready, wl.Message)
		}
		if err := w.ctl.Kill(orchestrator.Key{Namespace: ns, Name: "ad"}, false); err != nil {
			t.Fatal(err)
		}
		w.pass(2 * time.Second)
		if wl := w.workload("ad"); wl.Ready != 0 {
			t.Error("it started without its settings")
		}
		set("warn")
		w.pass(10 * time.Second)
		if w.state("ad", "ok"); !slices.Equal(levels(w), []string{"warn"}) {
			t.Errorf("levels %v", levels(w))
		}
	})
}

func TestMountedFilesAreReplacedUnderRunningContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("ad", 1)
		pod := &w.objects.Deployments[0].Spec.Template.Spec
		pod.Volumes = []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}},
		}}}
		pod.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "config", MountPath: "/etc/app"}}
		set := func(text string) {
			w.edit(func(o *Objects) {
				o.ConfigMaps = map[orchestrator.Key]*corev1.ConfigMap{{Namespace: ns, Name: "cm"}: {Data: map[string]string{"app.yaml": text}}}
			})
		}
		w.objects.ConfigMaps[orchestrator.Key{Namespace: ns, Name: "cm"}] = &corev1.ConfigMap{Data: map[string]string{"app.yaml": "level: info"}}
		w.run()
		defer w.stop()
		w.pass(time.Second)
		first := w.instances("ad")[0]
		set("level: debug")
		w.pass(time.Second)
		w.mu.Lock()
		volumes := w.volumes[first.spec.Name]
		w.mu.Unlock()
		if text := string(volumes[0].Files["app.yaml"]); text != "level: debug" || w.instances("ad")[0] != first {
			t.Errorf("the file holds %q", text)
		}
	})
}
