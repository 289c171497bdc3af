package fault

import (
	"fmt"
	"syscall"
)

// crash kills every instance of a workload, as an out-of-memory kill would: without a drain. There is
// nothing to undo, for the restart policy brings them back. One with a delay is a fault until then: it kills when its
// time is up, and clearing it calls it off.
type crash struct{}

func (crash) begin(s Signaller, f Fault) error {
	if f.Delay > 0 {
		return nil
	}
	return kill(s, f)
}

func (crash) end(s Signaller, f Fault, how Kind) error {
	if how != Expired {
		return nil
	}
	return kill(s, f)
}

func kill(s Signaller, f Fault) error {
	if err := s.Signal(f.Workload, syscall.SIGKILL); err != nil {
		return fmt.Errorf("crash %s: %w", f.Service, err)
	}
	return nil
}
