package daemon

import (
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/fault"
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
		Injectors: []fault.Injector{fault.NewCrash(actor), fault.NewPause(actor), calls},
		Changed:   s.onFault,
	})
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
