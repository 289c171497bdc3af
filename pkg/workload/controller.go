package workload

import (
	"context"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// Controller drives the instances of one shop. Make it with New, and call Run once.
type Controller struct {
	cfg   Config
	inbox chan func()
	done  chan struct{} // closed when Run returns
	tasks sync.WaitGroup
	// Only the loop uses the fields below.
	objects     Objects
	deployments map[orchestrator.Key]*deployment
	suspended   map[orchestrator.Key]bool
	endpoints   []orchestrator.Endpoint
	// serving are the addresses of the ready endpoints for other pods.
	serving map[podspec.Reference][]string
	// gatewayed: the storefront's address leads to the gateway.
	gatewayed bool
	began     time.Time
	steps     []orchestrator.Step
	down      *shutdown
	// settled are closed when the state that follows from what was posted is published.
	settled []chan struct{}

	reporter
	addresses   addresses
	disruptions disruptions
}

// New opens the stable addresses of all Services that there are, and starts nothing yet. A port that
// was asked for and is taken is an error that names the program that has it.
func New(cfg Config) (*Controller, error) {
	c := &Controller{
		cfg:         cfg.withDefaults(),
		inbox:       make(chan func()),
		done:        make(chan struct{}),
		deployments: map[orchestrator.Key]*deployment{},
		suspended:   map[orchestrator.Key]bool{},
		disruptions: newDisruptions(),
	}
	c.reporter = reporter{cfg: &c.cfg, warned: map[string]bool{}}
	c.addresses = addresses{cfg: &c.cfg, report: &c.reporter, open: map[podspec.Reference]Address{}, next: cfg.PortBase}
	c.objects = c.cfg.Source.Objects()
	if err := c.addresses.sync(c.objects.Services, true); err != nil {
		c.addresses.close()
		return nil, err
	}
	return c, nil
}

// Run implements orchestrator.Runner.
func (c *Controller) Run(ctx context.Context) {
	defer close(c.done)
	// life bounds everything that the controller starts. It ends when the last instance is gone, not with ctx.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	c.began = c.cfg.Now()
	initial := c.objects.Deployments // what is applied after New is never held back
	c.load()
	c.suspend(initial)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	quit := ctx.Done()
	for {
		wake := c.reconcile(life)
		c.publish()
		c.settle()
		if c.down != nil && c.idle() {
			break
		}
		if wake.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(0, wake.Sub(c.cfg.Now())))
		}
		select {
		case f := <-c.inbox:
			f()
			c.drainInbox()
		case <-c.cfg.Source.Changed():
			c.load()
		case <-timer.C:
		case <-quit:
			quit = nil
			c.beginShutdown(true, nil)
		}
	}
	end()
	c.addresses.close()
	c.finish()
}

// drainInbox handles everything that has happened in the meantime, so that one reconciliation serves for all of it.
func (c *Controller) drainInbox() {
	for {
		select {
		case f := <-c.inbox:
			f()
		default:
			return
		}
	}
}

// finish waits for the remaining tasks, and handles what they still post.
func (c *Controller) finish() {
	idle := make(chan struct{})
	go func() {
		c.tasks.Wait()
		close(idle)
	}()
	for {
		select {
		case f := <-c.inbox:
			f()
		case <-idle:
			c.publish()
			return
		}
	}
}

// post passes f to the loop, which runs it and then reconciles. It is false when the controller has ended.
func (c *Controller) post(f func()) bool {
	select {
	case c.inbox <- f:
		return true
	case <-c.done:
		return false
	}
}

// do runs f in the loop and waits for it.
func (c *Controller) do(f func()) bool {
	ran := make(chan struct{})
	if !c.post(func() { f(); close(ran) }) {
		return false
	}
	<-ran
	return true
}

// spawn runs f in a goroutine that the controller waits for.
func (c *Controller) spawn(f func()) { c.tasks.Go(f) }

// settle wakes those who wait until what they posted has been reconciled.
func (c *Controller) settle() {
	for _, ch := range c.settled {
		close(ch)
	}
	c.settled = nil
}

// Sync implements orchestrator.Syncer.
func (c *Controller) Sync(release ...orchestrator.Key) (released []orchestrator.Key) {
	settled := make(chan struct{})
	ok := c.post(func() {
		c.load()
		for _, k := range release {
			if c.suspended[k] {
				released = append(released, k)
			}
		}
		for k := range c.withDependencies(release) {
			delete(c.suspended, k)
		}
		c.settled = append(c.settled, settled)
	})
	if !ok {
		return nil
	}
	select {
	case <-settled:
		return released
	case <-c.done:
		return nil
	}
}

// load reads the objects again and opens the addresses of new Services.
func (c *Controller) load() {
	c.objects = c.cfg.Source.Objects()
	if err := c.addresses.sync(c.objects.Services, false); err != nil {
		c.warnOnce("address", orchestrator.Key{}, "AddressFailed", err.Error())
	}
	c.resolveAll()
}

// reporter reports what happens to the workloads, as events.
type reporter struct {
	cfg    *Config
	warned map[string]bool
}

// event reports what happened.
func (r *reporter) event(warning bool, reason string, workload orchestrator.Key, instance, message string) {
	r.cfg.Event(orchestrator.Event{Time: r.cfg.Now(), Warning: warning, Reason: reason, Workload: workload, Instance: instance, Message: message})
}

// warnOnce warns of a condition that lasts, once for each text.
func (r *reporter) warnOnce(id string, workload orchestrator.Key, reason, message string) {
	if id += "\x00" + message; r.warned[id] {
		return
	}
	r.warned[id] = true
	r.event(true, reason, workload, "", message)
}
