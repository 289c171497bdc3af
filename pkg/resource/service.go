package resource

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/suggest"
)

func serviceKind() Kind {
	return definition[*corev1.Service]{
		Kind: Kind{
			Name: KindService, APIVersion: "v1", Plural: "services", Short: []string{"svc"},
			Namespaced: true, LabelNames: true, Restorable: true,
		},
		empty:      func() *corev1.Service { return &corev1.Service{} },
		defaults:   defaultService,
		check:      checkService,
		warn:       warnService,
		spec:       func(s *corev1.Service) any { return s.Spec },
		copyStatus: func(s, from *corev1.Service) { from.Status.DeepCopyInto(&s.Status) },
		columns: []column[*corev1.Service]{
			{"TYPE", serviceType},
			{"CLUSTER-IP", func(s *corev1.Service) string { return cmp.Or(s.Spec.ClusterIP, none) }},
			{"PORT(S)", servicePorts},
			ageColumn[*corev1.Service](),
			{"SELECTOR", func(s *corev1.Service) string { return pairs(s.Spec.Selector) }},
		},
		summary:  servicePorts,
		describe: describeService,
	}.kind()
}

func serviceType(s *corev1.Service) string {
	return string(cmp.Or(s.Spec.Type, corev1.ServiceTypeClusterIP))
}

// servicePorts is "80/TCP,443/TCP", or "<none>".
func servicePorts(s *corev1.Service) string {
	var ports []string
	for _, p := range s.Spec.Ports {
		ports = append(ports, fmt.Sprintf("%d/%s", p.Port, cmp.Or(p.Protocol, corev1.ProtocolTCP)))
	}
	return cmp.Or(strings.Join(ports, ","), none)
}

func defaultService(s *corev1.Service) {
	admission.Set(&s.Spec.Type, corev1.ServiceTypeClusterIP)
	admission.Set(&s.Spec.SessionAffinity, corev1.ServiceAffinityNone)
	for i := range s.Spec.Ports {
		port := &s.Spec.Ports[i]
		admission.Set(&port.Protocol, corev1.ProtocolTCP)
		if port.TargetPort == intstr.FromInt32(0) || port.TargetPort == intstr.FromString("") {
			port.TargetPort = intstr.FromInt32(port.Port)
		}
	}
}

// checkService adds what the API server would refuse in a Service that has its defaults.
func checkService(c *admission.Issues, o *corev1.Service) {
	s := &o.Spec
	c.Labels("spec.selector", s.Selector)
	if s.ClusterIP != "" && s.ClusterIP != corev1.ClusterIPNone {
		if _, err := netip.ParseAddr(s.ClusterIP); err != nil {
			c.Add("spec.clusterIP", "%q is neither an IP address nor None", s.ClusterIP)
		}
	}
	if s.Type == corev1.ServiceTypeExternalName {
		if s.ExternalName == "" {
			c.Add("spec.externalName", "is missing; type ExternalName needs it")
		} else {
			c.Rule("spec.externalName", s.ExternalName, validation.IsDNS1123Subdomain(s.ExternalName))
		}
	} else if len(s.Ports) == 0 && s.ClusterIP != corev1.ClusterIPNone {
		c.Add("spec.ports", "is missing; there must be at least one port")
	}
	checkServicePorts(c, s)
}

func checkServicePorts(c *admission.Issues, s *corev1.ServiceSpec) {
	names, ports := map[string]bool{}, map[string]bool{}
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
		if p.NodePort != 0 {
			c.Port(at+".nodePort", p.NodePort)
			if s.Type != corev1.ServiceTypeNodePort && s.Type != corev1.ServiceTypeLoadBalancer {
				c.Add(at+".nodePort", "is not allowed in a Service of type %s", s.Type)
			}
		}
	}
}

