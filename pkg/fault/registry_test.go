package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world records what a registry does to the shop.
type world struct {
	mu      sync.Mutex
	log     []string
	failing error
	rules   map[string][]lifeline.Fault
	// wire and routes are the latest faults of sidecars, in phrases.
	wire, routes []string
}

func (w *world) deliver(workload string, rules []lifeline.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rules == nil {
		w.rules = map[string][]lifeline.Fault{}
	}
	w.rules[workload] = rules
}

// rulesOf are the latest rules that the instances of a workload received; nil if they received none.
func (w *world) rulesOf(workload string) []lifeline.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rules[workload]
}

func (w *world) Kill(workload string, oldest bool) error {
	if oldest {
		workload = "one " + workload
	}
	return w.act(workload, "killed")
}

func (w *world) Pause(workload string) error  { return w.act(workload, "paused") }
func (w *world) Resume(workload string) error { return w.act(workload, "resumed") }

func (w *world) act(workload, verb string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing != nil {
		return w.failing
	}
	w.log = append(w.log, workload+" "+verb)
	return nil
}

func (w *world) changed(c Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf("%s %s %s", c.Fault.ID, c.Kind, strings.Join(c.Fault.words(), " ")))
}

// expect compares what happened since the last call.
func (w *world) expect(t *testing.T, want ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if diff := cmp.Diff(want, w.log); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
	w.log = nil
}

func newTestRegistry(t *testing.T) (*Registry, *world) {
	t.Helper()
	w := &world{}
	r := NewRegistry(Config{
		Now: time.Now,
		Find: func(name string) (Target, bool) {
			switch strings.ToLower(name) {
			case "payment", "paymentservice":
				return paymentTarget(), true
			case "mine":
				return Target{Name: "mine", Workload: "mine", Protocol: "grpc", Meshed: true}, true
			case "cart", "cartservice":
				return Target{Name: "cart", Workload: "cartservice", Protocol: "grpc", Chassis: true, Meshed: true}, true
			}
			return Target{}, false
		},
		Names:     func() []string { return []string{"cart", "payment"} },
		Injectors: w.injectors(),
		Changed:   w.changed,
	})
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r, w
}

func inject(t *testing.T, r *Registry, s Spec) Fault {
	t.Helper()
	f, err := r.Inject(s)
	if err != nil {
		t.Fatalf("inject %+v: %v", s, err)
	}
	return f
}

// pauses reports whether a fault pauses a workload.
func pauses(r *Registry, workload string) bool {
	return slices.ContainsFunc(r.List(), func(f Fault) bool { return f.Pause && f.Workload == workload })
}

func TestInjectedFaultReachesItsWorkloadAndEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		f := inject(t, r, Spec{Service: "payment", Error: "UNAVAILABLE", Percent: 50, For: 2 * time.Minute})
		w.expect(t, "f1 injected UNAVAILABLE 50%")
		if f.Ends.Sub(f.Injected) != 2*time.Minute {
			t.Errorf("lasts %s", f.Ends.Sub(f.Injected))
		}
		if rules := w.rulesOf("paymentservice"); len(rules) != 1 || rules[0].Code != "UNAVAILABLE" || rules[0].Percent != 50 {
			t.Errorf("rules %+v", rules)
		}
		if rules := w.rulesOf("cartservice"); rules != nil {
			t.Errorf("another workload gets %#v", rules)
		}
		time.Sleep(time.Second)
		if got := r.Phrases("paymentservice"); !slices.Equal(got, []string{"UNAVAILABLE 50%, 1m59s left"}) {
			t.Errorf("phrases %q", got)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.expect(t, "f1 expired UNAVAILABLE 50%")
		if rules := w.rulesOf("paymentservice"); rules == nil || len(rules) != 0 {
			t.Errorf("afterwards the instances have %#v", rules)
		}
		if got := r.List(); len(got) != 0 {
			t.Errorf("still broken: %+v", got)
		}
	})
}

func TestFaultsEndEachAtTheirOwnTimeWhateverTheOrderOfInjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		inject(t, r, Spec{Service: "payment", Error: "INTERNAL", For: 3 * time.Second})
		inject(t, r, Spec{Service: "payment", Delay: time.Second, For: time.Second})
		inject(t, r, Spec{Service: "cart", Delay: time.Second})
		w.expect(t, "f1 injected INTERNAL 100%", "f2 injected +1s 100%", "f3 injected +1s 100%")
		time.Sleep(time.Second)
		synctest.Wait()
		w.expect(t, "f2 expired +1s 100%")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		w.expect(t, "f1 expired INTERNAL 100%")
		if got := r.List(); len(got) != 1 || got[0].ID != "f3" {
			t.Errorf("left %+v", got)
		}
	})
}

func TestRepeatedInjectionReplacesTheEarlierOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newTestRegistry(t)
		inject(t, r, Spec{Service: "payment", Error: "INTERNAL", Percent: 10, For: time.Second})
		inject(t, r, Spec{Service: "payment", Error: "INTERNAL", Percent: 20, For: time.Hour})
		inject(t, r, Spec{Service: "payment", Error: "INTERNAL", Percent: 30, Owner: "lesson grpc"})
		time.Sleep(time.Minute)
		synctest.Wait()
		var percents []float64
		for _, f := range r.List() {
			percents = append(percents, f.Percent)
		}
		if !slices.Equal(percents, []float64{20, 30}) {
			t.Errorf("percents %v", percents)
		}
	})
}

func TestCrashKillsOnceAndIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		inject(t, r, Spec{Service: "payment", Crash: true})
		w.expect(t, "paymentservice killed", "f1 injected crash")
		inject(t, r, Spec{Service: "payment", Crash: true, Single: true})
		w.expect(t, "one paymentservice killed", "f2 injected crash of one")
		if got := r.List(); len(got) != 0 {
			t.Errorf("kept %+v", got)
		}
	})
}

func TestPauseStopsAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		inject(t, r, Spec{Service: "payment", Pause: true, For: time.Second})
		w.expect(t, "paymentservice paused", "f1 injected paused")
		if !pauses(r, "paymentservice") || pauses(r, "cartservice") {
			t.Error("the wrong workload is paused")
		}
		if len(w.rulesOf("paymentservice")) != 0 {
			t.Error("a paused process is sent a rule")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		w.expect(t, "paymentservice resumed", "f1 expired paused")
	})
}

func TestTwoPausesEndWithTheLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		inject(t, r, Spec{Service: "payment", Pause: true, For: time.Second, Owner: "a"})
		inject(t, r, Spec{Service: "payment", Pause: true, For: time.Minute, Owner: "b"})
		w.expect(t, "paymentservice paused", "f1 injected paused", "paymentservice paused", "f2 injected paused")
		time.Sleep(time.Second)
		synctest.Wait()
		w.expect(t, "f1 expired paused")
		time.Sleep(time.Minute)
		synctest.Wait()
		w.expect(t, "paymentservice resumed", "f2 expired paused")
	})
}

func TestEffectThatFailsLeavesNothingBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		w.failing = errors.New("no instance runs")
		_, err := r.Inject(Spec{Service: "payment", Pause: true})
		if err == nil || err.Error() != "pause payment: no instance runs" {
			t.Errorf("err = %v", err)
		}
		w.expect(t)
		if len(r.List()) != 0 {
			t.Error("the fault is kept")
		}
	})
}

func TestClearEndsWhatIsSelected(t *testing.T) {
	for _, tt := range []struct {
		name string
		sel  Selection
		want []string
	}{
		{"all", Selection{}, []string{"f1", "f2", "f3"}},
		{"a service by either name", Selection{Services: []string{"PaymentService"}}, []string{"f1", "f2"}},
		{"an id", Selection{IDs: []string{"f3"}}, []string{"f3"}},
		{"a service and an id", Selection{Services: []string{"payment"}, IDs: []string{"f3"}}, []string{"f1", "f2", "f3"}},
		{"an owner", Selection{Owner: "lesson grpc"}, []string{"f2"}},
		{"a service of an owner", Selection{Services: []string{"cart"}, Owner: "lesson grpc"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := newTestRegistry(t)
				inject(t, r, Spec{Service: "payment", Error: "INTERNAL"})
				inject(t, r, Spec{Service: "payment", Delay: time.Second, Owner: "lesson grpc"})
				inject(t, r, Spec{Service: "cart", Delay: time.Second, Owner: "cli"})
				cleared, err := r.Clear(tt.sel)
				if err != nil {
					t.Fatal(err)
				}
				var ids []string
				for _, f := range cleared {
					ids = append(ids, f.ID)
				}
				if !slices.Equal(ids, tt.want) || len(r.List()) != 3-len(tt.want) {
					t.Errorf("cleared %v, left %d", ids, len(r.List()))
				}
			})
		})
	}
}

func TestUnknownServiceIsRefusedWithTheNearestName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		inject(t, r, Spec{Service: "payment", Error: "INTERNAL"})
		_, injectErr := r.Inject(Spec{Service: "paymnt", Error: "INTERNAL"})
		_, clearErr := r.Clear(Selection{Services: []string{"payment", "crat"}})
		for err, hint := range map[error]string{injectErr: "did you mean payment?", clearErr: "did you mean cart?"} {
			var invalid *Invalid
			if !errors.As(err, &invalid) || invalid.Hint != hint {
				t.Errorf("err = %#v", err)
			}
		}
		w.expect(t, "f1 injected INTERNAL 100%")
	})
}

func TestCloseUndoesEverythingAndRefusesMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newTestRegistry(t)
		inject(t, r, Spec{Service: "payment", Pause: true})
		inject(t, r, Spec{Service: "cart", Error: "INTERNAL"})
		w.expect(t, "paymentservice paused", "f1 injected paused", "f2 injected INTERNAL 100%")
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		w.expect(t, "paymentservice resumed", "f1 cleared paused", "f2 cleared INTERNAL 100%")
		if _, err := r.Inject(Spec{Service: "cart", Error: "INTERNAL"}); !errors.Is(err, ErrClosed) {
			t.Errorf("err = %v", err)
		}
	})
}

func TestRegistryIsSafeForConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newTestRegistry(t)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for n := range 20 {
					f, err := r.Inject(Spec{Service: "cart", Delay: time.Duration(n+1) * time.Millisecond, For: time.Duration(i+1) * time.Millisecond, Owner: fmt.Sprint(i)})
					if err != nil {
						t.Error(err)
					}
					r.Phrases("cartservice")
					if n%3 == 0 {
						if _, err := r.Clear(Selection{IDs: []string{f.ID}}); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		if left := r.List(); len(left) != 0 {
			t.Errorf("left %+v", left)
		}
	})
}
