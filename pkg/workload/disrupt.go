package workload

import (
	"errors"
	"fmt"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// errGoingDown is why nothing can be broken any more.
var errGoingDown = errors.New("the shop is shutting down")

// disruptions are what was broken on purpose, by workload.
type disruptions struct {
	faults map[orchestrator.Key][]lifeline.Fault
	wire   []orchestrator.WireFault
	paused map[orchestrator.Key]bool
}

func newDisruptions() disruptions {
	return disruptions{faults: map[orchestrator.Key][]lifeline.Fault{}, paused: map[orchestrator.Key]bool{}}
}

// SetFaults implements orchestrator.Disruptor.
func (c *Controller) SetFaults(workload orchestrator.Key, faults []lifeline.Fault) {
	c.post(func() { c.disruptions.faults[workload] = faults })
}

// SetWire implements orchestrator.Disruptor.
func (c *Controller) SetWire(faults []orchestrator.WireFault) {
	c.post(func() { c.disruptions.wire = faults })
}

// wireFaults are those on the connections that the sidecars of a workload make.
func (c *Controller) wireFaults(caller orchestrator.Key) []lifeline.WireFault {
	faults := []lifeline.WireFault{}
	for _, f := range c.disruptions.wire {
		callee := c.deployments[f.Callee]
		if callee == nil || callee.rev == nil || f.Caller != (orchestrator.Key{}) && f.Caller != caller {
			continue
		}
		for _, svc := range c.objects.Services {
			if svc.Namespace == f.Callee.Namespace && selects(svc, callee.rev.template.Pod.Labels) {
				faults = append(faults, lifeline.WireFault{Host: serviceHost(svc.Name, svc.Namespace), Drop: f.Drop, BytesPerSecond: f.BytesPerSecond})
			}
		}
	}
	return faults
}

// SetPaused implements orchestrator.Disruptor.
func (c *Controller) SetPaused(workload orchestrator.Key, paused bool) error {
	reached := 0
	alive := c.do(func() {
		for _, p := range c.podsOf(workload) {
			if p.runs() {
				c.pause(p, paused)
				reached++
			}
		}
		if paused && reached > 0 {
			c.disruptions.paused[workload] = true
		} else {
			delete(c.disruptions.paused, workload)
		}
	})
	switch {
	case !paused:
		return nil // what is gone needs no resuming
	case !alive:
		return fmt.Errorf("pause %s: %w", workload, errGoingDown)
	case reached == 0:
		return fmt.Errorf("pause %s: no instance is running", workload)
	}
	return nil
}

// Kill implements orchestrator.Disruptor.
func (c *Controller) Kill(workload orchestrator.Key, oldest bool) error {
	return c.killPods(workload, oldest, "no instance is running", (*pod).runs, func(k *container) bool { return !k.beside() })
}

// KillSidecars implements orchestrator.Disruptor.
func (c *Controller) KillSidecars(workload orchestrator.Key, oldest bool) error {
	runs := func(p *pod) bool { return p.sidecar() != nil && p.sidecar().phase == running }
	return c.killPods(workload, oldest, "no sidecar is running", runs, func(k *container) bool { return k.mesh })
}

// killPods kills the picked containers of those pods of a workload in which they run, or of the oldest of them. none is the
// error if there is no such pod.
func (c *Controller) killPods(workload orchestrator.Key, oldest bool, none string, runs func(*pod) bool, pick func(*container) bool) error {
	var errs []error
	reached := 0
	alive := c.do(func() {
		for _, p := range c.podsOf(workload) {
			if !runs(p) || oldest && (reached > 0 || p.leaving) {
				continue
			}
			if err := c.kill(p, pick); err != nil {
				errs = append(errs, err)
				continue
			}
			reached++
		}
	})
	switch {
	case !alive:
		return fmt.Errorf("kill %s: %w", workload, errGoingDown)
	case len(errs) > 0:
		return fmt.Errorf("kill %s: %w", workload, errors.Join(errs...))
	case reached == 0:
		return fmt.Errorf("kill %s: %s", workload, none)
	}
	return nil
}

// podsOf are the pods of a workload, the oldest first.
func (c *Controller) podsOf(workload orchestrator.Key) []*pod {
	if d := c.deployments[workload]; d != nil {
		return d.pods
	}
	return nil
}

// kill ends the picked containers of a pod, and counts them as lost at once: the next reader must not find the pod ready
// because its end has not been noticed yet.
func (c *Controller) kill(p *pod, pick func(*container) bool) error {
	var errs []error
	for _, k := range p.containers {
		if k.phase != running || !pick(k) {
			continue
		}
		if err := k.handle.Kill(); err != nil {
			errs = append(errs, err)
			continue
		}
		if k.ready && c.cfg.Now().Sub(k.readySince) >= steadyAfter {
			k.quick = 0
		}
		k.ready, k.reason = false, "killed"
	}
	c.updateReadiness(p)
	return errors.Join(errs...)
}

// syncPauses pauses the pods that have become ready since their workload was paused, and resumes what is paused no
// longer.
func (c *Controller) syncPauses() {
	for _, d := range c.deployments {
		paused := c.disruptions.paused[d.key] && c.down == nil
		for _, p := range d.pods {
			if p.runs() && !p.leaving && p.paused.Load() != paused && (p.ready || !paused) {
				c.pause(p, paused)
			}
		}
	}
}

// pause pauses all running containers of a pod but its sidecar of the mesh, or resumes them.
func (c *Controller) pause(p *pod, paused bool) {
	if paused {
		p.paused.Store(true) // before probes notice
	}
	for _, k := range p.containers {
		if k.phase != running || k.beside() {
			continue
		}
		change := k.handle.Resume
		if paused {
			change = k.handle.Pause
		}
		if err := change(); err != nil {
			c.cfg.Log.Warn("pause container", "instance", p.name, "container", k.name, "paused", paused, "error", err)
		}
	}
	p.paused.Store(paused)
}
