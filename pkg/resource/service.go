package resource

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/resource/admission"
	"github.com/shopctl/shopctl/pkg/suggest"
)

func serviceKind() Kind {
	return definition[*corev1.Service]{
		Kind: Kind{
			Name: KindService, APIVersion: "v1", Plural: "services", Short: []string{"svc"},
			Namespaced: true, LabelNames: true, Restorable: true,
		},
		empty:       func() *corev1.Service { return &corev1.Service{} },
		defaults:    defaultService,
		check:       checkService,
		checkUpdate: checkServiceUpdate,
		warn:        warnService,
		inert:       inertService,
		spec:        func(s *corev1.Service) any { return s.Spec },
		copyStatus:  keepServiceFields,
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
	defaultReach(&s.Spec)
	for i := range s.Spec.Ports {
		port := &s.Spec.Ports[i]
		admission.Set(&port.Protocol, corev1.ProtocolTCP)
		if port.TargetPort == intstr.FromInt32(0) || port.TargetPort == intstr.FromString("") {
			port.TargetPort = intstr.FromInt32(port.Port)
		}
	}
}

// defaultAffinitySeconds is how long a client stays with an instance: three hours.
const defaultAffinitySeconds = 10_800

// defaultReach fills in how clients of a Service are treated.
func defaultReach(s *corev1.ServiceSpec) {
	switch s.SessionAffinity {
	case corev1.ServiceAffinityClientIP:
		admission.SetPointer(&s.SessionAffinityConfig, corev1.SessionAffinityConfig{})
		admission.SetPointer(&s.SessionAffinityConfig.ClientIP, corev1.ClientIPConfig{})
		admission.SetPointer(&s.SessionAffinityConfig.ClientIP.TimeoutSeconds, defaultAffinitySeconds)
	case corev1.ServiceAffinityNone:
		s.SessionAffinityConfig = nil
	}
	if reachedFromOutside(s) {
		admission.Set(&s.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster)
	}
	if s.Type != corev1.ServiceTypeExternalName {
		admission.SetPointer(&s.InternalTrafficPolicy, corev1.ServiceInternalTrafficPolicyCluster)
	}
	if s.Type == corev1.ServiceTypeLoadBalancer {
		admission.SetPointer(&s.AllocateLoadBalancerNodePorts, true)
	}
}

// inertService are the fields that do nothing here.
func inertService() []admission.Inert {
	fields := []admission.Inert{
		{Field: "spec.sessionAffinity", Message: "has no effect here, where every client has the same address", Silent: []any{"None"}},
		{Field: "spec.clusterIP", Message: "has no effect here; describe shows the address of a Service", Silent: []any{corev1.ClusterIPNone}},
		{Field: "spec.ports[].nodePort", Message: "has no effect here; describe shows the address of a Service"},
		{Field: "spec.externalTrafficPolicy", Message: admission.NoEffect, Silent: []any{"Cluster"}},
		{Field: "spec.internalTrafficPolicy", Message: admission.NoEffect, Silent: []any{"Cluster"}},
		{Field: "spec.ipFamilies", Message: "has no effect here; Services have addresses of IPv4"},
		{Field: "spec.ipFamilyPolicy", Message: "has no effect here; Services have addresses of IPv4"},
	}
	for _, name := range []string{"externalIPs", "loadBalancerIP", "loadBalancerSourceRanges", "loadBalancerClass", "healthCheckNodePort", "trafficDistribution"} {
		fields = append(fields, admission.Inert{Field: "spec." + name, Message: admission.NoEffect})
	}
	return fields
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
	if s.ExternalName != "" && s.Type != corev1.ServiceTypeExternalName {
		c.Add("spec.externalName", "is ignored in a Service of type %s", s.Type)
	}
	if d := s.TrafficDistribution; d != nil && *d == corev1.ServiceTrafficDistributionPreferClose {
		c.Add("spec.trafficDistribution", "PreferClose is deprecated; write PreferSameZone")
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
