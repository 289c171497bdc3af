package workload

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// syncEndpoints finds the endpoints of all Services, once for everything that uses them: every stable address gets the
// ready ones, every container those of the Services that it refers to, and the snapshot all.
func (c *Controller) syncEndpoints() {
	var all []orchestrator.Endpoint
	c.serving = make(map[podspec.Reference][]string, len(c.addresses.open))
	for ref, a := range c.addresses.open {
		var found []orchestrator.Endpoint
		if svc := c.service(ref.Service); svc != nil {
			found = c.findEndpoints(svc, ref.Port)
		}
		all = append(all, found...)
		addrs, peers := []string{}, []string{}
		for _, e := range found {
			if e.Serving() && c.down == nil {
				addr := e.Addr
				if e.Sidecar && ref.Service != c.cfg.Storefront {
					addr = e.PeerAddr // a stable address is for everybody else; see toStorefront for the storefront's
				}
				addrs, peers = append(addrs, addr), append(peers, e.PeerAddr)
			}
		}
		if ref.Service == c.cfg.Storefront {
			addrs = c.toStorefront(ref.Port, addrs)
		}
		a.Set(addrs)
		c.serving[ref] = peers
	}
	all = append(all, c.withoutService(all)...)
	slices.SortFunc(all, orchestrator.Endpoint.Compare)
	c.endpoints = all
	for _, d := range c.deployments {
		for _, p := range d.pods {
			c.updateLinks(p)
		}
	}
}

// route is how a container reaches a Service.
func (c *Controller) route(p *pod, container string, ref podspec.Reference) Route {
	direct := Route{Addr: c.addresses.of(ref.Service, ref.Port), Endpoints: c.serving[ref]}
	r := c.cfg.Router.Route(p.name, container, ref, direct)
	if k := p.joined(); k != nil && container != SidecarName {
		return k.through(ref, r, p.rev.plan.Builtins[container] != "")
	}
	return r
}

// addressesFor returns what containers of a pod are given for the Services that they refer to.
func (c *Controller) addressesFor(p *pod) func(container string, ref podspec.Reference) string {
	return func(container string, ref podspec.Reference) string { return c.route(p, container, ref).Addr }
}

// updateLinks sends the containers of a pod the endpoints behind the addresses that they were given, and the faults that
// they cause.
func (c *Controller) updateLinks(p *pod) {
	for _, k := range p.containers {
		if k.link == nil {
			continue
		}
		refs := k.spec(&p.rev.template.Pod).References
		known := make(map[string][]string, len(refs))
		for _, ref := range refs {
			if r := c.route(p, k.name, ref); r.Endpoints != nil {
				known[r.Addr] = r.Endpoints
			}
		}
		var wire []lifeline.WireFault
		if k.mesh {
			wire = c.wireFaults(p.owner)
		}
		k.link.set(known, append([]lifeline.Fault{}, c.disruptions.faults[p.owner]...), wire)
	}
}

func (c *Controller) service(key orchestrator.Key) *corev1.Service {
	for _, svc := range c.objects.Services {
		if svc.Namespace == key.Namespace && svc.Name == key.Name {
			return svc
		}
	}
	return nil
}

