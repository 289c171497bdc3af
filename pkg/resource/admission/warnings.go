package admission

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// NoEffect is the message about a field that does nothing on one machine.
const NoEffect = "has no effect here, where every instance runs on this machine"

// PodWarnings adds what is legal in a pod template but does not do on one machine what it does on a cluster, and what is
// probably not meant. The template has its defaults.
func (c *Issues) PodWarnings(path string, p *corev1.PodSpec) {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"nodeName", p.NodeName != ""},
		{"nodeSelector", len(p.NodeSelector) > 0},
		{"affinity", p.Affinity != nil},
		{"tolerations", len(p.Tolerations) > 0},
		{"topologySpreadConstraints", len(p.TopologySpreadConstraints) > 0},
		{"priorityClassName", p.PriorityClassName != ""},
		{"runtimeClassName", p.RuntimeClassName != nil},
		{"schedulingGates", len(p.SchedulingGates) > 0},
		{"hostNetwork", p.HostNetwork},
		{"hostPID", p.HostPID},
		{"hostIPC", p.HostIPC},
		{"hostAliases", len(p.HostAliases) > 0},
		{"hostname", p.Hostname != ""},
		{"subdomain", p.Subdomain != ""},
		{"dnsConfig", p.DNSConfig != nil},
		{"imagePullSecrets", len(p.ImagePullSecrets) > 0},
		{"securityContext", p.SecurityContext != nil && !Equal(p.SecurityContext, corev1.PodSecurityContext{})},
	} {
		if f.set {
			c.Add(path+"."+f.name, NoEffect)
		}
	}
	for i, v := range p.Volumes {
		if v.EmptyDir == nil && v.ConfigMap == nil && v.Secret == nil && v.DownwardAPI == nil && v.Projected == nil && v.PersistentVolumeClaim == nil && v.Ephemeral == nil {
			c.Add(Item(path+".volumes", i), "has an unsupported kind; configMap, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected and secret are supported")
		}
	}
	for i := range p.InitContainers {
		c.containerWarnings(Item(path+".initContainers", i), &p.InitContainers[i])
	}
	for i := range p.Containers {
		c.containerWarnings(Item(path+".containers", i), &p.Containers[i])
	}
}

func (c *Issues) containerWarnings(path string, k *corev1.Container) {
	if k.Lifecycle != nil {
		c.Add(path+".lifecycle", "hooks are not supported")
	}
	if k.SecurityContext != nil {
		c.Add(path+".securityContext", NoEffect)
	}
	first := map[string]bool{}
	for i, e := range k.Env {
		if first[e.Name] {
			c.Add(Item(path+".env", i)+".name", "%q is set twice; the last one counts", e.Name)
		}
		first[e.Name] = true
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
	for _, p := range ports {
		if port.Type == intstr.Int && port.IntVal == p.ContainerPort || port.Type == intstr.String && port.StrVal == p.Name {
			return true
		}
	}
	return false
}

func listPorts(ports []corev1.ContainerPort) string {
	list := ""
	for _, p := range ports {
		if list != "" {
			list += ", "
		}
		list += strconv.Itoa(int(p.ContainerPort))
		if p.Name != "" {
			list += " " + p.Name
		}
	}
	if list == "" {
		return "it declares none"
	}
	return list
}
