package admission

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

func (c *issues) service(s *corev1.ServiceSpec) {
	c.labels("spec.selector", s.Selector)
	if s.ClusterIP != "" && s.ClusterIP != corev1.ClusterIPNone {
		if _, err := netip.ParseAddr(s.ClusterIP); err != nil {
			c.add("spec.clusterIP", "%q is neither an IP address nor None", s.ClusterIP)
		}
	}
	if s.Type == corev1.ServiceTypeExternalName {
		if s.ExternalName == "" {
			c.add("spec.externalName", "is missing; type ExternalName needs it")
		} else {
			c.rule("spec.externalName", s.ExternalName, validation.IsDNS1123Subdomain(s.ExternalName))
		}
	} else if len(s.Ports) == 0 && s.ClusterIP != corev1.ClusterIPNone {
		c.add("spec.ports", "is missing; there must be at least one port")
	}
	c.servicePorts(s)
}

func (c *issues) servicePorts(s *corev1.ServiceSpec) {
	names, ports := map[string]bool{}, map[string]bool{}
	for i, p := range s.Ports {
		at := item("spec.ports", i)
		c.port(at+".port", p.Port)
		switch {
		case p.Name == "" && len(s.Ports) > 1:
			c.add(at+".name", "is missing; with several ports each needs a name")
		case p.Name != "" && names[p.Name]:
			c.add(at+".name", "%q is the name of another port", p.Name)
		case p.Name != "":
			c.rule(at+".name", p.Name, validation.IsDNS1123Label(p.Name))
		}
		names[p.Name] = true
		key := fmt.Sprintf("%d/%s", p.Port, p.Protocol)
		if ports[key] {
			c.add(at+".port", "%s is there already", key)
		}
		ports[key] = true
		if p.TargetPort != intstr.FromInt32(p.Port) { // the default, of which enough was said
			c.portRef(at+".targetPort", p.TargetPort)
		}
		if p.AppProtocol != nil {
			c.rule(at+".appProtocol", *p.AppProtocol, validation.IsQualifiedName(*p.AppProtocol))
		}
		if p.NodePort != 0 {
			c.port(at+".nodePort", p.NodePort)
			if s.Type != corev1.ServiceTypeNodePort && s.Type != corev1.ServiceTypeLoadBalancer {
				c.add(at+".nodePort", "has no place in a Service of type %s", s.Type)
			}
		}
	}
}
