package workload

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// podPhase is where a pod is in its life.
type podPhase int

const (
	pending  podPhase = iota // waits for what it depends on
	active                   // its containers start, run and restart
	removing                 // all its containers are gone, the driver removes what they shared
	gone
)

// pod is one instance over all restarts of its containers. It belongs to the loop.
type pod struct {
	name    string
	owner   orchestrator.Key
	rev     *revision
	created time.Time
	// containers in the order of their start: init containers first.
	containers []*container
	// handle is the driver's pod; nil until the first container starts. mounted is the revision whose files it has.
	handle  Pod
	mounted *revision

	phase podPhase
	// initialized: all init containers have completed and all sidecars have started once.
	initialized bool
	ready       bool
	readySince  time.Time
	// waitsFor describes what a pending pod waits for, in one line.
	waitsFor string
	paused   atomic.Bool

	// leaving: it takes no new calls, and stops at leaveAt; stopBy is when its grace period ends.
	leaving         bool
	leaveAt, stopBy time.Time
}

const (
	// drainPause is how long a pod that stops still serves, for callers to learn that it does.
	drainPause = 150 * time.Millisecond
	// steadyAfter is how long a container must be ready before its earlier exits no longer count.
	steadyAfter = 5 * time.Second
	// crashLimit exits within crashWindow are a crash loop.
	crashWindow = time.Minute
	crashLimit  = 5
	// sidecarGrace is how long sidecars may take to stop, however much time the others took.
	sidecarGrace = 2 * time.Second
	// detachPause is how long a sidecar that leaves a running pod still serves, for all callers to learn that it does: also
	// other sidecars, which hear of it from the control plane.
	detachPause = time.Second
)

// backoffAfter is the pause before the restart that follows the nth exit in a row.
func backoffAfter(n int) time.Duration {
	ladder := [...]time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second}
	return ladder[min(max(n, 1), len(ladder))-1]
}

// newPod adds a pod to a Deployment. It starts with the next reconciliation.
func (c *Controller) newPod(d *deployment) *pod {
	var suffix [5]byte
	for i := range suffix {
		suffix[i] = byte(rand.IntN(256))
	}
	name := d.key.Name + "-" + d.rev.hash + "-" + encodeHash(suffix[:])
	if d.key.Namespace != c.cfg.Namespace {
		name = d.key.Namespace + "." + name
	}
	p := &pod{name: name, owner: d.key, rev: d.rev, created: c.cfg.Now()}
	if d.rev.joins {
		c.addSidecar(p, false)
	}
	for _, k := range d.rev.template.Pod.InitContainers {
		kind := orchestrator.InitContainer
		if k.Sidecar {
			kind = orchestrator.Sidecar
		}
		p.containers = append(p.containers, &container{pod: p, name: k.Name, kind: kind})
	}
	for _, k := range d.rev.template.Pod.Containers {
		p.containers = append(p.containers, &container{pod: p, name: k.Name, kind: orchestrator.AppContainer, mesh: k.Mesh, joined: k.Mesh})
	}
	d.pods = append(d.pods, p)
	return p
}

// alive reports whether a container of the pod runs or is about to.
func (p *pod) alive() bool { return slices.ContainsFunc(p.containers, (*container).alive) }

// runs reports whether a container of the pod runs.
func (p *pod) runs() bool {
	return slices.ContainsFunc(p.containers, func(k *container) bool { return k.phase == running })
}

func (p *pod) crashloop() bool {
	return slices.ContainsFunc(p.containers, func(k *container) bool { return k.crashloop && !k.ready })
}

func (p *pod) backingOff() bool {
	return slices.ContainsFunc(p.containers, func(k *container) bool { return k.phase == backingOff })
}

func (p *pod) restarts() int {
	n := 0
	for _, k := range p.containers {
		n += k.restarts
	}
	return n
}

