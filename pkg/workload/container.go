package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// containerPhase is where a container is in its life.
type containerPhase int

const (
	waiting    containerPhase = iota // has not been started yet
	starting                         // the driver is starting it
	running                          // runs
	backingOff                       // waits to be restarted
	ended                            // does not run again: a completed init container, or one of a pod that stops
)

// container is one container of a pod over all its restarts. It belongs to the loop.
type container struct {
	pod  *pod
	name string
	kind orchestrator.ContainerKind
	// mesh: it is the pod's sidecar of the mesh, or the proxy of a gateway. joined: the pod calls and is called through it, at listeners, the last that
	// it reported. detaching: it is used no longer, and stops at detachAt.
	mesh, joined, detaching bool
	listeners               map[string]string
	detachAt                time.Time
	// proxy is the state of a sidecar's run.
	proxy lifeline.Proxy

	phase containerPhase
	// run counts its starts: messages about an earlier run are ignored.
	run      int
	handle   Container
	link     *link
	stopRun  context.CancelFunc
	began    time.Time
	restarts int
	exits    []time.Time
	// quick counts the exits since it was last ready for a while.
	quick   int
	retryAt time.Time
	// started: its startup probe has succeeded, if it has one.
	started    bool
	ready      bool
	readySince time.Time
	// reason is why it is not ready, in one line.
	reason    string
	crashloop bool
	stopping  bool
	// failed: a probe gave up on this run, which is being stopped.
	failed bool
	// outOfMemory: its last run was ended by its memory limit.
	outOfMemory bool
}

func (k *container) alive() bool { return k.phase == starting || k.phase == running }

// beside reports whether it is the sidecar of the mesh beside a pod's program.
func (k *container) beside() bool { return k.mesh && k.kind == orchestrator.Sidecar }

// spec of the container in a pod.
func (k *container) spec(pod *podspec.Pod) podspec.Container {
	if k.beside() {
		return sidecarSpec()
	}
	for _, c := range pod.All() {
		if c.Name == k.name {
			return c
		}
	}
	return podspec.Container{} // not reached: a pod's revisions have the same containers
}

// tryStart starts a container that does not run, if its start is due.
func (c *Controller) tryStart(ctx context.Context, k *container, now time.Time, wake *nextWake) {
	switch {
	case k.phase == backingOff && now.Before(k.retryAt):
		wake.at(k.retryAt)
	case k.phase == waiting || k.phase == backingOff:
		c.start(ctx, k)
	}
}

// launch is one attempt to run a container, and its outcome.
type launch struct {
	run   int
	began time.Time
	// builtin is the built-in service that it runs; empty for a command. main: it is the main container of its pod.
	builtin string
	main    bool
	// ports are the listeners that a sidecar had.
	ports map[string]string

	pod    Pod
	handle Container
	// log takes what the container writes; logged gets why reading its output ended, once all of it is in the log.
	log    io.WriteCloser
	logged chan error
	err    error
}

// start runs a container, after preparing the pod if it is the first.
func (c *Controller) start(ctx context.Context, k *container) {
	p := k.pod
	k.run++
	k.phase, k.reason, k.began, k.started, k.failed = starting, "", c.cfg.Now(), false, false
	if d := c.deployments[p.owner]; d != nil && d.rev.hash == p.rev.hash {
		p.rev = d.rev // the same revision, with what its ConfigMaps and Secrets hold now
	}
	if k.run > 1 {
		k.restarts++
	}
	rev := p.rev
	l := launch{run: k.run, began: k.began, builtin: rev.plan.Builtins[k.name], main: p.main() == k, pod: p.handle, err: rev.err}
	if k.mesh {
		l.builtin, l.ports = SidecarName, k.listeners
	}
	var spec podspec.Pod
	if rev.err == nil {
		spec = rev.template.Fill(p.name, c.addressesFor(p))
	}
	c.spawn(func() {
		if l.err == nil {
			c.launch(ctx, k, &spec, &l)
		}
		c.post(func() { c.onStarted(ctx, k, rev, l) })
	})
}

