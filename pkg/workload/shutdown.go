package workload

import (
	"time"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// shutdownGrace is how long an instance may drain when the whole shop goes down.
const shutdownGrace = 2 * time.Second

// shutdown is a shutdown in progress. It belongs to the loop.
type shutdown struct {
	now    bool
	report []func(orchestrator.Progress)
	state  map[orchestrator.Key]string
	killed map[orchestrator.Key]bool
	// signaled are the containers that were killed.
	signaled map[*container]bool
}

// Shutdown implements orchestrator.Runner.
func (c *Controller) Shutdown(now bool, report func(orchestrator.Progress)) {
	c.post(func() { c.beginShutdown(now, report) })
}

// Done implements orchestrator.Runner.
func (c *Controller) Done() <-chan struct{} { return c.done }

func (c *Controller) beginShutdown(now bool, report func(orchestrator.Progress)) {
	if c.down == nil {
		c.down = &shutdown{state: map[orchestrator.Key]string{}, killed: map[orchestrator.Key]bool{}, signaled: map[*container]bool{}}
		for _, d := range c.deployments {
			for _, p := range d.pods {
				for _, k := range p.containers {
					k.stopping = false // shorten drains that are already under way
				}
			}
		}
	}
	c.down.now = c.down.now || now
	if report != nil {
		c.down.report = append(c.down.report, report)
	}
}

// shutDown removes a Deployment's instances once nothing is left that depends on it.
func (c *Controller) shutDown(d *deployment) {
	if !c.down.now && c.needed(d.key) {
		return
	}
	for _, p := range d.pods {
		c.leave(p, 0)
		p.leaveAt = time.Time{}
		for _, k := range p.containers {
			if c.down.now && k.phase == running && !c.down.signaled[k] {
				c.down.signaled[k] = true
				_ = k.handle.Kill() // it may be gone already
			}
		}
	}
}

func (c *Controller) needed(key orchestrator.Key) bool {
	for _, d := range c.deployments {
		if len(d.pods) == 0 {
			continue
		}
		for _, dep := range d.waitsFor {
			if dep == key {
				return true
			}
		}
	}
	return false
}

// reportProgress reports what has changed since it was called last.
func (c *Controller) reportProgress() {
	var alive []orchestrator.Key
	for _, d := range c.sorted() {
		if len(d.pods) > 0 {
			alive = append(alive, d.key)
		}
	}
	for _, d := range c.sorted() {
		state := c.down.state[d.key]
		next := state
		switch {
		case len(d.pods) > 0 && d.pods[0].leaving:
			next = "stopping"
		case len(d.pods) == 0 && state == "stopping":
			next = "stopped"
			if c.down.killed[d.key] {
				next = "killed"
			}
		}
		if next == state {
			continue
		}
		c.down.state[d.key] = next
		for _, report := range c.down.report {
			report(orchestrator.Progress{Workload: d.key, State: next, Alive: alive})
		}
	}
}

// idle reports whether no instance is left.
func (c *Controller) idle() bool {
	for _, d := range c.deployments {
		if len(d.pods) > 0 {
			return false
		}
	}
	return true
}
