package resource

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/resource/admission"
)

// maxAffinitySeconds is the longest that a client can stay with an instance: a day.
const maxAffinitySeconds = 86_400

// checkService adds what the API server would refuse in a Service that has its defaults.
func checkService(c *admission.Issues, o *corev1.Service) {
	s := &o.Spec
	c.Labels("spec.selector", s.Selector)
	checkAddresses(c, s)
	if s.Type == corev1.ServiceTypeExternalName {
		if s.ExternalName == "" {
			c.Add("spec.externalName", "is missing; type ExternalName needs it")
		} else {
			c.Rule("spec.externalName", s.ExternalName, validation.IsDNS1123Subdomain(strings.TrimSuffix(s.ExternalName, ".")))
		}
	} else if len(s.Ports) == 0 && s.ClusterIP != corev1.ClusterIPNone {
		c.Add("spec.ports", "is missing; there must be at least one port")
	}
	checkServicePorts(c, s)
	checkAffinity(c, s)
	checkReach(c, s)
}

// checkServiceUpdate adds what the API server would refuse in the change of a Service.
func checkServiceUpdate(c *admission.Issues, old, updated *corev1.Service) {
	if old.Spec.Type == corev1.ServiceTypeExternalName || updated.Spec.Type == corev1.ServiceTypeExternalName {
		return
	}
	if was, is := old.Spec.ClusterIP, updated.Spec.ClusterIP; was != is {
		c.Add("spec.clusterIP", "cannot change from %q to %q; delete the Service first", was, is)
	}
}

// keepServiceFields copies what the API server sets in a Service: its status, and the address that it once got. What it
// filled in for another type goes.
func keepServiceFields(s, live *corev1.Service) {
	live.Status.DeepCopyInto(&s.Status)
	if s.Spec.ClusterIP == "" && s.Spec.Type != corev1.ServiceTypeExternalName {
		s.Spec.ClusterIP = live.Spec.ClusterIP
		s.Spec.ClusterIPs = live.Spec.ClusterIPs
	}
	if live.Spec.Type != s.Spec.Type {
		dropForType(&s.Spec, &live.Spec)
	}
}

// dropForType removes what the type of a Service cannot have, where it is as it was with another type.
func dropForType(s, was *corev1.ServiceSpec) {
	if !reachedFromOutside(s) {
		if s.ExternalTrafficPolicy == was.ExternalTrafficPolicy {
			s.ExternalTrafficPolicy = ""
		}
		for i := range min(len(s.Ports), len(was.Ports)) {
			if s.Ports[i].NodePort == was.Ports[i].NodePort {
				s.Ports[i].NodePort = 0
			}
		}
	}
	if s.Type == corev1.ServiceTypeExternalName {
		s.InternalTrafficPolicy = nil
	}
	if s.Type == corev1.ServiceTypeLoadBalancer {
		return
	}
	if s.HealthCheckNodePort == was.HealthCheckNodePort {
		s.HealthCheckNodePort = 0
	}
	if admission.Equal(s.AllocateLoadBalancerNodePorts, was.AllocateLoadBalancerNodePorts) {
		s.AllocateLoadBalancerNodePorts = nil
	}
	if admission.Equal(s.LoadBalancerClass, was.LoadBalancerClass) {
		s.LoadBalancerClass = nil
	}
}

// reachedFromOutside reports whether clients outside a cluster can reach a Service.
func reachedFromOutside(s *corev1.ServiceSpec) bool {
	return s.Type == corev1.ServiceTypeLoadBalancer || s.Type == corev1.ServiceTypeNodePort ||
		len(s.ExternalIPs) > 0 && s.Type != corev1.ServiceTypeExternalName
}

// checkAddresses checks the addresses that a Service asks for.
func checkAddresses(c *admission.Issues, s *corev1.ServiceSpec) {
	const path = "spec.clusterIP"
	headless := s.ClusterIP == corev1.ClusterIPNone
	if s.ClusterIP != "" && !headless {
		if _, err := netip.ParseAddr(s.ClusterIP); err != nil {
			c.Add(path, "%q is neither an IP address nor None", s.ClusterIP)
		}
	}
	switch {
	case s.Type == corev1.ServiceTypeExternalName && (s.ClusterIP != "" || len(s.ClusterIPs) > 0):
		c.Add(path+"s", "cannot be set in a Service of type ExternalName")
	case headless && (s.Type == corev1.ServiceTypeNodePort || s.Type == corev1.ServiceTypeLoadBalancer):
		c.Add(path, "None is not possible in a Service of type %s", s.Type)
	}
	switch {
	case len(s.ClusterIPs) > 0 && s.ClusterIP == "":
		c.Add(path+"s", "cannot be set without clusterIP")
	case len(s.ClusterIPs) > 0 && s.ClusterIPs[0] != s.ClusterIP:
		c.Add(path+"s", "the first is %q and clusterIP is %q; they must be the same", s.ClusterIPs[0], s.ClusterIP)
	}
	families := map[corev1.IPFamily]bool{}
	for i, family := range s.IPFamilies {
		if families[family] {
			c.Add(admission.Item("spec.ipFamilies", i), "%s is there already", family)
		}
		families[family] = true
	}
	if p := s.IPFamilyPolicy; p != nil && *p == corev1.IPFamilyPolicySingleStack && len(s.IPFamilies) > 1 {
		c.Add("spec.ipFamilyPolicy", "SingleStack is not possible with %d families", len(s.IPFamilies))
	}
	for i, address := range s.ExternalIPs {
		at := admission.Item("spec.externalIPs", i)
		ip, err := netip.ParseAddr(address)
		switch {
		case err != nil:
			c.Add(at, "%q is not an IP address", address)
		case ip.IsUnspecified(), ip.IsLoopback(), ip.IsLinkLocalUnicast(), ip.IsLinkLocalMulticast():
			c.Add(at, "%q is not an address that others can reach", address)
		}
	}
}