// advance starts what can be started of a pod: init containers one after the other, each when the one before has
// completed or, if that is a sidecar, has started; then all the others.
func (c *Controller) advance(ctx context.Context, p *pod, now time.Time, wake *nextWake) {
	for _, k := range p.containers {
		c.tryStart(ctx, k, now, wake)
		if p.handle == nil && k.alive() {
			return // the pod is being prepared, along with its first container
		}
		if p.initialized {
			continue
		}
		if k.kind == orchestrator.InitContainer && k.phase != ended || k.kind == orchestrator.Sidecar && (k.phase != running || !k.started) {
			return
		}
	}
	if !p.initialized {
		p.initialized = true
		wake.at(now) // it may be ready, and others may wait for that
		c.updateReadiness(p)
	}
}

// updateReadiness makes the pod ready when all its containers are.
func (c *Controller) updateReadiness(p *pod) {
	ready := p.initialized && (p.ready || c.reached(p))
	for _, k := range p.containers {
		ready = ready && (k.ready || k.kind == orchestrator.InitContainer || k.mesh && (!k.joined || k.detaching))
	}
	if ready == p.ready {
		return
	}
	p.ready = ready
	if ready {
		p.readySince = c.cfg.Now()
		c.event(false, "Ready", p.owner, p.name, "ready after "+humanize.Duration(p.readySince.Sub(p.began())))
	}
}

// began is when the pod, or the container that was started last, began to start.
func (p *pod) began() time.Time {
	var first, last time.Time
	for _, k := range p.containers {
		if first.IsZero() || k.began.Before(first) {
			first = k.began
		}
		if k.began.After(last) {
			last = k.began
		}
	}
	if p.restarts() == 0 {
		return first
	}
	return last
}

// leave takes a pod out of service: no new calls from now on, and after a moment for its callers to learn
// of that, it is stopped.
func (c *Controller) leave(p *pod, after time.Duration) {
	if p.leaving {
		return
	}
	p.leaving, p.leaveAt = true, c.cfg.Now()
	if p.ready {
		p.leaveAt = p.leaveAt.Add(after)
	}
	if p.runs() {
		c.event(false, "Killing", p.owner, p.name, "stopping")
	}
	for _, k := range p.containers {
		if !k.alive() {
			k.phase = ended
		}
	}
}

// stopNext stops what may stop of a pod: first all containers but the sidecars, then the sidecars in reverse order.
func (c *Controller) stopNext(ctx context.Context, p *pod, now time.Time) {
	grace := p.rev.template.Pod.Grace
	if c.down != nil {
		grace = min(grace, shutdownGrace)
	}
	if p.stopBy.IsZero() || p.stopBy.After(now.Add(grace)) {
		p.stopBy = now.Add(grace)
	}
	others := false
	for _, k := range p.containers {
		if k.kind != orchestrator.Sidecar && k.alive() {
			others = true
			c.stopContainer(ctx, k, grace)
		}
	}
	if others {
		return
	}
	for _, k := range slices.Backward(p.containers) {
		if k.alive() {
			c.stopContainer(ctx, k, max(p.stopBy.Sub(now), min(grace, sidecarGrace)))
			return
		}
	}
}

// stopContainer asks a running container to stop; one that is starting is stopped when it runs.
func (c *Controller) stopContainer(ctx context.Context, k *container, grace time.Duration) {
	if k.phase != running || k.stopping {
		return
	}
	k.stopping = true
	handle, name := k.handle, k.pod.name
	c.spawn(func() { c.stop(ctx, name, handle, grace) })
}

func (c *Controller) stop(ctx context.Context, pod string, handle Container, grace time.Duration) {
	if err := handle.Stop(context.WithoutCancel(ctx), grace); err != nil {
		c.cfg.Log.Error("stop container", "instance", pod, "error", err)
	}
}

// remove ends a pod whose containers are gone.
func (c *Controller) remove(ctx context.Context, p *pod) {
	p.phase = removing
	handle := p.handle
	c.spawn(func() {
		if err := handle.Remove(context.WithoutCancel(ctx)); err != nil {
			c.cfg.Log.Warn("remove pod", "instance", p.name, "error", err)
		}
		c.post(func() { c.drop(p) })
	})
}

// drop takes a pod that is over out of its Deployment.
func (c *Controller) drop(p *pod) {
	p.phase = gone
	d := c.deployments[p.owner]
	d.pods = slices.DeleteFunc(slices.Clone(d.pods), func(other *pod) bool { return other == p })
}
