package daemon

import (
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// faults are what is broken on purpose: the registry of active faults, and the rules of those in calls, which instances
// receive over their lifelines.
type faults struct {
	*fault.Registry
	*fault.Calls
}

// newFaults returns a registry with all injectors. A new kind of fault is an injector in package fault and an entry here.
func (s *shop) newFaults() faults {
	calls := fault.NewCalls()
	actor := actor{s.runtime}
	return faults{
		Calls: calls,
		Registry: fault.NewRegistry(fault.Config{
			Now:       s.now,
			Find:      s.names.Target,
			Names:     s.names.All,
			Injectors: []fault.Injector{fault.NewCrash(actor), fault.NewPause(actor), calls},
			Changed:   s.onFault,
		}),
	}
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
	s.runtime.SetFaults(orchestrator.ParseKey(c.Fault.Workload), s.faults.ForWorkload(c.Fault.Workload))
}

// actor implements fault.Actor, whose workloads are named by the String of their key.
type actor struct{ orchestrator.Disruptor }

func (a actor) Kill(workload string, oldest bool) error {
	return a.Disruptor.Kill(orchestrator.ParseKey(workload), oldest)
}

func (a actor) Pause(workload string) error {
	return a.SetPaused(orchestrator.ParseKey(workload), true)
}

func (a actor) Resume(workload string) error {
	return a.SetPaused(orchestrator.ParseKey(workload), false)
}
