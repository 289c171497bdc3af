package fault

import "fmt"

// Crash kills every instance of a workload, or one of them, as an out-of-memory kill would: without a drain. There is
// nothing to undo, for the restart policy brings them back. A crash with a delay is a fault until then: it kills when it
// expires, and clearing it cancels it.
type Crash struct{ actor Actor }

// NewCrash returns the injector of crashes.
func NewCrash(a Actor) *Crash { return &Crash{a} }

// Plan implements Injector.
func (*Crash) Plan(s Spec, t Target) (Fault, bool, error) {
	if !s.Crash {
		return Fault{}, false, nil
	}
	return s.wholeProcess(t), true, s.checkWholeProcess("crash")
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
	if err := c.actor.Kill(f.Workload, f.Single); err != nil {
		return fmt.Errorf("crash %s: %w", f.Service, err)
	}
	return nil
}