func checkServicePorts(c *admission.Issues, s *corev1.ServiceSpec) {
	names, ports, nodePorts := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i, p := range s.Ports {
		at := admission.Item("spec.ports", i)
		c.Port(at+".port", p.Port)
		switch {
		case p.Name == "" && len(s.Ports) > 1:
			c.Add(at+".name", "is missing; with several ports each needs a name")
		case p.Name != "" && names[p.Name]:
			c.Add(at+".name", "%q is the name of another port", p.Name)
		case p.Name != "":
			c.Rule(at+".name", p.Name, validation.IsDNS1123Label(p.Name))
		}
		names[p.Name] = true
		key := fmt.Sprintf("%d/%s", p.Port, p.Protocol)
		if ports[key] {
			c.Add(at+".port", "%s is already used", key)
		}
		ports[key] = true
		if p.TargetPort != intstr.FromInt32(p.Port) { // the default, reported already
			c.PortRef(at+".targetPort", p.TargetPort)
		}
		if p.AppProtocol != nil {
			c.Rule(at+".appProtocol", *p.AppProtocol, validation.IsQualifiedName(*p.AppProtocol))
		}
		if p.NodePort == 0 {
			continue
		}
		checkNodePort(c, at+".nodePort", s.Type, p.NodePort)
		if key := fmt.Sprintf("%d/%s", p.NodePort, p.Protocol); nodePorts[key] {
			c.Add(at+".nodePort", "%s is already used", key)
		} else {
			nodePorts[key] = true
		}
	}
}

// The ports that an API server hands out by default.
const (
	firstNodePort = 30_000
	lastNodePort  = 32_767
)

func checkNodePort(c *admission.Issues, path string, t corev1.ServiceType, port int32) {
	if t != corev1.ServiceTypeNodePort && t != corev1.ServiceTypeLoadBalancer {
		c.Port(path, port)
		c.Add(path, "is not allowed in a Service of type %s", t)
		return
	}
	c.Between(path, int64(port), firstNodePort, lastNodePort)
}

// checkAffinity checks how long a client stays with an instance.
func checkAffinity(c *admission.Issues, s *corev1.ServiceSpec) {
	if a := s.SessionAffinityConfig; a != nil && a.ClientIP != nil && a.ClientIP.TimeoutSeconds != nil {
		c.Between("spec.sessionAffinityConfig.clientIP.timeoutSeconds", int64(*a.ClientIP.TimeoutSeconds), 1, maxAffinitySeconds)
	}
}

// checkReach checks from where a Service can be reached.
func checkReach(c *admission.Issues, s *corev1.ServiceSpec) {
	balanced := s.Type == corev1.ServiceTypeLoadBalancer
	if s.ExternalTrafficPolicy != "" && !reachedFromOutside(s) {
		c.Add("spec.externalTrafficPolicy", "is not possible in a Service of type %s, which is not reached from outside", s.Type)
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"loadBalancerSourceRanges", len(s.LoadBalancerSourceRanges) > 0},
		{"loadBalancerClass", s.LoadBalancerClass != nil},
		{"allocateLoadBalancerNodePorts", s.AllocateLoadBalancerNodePorts != nil},
	} {
		if f.set && !balanced {
			c.Add("spec."+f.name, "is for Services of type LoadBalancer only")
		}
	}
	for i, r := range s.LoadBalancerSourceRanges {
		if _, err := netip.ParsePrefix(strings.TrimSpace(r)); err != nil {
			c.Add(admission.Item("spec.loadBalancerSourceRanges", i), "%q is not a range of addresses such as 10.0.0.0/8", r)
		}
	}
	if s.LoadBalancerClass != nil {
		c.Rule("spec.loadBalancerClass", *s.LoadBalancerClass, validation.IsQualifiedName(*s.LoadBalancerClass))
	}
	if s.HealthCheckNodePort != 0 && !(balanced && s.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal) {
		c.Add("spec.healthCheckNodePort", "is for Services of type LoadBalancer with externalTrafficPolicy: Local only")
	}
	if d := s.TrafficDistribution; d != nil {
		admission.OneOf(c, "spec.trafficDistribution", *d, corev1.ServiceTrafficDistributionPreferSameZone,
			corev1.ServiceTrafficDistributionPreferSameNode, corev1.ServiceTrafficDistributionPreferClose)
	}
}
