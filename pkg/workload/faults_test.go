package workload

import (
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

func TestFaultsReachInstancesThatStartLaterToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("payment", 1)
		f := &faults{}
		w.run(func(c *Config) {})
		defer w.stop()
		w.ctl.do(func() { w.ctl.faults = f })
		w.ctl.do(func() { f.calls = []lifeline.Fault{{ID: "f1", Percent: 50, Code: "UNAVAILABLE"}} })
		w.deployment("payment", replicas(2))
		w.pass(time.Second)
		for _, in := range w.instances("payment") {
			if told := in.told.Faults; told == nil || len(*told) != 1 || (*told)[0].ID != "f1" {
				t.Errorf("%s was told %v", in.spec.Name, told)
			}
		}
		w.ctl.do(func() { f.calls = nil })
		w.pass(time.Second)
		for _, in := range w.instances("payment") {
			if len(*in.told.Faults) != 0 {
				t.Errorf("%s keeps %v", in.spec.Name, *in.told.Faults)
			}
		}
	})
}

func TestAPausedWorkloadStandsStillUntilThePauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("payment", 1)
		f := &faults{}
		w.run()
		defer w.stop()
		w.ctl.do(func() { w.ctl.faults = f })
		w.pass(time.Second)
		w.ctl.do(func() { f.paused = true })
		w.pass(time.Millisecond)
		w.state("payment", "paused")
		if len(w.endpoints("payment")) != 1 {
			t.Error("a paused instance is not called any more: nobody would see it hang")
		}
		w.ctl.do(func() { f.paused = false })
		w.pass(time.Millisecond)
		w.state("payment", "ok")
		if got := w.instances("payment")[0].signals; !slices.Equal(got, []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT}) {
			t.Errorf("signals %v", got)
		}
	})
}
