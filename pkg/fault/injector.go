package fault

// Injector causes the faults of one kind and undoes them. Every active fault belongs to exactly one: the first in the
// registry's list that takes its spec. A new way to break things is a file with an Injector and an entry in that list.
type Injector interface {
	// Plan returns the fault that a spec asks for, without beginning it. taken is false if the fault is not this
	// injector's to cause; the error is then the reason, which is reported if no other takes it.
	Plan(s Spec, t Target) (f Fault, taken bool, err error)
	// Begin causes a fault. active are all of the injector's faults in the same workload from now on, with this one
	// and without those that it replaces. If it fails, the fault has not begun.
	Begin(f Fault, active []Fault) error
	// End undoes a fault that was cleared or expired. left are the injector's other faults in the same workload.
	End(f Fault, how Kind, left []Fault) error
}

// Actor acts on the instances of a workload, which it knows by the key of a Target. It must not wait for anything that
// itself injects or clears faults.
type Actor interface {
	// Kill ends every running instance at once, without a drain, or with oldest only the oldest one. It is an error if
	// none runs.
	Kill(workload string, oldest bool) error
	// KillSidecar ends the sidecars of all instances at once, or with oldest that of the oldest. It is an error if none
	// runs.
	KillSidecar(workload string, oldest bool) error
	// Pause stops every running instance where it is. It is an error if none runs.
	Pause(workload string) error
	// Resume lets paused instances continue.
	Resume(workload string) error
}
