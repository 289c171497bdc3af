package workload

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

func TestOnlyStartsWhatWasRequestedWithWhatItNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("redis", 1)
		w.app("cart", 1, "redis")
		w.app("mail", 1)
		w.app("front", 1, "cart", "mail")
		w.app("ad", 1)
		w.run(func(c *Config) { c.Only = []orchestrator.Key{{Namespace: ns, Name: "cart"}} })
		defer w.stop()
		w.pass(time.Second)
		w.state("cart", "ok")
		w.state("redis", "ok")
		w.state("front", "stopped")
		if snap, _ := w.ctl.Snapshot(); !snap.Ready {
			t.Error("the shop waits for what is held back")
		}
		w.ctl.Sync(orchestrator.Key{Namespace: ns, Name: "front"})
		w.pass(time.Second)
		w.state("front", "ok")
		w.state("mail", "ok")
		w.state("ad", "stopped")
	})
}

func TestWhatIsAppliedBeforeTheControllerRunsIsNotHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.app("cart", 1)
		w.app("ad", 1)
		w.run(func(c *Config) {
			c.Only = []orchestrator.Key{{Namespace: ns, Name: "cart"}}
			open, apply := c.OpenAddress, sync.OnceFunc(func() { w.app("hello", 1) })
			c.OpenAddress = func(addr string) (Address, error) {
				apply()
				return open(addr)
			}
		})
		defer w.stop()
		w.pass(time.Second)
		w.state("hello", "ok")
		w.state("ad", "stopped")
	})
}
