package fault

import "syscall"

// Signaller signals the processes of a workload. Signalling must not wait for anything that itself
// injects or clears faults.
type Signaller interface {
	// Signal reaches every instance of the workload that runs; it is an error if none does and the
	// signal is not SIGCONT.
	Signal(workload string, sig syscall.Signal) error
}

// effect is what a fault does to the world beyond being known, and how that is undone.
type effect interface {
	begin(Signaller, Fault) error
	// end is told how the fault ended: by itself, or because somebody cleared it.
	end(Signaller, Fault, Kind) error
}

// effect returns what the fault does. A fault in calls is injected by the instances, which learn of
// it and of its end as the registry changes.
func (f Fault) effect() effect {
	switch {
	case f.Crash:
		return crash{}
	case f.Pause:
		return pause{}
	}
	return rule{}
}

// rule has no effect of its own.
type rule struct{}

func (rule) begin(Signaller, Fault) error     { return nil }
func (rule) end(Signaller, Fault, Kind) error { return nil }