// launch runs outside the loop, and reads only what never changes of k.
func (c *Controller) launch(ctx context.Context, k *container, spec *podspec.Pod, l *launch) {
	log, err := c.cfg.OpenLog(LogSource{Workload: k.pod.owner, Pod: k.pod.name, Container: k.name, Main: l.main, Builtin: l.builtin})
	if err != nil {
		l.err = fmt.Errorf("open log: %w", err)
		return
	}
	if l.pod == nil {
		l.pod, l.err = c.cfg.Driver.Start(ctx, *spec)
	}
	if l.err == nil {
		own := k.spec(spec)
		if k.mesh {
			own.Env, l.err = c.cfg.Mesh.Environ(*spec, l.ports)
		}
		if l.err == nil {
			l.handle, l.err = l.pod.Run(ctx, own)
		}
	}
	if l.err != nil {
		logError(log, c.cfg.Now(), describeExit(startFailure(l.err)))
		_ = log.Close()
		return
	}
	logged, output := make(chan error, 1), l.handle.Logs()
	l.log, l.logged = log, logged
	c.spawn(func() {
		err := copyLines(log, output, c.cfg.Now)
		_ = output.Close()
		logged <- err
	})
}

func (c *Controller) onStarted(ctx context.Context, k *container, rev *revision, l launch) {
	p, run := k.pod, l.run
	if p.handle == nil && l.pod != nil {
		p.handle, p.mounted = l.pod, rev
	}
	if l.err != nil {
		c.exited(k, run, startFailure(l.err), nil)
		return
	}
	runCtx, cancel := context.WithCancel(ctx)
	spec := k.spec(&rev.template.Pod)
	k.handle, k.phase, k.stopRun, k.stopping = l.handle, running, cancel, false
	k.started = spec.Startup == nil && !(k.mesh && !rev.builtinOnly()) // other programs are given its addresses
	if d := c.deployments[p.owner]; d != nil && d.rev.hash == p.rev.hash && d.rev.err == nil {
		c.remount(p, d.rev) // what changed while it started
	}
	k.link = newLink(l.handle)
	what := "version " + p.rev.template.Pod.Version
	if k != p.main() {
		what = "image " + spec.Image
	}
	c.event(false, "Started", p.owner, p.name, k.label()+fmt.Sprintf("started %s, %s", what, strings.Replace(l.handle.ID(), "://", " ", 1)))
	link := k.link
	c.spawn(func() { link.run(runCtx) })
	if k.mesh {
		c.spawn(func() { c.followReports(k, l.run, l.handle) })
	}
	if k.kind != orchestrator.InitContainer {
		if spec.Listens && l.builtin == "" && !c.awaited(p, spec) {
			spec.Listens = false
			c.spawn(func() { c.noteListening(runCtx, l.handle) })
		}
		c.spawn(func() { c.probe(runCtx, k, spec, l) })
	}
	c.spawn(func() {
		<-l.handle.Done()
		held := errors.Is(<-l.logged, os.ErrDeadlineExceeded)
		exit := l.handle.Exit()
		var lines []string
		if runCtx.Err() == nil {
			lines = c.cfg.LastLines(p.name, k.name, 3)
		}
		cause := ""
		c.do(func() {
			if held {
				c.event(true, "LeftBehind", p.owner, p.name, k.label()+"a process that it started in a group of its own still runs and holds its output: end that yourself")
			}
			cause = c.exited(k, run, exit, lines)
		})
		if cause != "" {
			logError(l.log, c.cfg.Now(), cause)
		}
		_ = l.log.Close()
	})
}

