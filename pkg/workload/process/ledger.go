package process

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/pkg/workload"
)

// enter adds a process to the ledger.
func (d *Driver) enter(c *container) {
	p, err := rundir.NewProcess(c.pod.spec.Name, c.pgid)
	if err != nil {
		return // it is gone already
	}
	d.mu.Lock()
	d.running[c] = p
	d.mu.Unlock()
	d.record()
}

// strike removes a process from the ledger.
func (d *Driver) strike(c *container) {
	d.mu.Lock()
	_, entered := d.running[c]
	delete(d.running, c)
	d.mu.Unlock()
	if entered {
		d.record()
	}
}

// record writes the ledger. While one goroutine writes, the others leave their changes to it: a dozen processes that
// start at once cost two writes. A ledger that cannot be written costs the cleaning up after a crash, no more.
func (d *Driver) record() {
	if d.c.Ledger == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dirty = true; d.writing {
		return
	}
	d.writing = true
	for d.dirty {
		d.dirty = false
		all := slices.SortedFunc(maps.Values(d.running), func(a, b rundir.Process) int { return strings.Compare(a.Name, b.Name) })
		d.mu.Unlock()
		_ = d.c.Ledger.Record(all)
		d.mu.Lock()
	}
	d.writing = false
}

// List implements workload.Reclaimer.
func (d *Driver) List() ([]workload.Leftover, error) {
	left, err := d.leftovers()
	return describe(left), err
}

// Reclaim implements workload.Reclaimer.
func (d *Driver) Reclaim(ctx context.Context, grace time.Duration) ([]workload.Leftover, error) {
	left, err := d.leftovers()
	if err != nil || len(left) == 0 {
		return nil, err
	}
	return describe(left), rundir.End(ctx, left, grace)
}

func (d *Driver) leftovers() ([]rundir.Process, error) {
	if d.c.Ledger == nil {
		return nil, nil
	}
	return d.c.Ledger.Leftovers()
}

func describe(left []rundir.Process) []workload.Leftover {
	var all []workload.Leftover
	for _, p := range left {
		all = append(all, workload.Leftover{Name: p.Name, ID: id(p.PID)})
	}
	return all
}

func id(pid int) string { return fmt.Sprintf("process://%d", pid) }
