package fault

import "fmt"

// Pause stops the processes of a workload where they are: connections stay open and no call is served, which looks from
// outside like a long garbage collection or a machine without processor time.
type Pause struct{ actor Actor }

// NewPause returns the injector of pauses.
func NewPause(a Actor) *Pause { return &Pause{a} }

// Plan implements Injector.
func (*Pause) Plan(s Spec, t Target) (Fault, bool, error) {
	if !s.Pause {
		return Fault{}, false, nil
	}
	return s.wholeProcess(t), true, s.checkWholeProcess("pause")
}

// Begin implements Injector.
func (p *Pause) Begin(f Fault, _ []Fault) error {
	if err := p.actor.Pause(f.Workload); err != nil {
		return fmt.Errorf("pause %s: %w", f.Service, err)
	}
	return nil
}

// End implements Injector. Two pauses of one workload end with the later of them.
func (p *Pause) End(f Fault, _ Kind, left []Fault) error {
	if len(left) > 0 {
		return nil
	}
	if err := p.actor.Resume(f.Workload); err != nil {
		return fmt.Errorf("resume %s: %w", f.Service, err)
	}
	return nil
}
