package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// Snapshot implements orchestrator.Observer.
func (c *Controller) Snapshot() (orchestrator.Snapshot, <-chan struct{}) {
	return c.cfg.State.Snapshot()
}

// Memory implements orchestrator.Meter.
func (c *Controller) Memory(instance string) (map[string]int64, bool) {
	used := map[string]int64{}
	handles := c.running(instance)
	for name, handle := range handles {
		used[name] = handle.Memory()
	}
	return used, len(handles) > 0
}

// ProcessorTime implements orchestrator.Meter.
func (c *Controller) ProcessorTime(instance, name string) (float64, bool) {
	handle, ok := c.running(instance)[name]
	if !ok {
		return 0, false
	}
	return handle.ProcessorTime()
}

// running are the containers of an instance that run, by their names.
func (c *Controller) running(instance string) map[string]Container {
	handles := map[string]Container{}
	c.do(func() {
		for _, d := range c.deployments {
			for _, p := range d.pods {
				if p.name != instance {
					continue
				}
				for _, k := range p.containers {
					if k.phase == running {
						handles[k.name] = k.handle
					}
				}
			}
		}
	})
	return handles
}

// Exec implements orchestrator.Executor.
func (c *Controller) Exec(ctx context.Context, instance, name string, command orchestrator.Command, started func(string)) (int, error) {
	var handle Container
	err := errGoingDown
	c.do(func() {
		var k *container
		if k, err = c.findContainer(instance, name); err == nil {
			handle, name = k.handle, k.name
		}
	})
	if err != nil {
		return 0, err
	}
	return handle.Attach(ctx, command, func() { started(name) })
}

// findContainer finds a container that runs; the empty name is the main one of its pod.
func (c *Controller) findContainer(instance, name string) (*container, error) {
	for _, d := range c.deployments {
		for _, p := range d.pods {
			if p.name != instance {
				continue
			}
			if main := p.main(); name == "" && main != nil {
				name = main.name
			}
			i := slices.IndexFunc(p.containers, func(k *container) bool { return k.name == name })
			if i < 0 || p.containers[i].phase != running {
				return nil, &orchestrator.NoContainerError{Instance: instance, Container: name, Exists: i >= 0}
			}
			return p.containers[i], nil
		}
	}
	return nil, &orchestrator.NoInstanceError{Instance: instance}
}

// publish publishes the state.
func (c *Controller) publish() {
	s := orchestrator.Snapshot{Ready: c.down == nil, GoingDown: c.down != nil, Startup: slices.Clone(c.steps), Endpoints: c.endpoints}
	for _, d := range c.sorted() {
		if d.obj == nil && len(d.pods) == 0 {
			continue
		}
		w := c.describe(d)
		s.Workloads = append(s.Workloads, w)
		s.Ready = s.Ready && (w.Complete || w.Replicas == 0)
	}
	if svc := c.service(c.cfg.Storefront); svc != nil && len(svc.Spec.Ports) > 0 {
		s.Storefront = c.addresses.of(c.cfg.Storefront, svc.Spec.Ports[0].Port)
	}
	c.cfg.State.Publish(s)
}

func (c *Controller) describe(d *deployment) orchestrator.Workload {
	w := orchestrator.Workload{Key: d.key, Replicas: c.desiredReplicas(d), Since: d.changed, Late: d.late}
	if d.rev != nil {
		w.Image, w.Builtin = d.rev.image, d.rev.builtin()
	}
	if d.obj != nil {
		w.ObservedGeneration = d.obj.Generation
		w.Fronts, w.Ports = c.fronts(d)
		if i := mainFront(w.Fronts, d.key.Name); i >= 0 {
			w.Service, w.Address, w.Protocol = w.Fronts[i].Service, w.Fronts[i].Address, w.Fronts[i].Protocol
		}
	}
	for _, key := range d.waitsFor {
		w.DependsOn = append(w.DependsOn, key.Name)
	}
	now := c.cfg.Now()
	for _, p := range d.pods {
		state := p.describe()
		w.Instances = append(w.Instances, state)
		w.Restarts += p.restarts()
		if p.leaving {
			continue
		}
		w.Total++
		if d.rev != nil && p.rev.hash == d.rev.hash {
			w.Updated++
		}
		if p.ready {
			w.Ready++
			if d.obj == nil || now.Sub(p.readySince) >= time.Duration(d.obj.Spec.MinReadySeconds)*time.Second {
				w.Available++
			}
		}
		if !slices.Contains(w.Versions, p.rev.template.Pod.Version) {
			w.Versions = append(w.Versions, p.rev.template.Pod.Version)
		}
	}
	slices.Sort(w.Versions)
	w.Complete = w.Updated == w.Replicas && w.Total == w.Replicas && w.Available == w.Replicas && (d.rev == nil || d.rev.err == nil)
	w.State, w.Message = d.state(w)
	if c.down != nil && w.Total == 0 {
		w.State, w.Message = "stopped", ""
		if len(d.pods) > 0 {
			w.State = "stopping"
		}
	}
	return w
}

