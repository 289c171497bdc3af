package rundir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Process is a process group that a daemon started, by its leader.
type Process struct {
	// Name of the instance.
	Name string `json:"name"`
	// PID of the leader, which is also the id of the group.
	PID int `json:"pid"`
	// Start is when the leader started, as the kernel counts it: clock ticks since boot on Linux,
	// microseconds since 1970 on macOS. With PID it identifies the process for good.
	Start uint64 `json:"start"`
}

// NewProcess describes a living process. It fails when the process is gone.
func NewProcess(name string, pid int) (Process, error) {
	start, _, err := readProcess(pid)
	if err != nil {
		return Process{}, err
	}
	return Process{Name: name, PID: pid, Start: start}, nil
}

// Alive reports whether this very process, and not a later one with its number, still runs.
func (p Process) Alive() bool {
	start, running, err := readProcess(p.PID)
	return err == nil && running && start == p.Start
}

// Record replaces the list of the shop's processes.
func (l *Lock) Record(ps []Process) error {
	content, err := json.Marshal(ps)
	if err != nil {
		return fmt.Errorf("encode processes: %w", err)
	}
	tmp := l.dir.pidsFile() + ".tmp"
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return fmt.Errorf("record processes: %w", err)
	}
	if err := os.Rename(tmp, l.dir.pidsFile()); err != nil {
		return fmt.Errorf("record processes: %w", err)
	}
	return nil
}

// Leftovers are the recorded processes that still run. While a daemon holds the lock they are its
// instances; after it died they are what it left behind.
func (d Dir) Leftovers() ([]Process, error) {
	content, err := os.ReadFile(d.pidsFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read processes: %w", err)
	}
	var all []Process
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, nil // half a file, from a machine that lost power
	}
	var alive []Process
	for _, p := range all {
		if p.PID > 1 && p.Alive() {
			alive = append(alive, p)
		}
	}
	return alive, nil
}

// End sends the groups of ps SIGTERM, waits for at most grace, and kills those that are left.
func End(ctx context.Context, ps []Process, grace time.Duration) error {
	signalAll(ps, syscall.SIGTERM)
	signalAll(ps, syscall.SIGCONT) // a paused group cannot act on it
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	killed := false
	for anyAlive(ps) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			if killed {
				return errors.New("end leftover processes: some outlived SIGKILL")
			}
			killed = true
			signalAll(ps, syscall.SIGKILL)
			deadline.Reset(2 * time.Second)
		case <-tick.C:
		}
	}
	return nil
}

func signalAll(ps []Process, sig syscall.Signal) {
	for _, p := range ps {
		if p.Alive() {
			_ = syscall.Kill(-p.PID, sig) // it may be gone by now
		}
	}
}

func anyAlive(ps []Process) bool {
	for _, p := range ps {
		if p.Alive() {
			return true
		}
	}
	return false
}

// Clean takes the lock of a dead shop, ends the processes that it left behind and removes its files
// from the run directory. It returns what it ended. The error is ErrLocked if the shop is running.
func (d Dir) Clean(ctx context.Context, grace time.Duration) ([]Process, error) {
	if !d.exists() {
		return nil, nil
	}
	if err := d.VerifyRun(); err != nil {
		return nil, err
	}
	lock, err := d.Lock()
	if err != nil {
		return nil, err
	}
	ps, err := d.Leftovers()
	if err == nil {
		err = End(ctx, ps, grace)
	}
	if err != nil {
		return ps, errors.Join(err, lock.Release())
	}
	return ps, lock.Remove()
}