// warnService warns of fields that have no effect here, and of a selector that matches nothing.
func warnService(c *admission.Issues, o *corev1.Service, others Objects) {
	s := &o.Spec
	switch s.Type {
	case corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer:
		c.Add("spec.type", "%s acts as ClusterIP here", s.Type)
	case corev1.ServiceTypeExternalName:
		c.Add("spec.type", "ExternalName has no effect here")
	}
	if len(s.ExternalIPs) > 0 {
		c.Add("spec.externalIPs", admission.NoEffect)
	}
	if s.SessionAffinity == corev1.ServiceAffinityClientIP {
		c.Add("spec.sessionAffinity", "has no effect here, where every client has the same address")
	}
	for i, p := range s.Ports {
		if p.Protocol != corev1.ProtocolTCP {
			c.Add(admission.Item("spec.ports", i)+".protocol", "%s is not served here; TCP is", p.Protocol)
		}
	}
	warnSelector(c, o, others)
}

// warnSelector warns of a selector that matches no Deployment, and of named ports that those it matches do not have.
func warnSelector(c *admission.Issues, s *corev1.Service, others Objects) {
	if len(s.Spec.Selector) == 0 || s.Spec.Type == corev1.ServiceTypeExternalName {
		return
	}
	var all, chosen []*appsv1.Deployment
	for _, name := range others.Names(KindDeployment, s.Namespace) {
		d, ok := others.Find(Key{KindDeployment, s.Namespace, name}).(*appsv1.Deployment)
		if !ok {
			continue
		}
		all = append(all, d)
		if labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(d.Spec.Template.Labels)) {
			chosen = append(chosen, d)
		}
	}
	if len(chosen) == 0 {
		warnNoMatch(c, s, all)
		return
	}
	for i, p := range s.Spec.Ports {
		if p.TargetPort.Type == intstr.String && !slices.ContainsFunc(chosen, func(d *appsv1.Deployment) bool { return hasPort(d, p.TargetPort.StrVal) }) {
			c.Add(admission.Item("spec.ports", i)+".targetPort", "no container of %s has a port named %q", chosen[0].Name, p.TargetPort.StrVal)
		}
	}
}

// warnNoMatch names the values of a selector that no Deployment has, and those that are similar.
func warnNoMatch(c *admission.Issues, s *corev1.Service, all []*appsv1.Deployment) {
	before := len(*c)
	for _, name := range slices.Sorted(maps.Keys(s.Spec.Selector)) {
		want := s.Spec.Selector[name]
		var values []string
		for _, d := range all {
			if v, ok := d.Spec.Template.Labels[name]; ok && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		if slices.Contains(values, want) {
			continue
		}
		message := fmt.Sprintf("no Deployment has the label %s: %s", name, want)
		if near := suggest.Matches(want, values, 3); len(near) > 0 {
			message += "; nearest is " + strings.Join(near, ", ")
		}
		c.Add("spec.selector["+name+"]", "%s", message)
	}
	if len(*c) == before {
		c.Add("spec.selector", "no Deployment has all of these labels: %s", labels.FormatLabels(s.Spec.Selector))
	}
}

func hasPort(d *appsv1.Deployment, name string) bool {
	for _, c := range d.Spec.Template.Spec.Containers {
		if slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name }) {
			return true
		}
	}
	return false
}

// describeService prints where a Service leads: to the ready instances that it selects now.
func describeService(p Printer, s *corev1.Service, live *Live) {
	printField(p, "Selector", pairs(s.Spec.Selector))
	printField(p, "Type", serviceType(s))
	for _, port := range s.Spec.Ports {
		printField(p, "Port", fmt.Sprintf("%s %d -> %s", orDash(port.Name), port.Port, port.TargetPort.String()))
	}
	if live == nil {
		return
	}
	printField(p, "Local address", orDash(live.Address))
	var ready []string
	for _, in := range live.Instances {
		if in.State == "ready" {
			ready = append(ready, in.Address)
		}
	}
	printField(p, "Endpoints", cmp.Or(strings.Join(ready, ","), none))
}
