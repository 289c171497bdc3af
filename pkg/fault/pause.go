package fault

import (
	"fmt"
	"syscall"
)

// pause stops the processes of a workload where they are: connections stay open and nobody answers,
// which is what a long garbage collection or a starved machine looks like from outside.
type pause struct{}

func (pause) begin(s Signaller, f Fault) error {
	if err := s.Signal(f.Workload, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("pause %s: %w", f.Service, err)
	}
	return nil
}

func (pause) end(s Signaller, f Fault, _ Kind) error {
	if err := s.Signal(f.Workload, syscall.SIGCONT); err != nil {
		return fmt.Errorf("let %s go on: %w", f.Service, err)
	}
	return nil
}
