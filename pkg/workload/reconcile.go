package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// gatePatience bounds how long a Deployment waits for what it depends on before its first start.
const gatePatience = 15 * time.Second

// alarm keeps the earliest time at which the world must be looked at again.
type alarm struct{ next time.Time }

func (a *alarm) at(t time.Time) {
	if a.next.IsZero() || t.Before(a.next) {
		a.next = t
	}
}

// reconcile takes the steps that lead from what there is to what is wanted, as far as they can be
// taken now. It returns when to look again if nothing happens before; zero: not.
func (c *Controller) reconcile() time.Time {
	now, wake := c.cfg.Now(), &alarm{}
	for _, d := range c.sorted() {
		c.noteReady(d, now) // before anybody is started because of it
	}
	for _, d := range c.sorted() {
		if c.down != nil {
			c.shutDown(d)
		} else {
			c.roll(d, now, wake)
		}
		for _, p := range slices.Clone(d.pods) {
			c.step(d, p, now, wake)
		}
		if d.obj == nil && len(d.pods) == 0 {
			delete(c.deployments, d.key)
		}
		c.track(d, now, wake)
	}
	if c.down != nil {
		c.tellProgress()
	}
	c.syncFaults()
	c.syncEndpoints()
	return wake.next
}

// roll creates and sends away instances so that the Deployment comes nearer to what it should be.
func (c *Controller) roll(d *deployment, now time.Time, wake *alarm) {
	living := d.living()
	if d.obj == nil {
		for _, p := range living {
			c.leave(p, drainPause)
		}
		return
	}
	replicas := c.want(d)
	if replicas != d.replicas {
		if !d.started.IsZero() {
			c.event(false, "ScalingReplicaSet", d.key, "", fmt.Sprintf("scaling from %d to %d", d.replicas, replicas))
		}
		d.replicas, d.changed, d.late = replicas, now, false
	}
	members := make([]member, len(living))
	for i, p := range living {
		available := p.ready
		if until := p.readySince.Add(time.Duration(d.obj.Spec.MinReadySeconds) * time.Second); p.ready && now.Before(until) {
			available = false
			wake.at(until)
		}
		members[i] = member{current: p.rev.hash == d.rev.hash, ready: p.ready, available: available, created: p.created}
	}
	st := newStrategy(d.obj, replicas).next(replicas, len(d.pods)-len(living), members, d.rev.err != nil)
	for _, i := range st.remove {
		c.leave(living[i], drainPause)
	}
	for range st.create {
		c.newPod(d)
	}
}

// step moves one instance on.
func (c *Controller) step(d *deployment, p *pod, now time.Time, wake *alarm) {
	switch {
	case p.leaving && (p.phase == pending || p.phase == backingOff):
		c.forget(p)
		wake.at(now) // its place is free, and nobody else will tell
	case p.leaving && p.phase == running && !p.stopping:
		if now.Before(p.leaveAt) {
			wake.at(p.leaveAt)
			return
		}
		c.stopPod(p, c.graceFor(p))
	case p.leaving:
	case p.phase == pending:
		if c.open(d, now, wake) {
			c.start(p)
		} else {
			p.reason = "waits for " + strings.Join(c.missing(d), ", ")
		}
	case p.phase == backingOff:
		if now.Before(p.retryAt) {
			wake.at(p.retryAt)
			return
		}
		c.start(p)
	}
}

func (c *Controller) graceFor(p *pod) time.Duration {
	if c.down != nil {
		return min(p.rev.grace, shutdownGrace)
	}
	return p.rev.grace
}

// open tells whether a Deployment's instances may start. Only the first start waits for others: a
// shop that runs must heal in any order.
func (c *Controller) open(d *deployment, now time.Time, wake *alarm) bool {
	if d.gate {
		return true
	}
	if d.gateSince.IsZero() {
		d.gateSince = now
	}
	missing := c.missing(d)
	patience := d.gateSince.Add(gatePatience)
	switch {
	case len(missing) == 0:
	case !now.Before(patience):
		c.event(true, "DependencyTimeout", d.key, "", "starts without waiting any longer for "+strings.Join(missing, ", "))
	default:
		wake.at(patience)
		return false
	}
	d.gate, d.started = true, now
	d.after = c.lastAwaited(d)
	return true
}

// missing are the Deployments that d waits for. Those that will not come by themselves are not waited
// for: stopped, not startable or crashing.
func (c *Controller) missing(d *deployment) []string {
	var names []string
	for _, key := range d.waitsFor {
		dep := c.deployments[key]
		if dep == nil || c.want(dep) == 0 || dep.rev.err != nil || dep.readyPods() > 0 {
			continue
		}
		if !slices.ContainsFunc(dep.pods, func(p *pod) bool { return p.crashloop }) {
			names = append(names, key.Name)
		}
	}
	return names
}

