package fault

import "fmt"

// Crash kills every instance of a workload, or one of them, as an out-of-memory kill would: without a drain. There is
// nothing to undo, for the restart policy brings them back. With KillSidecar it kills only the sidecars: the programs run on
// and cannot be called. A crash with a delay is a fault until then: it kills when it expires, and clearing it cancels it.
type Crash struct{ actor Actor }

// NewCrash returns the injector of crashes.
func NewCrash(a Actor) *Crash { return &Crash{a} }

// Plan implements Injector.
func (*Crash) Plan(s Spec, t Target) (Fault, bool, error) {
	switch {
	case s.Crash:
		return s.wholeProcess(t), true, s.checkWholeProcess("crash")
	case !s.KillSidecar:
		return Fault{}, false, nil
	case !t.Meshed:
		return Fault{}, true, t.unmeshed()
	}
	return s.wholeProcess(t), true, s.checkWholeProcess("kill-sidecar")
}

// Begin implements Injector.
func (c *Crash) Begin(f Fault, _ []Fault) error {
	if f.Delay > 0 {
		return nil
	}
	return c.kill(f)
}

// End implements Injector.
func (c *Crash) End(f Fault, how Kind, _ []Fault) error {
	if how != Expired {
		return nil
	}
	return c.kill(f)
}

func (c *Crash) kill(f Fault) error {
	if f.KillSidecar {
		if err := c.actor.KillSidecar(f.Workload, f.Single); err != nil {
			return fmt.Errorf("kill sidecar of %s: %w", f.Service, err)
		}
		return nil
	}
	if err := c.actor.Kill(f.Workload, f.Single); err != nil {
		return fmt.Errorf("crash %s: %w", f.Service, err)
	}
	return nil
}
