package daemon

import (
	"strings"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/fault"
	meshcontrol "github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// newFaults returns a registry with all injectors. A new kind of fault is an injector in package fault and an entry here.
func (s *shop) newFaults() *fault.Registry {
	actor := actor{s.runtime}
	calls := fault.NewCalls(func(workload string, rules []lifeline.Fault) {
		s.runtime.SetFaults(orchestrator.ParseKey(workload), rules)
	})
	return fault.NewRegistry(fault.Config{
		Now:       s.now,
		Find:      s.names.Target,
		Names:     s.names.All,
		Injectors: []fault.Injector{fault.NewCrash(actor), fault.NewPause(actor), fault.NewWire(s.setWire), fault.NewRoutes(s.setRoutes), calls},
		Changed:   s.onFault,
	})
}

// setWire replaces the faults on the wire between sidecars. A partition is one in each direction.
func (s *shop) setWire(faults []fault.Fault) {
	var wire []orchestrator.WireFault
	for _, f := range faults {
		w := orchestrator.WireFault{Callee: orchestrator.ParseKey(f.Workload), Drop: f.Drop, BytesPerSecond: f.Bandwidth}
		if f.Caller != "" {
			w.Caller = orchestrator.ParseKey(f.Caller)
		}
		if f.Partition {
			w.Drop = 100
			wire = append(wire, orchestrator.WireFault{Caller: w.Callee, Callee: w.Caller, Drop: w.Drop})
		}
		wire = append(wire, w)
	}
	s.runtime.SetWire(wire)
}

// setRoutes replaces the faults that sidecars cause in calls.
func (s *shop) setRoutes(faults []fault.Fault) {
	if s.mesh == nil {
		return // no service has a sidecar, so that there are no such faults
	}
	all := make([]meshcontrol.Fault, len(faults))
	for i, f := range faults {
		path := f.Path()
		g := meshcontrol.Fault{
			Since: f.Injected,
			ID:    f.ID, Percent: f.Percent, Delay: f.Delay, Code: f.Code, HTTP: f.HTTP(), Headers: map[string]string{},
			Path:   meshcontrol.Path{Exact: path.Exact, Prefix: path.Prefix, Suffix: path.Suffix},
			Callee: orchestrator.ParseKey(f.Workload), Service: f.Module, Inbound: f.Where == fault.WhereServer,
		}
		if f.Caller != "" {
			g.Caller = orchestrator.ParseKey(f.Caller)
		}
		for _, h := range f.Headers {
			name, value, _ := strings.Cut(h, "=")
			g.Headers[name] = value
		}
		all[i] = g
	}
	s.mesh.plane.SetFaults(all)
}

// onFault records a change of the faults as an event, and notifies everything that depends on it.
func (s *shop) onFault(c fault.Change) {
	reason, prefix := "FaultInjected", ""
	switch c.Kind {
	case fault.Cleared:
		reason, prefix = "FaultCleared", "cleared: "
	case fault.Expired:
		reason, prefix = "FaultCleared", "over: "
	}
	s.events.Add(observe.Event{Type: observe.Normal, Reason: reason, Service: c.Fault.Service, Message: prefix + c.Fault.Phrase(s.now())})
	s.calls.onFault(c, s.faults.List(), s.now())
	s.faultsChanged.Notify()
}

// actor implements fault.Actor, whose workloads are named by the String of their key.
type actor struct{ orchestrator.Disruptor }

func (a actor) Kill(workload string, oldest bool) error {
	return a.Disruptor.Kill(orchestrator.ParseKey(workload), oldest)
}

func (a actor) KillSidecar(workload string, oldest bool) error {
	return a.KillSidecars(orchestrator.ParseKey(workload), oldest)
}

func (a actor) Pause(workload string) error {
	return a.SetPaused(orchestrator.ParseKey(workload), true)
}

func (a actor) Resume(workload string) error {
	return a.SetPaused(orchestrator.ParseKey(workload), false)
}
