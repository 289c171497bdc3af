package fault

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestALateCrashKillsWhenItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		inject(t, r, Spec{Service: "payment", Crash: true, Delay: 5 * time.Second})
		w.expect(t, "f1 injected crash")
		if got := r.List(); len(got) != 1 || len(w.rulesOf("paymentservice")) != 0 {
			t.Errorf("%+v is active, and instances receive %v", got, w.rulesOf("paymentservice"))
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		w.expect(t, "paymentservice killed", "f1 expired crash")
		if got := r.List(); len(got) != 0 {
			t.Errorf("kept %+v", got)
		}
	})
}

func TestALateCrashCanBeCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		inject(t, r, Spec{Service: "payment", Crash: true, Delay: 5 * time.Second})
		inject(t, r, Spec{Service: "payment", Delay: time.Second})
		if got := r.List(); len(got) != 2 {
			t.Errorf("a slow call replaces a crash: %+v", got)
		}
		if _, err := r.Clear(Selection{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		w.expect(t, "f1 injected crash", "f2 injected +1s 100%", "f1 cleared crash", "f2 cleared +1s 100%")
	})
}

func TestSidecarsAreKilledAloneAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		inject(t, r, Spec{Service: "cart", KillSidecar: true})
		inject(t, r, Spec{Service: "cart", KillSidecar: true, Single: true, Delay: time.Second})
		w.expect(t, "sidecar of cartservice killed", "f1 injected sidecars killed", "f2 injected sidecar of one killed")
		time.Sleep(time.Second)
		synctest.Wait()
		w.expect(t, "one sidecar of cartservice killed", "f2 expired sidecar of one killed")
		if got := r.List(); len(got) != 0 {
			t.Errorf("kept %+v", got)
		}
	})
}
