package admission

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

func privileged(s *corev1.SecurityContext) bool { return s != nil && isTrue(s.Privileged) }

func isTrue(b *bool) bool { return b != nil && *b }

func isFalse(b *bool) bool { return b != nil && !*b }

// security checks the security context of a container; hostUsers is false in a pod with a user namespace of its own.
func (c *Issues) security(path string, s *corev1.SecurityContext, hostUsers bool) {
	if s == nil {
		return
	}
	c.id(path+".runAsUser", s.RunAsUser)
	c.id(path+".runAsGroup", s.RunAsGroup)
	if p := s.ProcMount; p != nil {
		OneOf(c, path+".procMount", *p, corev1.DefaultProcMount, corev1.UnmaskedProcMount)
		if *p == corev1.UnmaskedProcMount && hostUsers {
			c.Add(path+".procMount", "Unmasked needs hostUsers: false in the pod")
		}
	}
	c.seccomp(path+".seccompProfile", s.SeccompProfile)
	c.appArmor(path+".appArmorProfile", s.AppArmorProfile)
	c.windows(path+".windowsOptions", s.WindowsOptions)
	if !isFalse(s.AllowPrivilegeEscalation) {
		return
	}
	if isTrue(s.Privileged) {
		c.Add(path, "allowPrivilegeEscalation: false cannot be combined with privileged: true")
	}
	if s.Capabilities != nil && slices.Contains(s.Capabilities.Add, "CAP_SYS_ADMIN") {
		c.Add(path, "allowPrivilegeEscalation: false cannot be combined with the capability CAP_SYS_ADMIN")
	}
}

// podSecurity checks the security context of a pod, which may have the network of its machine.
func (c *Issues) podSecurity(path string, s *corev1.PodSecurityContext, hostNetwork bool) {
	if s == nil {
		return
	}
	c.id(path+".runAsUser", s.RunAsUser)
	c.id(path+".runAsGroup", s.RunAsGroup)
	c.id(path+".fsGroup", s.FSGroup)
	for i := range s.SupplementalGroups {
		c.id(Item(path+".supplementalGroups", i), &s.SupplementalGroups[i])
	}
	if p := s.FSGroupChangePolicy; p != nil {
		OneOf(c, path+".fsGroupChangePolicy", *p, corev1.FSGroupChangeOnRootMismatch, corev1.FSGroupChangeAlways)
	}
	if p := s.SupplementalGroupsPolicy; p != nil {
		OneOf(c, path+".supplementalGroupsPolicy", *p, corev1.SupplementalGroupsPolicyMerge, corev1.SupplementalGroupsPolicyStrict)
	}
	if p := s.SELinuxChangePolicy; p != nil {
		OneOf(c, path+".seLinuxChangePolicy", *p, corev1.SELinuxChangePolicyRecursive, corev1.SELinuxChangePolicyMountOption)
	}
	c.seccomp(path+".seccompProfile", s.SeccompProfile)
	c.appArmor(path+".appArmorProfile", s.AppArmorProfile)
	c.windows(path+".windowsOptions", s.WindowsOptions)
	if o := s.WindowsOptions; o != nil && isTrue(o.HostProcess) && !hostNetwork {
		c.Add(strings.TrimSuffix(path, ".securityContext")+".hostNetwork", "must be true with hostProcess")
	}
	names := map[string]bool{}
	for i, s := range s.Sysctls {
		at := Item(path+".sysctls", i) + ".name"
		switch {
		case c.Required(at, s.Name):
		case names[s.Name]:
			c.Add(at, "%q is set already", s.Name)
		case !sysctlName(s.Name):
			c.Add(at, "%q is not the name of a kernel parameter such as net.core.somaxconn", s.Name)
		}
		names[s.Name] = true
	}
}

// sysctlName reports whether a name can be that of a kernel parameter: segments of letters, digits, - and _ between
// dots or slashes.
func sysctlName(name string) bool {
	const most = 253
	for _, segment := range strings.FieldsFunc(name+".", func(r rune) bool { return r == '.' || r == '/' }) {
		complaints := validation.IsDNS1123Label(strings.ReplaceAll(segment, "_", "-"))
		if len(complaints) > 0 {
			return false
		}
	}
	return len(name) <= most && !strings.Contains(name, "..") && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".")
}

