package workload

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// syncEndpoints gives every stable address the instances that are ready behind it, and tells every
// instance those of the Services that it refers to.
func (c *Controller) syncEndpoints() {
	ready := map[string][]string{}
	for sp, a := range c.addrs {
		list := []string{}
		if svc := c.service(sp.service); svc != nil && c.down == nil {
			list = c.endpoints(svc, sp.port)
		}
		ready[a.String()] = list
		a.Set(list)
	}
	for _, d := range c.deployments {
		faults := []lifeline.Fault{}
		if c.faults != nil {
			faults = c.faults.ForWorkload(d.key.String())
		}
		for _, p := range d.pods {
			if p.link == nil {
				continue
			}
			known := make(map[string][]string, len(p.rev.refs))
			for _, ref := range p.rev.refs {
				known[ref.Addr] = ready[ref.Addr]
			}
			p.link.set(known, faults)
		}
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

// endpoints are the addresses of the instances that a Service's port leads to, in a stable order.
func (c *Controller) endpoints(svc *corev1.Service, number int32) []string {
	i := slices.IndexFunc(svc.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == number })
	if i < 0 {
		return []string{}
	}
	port := svc.Spec.Ports[i]
	target, name := port.TargetPort.IntVal, ""
	if port.TargetPort.Type == intstr.String {
		name = port.TargetPort.StrVal
	}
	if target == 0 {
		target = port.Port
	}
	var pods []*pod
	for _, d := range c.deployments {
		if d.key.Namespace != svc.Namespace {
			continue
		}
		for _, p := range d.pods {
			serves := p.ready || (svc.Spec.PublishNotReadyAddresses && p.inst != nil && p.inst.Addr() != "")
			if !serves || p.leaving || !selects(svc, p.rev.labels) {
				continue
			}
			if !p.rev.listensOn(name, target) {
				c.warnOnce("target "+svc.Name, p.owner, "NoTargetPort", fmt.Sprintf("service %s sends to port %s, which %s does not declare", svc.Name, port.TargetPort.String(), p.owner.Name))
				continue
			}
			pods = append(pods, p)
		}
	}
	slices.SortFunc(pods, func(a, b *pod) int { return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.name, b.name)) })
	list := make([]string, len(pods))
	for i, p := range pods {
		list[i] = p.inst.Addr()
	}
	return list
}
