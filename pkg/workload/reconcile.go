package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// startTimeout bounds how long a Deployment waits for what it depends on before its first start.
const startTimeout = 15 * time.Second

// nextWake keeps the earliest time at which to reconcile again.
type nextWake struct{ next time.Time }

func (a *nextWake) at(t time.Time) {
	if a.next.IsZero() || t.Before(a.next) {
		a.next = t
	}
}

// reconcile takes the steps that lead from the actual state to the desired one, as far as they can be
// taken now. It returns when to reconcile again if nothing happens before; zero: not at all.
func (c *Controller) reconcile(ctx context.Context) time.Time {
	now, wake := c.cfg.Now(), &nextWake{}
	for _, d := range c.sorted() {
		c.noteReady(d, now) // before others are started because of it
	}
	for _, d := range c.sorted() {
		if c.down != nil {
			c.shutDown(d)
		} else {
			c.roll(d, now, wake)
		}
		c.syncSidecars(ctx, d, wake)
		for _, p := range slices.Clone(d.pods) {
			c.step(ctx, d, p, now, wake)
		}
		if d.obj == nil && len(d.pods) == 0 {
			delete(c.deployments, d.key)
		}
		c.track(d, now, wake)
	}
	if c.down != nil {
		c.reportProgress()
	}
	c.syncPauses()
	c.syncEndpoints()
	return wake.next
}

// roll takes the next step of a rollout: it creates and removes instances towards the desired state.
func (c *Controller) roll(d *deployment, now time.Time, wake *nextWake) {
	active := d.active()
	if d.obj == nil {
		for _, p := range active {
			c.leave(p, drainPause)
		}
		return
	}
	replicas := c.desiredReplicas(d)
	if replicas != d.replicas {
		if !d.started.IsZero() {
			c.event(false, "ScalingReplicaSet", d.key, "", fmt.Sprintf("scaling from %d to %d", d.replicas, replicas))
		}
		d.replicas, d.changed, d.late = replicas, now, false
	}
	members := make([]member, len(active))
	for i, p := range active {
		available := p.ready
		if until := p.readySince.Add(time.Duration(d.obj.Spec.MinReadySeconds) * time.Second); p.ready && now.Before(until) {
			available = false
			wake.at(until)
		}
		members[i] = member{current: p.rev.hash == d.rev.hash, ready: p.ready, available: available, created: p.created}
	}
	st := newStrategy(d.obj, replicas).next(replicas, len(d.pods)-len(active), members, d.rev.err != nil)
	for _, i := range st.remove {
		c.leave(active[i], drainPause)
	}
	for range st.create {
		c.newPod(d)
	}
}

// step takes the next step of one pod.
func (c *Controller) step(ctx context.Context, d *deployment, p *pod, now time.Time, wake *nextWake) {
	switch {
	case p.phase == removing:
	case p.leaving && !p.alive() && p.handle == nil:
		c.drop(p)
		wake.at(now) // its place is free, and nothing else wakes the loop
	case p.leaving && !p.alive():
		c.remove(ctx, p)
	case p.leaving && now.Before(p.leaveAt):
		wake.at(p.leaveAt)
	case p.leaving:
		c.stopNext(ctx, p, now)
	case p.phase == pending && !c.mayStart(d, now, wake):
		p.waitsFor = "waits for " + strings.Join(c.missing(d), ", ")
	case p.phase == pending && c.claimHolder(p) != "":
		p.waitsFor = c.claimHolder(p)
	default:
		p.phase = active
		c.advance(ctx, p, now, wake)
	}
}

// mayStart reports whether a Deployment's instances may start. Only the first start waits for others: a
// shop that runs must heal in any order.
func (c *Controller) mayStart(d *deployment, now time.Time, wake *nextWake) bool {
	if d.mayStart {
		return true
	}
	if d.waitingSince.IsZero() {
		d.waitingSince = now
	}
	missing := c.missing(d)
	deadline := d.waitingSince.Add(startTimeout)
	switch {
	case len(missing) == 0:
	case !now.Before(deadline):
		c.event(true, "DependencyTimeout", d.key, "", "no longer waiting for "+strings.Join(missing, ", "))
	default:
		wake.at(deadline)
		return false
	}
	d.mayStart, d.started = true, now
	d.after = c.lastAwaited(d)
	return true
}

// missing are the Deployments that d waits for, without those that will not become ready by themselves:
// stopped, not startable or crashing.
func (c *Controller) missing(d *deployment) []string {
	var names []string
	for _, key := range d.waitsFor {
		dep := c.deployments[key]
		if dep == nil || c.desiredReplicas(dep) == 0 || dep.rev.err != nil || dep.readyPods() > 0 {
			continue
		}
		if !slices.ContainsFunc(dep.pods, (*pod).crashloop) {
			names = append(names, key.Name)
		}
	}
	return names
}

// lastAwaited is the dependency whose readiness let d start.
func (c *Controller) lastAwaited(d *deployment) string {
	var name string
	last := d.waitingSince
	for _, key := range d.waitsFor {
		if dep := c.deployments[key]; dep != nil && dep.ready.After(last) {
			name, last = key.Name, dep.ready
		}
	}
	return name
}

// noteReady records when a Deployment is ready for the first time.
func (c *Controller) noteReady(d *deployment, now time.Time) {
	if !d.ready.IsZero() || d.readyPods() == 0 {
		return
	}
	d.ready = now
	c.steps = append(c.steps, orchestrator.Step{Workload: d.key, Started: d.started.Sub(c.began), Ready: now.Sub(c.began), After: d.after})
}

// track records the progress of a rollout: that it is complete, or late.
func (c *Controller) track(d *deployment, now time.Time, wake *nextWake) {
	if d.obj == nil || d.rev == nil {
		return
	}
	if c.down != nil || d.replicas == 0 || d.complete == d.rev.hash {
		return
	}
	current := 0
	for _, p := range d.pods {
		if p.rev.hash == d.rev.hash && p.ready && !p.leaving {
			current++
		}
	}
	if current >= d.replicas && len(d.active()) == current {
		if d.complete != "" {
			c.event(false, "RolloutComplete", d.key, "", fmt.Sprintf("all %d instances are of revision %s", current, d.rev.hash))
		}
		d.complete, d.late = d.rev.hash, false
		return
	}
	deadline := d.changed.Add(d.progressDeadline())
	if now.Before(deadline) {
		wake.at(deadline)
	} else if !d.late {
		d.late = true
		c.event(true, "ProgressDeadlineExceeded", d.key, "", "the new revision is not becoming ready; keeping the previous instances")
	}
}
