package fault

import (
	"fmt"
	"syscall"
)

// crash kills every instance of a workload, as an out-of-memory kill would: without a drain. There is
// nothing to undo, for the restart policy brings them back.
type crash struct{}

func (crash) begin(s Signaller, f Fault) error {
	if err := s.Signal(f.Workload, syscall.SIGKILL); err != nil {
		return fmt.Errorf("crash %s: %w", f.Service, err)
	}
	return nil
}

func (crash) end(Signaller, Fault) error { return nil }
