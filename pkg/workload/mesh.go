package workload

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// Mesh starts the sidecars of pods. Which pods have one stands in their objects: see resource.Injects. It is safe for concurrent use.
type Mesh interface {
	// Environ is the environment of one run of a pod's sidecar, "KEY=value". ports are the listeners that earlier runs had,
	// by name: a program that has their addresses keeps them. The controller calls it outside its loop.
	Environ(pod podspec.Pod, ports map[string]string) ([]string, error)
}

// SidecarName is the name of the container that a pod has as a member of the mesh, and SidecarImage its image. The
// name is Istio's.
const (
	SidecarName  = podspec.SidecarName
	SidecarImage = "shopctl/proxy"
)

// OutboundName is the name of a sidecar's listener for a port of a Service, and InboundName of that for a port of its pod.
func OutboundName(ref podspec.Reference) string {
	return fmt.Sprintf("%s_%d", serviceHost(ref.Service.Name, ref.Service.Namespace), ref.Port)
}

// serviceHost is the full name of a Service.
func serviceHost(name, namespace string) string { return name + "." + namespace + ".svc.cluster.local" }

// GatewayName is the name of a gateway's listener for a port of its own pod.
func GatewayName(targetPort int32) string { return fmt.Sprintf("0.0.0.0_%d", targetPort) }

// InboundName is the name of a sidecar's listener for a port of its own pod.
func InboundName(targetPort int32) string { return fmt.Sprintf("inbound_%d", targetPort) }

// joins reports whether the pods of a Deployment have a sidecar as things are now.
func (c *Controller) joins(d *appsv1.Deployment) bool {
	return !resource.IsGateway(&d.Spec.Template) && c.injects(d)
}

// injects reports whether the mesh is to make of a Deployment's pods what their annotations and their namespace ask for.
func (c *Controller) injects(d *appsv1.Deployment) bool {
	return c.cfg.Mesh != nil && resource.Injects(c.objects.Namespaces[d.Namespace], &d.Spec.Template)
}

// withoutInjection is a template without the label that asks for a sidecar or refuses one: instances of built-in services
// join and leave while they run.
func withoutInjection(t *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	if _, ok := t.Labels[resource.InjectLabel]; !ok {
		return t
	}
	bare := *t
	bare.Labels = maps.Clone(t.Labels)
	delete(bare.Labels, resource.InjectLabel)
	return &bare
}

// builtinOnly reports whether a revision's containers are all built-in services, which learn over their lifelines where to
// connect.
func (rev *revision) builtinOnly() bool {
	if rev.template.Pod.Gateway {
		return true // it has no program
	}
	return !slices.ContainsFunc(rev.template.Pod.All(), func(c podspec.Container) bool { return rev.plan.Builtins[c.Name] == "" })
}

// sidecarSpec is the container of a sidecar.
func sidecarSpec() podspec.Container {
	return podspec.Container{Name: SidecarName, Image: SidecarImage, Sidecar: true, Mesh: true, Listens: true}
}

// sidecar is the pod's sidecar of the mesh; nil if it has none.
func (p *pod) sidecar() *container {
	i := slices.IndexFunc(p.containers, func(k *container) bool { return k.mesh })
	if i < 0 {
		return nil
	}
	return p.containers[i]
}

// joined is the sidecar through which a pod calls and is called; nil while it has none.
func (p *pod) joined() *container {
	if k := p.sidecar(); k != nil && k.joined && !k.detaching {
		return k
	}
	return nil
}

// addSidecar adds a sidecar, as the first container to start and the last to stop. A pod that runs is not held up by it:
// until it is ready for the first time, the pod calls and is called without.
func (c *Controller) addSidecar(p *pod, running bool) {
	k := &container{pod: p, name: SidecarName, kind: orchestrator.Sidecar, mesh: true, joined: !running}
	p.containers = append([]*container{k}, p.containers...)
	if running {
		c.event(false, "Joining", p.owner, p.name, "a sidecar starts beside it")
	}
}

// syncSidecars starts sidecars beside the pods of built-in services that have joined the mesh, and ends those of pods that
// have left it. Pods of other programs are replaced instead: their revision differs.
func (c *Controller) syncSidecars(ctx context.Context, d *deployment, wake *nextWake) {
	if d.obj == nil || d.rev == nil || c.down != nil {
		return
	}
	now := c.cfg.Now()
	for _, p := range d.pods {
		if p.leaving || !p.rev.builtinOnly() || p.rev.template.Pod.Gateway {
			continue
		}
		k := p.sidecar()
		switch {
		case d.rev.joins && k == nil:
			c.addSidecar(p, p.phase != pending)
		case d.rev.joins && k.detaching && !k.stopping:
			k.detaching = false
		case !d.rev.joins && k != nil && !k.detaching:
			k.detaching, k.detachAt = true, now.Add(detachPause)
			c.event(false, "Leaving", p.owner, p.name, "it is called without its sidecar, which stops")
			c.updateReadiness(p)
		}
		if k != nil && k.detaching {
			c.detach(ctx, p, k, wake)
		}
	}
}

