package fault

import (
	"slices"
	"testing"
	"time"
)

// overlay is an injector that takes calls to one workload, as a service mesh would, and records what it holds there.
type overlay struct {
	workload string
	held     []string
}

func (o *overlay) Plan(s Spec, t Target) (Fault, bool, error) {
	f := s.begin(t)
	return f, t.Workload == o.workload && !s.Crash && !s.Pause, nil
}

func (o *overlay) Begin(_ Fault, active []Fault) error {
	o.hold(active)
	return nil
}

func (o *overlay) End(_ Fault, _ Kind, left []Fault) error {
	o.hold(left)
	return nil
}

func (o *overlay) hold(active []Fault) {
	o.held = nil
	for _, f := range active {
		o.held = append(o.held, f.ID)
	}
}

func TestEachFaultBelongsToTheFirstInjectorThatTakesIt(t *testing.T) {
	mesh, w := &overlay{workload: "mine"}, &world{}
	r := NewRegistry(Config{
		Now: time.Now,
		Find: func(name string) (Target, bool) {
			return Target{Name: name, Workload: name, Protocol: "grpc", Chassis: name != "mine"}, true
		},
		Names:     func() []string { return nil },
		Injectors: append(w.injectors(), mesh),
	})
	inject(t, r, Spec{Service: "mine", Delay: time.Second})
	inject(t, r, Spec{Service: "mine", Delay: 2 * time.Second, Owner: "lesson"})
	inject(t, r, Spec{Service: "payment", Delay: time.Second})
	if !slices.Equal(mesh.held, []string{"f1", "f2"}) || len(w.rulesOf("mine")) != 0 || len(w.rulesOf("payment")) != 1 {
		t.Errorf("the mesh holds %q, the chassis %v and %v", mesh.held, w.rulesOf("mine"), w.rulesOf("payment"))
	}
	inject(t, r, Spec{Service: "mine", Delay: 3 * time.Second}) // replaces f1
	if !slices.Equal(mesh.held, []string{"f2", "f4"}) {
		t.Errorf("after a replacement the mesh holds %q", mesh.held)
	}
	inject(t, r, Spec{Service: "mine", Pause: true})
	w.expect(t, "mine paused")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if len(mesh.held) != 0 || len(w.rulesOf("payment")) != 0 {
		t.Errorf("after Close the mesh holds %q, the chassis %v", mesh.held, w.rulesOf("payment"))
	}
}
