package fault

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// newMonolith is a registry whose payment and cart are modules of one process.
func newMonolith(t *testing.T) (*Registry, *world) {
	t.Helper()
	w := &world{}
	r := NewRegistry(Config{
		Now: time.Now,
		Find: func(name string) (Target, bool) {
			t := Target{Name: name, Workload: "monolith", Process: "monolith", Protocol: "grpc", Chassis: true}
			if name != "monolith" {
				t.Module = name + "service"
			}
			return t, true
		},
		Names:     func() []string { return []string{"monolith"} },
		Injectors: w.injectors(),
		Changed:   w.changed,
	})
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, w
}

func TestTheRuleOfAModuleGoesToItsProcessAndNamesIt(t *testing.T) {
	r, w := newMonolith(t)
	inject(t, r, Spec{Service: "payment", Error: "UNAVAILABLE"})
	inject(t, r, Spec{Service: "cart", Error: "UNAVAILABLE"})
	rules := w.rulesOf("monolith")
	if len(rules) != 2 || rules[0].Module != "paymentservice" || rules[1].Module != "cartservice" {
		t.Errorf("the process receives %+v", rules)
	}
	if got := r.Phrases("monolith"); !slices.Equal(got, []string{"payment: UNAVAILABLE 100%", "cart: UNAVAILABLE 100%"}) {
		t.Errorf("the process has %q", got)
	}
	if got := r.ModulePhrases("monolith", "cartservice"); !slices.Equal(got, []string{"UNAVAILABLE 100%"}) {
		t.Errorf("the module has %q", got)
	}
}

func TestClearingAModuleLeavesTheOthersAndClearingTheProcessLeavesNone(t *testing.T) {
	r, _ := newMonolith(t)
	inject(t, r, Spec{Service: "payment", Error: "UNAVAILABLE"})
	inject(t, r, Spec{Service: "cart", Error: "UNAVAILABLE"})
	if ended, err := r.Clear(Selection{Services: []string{"payment"}}); err != nil || len(ended) != 1 || ended[0].Service != "payment" {
		t.Errorf("cleared %+v, %v", ended, err)
	}
	if ended, err := r.Clear(Selection{Services: []string{"monolith"}}); err != nil || len(ended) != 1 || len(r.List()) != 0 {
		t.Errorf("cleared %+v, %v, left %+v", ended, err, r.List())
	}
}

func TestAFaultOfAModuleStopsItsWholeProcess(t *testing.T) {
	r, w := newMonolith(t)
	if f := inject(t, r, Spec{Service: "payment", Crash: true}); f.Service != "monolith" || f.Module != "" {
		t.Errorf("crashed %+v", f)
	}
	f := inject(t, r, Spec{Service: "payment", Pause: true})
	if f.Service != "monolith" || !pauses(r, "monolith") {
		t.Errorf("paused %+v", f)
	}
	if signals := strings.Join(w.log, ", "); signals != "monolith killed, f1 injected crash, monolith paused, f2 injected paused" {
		t.Errorf("what happened: %s", signals)
	}
}