// id checks the number of a user or of a group.
func (c *Issues) id(path string, id *int64) {
	if id == nil {
		return
	}
	if complaints := validation.IsValidUserID(*id); len(complaints) > 0 {
		c.Add(path, "%d is not the number of a user or group: it %s", *id, complaints[0])
	}
}

func (c *Issues) seccomp(path string, p *corev1.SeccompProfile) {
	if p == nil {
		return
	}
	OneOf(c, path+".type", p.Type, corev1.SeccompProfileTypeRuntimeDefault, corev1.SeccompProfileTypeUnconfined, corev1.SeccompProfileTypeLocalhost)
	local := p.Type == corev1.SeccompProfileTypeLocalhost
	switch {
	case local && p.LocalhostProfile == nil:
		c.Add(path+".localhostProfile", "is missing; type Localhost needs it")
	case local:
		c.within(path+".localhostProfile", *p.LocalhostProfile)
	case p.LocalhostProfile != nil:
		c.Add(path+".localhostProfile", "is for type Localhost only")
	}
}

func (c *Issues) appArmor(path string, p *corev1.AppArmorProfile) {
	if p == nil {
		return
	}
	OneOf(c, path+".type", p.Type, corev1.AppArmorProfileTypeRuntimeDefault, corev1.AppArmorProfileTypeUnconfined, corev1.AppArmorProfileTypeLocalhost)
	local := p.Type == corev1.AppArmorProfileTypeLocalhost
	switch {
	case local && (p.LocalhostProfile == nil || strings.TrimSpace(*p.LocalhostProfile) == ""):
		c.Add(path+".localhostProfile", "is missing; type Localhost needs it")
	case local && strings.TrimSpace(*p.LocalhostProfile) != *p.LocalhostProfile:
		c.Add(path+".localhostProfile", "%q has a space at its beginning or end", *p.LocalhostProfile)
	case !local && p.LocalhostProfile != nil:
		c.Add(path+".localhostProfile", "is for type Localhost only")
	}
}

// windows checks what containers on Windows have.
func (c *Issues) windows(path string, o *corev1.WindowsSecurityContextOptions) {
	if o == nil {
		return
	}
	if name := o.GMSACredentialSpecName; name != nil {
		c.Rule(path+".gmsaCredentialSpecName", *name, validation.IsDNS1123Subdomain(*name))
	}
	if o.GMSACredentialSpec != nil {
		c.Required(path+".gmsaCredentialSpec", *o.GMSACredentialSpec)
	}
	if name := o.RunAsUserName; name != nil && !c.Required(path+".runAsUserName", *name) {
		_, user, domain := strings.Cut(*name, `\`)
		if !domain {
			user = *name
		}
		if strings.ContainsAny(user, `"/\:;|=,+*?<>@[]`) || strings.TrimSpace(user) == "" {
			c.Add(path+".runAsUserName", "%q is not the name of a user such as ContainerUser", *name)
		}
	}
}

// system checks that a pod for Windows has nothing that only Linux has, and the other way round.
func (c *Issues) system(path string, p *corev1.PodSpec) {
	if p.OS == nil || p.OS.Name != corev1.Linux && p.OS.Name != corev1.Windows {
		return
	}
	foreign := func(at string, security any) {
		tree, err := treeOf(security)
		if err != nil {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(tree)) {
			forWindows := name == "windowsOptions"
			forBoth := name == "runAsNonRoot"
			if !forBoth && forWindows != (p.OS.Name == corev1.Windows) {
				c.Add(at+".securityContext."+name, "cannot be set in a pod for %s", p.OS.Name)
			}
		}
	}
	foreign(path, p.SecurityContext)
	for i, k := range p.Containers {
		foreign(Item(path+".containers", i), k.SecurityContext)
	}
	for i, k := range p.InitContainers {
		foreign(Item(path+".initContainers", i), k.SecurityContext)
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"hostPID", p.HostPID},
		{"hostIPC", p.HostIPC},
		{"hostUsers", p.HostUsers != nil},
		{"shareProcessNamespace", p.ShareProcessNamespace != nil},
	} {
		if f.set && p.OS.Name == corev1.Windows {
			c.Add(path+"."+f.name, "cannot be set in a pod for windows")
		}
	}
}

// treeOf is the JSON tree of a value; nil for nil.
func treeOf(v any) (map[string]any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	err = json.Unmarshal(data, &tree)
	return tree, err
}