// findEndpoints are the pods that a Service's port leads to, the oldest first.
func (c *Controller) findEndpoints(svc *corev1.Service, number int32) []orchestrator.Endpoint {
	i := slices.IndexFunc(svc.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == number })
	if i < 0 {
		return nil
	}
	port := svc.Spec.Ports[i]
	target, name := targetPort(port)
	var pods []*pod
	for _, d := range c.deployments {
		if d.key.Namespace == svc.Namespace {
			pods = append(pods, d.pods...)
		}
	}
	slices.SortFunc(pods, func(a, b *pod) int { return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.name, b.name)) })
	var found []orchestrator.Endpoint
	for _, p := range pods {
		spec := &p.rev.template.Pod
		if !selects(svc, spec.Labels) {
			continue
		}
		k, number := p.listener(name, target)
		switch {
		case k == nil && p.ready:
			c.warnOnce("target "+svc.Name, p.owner, "NoTargetPort", fmt.Sprintf("service %s sends to port %s, which %s does not declare", svc.Name, port.TargetPort.String(), p.owner.Name))
		case k == nil || k.handle == nil || k.handle.Addrs().App == "":
		default:
			addrs, ready := k.handle.Addrs(), p.ready || svc.Spec.PublishNotReadyAddresses
			if own, ok := k.handle.(PortListener); ok && !spec.Gateway {
				addrs.App, addrs.Peer = own.AddrsOf(number)
			}
			sidecar := p.joined()
			if spec.Gateway && sidecar != nil {
				addrs.App = sidecar.listeners[GatewayName(number)]
				addrs.Peer, sidecar = addrs.App, nil // it takes what anyone sends
				ready = ready && addrs.App != ""
			}
			if sidecar != nil {
				addrs.Peer = sidecar.listeners[InboundName(number)]
				ready = ready && addrs.Peer != ""
			}
			found = append(found, orchestrator.Endpoint{
				Service: orchestrator.Key{Namespace: svc.Namespace, Name: svc.Name}, ServicePort: port.Port,
				Workload: p.owner, Pod: p.name, Container: k.name, Labels: spec.Labels, ServiceAccount: spec.ServiceAccount,
				Addr: addrs.App, PeerAddr: addrs.Peer, TargetPort: number,
				Ready: ready, Draining: p.leaving, Sidecar: sidecar != nil,
			})
		}
	}
	return found
}

// declared are the ports that the programs of a pod declare, each once.
func (p *pod) declared(each func(k *container, port podspec.Port)) {
	seen := map[int32]bool{}
	for _, k := range slices.Backward(p.containers) { // as listener does
		if k.kind == orchestrator.InitContainer || k.mesh {
			continue
		}
		for _, port := range k.spec(&p.rev.template.Pod).Ports {
			if !seen[port.Number] && k.handle != nil && k.handle.Addrs().App != "" {
				seen[port.Number] = true
				each(k, port)
			}
		}
	}
}

// withoutService are the ports that pods with a sidecar declare, and that none of the endpoints of Services is.
func (c *Controller) withoutService(endpoints []orchestrator.Endpoint) []orchestrator.Endpoint {
	type podPort struct {
		pod  string
		port int32
	}
	led := map[podPort]bool{}
	for _, e := range endpoints {
		led[podPort{e.Pod, e.TargetPort}] = true
	}
	var found []orchestrator.Endpoint
	for _, d := range c.deployments {
		for _, p := range d.pods {
			spec := &p.rev.template.Pod
			if p.sidecar() == nil || spec.Gateway {
				continue
			}
			p.declared(func(k *container, port podspec.Port) {
				if led[podPort{p.name, port.Number}] {
					return
				}
				own, peer := k.spec(spec), ""
				if sidecar := p.joined(); sidecar != nil {
					peer = sidecar.listeners[InboundName(port.Number)]
				}
				found = append(found, orchestrator.Endpoint{
					Service: orchestrator.Key{Namespace: p.owner.Namespace}, ServicePort: port.Number,
					Workload: p.owner, Pod: p.name, Container: k.name, Labels: spec.Labels, ServiceAccount: spec.ServiceAccount,
					Addr: k.handle.Addrs().App, PeerAddr: peer, TargetPort: port.Number,
					PortName: port.Name, Protocol: protocolOf(corev1.ServicePort{Name: port.Name}, []corev1.Container{
						{ReadinessProbe: own.Readiness, LivenessProbe: own.Liveness, StartupProbe: own.Startup},
					}),
					Ready: p.ready && peer != "", Draining: p.leaving, Sidecar: peer != "",
				})
			})
		}
	}
	return found
}

