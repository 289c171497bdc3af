package workload

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

var payment = orchestrator.Key{Namespace: ns, Name: "payment"}

func TestFaultsReachInstancesThatStartLaterToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("payment", 1)
		w.run()
		defer w.stop()
		w.ctl.SetFaults(payment, []lifeline.Fault{{ID: "f1", Percent: 50, Code: "UNAVAILABLE"}})
		w.deployment("payment", replicas(2))
		w.pass(time.Second)
		for _, in := range w.instances("payment") {
			if got := in.received.Faults; got == nil || len(*got) != 1 || (*got)[0].ID != "f1" {
				t.Errorf("%s received %v", in.spec.Name, got)
			}
		}
		w.ctl.SetFaults(payment, nil)
		w.pass(time.Second)
		for _, in := range w.instances("payment") {
			if len(*in.received.Faults) != 0 {
				t.Errorf("%s keeps %v", in.spec.Name, *in.received.Faults)
			}
		}
	})
}

func TestAPausedWorkloadIsFrozenUntilThePauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("payment", 1)
		w.run()
		defer w.stop()
		w.pass(time.Second)
		if err := w.ctl.SetPaused(payment, true); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Millisecond)
		w.state("payment", "paused")
		if len(w.endpoints("payment")) != 1 {
			t.Error("a paused instance is not called any more: its hanging would not be seen")
		}
		w.deployment("payment", replicas(2))
		w.pass(time.Second)
		if wl := w.workload("payment"); wl.Instances[1].State != "paused" {
			t.Errorf("an instance that started during the pause is %s", wl.Instances[1].State)
		}
		if err := w.ctl.SetPaused(payment, false); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Millisecond)
		w.state("payment", "ok")
		if got := w.instances("payment")[0].actions; !slices.Equal(got, []string{"pause", "resume"}) {
			t.Errorf("what was done to the instance: %v", got)
		}
	})
}

func TestOnlyWhatRunsCanBePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("payment", 0)
		w.run()
		defer w.stop()
		if err := w.ctl.SetPaused(payment, true); err == nil {
			t.Error("a workload without instances was paused")
		}
		w.deployment("payment", replicas(1))
		w.pass(time.Second)
		w.state("payment", "ok")
	})
}