// lastAwaited is the dependency whose readiness let d start.
func (c *Controller) lastAwaited(d *deployment) string {
	var name string
	last := d.gateSince
	for _, key := range d.waitsFor {
		if dep := c.deployments[key]; dep != nil && dep.ready.After(last) {
			name, last = key.Name, dep.ready
		}
	}
	return name
}

// noteReady notes when a Deployment is ready for the first time.
func (c *Controller) noteReady(d *deployment, now time.Time) {
	if !d.ready.IsZero() || d.readyPods() == 0 {
		return
	}
	d.ready = now
	c.steps = append(c.steps, orchestrator.Step{Workload: d.key, Started: d.started.Sub(c.began), Ready: now.Sub(c.began), After: d.after})
}

// track notes what has been reached: a complete rollout, or one that is late.
func (c *Controller) track(d *deployment, now time.Time, wake *alarm) {
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
	if current >= d.replicas && len(d.living()) == current {
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
		c.event(true, "ProgressDeadlineExceeded", d.key, "", "the new revision does not become ready; instances of the one before stay")
	}
}

// syncFaults pauses and lets go on, as the faults say.
func (c *Controller) syncFaults() {
	if c.faults == nil {
		return
	}
	for _, d := range c.deployments {
		paused := c.faults.Paused(d.key.String()) && c.down == nil
		for _, p := range d.pods {
			if p.phase == running && !p.leaving && p.paused.Load() != paused && (p.ready || !paused) {
				c.pause(p, paused)
			}
		}
	}
}

func (c *Controller) pause(p *pod, paused bool) {
	sig := syscall.SIGCONT
	if paused {
		sig = syscall.SIGSTOP
		p.paused.Store(true)
	}
	if err := p.inst.Signal(sig); err != nil {
		c.cfg.Log.Warn("pause instance", "instance", p.name, "signal", sig.String(), "error", err)
	}
	p.paused.Store(paused)
}

// Signal sends a signal to all running instances of a workload, named by its Key's String. It is an
// error if there is none, unless the signal is SIGCONT.
func (c *Controller) Signal(workload string, sig syscall.Signal) error {
	return c.signal(workload, sig, false)
}

// SignalOne sends a signal to the oldest running instance of a workload, of those that are to stay.
func (c *Controller) SignalOne(workload string, sig syscall.Signal) error {
	return c.signal(workload, sig, true)
}

func (c *Controller) signal(workload string, sig syscall.Signal, one bool) error {
	var errs []string
	reached := 0
	alive := c.do(func() {
		for _, d := range c.deployments {
			if d.key.String() != workload {
				continue
			}
			for _, p := range d.pods {
				if p.phase != running || one && (reached > 0 || p.leaving) {
					continue
				}
				switch sig {
				case syscall.SIGSTOP, syscall.SIGCONT:
					c.pause(p, sig == syscall.SIGSTOP)
				default:
					if err := p.inst.Signal(sig); err != nil {
						errs = append(errs, err.Error())
						continue
					}
					if sig == syscall.SIGKILL {
						c.killed(p)
					}
				}
				reached++
			}
		}
	})
	switch {
	case sig == syscall.SIGCONT:
		return nil
	case !alive:
		return fmt.Errorf("signal %s: the shop is going down", workload)
	case len(errs) > 0:
		return fmt.Errorf("signal %s: %s", workload, strings.Join(errs, "; "))
	case reached == 0:
		return fmt.Errorf("signal %s: no instance runs", workload)
	}
	return nil
}

// killed counts an instance as lost as soon as it was killed: whoever looks next must not find it ready because
// its end has not been noticed yet.
func (c *Controller) killed(p *pod) {
	if p.ready && c.cfg.Now().Sub(p.readySince) >= steadyAfter {
		p.quick = 0
	}
	p.ready, p.reason = false, "killed"
}

// recordPIDs tells of the processes that run, if they have changed.
func (c *Controller) recordPIDs() {
	pids := map[string]int{}
	for _, d := range c.deployments {
		for _, p := range d.pods {
			if p.inst != nil && p.inst.PID() > 0 {
				pids[p.name] = p.inst.PID()
			}
		}
	}
	if maps.Equal(pids, c.pids) {
		return
	}
	c.pids = pids
	c.cfg.Running(maps.Clone(pids))
}
