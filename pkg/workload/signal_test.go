package workload

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
)

func TestOneOfSeveralIsKilledAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("cart", 3)
		w.run()
		defer w.stop()
		w.pass(6 * time.Second)
		if err := w.ctl.SignalOne(ns+"/cart", syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		w.pass(100 * time.Millisecond)
		if wl := w.workload("cart"); wl.Ready != 2 {
			t.Errorf("%d are ready, want 2", wl.Ready)
		}
		w.pass(200 * time.Millisecond)
		if wl := w.workload("cart"); wl.Ready != 3 || wl.Restarts != 1 {
			t.Errorf("%d are ready after %d restarts", wl.Ready, wl.Restarts)
		}
		if err := w.ctl.SignalOne(ns+"/nobody", syscall.SIGKILL); err == nil {
			t.Error("nobody was killed")
		}
		// One that is on its way out is not missed.
		w.deployment("cart", func(d *appsv1.Deployment) { *d.Spec.Replicas = 2 })
		w.pass(10 * time.Millisecond)
		if err := w.ctl.SignalOne(ns+"/cart", syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		w.pass(50 * time.Millisecond)
		if wl := w.workload("cart"); wl.Ready != 1 {
			t.Errorf("%d are ready, want 1 of those that stay", wl.Ready)
		}
	})
}
