package admission

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// NoEffect is the message about a field that does nothing on one machine.
const NoEffect = "has no effect here, where every instance runs on this machine"

// PodWarnings adds what is legal in a pod template but is probably not meant. The template has its defaults.
func (c *Issues) PodWarnings(path string, p *corev1.PodSpec) {
	if g := p.TerminationGracePeriodSeconds; g != nil && *g < 0 {
		c.Add(path+".terminationGracePeriodSeconds", "%d is negative; it counts as 1", *g)
	}
	seen := map[string]bool{}
	for i, s := range p.ImagePullSecrets {
		at := Item(path+".imagePullSecrets", i) + ".name"
		switch {
		case s.Name == "":
			c.Add(at, "is empty")
		case seen[s.Name]:
			c.Add(at, "%q is there already", s.Name)
		}
		seen[s.Name] = true
	}
	addresses := map[string]bool{}
	for i, a := range p.HostAliases {
		if addresses[a.IP] {
			c.Add(Item(path+".hostAliases", i)+".ip", "%q is there already", a.IP)
		}
		addresses[a.IP] = true
	}
	c.WholeBytes(path+".overhead", p.Overhead)
	c.schedulingWarnings(path, p)
	for i, v := range p.Volumes {
		at := Item(path+".volumes", i)
		if v.EmptyDir == nil && v.ConfigMap == nil && v.Secret == nil && v.DownwardAPI == nil && v.Projected == nil && v.PersistentVolumeClaim == nil && v.Ephemeral == nil {
			c.Add(at, "has an unsupported kind; configMap, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected and secret are supported")
		}
		c.overlaps(at, &v.VolumeSource)
	}
	ports := &portList{byNumber: map[string]string{}, byName: map[string]string{}}
	for i := range p.InitContainers {
		c.containerWarnings(Item(path+".initContainers", i), &p.InitContainers[i], ports)
	}
	for i := range p.Containers {
		c.containerWarnings(Item(path+".containers", i), &p.Containers[i], ports)
	}
}

// AnnotationWarnings warns of annotations of a pod template that clusters have replaced by fields.
func (c *Issues) AnnotationWarnings(path string, annotations map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		for _, old := range []struct{ prefix, field string }{
			{"seccomp.security.alpha.kubernetes.io/pod", "seccompProfile"},
			{"container.seccomp.security.alpha.kubernetes.io/", "seccompProfile"},
			{"container.apparmor.security.beta.kubernetes.io/", "appArmorProfile"},
			{"scheduler.alpha.kubernetes.io/critical-pod", "priorityClassName"},
		} {
			if strings.HasPrefix(key, old.prefix) {
				c.Add(Entry(path, key), "is deprecated and has no effect; clusters have the field %s", old.field)
			}
		}
	}
}

