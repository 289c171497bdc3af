package workload

import (
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// shutdownGrace is how long an instance may drain when the whole shop goes down.
const shutdownGrace = 2 * time.Second

// shutdown is a shutdown on its way. It belongs to the loop.
type shutdown struct {
	now    bool
	report []func(orchestrator.Progress)
	state  map[orchestrator.Key]string
	killed map[orchestrator.Key]bool
	signed map[*pod]bool
}

// Shutdown ends all instances, those first that others do not depend on; with now all at once and
// without a drain. It returns at once; Done tells when all is over. report, which may be nil, is told
// every step from then on and must not block. Calling it again can only make it faster.
func (c *Controller) Shutdown(now bool, report func(orchestrator.Progress)) {
	c.post(func() { c.beginShutdown(now, report) })
}

// Done is closed when Run has returned.
func (c *Controller) Done() <-chan struct{} { return c.done }

func (c *Controller) beginShutdown(now bool, report func(orchestrator.Progress)) {
	if c.down == nil {
		c.down = &shutdown{state: map[orchestrator.Key]string{}, killed: map[orchestrator.Key]bool{}, signed: map[*pod]bool{}}
		for _, d := range c.deployments {
			for _, p := range d.pods {
				p.stopping = false // what drains at leisure hurries up now
			}
		}
	}
	c.down.now = c.down.now || now
	if report != nil {
		c.down.report = append(c.down.report, report)
	}
}

// shutDown sends a Deployment's instances away once nobody is left who depends on it.
func (c *Controller) shutDown(d *deployment) {
	if !c.down.now && c.needed(d.key) {
		return
	}
	for _, p := range d.pods {
		c.leave(p, 0)
		p.leaveAt = time.Time{}
		if c.down.now && p.phase == running && !c.down.signed[p] {
			c.down.signed[p] = true
			_ = p.inst.Signal(syscall.SIGKILL) // gone already is as good
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

// tellProgress reports what has changed since it was called last.
func (c *Controller) tellProgress() {
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

// idle tells that no instance is left.
func (c *Controller) idle() bool {
	for _, d := range c.deployments {
		if len(d.pods) > 0 {
			return false
		}
	}
	return true
}
