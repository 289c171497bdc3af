package admission

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Pod checks the template of a pod that has its defaults.
func (c *Issues) Pod(path string, p *corev1.PodSpec) {
	if p.RestartPolicy != corev1.RestartPolicyAlways {
		c.Add(path+".restartPolicy", "%q: a Deployment's instances always restart; only Always is possible", p.RestartPolicy)
	}
	if p.ActiveDeadlineSeconds != nil {
		c.Add(path+".activeDeadlineSeconds", "is not possible in a Deployment")
	}
	if len(p.EphemeralContainers) > 0 {
		c.Add(path+".ephemeralContainers", "are not possible in a Deployment")
	}
	c.identity(path, p)
	c.host(path, p)
	c.dns(path+".dnsConfig", p.DNSPolicy, p.DNSConfig)
	c.scheduling(path, p)
	c.podSecurity(path+".securityContext", p.SecurityContext, p.HostNetwork)
	c.containers(path, p)
	c.claims(path, p)
}

func (c *Issues) containers(path string, p *corev1.PodSpec) {
	of := of{pod: p, volumes: c.volumes(path+".volumes", p.Volumes), claims: map[string]bool{}, names: map[string]bool{}}
	for _, claim := range p.ResourceClaims {
		of.claims[claim.Name] = true
	}
	if len(p.Containers) == 0 {
		c.Add(path+".containers", "is missing; there must be at least one container")
	}
	for i := range p.Containers {
		at := Item(path+".containers", i)
		c.container(at, &p.Containers[i], of)
		c.running(at, &p.Containers[i], p)
	}
	for i := range p.InitContainers {
		at := Item(path+".initContainers", i)
		c.container(at, &p.InitContainers[i], of)
		c.initContainer(at, &p.InitContainers[i], p)
	}
	c.hostPorts(path+".containers", p.Containers)
}

// identity checks the names that a pod goes by.
func (c *Issues) identity(path string, p *corev1.PodSpec) {
	for _, f := range []struct {
		name, value string
		rule        func(string) []string
	}{
		{"serviceAccountName", p.ServiceAccountName, validation.IsDNS1123Subdomain},
		{"nodeName", p.NodeName, validation.IsDNS1123Subdomain},
		{"hostnameOverride", deref(p.HostnameOverride), validation.IsDNS1123Subdomain},
		{"hostname", p.Hostname, validation.IsDNS1123Label},
		{"subdomain", p.Subdomain, validation.IsDNS1123Label},
		{"priorityClassName", p.PriorityClassName, validation.IsDNS1123Subdomain},
		{"runtimeClassName", deref(p.RuntimeClassName), validation.IsDNS1123Subdomain},
	} {
		if f.value != "" {
			c.Rule(path+"."+f.name, f.value, f.rule(f.value))
		}
	}
	if p.OS != nil && !c.Required(path+".os.name", string(p.OS.Name)) {
		OneOf(c, path+".os", p.OS.Name, corev1.Linux, corev1.Windows)
	}
	c.system(path, p)
	if p.PreemptionPolicy != nil {
		OneOf(c, path+".preemptionPolicy", *p.PreemptionPolicy, corev1.PreemptLowerPriority, corev1.PreemptNever)
	}
	for i, g := range p.ReadinessGates {
		at := Item(path+".readinessGates", i) + ".conditionType"
		c.Rule(at, string(g.ConditionType), validation.IsQualifiedName(string(g.ConditionType)))
	}
	c.amounts(path+".overhead", p.Overhead)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// claims checks the devices that a pod asks for, and the amounts that its containers share.
func (c *Issues) claims(path string, p *corev1.PodSpec) {
	names := map[string]bool{}
	for i, claim := range p.ResourceClaims {
		at := Item(path+".resourceClaims", i)
		c.Rule(at+".name", claim.Name, validation.IsDNS1123Label(claim.Name))
		if names[claim.Name] {
			c.Add(at+".name", "%q is the name of another claim", claim.Name)
		}
		names[claim.Name] = true
		if (claim.ResourceClaimName == nil) == (claim.ResourceClaimTemplateName == nil) {
			c.Add(at, "must have exactly one of resourceClaimName, resourceClaimTemplateName")
		}
	}
	if p.Resources == nil {
		return
	}
	c.resources(path+".resources", *p.Resources)
	for i, k := range p.Containers {
		for _, name := range slices.Sorted(maps.Keys(k.Resources.Limits)) {
			limit := k.Resources.Limits[name]
			if most, limited := p.Resources.Limits[name]; limited && limit.Cmp(most) > 0 {
				c.Add(Entry(Item(path+".containers", i)+".resources.limits", string(name)), "%s is more than the pod's limit of %s", limit.String(), most.String())
			}
		}
	}
}

// host checks what a pod shares with the machine that it runs on.
func (c *Issues) host(path string, p *corev1.PodSpec) {
	for i, a := range p.HostAliases {
		at := Item(path+".hostAliases", i)
		c.IP(at+".ip", a.IP)
		for j, name := range a.Hostnames {
			c.Rule(Item(at+".hostnames", j), name, validation.IsDNS1123Subdomain(name))
		}
	}
	if p.HostNetwork {
		for i, k := range p.Containers {
			for j, port := range k.Ports {
				if port.HostPort != 0 && port.HostPort != port.ContainerPort {
					c.Add(Item(Item(path+".containers", i)+".ports", j)+".hostPort",
						"%d must be the containerPort %d when hostNetwork is true", port.HostPort, port.ContainerPort)
				}
			}
		}
	}
	if p.HostPID && isTrue(p.ShareProcessNamespace) {
		c.Add(path+".shareProcessNamespace", "cannot be combined with hostPID")
	}
	if isFalse(p.HostUsers) {
		for _, f := range []struct {
			name string
			set  bool
		}{{"hostNetwork", p.HostNetwork}, {"hostPID", p.HostPID}, {"hostIPC", p.HostIPC}} {
			if f.set {
				c.Add(path+"."+f.name, "cannot be combined with hostUsers: false")
			}
		}
	}
}