// detach stops a sidecar that is no longer used, once callers have learned of that.
func (c *Controller) detach(ctx context.Context, p *pod, k *container, wake *nextWake) {
	now := c.cfg.Now()
	switch {
	case !k.alive():
		c.drops(p, k)
	case now.Before(k.detachAt):
		wake.at(k.detachAt)
	case k.phase == running && !k.stopping:
		c.stopContainer(ctx, k, p.rev.template.Pod.Grace)
	}
}

// drops takes a container out of its pod.
func (c *Controller) drops(p *pod, k *container) {
	p.containers = slices.DeleteFunc(slices.Clone(p.containers), func(other *container) bool { return other == k })
	c.updateReadiness(p)
}

// onSidecarStarted lets the files of a pod have the addresses of its sidecar, which were not known when they were written.
func (c *Controller) onSidecarStarted(k *container) {
	if p := k.pod; k.mesh && !p.rev.builtinOnly() {
		k.listeners = k.handle.Addrs().Listeners
		p.mounted = nil
		c.remount(p, p.rev)
	}
}

// onReport notes where a sidecar listens, and its state. What it listened at last stays known when it ends: calls to a dead
// sidecar fail, and are not sent around it.
func (c *Controller) onReport(k *container, run int) {
	if k.run != run || k.handle == nil {
		return
	}
	if listeners := k.handle.Addrs().Listeners; listeners != nil {
		k.listeners = listeners
	}
	before := k.proxy
	k.proxy = k.handle.Proxy()
	c.noteEjections(k.pod, before.Ejected, k.proxy.Ejected)
	c.updateReadiness(k.pod)
}

// noteEjections makes events of what a pod's sidecar has ejected and readmitted.
func (c *Controller) noteEjections(p *pod, before, now []lifeline.Ejection) {
	in := func(all []lifeline.Ejection, one lifeline.Ejection) bool {
		return slices.ContainsFunc(all, func(e lifeline.Ejection) bool { return e.Cluster == one.Cluster && e.Address == one.Address })
	}
	for _, e := range now {
		if !in(before, e) {
			c.event(true, "Ejected", p.owner, p.name, fmt.Sprintf("its sidecar calls %s of %s no more for %s, after %s",
				c.podAt(e.Address), e.Cluster, humanize.Duration(e.Until.Sub(e.Since)), e.Reason))
		}
	}
	for _, e := range before {
		if !in(now, e) {
			c.event(false, "Readmitted", p.owner, p.name, fmt.Sprintf("its sidecar calls %s of %s again", c.podAt(e.Address), e.Cluster))
		}
	}
}

// podAt is the name of the pod whose sidecar or program listens at an address; the address if there is none.
func (c *Controller) podAt(address string) string {
	for _, d := range c.deployments {
		for _, p := range d.pods {
			for _, k := range p.containers {
				if k.handle != nil && k.handle.Addrs().Peer == address {
					return p.name
				}
				for _, listener := range k.listeners {
					if listener == address {
						return p.name
					}
				}
			}
		}
	}
	return address
}

// followReports follows what a sidecar reports.
func (c *Controller) followReports(k *container, run int, handle Container) {
	for {
		select {
		case <-handle.Reports():
			if !c.post(func() { c.onReport(k, run) }) {
				return
			}
		case <-handle.Done():
			return
		}
	}
}

// reached reports whether a pod's sidecar listens at all ports that the pod declares, and by which Services lead to it.
func (c *Controller) reached(p *pod) bool {
	k := p.joined()
	if k == nil || p.rev.template.Pod.Gateway { // which ports a gateway has is up to the Gateways there are
		return true
	}
	reached := true
	p.declared(func(_ *container, port podspec.Port) {
		reached = reached && k.listeners[InboundName(port.Number)] != ""
	})
	for ref := range c.addresses.open {
		svc := c.service(ref.Service)
		if svc == nil || svc.Namespace != p.owner.Namespace || !selects(svc, p.rev.template.Pod.Labels) {
			continue
		}
		i := slices.IndexFunc(svc.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == ref.Port })
		if i < 0 {
			continue
		}
		target, name := targetPort(svc.Spec.Ports[i])
		app, number := p.listener(name, target)
		if app != nil && app.handle != nil && app.handle.Addrs().App != "" && k.listeners[InboundName(number)] == "" {
			return false
		}
	}
	return reached
}

// through is the way of a container's calls through its pod's sidecar. One for which that has no listener fails.
func (k *container) through(ref podspec.Reference, direct Route, builtin bool) Route {
	addr := k.listeners[OutboundName(ref)]
	switch {
	case builtin && addr == "":
		return Route{Addr: direct.Addr, Endpoints: []string{}}
	case builtin:
		return Route{Addr: direct.Addr, Endpoints: []string{addr}}
	case addr == "":
		return Route{Addr: net.JoinHostPort("127.0.0.1", "1")} // nothing listens at the port of tcpmux
	}
	return Route{Addr: addr}
}
