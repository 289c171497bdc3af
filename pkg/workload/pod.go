package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// phase is where an instance is in its life.
type phase int

const (
	pending    phase = iota // waits for what it depends on
	backingOff              // waits to be started again
	starting                // the driver is at it
	running
	gone
)

// pod is one instance over all its restarts, which keep its name. It belongs to the loop.
type pod struct {
	name    string
	owner   orchestrator.Key
	rev     *revision
	created time.Time
	// mounted is whose files it has.
	mounted *revision

	phase phase
	// run counts its starts, so that news of an earlier one is told apart.
	run      int
	inst     Instance
	link     *link
	stopRun  context.CancelFunc
	started  time.Time
	restarts int
	exits    []time.Time
	// quick counts the exits since it was last ready for a while.
	quick   int
	retryAt time.Time

	ready      bool
	readySince time.Time
	// reason is why it is not ready, in one line.
	reason    string
	crashloop bool
	paused    atomic.Bool

	// leaving: it is on its way out; it takes no new calls, and stops at leaveAt.
	leaving  bool
	leaveAt  time.Time
	stopping bool
}

const (
	// drainPause is how long an instance that leaves still serves, for callers to learn that it does.
	drainPause = 150 * time.Millisecond
	// steadyAfter is how long an instance must be ready for its earlier exits to be forgiven.
	steadyAfter = 5 * time.Second
	// crashWindow and crashLimit: so many exits within so long a time are a crash loop.
	crashWindow = time.Minute
	crashLimit  = 5
)

// backoffAfter is the pause before the restart that follows the nth exit in a row.
func backoffAfter(n int) time.Duration {
	ladder := [...]time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second}
	return ladder[min(max(n, 1), len(ladder))-1]
}

// newPod adds an instance to a Deployment. It starts with the next look at the world.
func (c *Controller) newPod(d *deployment) *pod {
	var suffix [5]byte
	for i := range suffix {
		suffix[i] = byte(rand.IntN(256))
	}
	name := d.key.Name + "-" + d.rev.hash + "-" + spell(suffix[:])
	if d.key.Namespace != c.cfg.Namespace {
		name = d.key.Namespace + "." + name
	}
	p := &pod{name: name, owner: d.key, rev: d.rev, created: c.cfg.Now()}
	d.pods = append(d.pods, p)
	return p
}

// start runs the instance once more.
func (c *Controller) start(p *pod) {
	p.run++
	p.phase, p.reason, p.started = starting, "", c.cfg.Now()
	if d := c.deployments[p.owner]; d != nil && d.rev.hash == p.rev.hash {
		p.rev = d.rev // the same revision, with what its ConfigMaps and Secrets hold now
	}
	if p.run > 1 {
		p.restarts++
	}
	run, rev, dir := p.run, p.rev, c.volumeDir(p)
	c.spawn(func() {
		inst, err := c.launch(p, rev, dir)
		c.post(func() { c.onStarted(p, run, inst, err) })
	})
}

// launch prepares what an instance needs and starts it. It reads only what never changes of p.
func (c *Controller) launch(p *pod, rev *revision, dir string) (Instance, error) {
	if rev.err != nil {
		return nil, rev.err
	}
	if rev.dataDir != "" {
		if err := os.MkdirAll(rev.dataDir, 0o700); err != nil {
			return nil, fmt.Errorf("make data directory: %w", err)
		}
	}
	if dir != "" && len(rev.volumes) > 0 {
		if err := materialise(dir, rev.volumes, p.name); err != nil {
			return nil, err
		}
	}
	port := 0
	if len(rev.command) > 0 {
		var err error
		if port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	return c.cfg.Driver.Start(c.life, rev.spec(p.name, p.owner, port, dir, c.cfg.CommandEnviron))
}

func (c *Controller) onStarted(p *pod, run int, inst Instance, err error) {
	if err != nil {
		c.exited(p, run, Exit{Time: c.cfg.Now(), Code: -1, Reason: err.Error()}, nil)
		return
	}
	ctx, cancel := context.WithCancel(c.life)
	p.inst, p.phase, p.stopRun, p.mounted = inst, running, cancel, p.rev
	if d := c.deployments[p.owner]; d != nil && d.rev.hash == p.rev.hash && d.rev.err == nil {
		c.remount(p, d.rev) // what changed while it started
	}
	link := newLink(inst)
	p.link = link
	c.event(false, "Started", p.owner, p.name, fmt.Sprintf("started version %s, pid %d", p.rev.version, inst.PID()))
	c.recordPIDs()
	c.spawn(func() { link.run(ctx) })
	rev := p.rev
	c.spawn(func() { c.probe(ctx, p, rev, run, inst) })
	c.spawn(func() {
		<-inst.Done()
		exit := inst.Exit()
		var lines []string
		if ctx.Err() == nil {
			lines = c.cfg.LastLines(p.name, 3)
		}
		c.post(func() { c.exited(p, run, exit, lines) })
	})
}

// probe follows one run of an instance and hands what it finds to the loop.
func (c *Controller) probe(ctx context.Context, p *pod, rev *revision, run int, inst Instance) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(c.life, cancel)
	defer stop()
	var pr *prober
	defer func() {
		if pr != nil {
			pr.Close()
		}
	}()
	last := ""
	w := &watcher{
		inst:   inst,
		probes: rev.probes,
		check:  func(ctx context.Context, probe *probe) error { return pr.check(ctx, probe) },
		ready: func(ok bool, reason string) {
			if !ok && reason == last {
				return
			}
			last = reason
			c.post(func() { c.onReadiness(p, run, ok, reason) })
		},
		listens: func() { pr = newProber(inst, rev.ports) },
		paused:  p.paused.Load,
		failed:  func(reason string) { c.post(func() { c.onFailed(p, run, reason) }) },
	}
	w.run(ctx)
}