// targetPort is the port of a pod that a Service's port leads to, by its number or else by its name.
func targetPort(port corev1.ServicePort) (number int32, name string) {
	if port.TargetPort.Type == intstr.String {
		name = port.TargetPort.StrVal
	}
	if number = port.TargetPort.IntVal; number == 0 {
		number = port.Port
	}
	return number, name
}

// listener is the container that serves a Service's target port, and the number of that port: one that it declares or,
// in a pod whose first container declares none, any.
func (p *pod) listener(name string, number int32) (*container, int32) {
	for _, k := range slices.Backward(p.containers) { // not init containers, if another has the same port
		if k.kind == orchestrator.InitContainer {
			continue
		}
		ports := k.spec(&p.rev.template.Pod).Ports
		i := slices.IndexFunc(ports, func(q podspec.Port) bool {
			return name != "" && q.Name == name || name == "" && q.Number == number
		})
		if i >= 0 {
			return k, ports[i].Number
		}
	}
	if k := p.main(); k != nil && name == "" && len(k.spec(&p.rev.template.Pod).Ports) == 0 {
		return k, number
	}
	return nil, 0
}

// main is the first container that is not an init container: the main one of a pod.
func (p *pod) main() *container {
	i := slices.IndexFunc(p.containers, func(k *container) bool { return k.kind == orchestrator.AppContainer })
	if i < 0 {
		return nil
	}
	return p.containers[i]
}

// awaited reports whether a container is ready only once it listens: it declares that it does, or a Service leads to its pod.
// Any other is ready when it runs, as on a cluster: it may be a worker that never listens.
func (c *Controller) awaited(p *pod, spec podspec.Container) bool {
	return spec.Declares() || slices.ContainsFunc(c.objects.Services, func(svc *corev1.Service) bool {
		return svc.Namespace == p.owner.Namespace && selects(svc, p.rev.template.Pod.Labels)
	})
}

// noteListening lets Services lead to a container that has begun to listen after it was ready.
func (c *Controller) noteListening(ctx context.Context, handle Container) {
	select {
	case <-handle.Listening():
		c.post(func() {})
	case <-ctx.Done():
	}
}

// gatewayKey is the gateway's Deployment and Service.
func (c *Controller) gatewayKey() orchestrator.Key {
	return orchestrator.Key{Namespace: c.cfg.Storefront.Namespace, Name: resource.Gateway}
}

// withoutGateway reports a storefront in the mesh whose gateway is gone: its policies no longer apply to what comes in.
func (c *Controller) withoutGateway() {
	front := c.deployments[c.cfg.Storefront]
	if c.down == nil && front != nil && front.obj != nil && c.injects(front.obj) {
		c.event(true, "GatewayGone", front.key, "", "its address leads to the program itself, past the policies of a gateway: shopctl mesh on makes "+resource.Gateway+" again")
	}
}

// toStorefront is where the storefront's address leads: to the gateway, where there is one. Until that listens for the first
// time, it leads to the instances themselves. After that it never does while the gateway exists: a way round a dead gateway
// would be one round its policies.
func (c *Controller) toStorefront(port int32, direct []string) []string {
	key := c.gatewayKey()
	d, svc := c.deployments[key], c.service(key)
	if d == nil || d.obj == nil || svc == nil || c.suspended[key] || !resource.IsGateway(&d.obj.Spec.Template) || !c.injects(d.obj) {
		if c.gatewayed {
			c.gatewayed = false
			c.withoutGateway()
		}
		return direct
	}
	addrs := []string{}
	for _, e := range c.findEndpoints(svc, port) {
		if e.Serving() && c.down == nil {
			addrs = append(addrs, e.Addr)
		}
	}
	c.gatewayed = c.gatewayed || len(addrs) > 0 || len(direct) == 0
	if !c.gatewayed {
		return direct
	}
	return addrs
}
