package fault

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// phrases describes faults with the services that have them.
func phrases(faults []Fault) []string {
	var all []string
	for _, f := range faults {
		all = append(all, f.Service+" "+strings.Join(f.words(), " "))
	}
	return all
}

func (w *world) KillSidecar(workload string, oldest bool) error {
	return w.Kill("sidecar of "+workload, oldest)
}

// injectors are all that there are, acting on the world.
func (w *world) injectors() []Injector {
	wire := func(faults []Fault) { w.wire = phrases(faults) }
	routes := func(faults []Fault) { w.routes = phrases(faults) }
	return []Injector{NewCrash(w), NewPause(w), NewWire(wire), NewRoutes(routes), NewCalls(w.deliver)}
}

func TestSidecarsCauseWhatNamesACallerAndWhatTheChassisCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		inject(t, r, Spec{Service: "payment", From: "cart", Error: "INTERNAL", Method: "Charge"})
		inject(t, r, Spec{Service: "mine", Delay: time.Second, For: time.Minute})
		inject(t, r, Spec{Service: "cart", Error: "INTERNAL"}) // the chassis
		want := []string{"payment INTERNAL 100% Charge from cart", "mine +1s 100%"}
		if !slices.Equal(w.routes, want) || len(w.rulesOf("cartservice")) != 1 || len(w.rulesOf("mine")) != 0 {
			t.Errorf("sidecars have %q, want %q; the chassis of cart %v", w.routes, want, w.rulesOf("cartservice"))
		}
		if got := r.List(); got[0].Where != WhereClient || got[0].Caller != "cartservice" || got[1].Where != WhereServer || got[2].Where != "" {
			t.Errorf("active: %+v", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, err := r.Clear(Selection{Services: []string{"payment"}}); err != nil {
			t.Fatal(err)
		}
		if len(w.routes) > 0 {
			t.Errorf("sidecars still have %q", w.routes)
		}
	})
}

func TestAPartitionEndsByTheNameOfEitherService(t *testing.T) {
	for _, name := range []string{"cart", "mine"} {
		synctest.Test(t, func(t *testing.T) {
			r, w := newTestRegistry(t)
			inject(t, r, Spec{Service: "cart", From: "mine", Partition: true})
			inject(t, r, Spec{Service: "mine", Drop: 5, Owner: "lesson"})
			inject(t, r, Spec{Service: "cart", From: "mine", Partition: true}) // again
			if want := []string{"mine 5% of packets lost", "cart cut off from mine"}; !slices.Equal(w.wire, want) {
				t.Errorf("on the wire: %q, want %q", w.wire, want)
			}
			if _, err := r.Clear(Selection{Services: []string{name}, Owner: "lesson"}); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Clear(Selection{Services: []string{name}}); err != nil {
				t.Fatal(err)
			}
			if slices.Contains(w.wire, "cart cut off from mine") {
				t.Errorf("on the wire: %q", w.wire)
			}
		})
	}
}

func TestWhatSidecarsCauseEndsWithTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		inject(t, r, Spec{Service: "cart", Bandwidth: 64000})
		inject(t, r, Spec{Service: "cart", Where: WhereClient, Error: "INTERNAL"})
		if len(w.wire) != 1 || len(w.routes) != 1 {
			t.Fatalf("sidecars have %q and %q", w.wire, w.routes)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if len(w.wire)+len(w.routes) > 0 {
			t.Errorf("sidecars still have %q and %q", w.wire, w.routes)
		}
	})
}

func TestACallerThatThereIsNotIsRefused(t *testing.T) {
	r, _ := newTestRegistry(t)
	if _, err := r.Inject(Spec{Service: "cart", From: "paymnt", Error: "INTERNAL"}); err == nil || err.Error() != `unknown service "paymnt"` {
		t.Errorf("err = %v", err)
	}
}

func TestAMethodIsAPath(t *testing.T) {
	mine, web := Target{Name: "mine", Protocol: "grpc", Meshed: true}, Target{Name: "web", Protocol: "http", Meshed: true}
	for _, c := range []struct {
		method string
		target Target
		want   Path
	}{
		{"", mine, Path{}},
		{"Get", mine, Path{Suffix: "/Get"}},
		{"my.Service/Get", mine, Path{Exact: "/my.Service/Get"}},
		{"/my.Service/Get", mine, Path{Exact: "/my.Service/Get"}},
		{"charge", called(paymentTarget(), mine), Path{Exact: "/hipstershop.PaymentService/Charge"}},
		{"/cart", web, Path{Prefix: "/cart"}},
	} {
		s := Spec{Error: "INTERNAL", Method: c.method}
		if c.target.Caller != nil {
			s.From = "mine"
		}
		f, err := plan(s, c.target)
		if err != nil || f.Path() != c.want {
			t.Errorf("%q is %+v, %v; want %+v", c.method, f.Path(), err, c.want)
		}
	}
}