// schedulingWarnings warns of rules that match no pod.
func (c *Issues) schedulingWarnings(path string, p *corev1.PodSpec) {
	const matchesNothing = "is missing, and so no pod matches"
	for i, s := range p.TopologySpreadConstraints {
		if s.LabelSelector == nil {
			c.Add(Item(path+".topologySpreadConstraints", i)+".labelSelector", matchesNothing)
		}
	}
	if p.Affinity == nil {
		return
	}
	terms := func(at string, required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) {
		for i, t := range required {
			if t.LabelSelector == nil {
				c.Add(Item(at+".requiredDuringSchedulingIgnoredDuringExecution", i)+".labelSelector", matchesNothing)
			}
		}
		for i, t := range preferred {
			if t.PodAffinityTerm.LabelSelector == nil {
				c.Add(Item(at+".preferredDuringSchedulingIgnoredDuringExecution", i)+".podAffinityTerm.labelSelector", matchesNothing)
			}
		}
	}
	if a := p.Affinity.PodAffinity; a != nil {
		terms(path+".affinity.podAffinity", a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a := p.Affinity.PodAntiAffinity; a != nil {
		terms(path+".affinity.podAntiAffinity", a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
}

// overlaps warns of files of a volume that hide each other.
func (c *Issues) overlaps(path string, v *corev1.VolumeSource) {
	var paths []string
	switch {
	case v.ConfigMap != nil:
		path, paths = path+".configMap.items", pathsOf(v.ConfigMap.Items)
	case v.Secret != nil:
		path, paths = path+".secret.items", pathsOf(v.Secret.Items)
	case v.DownwardAPI != nil:
		path += ".downwardAPI.items"
		for _, item := range v.DownwardAPI.Items {
			paths = append(paths, item.Path)
		}
	}
	if v.Projected != nil {
		for i, source := range v.Projected.Sources {
			if given(source) == 0 {
				c.Add(Item(path+".projected.sources", i), "has no source")
			}
		}
	}
	const longest = 4096 // no system has longer paths
	files, dirs := map[string]string{}, map[string]string{}
	for i, p := range paths {
		if len(p) > longest {
			continue
		}
		for _, other := range []string{files[p], dirs[p]} {
			if other != "" {
				c.Add(Item(path, i)+".path", "%q overlaps with %q", p, other)
			}
		}
		files[p] = p
		for dir := parent(p); dir != ""; dir = parent(dir) {
			if files[dir] != "" {
				c.Add(Item(path, i)+".path", "%q overlaps with %q", p, dir)
			}
			dirs[dir] = p
		}
	}
}

// parent is the directory of a path, "" if it is in none.
func parent(p string) string { return p[:max(0, strings.LastIndexByte(p, '/'))] }

func (c *Issues) containerWarnings(path string, k *corev1.Container, ports *portList) {
	c.WholeBytes(path+".resources.limits", k.Resources.Limits)
	c.WholeBytes(path+".resources.requests", k.Resources.Requests)
	first := map[string]bool{}
	for i, e := range k.Env {
		// X: "$(X)b" adds to what is before it.
		before := "$(" + e.Name + ")"
		if first[e.Name] && (e.ValueFrom != nil || e.Value == before || !strings.Contains(e.Value, before)) {
			c.Add(Item(path+".env", i)+".name", "%q is set twice; the last one counts", e.Name)
		}
		first[e.Name] = true
		c.amountWarnings(Item(path+".env", i)+".valueFrom.resourceFieldRef", e.ValueFrom, k)
	}
	for i := range k.Ports {
		c.portWarnings(Item(path+".ports", i), &k.Ports[i], ports)
	}
	for _, p := range []struct {
		name  string
		probe *corev1.Probe
	}{{"livenessProbe", k.LivenessProbe}, {"readinessProbe", k.ReadinessProbe}, {"startupProbe", k.StartupProbe}} {
		if port, at, ok := probedPort(p.probe); ok && !declares(k.Ports, port) {
			c.Add(path+"."+p.name+"."+at, "%s is not one of the container's ports (%s)", port.String(), listPorts(k.Ports))
		}
	}
}

// amountWarnings warns of a variable with an amount that its container does not have.
func (c *Issues) amountWarnings(path string, from *corev1.EnvVarSource, k *corev1.Container) {
	if from == nil || from.ResourceFieldRef == nil {
		return
	}
	ref := from.ResourceFieldRef
	if ref.ContainerName != "" && ref.ContainerName != k.Name {
		c.Add(path+".containerName", "has no effect here; a variable shows the amounts of its own container")
	}
	kind, name, _ := strings.Cut(ref.Resource, ".")
	_, limited := k.Resources.Limits[corev1.ResourceName(name)]
	_, requested := k.Resources.Requests[corev1.ResourceName(name)]
	if !limited && !(requested && kind == "requests") {
		c.Add(path+".resource", "%s is not set, and the container cannot start; on a cluster it is what the machine has", ref.Resource)
	}
}

// portList has the paths of the ports of a pod's containers.
type portList struct{ byNumber, byName map[string]string }

func (c *Issues) portWarnings(at string, p *corev1.ContainerPort, ports *portList) {
	if p.HostIP != "" && p.HostPort == 0 {
		c.Add(at+".hostIP", "needs a hostPort")
	}
	number := fmt.Sprintf("%d/%s", p.ContainerPort, p.Protocol)
	if other, twice := ports.byNumber[number]; twice {
		c.Add(at+".containerPort", "%s is the same port as %s", number, other)
	} else {
		ports.byNumber[number] = at
	}
	if p.Name == "" {
		return
	}
	if other, twice := ports.byName[p.Name]; twice {
		c.Add(at+".name", "%q is the name of %s too, which Services and probes lead to", p.Name, other)
	} else {
		ports.byName[p.Name] = at
	}
}

// HostName warns of a name that is legal but becomes part of host names, where it is not.
func (c *Issues) HostName(path, name string) {
	if complaints := validation.IsDNS1123Label(name); len(complaints) > 0 {
		c.Add(path, "%q is part of the names of instances and %s; a name without dots of up to 63 characters is better", name, withoutRegexp(complaints[0]))
	}
}

// probedPort is the port of a probe, and the path to it; false for one without.
func probedPort(p *corev1.Probe) (port intstr.IntOrString, path string, ok bool) {
	switch {
	case p == nil:
		return port, "", false
	case p.GRPC != nil:
		return intstr.FromInt32(p.GRPC.Port), "grpc.port", true
	case p.HTTPGet != nil:
		return p.HTTPGet.Port, "httpGet.port", true
	case p.TCPSocket != nil:
		return p.TCPSocket.Port, "tcpSocket.port", true
	}
	return port, "", false
}

func declares(ports []corev1.ContainerPort, port intstr.IntOrString) bool {
	return slices.ContainsFunc(ports, func(p corev1.ContainerPort) bool {
		return port.Type == intstr.Int && port.IntVal == p.ContainerPort || port.Type == intstr.String && port.StrVal == p.Name
	})
}

func listPorts(ports []corev1.ContainerPort) string {
	if len(ports) == 0 {
		return "it declares none"
	}
	const most = 10
	var list []string
	for _, p := range ports[:min(len(ports), most)] {
		list = append(list, strings.TrimSpace(strconv.Itoa(int(p.ContainerPort))+" "+p.Name))
	}
	if len(ports) > most {
		list = append(list, "...")
	}
	return strings.Join(list, ", ")
}
