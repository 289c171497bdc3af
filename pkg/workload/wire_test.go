package workload

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

func TestSidecarsLearnOfFaultsOnTheWireToServicesThatTheyCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := meshed(t)
		w.app("catalog", 1)
		w.app("cart", 1, "catalog")
		w.run(withMesh)
		defer w.stop()
		w.inject("enabled")
		w.pass(steadyAfter)
		key := func(name string) orchestrator.Key { return orchestrator.Key{Namespace: ns, Name: name} }
		has := func(workload string, want ...lifeline.WireFault) {
			t.Helper()
			w.pass(time.Millisecond)
			app, sidecar := w.split(workload)
			sidecar.mu.Lock()
			defer sidecar.mu.Unlock()
			var got []lifeline.WireFault
			if sidecar.received.Wire != nil {
				got = *sidecar.received.Wire
			}
			if !slices.Equal(got, want) || app.received.Wire != nil {
				t.Errorf("the sidecar of %s has %+v, want %+v", workload, got, want)
			}
		}
		lossy := lifeline.WireFault{Host: "catalog.production.svc.cluster.local", Drop: 20}
		w.ctl.SetWire([]orchestrator.WireFault{{Callee: key("catalog"), Drop: 20}, {Caller: key("cart"), Callee: key("unknown"), Drop: 100}})
		has("cart", lossy)
		has("catalog", lossy)
		slow := lifeline.WireFault{Host: "cart.production.svc.cluster.local", BytesPerSecond: 64000}
		w.ctl.SetWire([]orchestrator.WireFault{{Caller: key("catalog"), Callee: key("cart"), BytesPerSecond: 64000}})
		has("cart")
		has("catalog", slow)
		if err := w.ctl.KillSidecars(key("catalog"), false); err != nil {
			t.Fatal(err)
		}
		w.pass(steadyAfter)
		has("catalog", slow) // the next run, too
		w.ctl.SetWire(nil)
		has("catalog")
	})
}