func (c *Controller) onReadiness(p *pod, run int, ok bool, reason string) {
	if p.run != run || p.phase != running || p.paused.Load() {
		return
	}
	p.reason = reason
	if ok == p.ready {
		return
	}
	p.ready = ok
	if ok {
		p.readySince, p.crashloop = c.cfg.Now(), false
		c.event(false, "Ready", p.owner, p.name, "ready after "+roundDuration(c.cfg.Now().Sub(p.started)))
	} else {
		c.event(true, "Unready", p.owner, p.name, reason)
	}
}

// onFailed restarts an instance whose liveness or startup probe gave up.
func (c *Controller) onFailed(p *pod, run int, reason string) {
	if p.run != run || p.phase != running || p.leaving || p.paused.Load() {
		return
	}
	p.ready, p.reason = false, reason
	c.event(true, "Killing", p.owner, p.name, reason+"; it is restarted")
	inst, grace := p.inst, p.rev.grace
	c.spawn(func() { c.stop(inst, grace) })
}

// exited notes that a run is over, and when the next begins.
func (c *Controller) exited(p *pod, run int, exit Exit, lines []string) {
	if p.run != run || p.phase == gone {
		return
	}
	now := c.cfg.Now()
	steady := p.ready && now.Sub(p.readySince) >= steadyAfter
	p.inst, p.link, p.ready, p.stopping = nil, nil, false, false
	p.paused.Store(false)
	if p.stopRun != nil {
		p.stopRun()
		p.stopRun = nil
	}
	c.recordPIDs()
	if p.leaving || c.down != nil {
		c.forget(p)
		c.event(false, "Stopped", p.owner, p.name, describeExit(exit))
		return
	}
	if steady {
		p.quick = 0
	}
	p.quick++
	p.exits = append(p.exits, now)
	for len(p.exits) > 0 && now.Sub(p.exits[0]) > crashWindow {
		p.exits = p.exits[1:]
	}
	pause := backoffAfter(p.quick)
	p.phase, p.retryAt = backingOff, now.Add(pause)
	p.reason = describeExit(exit)
	if words := lastWords(exit, lines); words != "" {
		p.reason += ": " + words
	}
	c.event(true, "Exited", p.owner, p.name, p.reason)
	if len(p.exits) >= crashLimit {
		if !p.crashloop {
			c.event(true, "CrashLoop", p.owner, p.name, fmt.Sprintf("%d exits in a minute; next start in %s", len(p.exits), pause))
		}
		p.crashloop = true
		return
	}
	c.event(true, "BackOff", p.owner, p.name, fmt.Sprintf("next start in %s", pause))
}

// leave sends an instance away: no new calls from now on, and after a moment for its callers to learn
// of that, it is asked to finish.
func (c *Controller) leave(p *pod, after time.Duration) {
	if p.leaving {
		return
	}
	p.leaving, p.leaveAt = true, c.cfg.Now()
	if p.ready {
		p.leaveAt = p.leaveAt.Add(after)
	}
	if p.phase == running {
		c.event(false, "Killing", p.owner, p.name, "stopping")
	}
}

// stopPod asks a running instance to leave.
func (c *Controller) stopPod(p *pod, grace time.Duration) {
	p.stopping = true
	inst := p.inst
	c.spawn(func() { c.stop(inst, grace) })
}

func (c *Controller) stop(inst Instance, grace time.Duration) {
	if err := inst.Stop(context.WithoutCancel(c.life), grace); err != nil {
		c.cfg.Log.Error("stop instance", "instance", inst.Spec().Name, "error", err)
	}
}

// forget takes an instance that is over out of its Deployment.
func (c *Controller) forget(p *pod) {
	p.phase = gone
	d := c.deployments[p.owner]
	for i, other := range d.pods {
		if other == p {
			d.pods = append(d.pods[:i:i], d.pods[i+1:]...)
			break
		}
	}
	if c.cfg.VolumeDir != "" && len(p.rev.volumes) > 0 {
		if err := os.RemoveAll(filepath.Join(c.cfg.VolumeDir, p.name)); err != nil {
			c.cfg.Log.Warn("remove volumes", "instance", p.name, "error", err)
		}
	}
}

// lastWords are the last lines of an instance that ended by itself, without what is known already.
func lastWords(e Exit, lines []string) string {
	if e.Signal == syscall.SIGKILL {
		return "" // it had no time for any
	}
	var words []string
	for _, line := range lines {
		if (e.Reason == "" || !strings.Contains(line, e.Reason)) && !slices.Contains(words, line) {
			words = append(words, line)
		}
	}
	return strings.Join(words, " | ")
}

func describeExit(e Exit) string {
	text := fmt.Sprintf("exited with code %d", e.Code)
	switch {
	case e.Signal == syscall.SIGKILL:
		text = "killed (SIGKILL)"
	case e.Signal != 0:
		text = "ended by signal " + e.Signal.String()
	case e.Code < 0:
		text = "did not start"
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// roundDuration rounds for people: 84ms, 2.9s.
func roundDuration(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