// probe follows one run of a container and hands what it finds to the loop.
func (c *Controller) probe(ctx context.Context, k *container, spec podspec.Container, l launch) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var pr *prober
	defer func() {
		if pr != nil {
			pr.Close()
		}
	}()
	last := ""
	w := &watcher{
		probes: newProbes(&spec), eager: l.builtin != "", began: l.began, now: c.cfg.Now,
		check: func(ctx context.Context, probe *probe) error { return pr.check(ctx, probe) },
		ready: func(ok bool, reason string) {
			if !ok && reason == last {
				return
			}
			last = reason
			c.post(func() { c.onReadiness(k, l.run, ok, reason) })
		},
		begin:   func() { pr = newProber(l.handle, spec, c.cfg.Check(l.builtin)) },
		started: func() { c.post(func() { c.onStartup(k, l.run) }) },
		paused:  k.pod.paused.Load,
		failed:  func(p *probe, reason string) { c.post(func() { c.onFailed(ctx, k, l.run, p, reason) }) },
	}
	if spec.Listens {
		w.listening = l.handle.Listening()
	}
	w.run(ctx)
}

// onStartup notes that the startup probe has succeeded: what waits for this container may start.
func (c *Controller) onStartup(k *container, run int) {
	if k.run == run && k.phase == running {
		k.started = true
		c.onSidecarStarted(k)
	}
}

func (c *Controller) onReadiness(k *container, run int, ok bool, reason string) {
	p := k.pod
	if k.run != run || k.phase != running || k.failed || p.paused.Load() {
		return
	}
	k.reason = reason
	if ok == k.ready {
		return
	}
	k.ready = ok
	if ok && k.mesh {
		k.joined, k.listeners = true, k.handle.Addrs().Listeners
	}
	if ok {
		k.readySince, k.crashloop = c.cfg.Now(), false
	} else if p.ready {
		c.event(true, "Unready", p.owner, p.name, k.label()+reason)
	}
	c.updateReadiness(p)
}

// onFailed restarts a container whose liveness or startup probe gave up.
func (c *Controller) onFailed(ctx context.Context, k *container, run int, failed *probe, reason string) {
	p := k.pod
	if k.run != run || k.phase != running || p.leaving || p.paused.Load() {
		return
	}
	k.ready, k.reason, k.failed = false, reason, true
	c.updateReadiness(p)
	c.event(true, "Killing", p.owner, p.name, k.label()+reason+"; it is restarted")
	handle, grace := k.handle, failed.grace(p.rev.template.Pod.Grace)
	c.spawn(func() { c.stop(ctx, p.name, handle, grace) })
}

// exited notes that a run is over, and when the next begins. It returns why the run failed; empty if it did not.
func (c *Controller) exited(k *container, run int, exit Exit, lines []string) (cause string) {
	p := k.pod
	if k.run != run || k.phase == ended || p.phase == gone {
		return ""
	}
	now := c.cfg.Now()
	steady := k.ready && now.Sub(k.readySince) >= steadyAfter
	k.handle, k.link, k.ready, k.started, k.stopping, k.proxy = nil, nil, false, false, false, lifeline.Proxy{}
	if k.stopRun != nil {
		k.stopRun()
		k.stopRun = nil
	}
	k.phase = ended
	if !p.alive() {
		p.paused.Store(false)
	}
	c.updateReadiness(p)
	switch {
	case p.leaving || c.down != nil:
		c.leave(p, 0)
		c.event(false, "Stopped", p.owner, p.name, k.label()+describeExit(exit))
	case k.detaching:
		c.event(false, "Left", p.owner, p.name, k.label()+describeExit(exit))
		c.drops(p, k)
	case k.kind == orchestrator.InitContainer && exit.Code == 0:
		k.reason, k.crashloop = "", false
		c.event(false, "Completed", p.owner, p.name, k.label()+describeExit(exit))
	default:
		if steady {
			k.quick = 0
		}
		c.backOff(k, exit, lines, now)
		if exit != (Exit{}) {
			return k.reason
		}
	}
	return ""
}
