package workload

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// claiming is a world with one app whose pods mount a claim.
func claiming(t *testing.T, mode corev1.PersistentVolumeAccessMode, replicas int32) *world {
	w := newWorld(t)
	w.app("store", replicas)
	d := w.objects.Deployments[0]
	d.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
	pod := &d.Spec.Template.Spec
	pod.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c"},
	}}}
	pod.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/data"}}
	w.objects.Claims = map[orchestrator.Key]*corev1.PersistentVolumeClaim{{Namespace: ns, Name: "c"}: {
		Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{mode}},
	}}
	return w
}

func claimDir(c *Config) { c.ClaimDir = "/claims" }

func TestOnePodAtATimeUsesAClaimThatIsReadWriteOncePod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := claiming(t, corev1.ReadWriteOncePod, 2)
		w.run(claimDir)
		defer w.stop()
		w.pass(time.Minute)
		running := w.instances("store")
		if len(running) != 1 {
			t.Fatalf("%d instances run", len(running))
		}
		var waits string
		for _, in := range w.workload("store").Instances {
			if in.Name != running[0].spec.Name {
				waits = in.Message
			}
		}
		if want := "waits for the ReadWriteOncePod claim c, which " + running[0].spec.Name + " uses"; waits != want {
			t.Errorf("the other: %q, want %q", waits, want)
		}
		w.deployment("store", func(d *appsv1.Deployment) { d.Spec.Template.Labels["version"] = "v2" })
		w.pass(time.Minute)
		if next := w.instances("store"); len(next) != 1 || next[0] == running[0] {
			t.Errorf("after a rollout %d instances run", len(next))
		}
	})
}

func TestPodsShareTheDirectoryOfAClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := claiming(t, corev1.ReadWriteOnce, 2)
		w.run(claimDir)
		defer w.stop()
		w.pass(time.Minute)
		if n := len(w.instances("store")); n != 2 {
			t.Fatalf("%d instances run", n)
		}
		for _, in := range w.instances("store") {
			if v := in.spec.Volumes[0]; v.Dir != "/claims/"+ns+"/c" {
				t.Errorf("volume %+v", v)
			}
		}
	})
}

func TestAPodWaitsForAClaimThatDoesNotExist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := claiming(t, corev1.ReadWriteOnce, 1)
		claims := w.objects.Claims
		w.objects.Claims = nil
		w.run(claimDir)
		defer w.stop()
		w.pass(time.Minute)
		if got := w.workload("store").Message; !strings.Contains(got, `volume v: persistentvolumeclaim "c" not found`) {
			t.Errorf("message %q", got)
		}
		w.edit(func(o *Objects) { o.Claims = claims })
		w.pass(time.Minute)
		w.state("store", "ok")
	})
}