// fronts are the Services that select a Deployment's pods, in the order of their names, each with its first port; and all
// their ports.
func (c *Controller) fronts(d *deployment) (all []orchestrator.FrontService, ports []orchestrator.ServicePort) {
	for _, svc := range sortedServices(c.objects.Services) {
		if svc.Namespace != d.key.Namespace || len(svc.Spec.Ports) == 0 || !selects(svc, d.obj.Spec.Template.Labels) {
			continue
		}
		key := orchestrator.Key{Namespace: svc.Namespace, Name: svc.Name}
		for _, port := range svc.Spec.Ports {
			ports = append(ports, orchestrator.ServicePort{Service: svc.Name, Name: port.Name, Port: port.Port, Address: c.addresses.of(key, port.Port)})
		}
		port := svc.Spec.Ports[0]
		all = append(all, orchestrator.FrontService{
			Service: svc.Name, Protocol: protocolOf(port, d.obj.Spec.Template.Spec.Containers), Address: c.addresses.of(key, port.Port),
		})
	}
	return all, ports
}

// mainFront is the main Service of a Deployment: the one of its name, else the first; -1 if there is none.
func mainFront(all []orchestrator.FrontService, name string) int {
	if i := slices.IndexFunc(all, func(f orchestrator.FrontService) bool { return f.Service == name }); i >= 0 || len(all) == 0 {
		return i
	}
	return 0
}

// protocolOf reads a Service port's protocol from appProtocol or, as Istio does, from its name. A name
// without one leaves it to the probes of the containers.
func protocolOf(port corev1.ServicePort, containers []corev1.Container) string {
	name := port.Name
	if port.AppProtocol != nil {
		name = *port.AppProtocol
	}
	name, _, _ = strings.Cut(strings.ToLower(name), "-")
	switch name {
	case "grpc", "http", "tcp":
		return name
	case "http2", "https", "kubernetes.io/h2c":
		return "http"
	case "redis", "mysql", "postgres", "mongo", "tls":
		return "tcp"
	}
	for _, c := range containers {
		for _, probe := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
			switch {
			case probe == nil:
			case probe.GRPC != nil:
				return "grpc"
			case probe.HTTPGet != nil:
				return "http"
			}
		}
	}
	return ""
}

// state is the state of a Deployment, and the reason if it is not ok.
func (d *deployment) state(w orchestrator.Workload) (state, message string) {
	reason, crash, fresh := "", false, true
	paused := 0
	for _, p := range d.pods {
		if p.leaving {
			continue
		}
		if p.paused.Load() {
			paused++
		}
		if !p.ready {
			crash = crash || p.crashloop()
			fresh = fresh && p.restarts() == 0 && p.readySince.IsZero() && !p.backingOff()
			if reason == "" || p.crashloop() {
				reason = p.reason()
			}
		}
	}
	switch {
	case w.Replicas == 0 && len(d.pods) == 0:
		return "stopped", ""
	case w.Replicas == 0:
		return "stopped", fmt.Sprintf("%d still stopping", len(d.pods))
	case d.rev.err != nil && w.Ready == 0:
		return "unhealthy", describeError(d.rev.err)
	case d.rev.err != nil && d.complete == d.rev.hash:
		return "degraded", "the next instance cannot start: " + describeError(d.rev.err)
	case d.rev.err != nil:
		return "degraded", "the new revision cannot start: " + describeError(d.rev.err)
	case crash:
		return "crashloop", reason
	case paused > 0 && paused == w.Ready:
		return "paused", "all processes are paused"
	case w.Complete:
		return "ok", ""
	case d.complete != "" && d.complete != d.rev.hash && w.Ready > 0:
		return "updating", join(fmt.Sprintf("%d of %d instances are new", w.Updated, w.Replicas), reason)
	case w.Ready >= w.Replicas:
		return "updating", fmt.Sprintf("%d of %d instances are new", w.Updated, w.Replicas)
	case fresh:
		return "starting", reason
	case w.Ready > 0:
		return "degraded", join(fmt.Sprintf("%d of %d ready", w.Ready, w.Replicas), reason)
	}
	return "unhealthy", reason
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + ": " + b
}

// describeError adds the hint of an error that has one.
func describeError(err error) string {
	if h, ok := err.(interface{ Hint() string }); ok {
		return err.Error() + "; " + h.Hint()
	}
	return err.Error()
}
