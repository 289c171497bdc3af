package daemon

import (
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// metricsAt is where the metrics of a program that is not a built-in service are.
type metricsAt struct {
	container          string
	port               int32
	path, scheme, addr string
}

// The annotations by which Prometheus' own examples for Kubernetes find metrics.
const (
	scrapeAnnotation = "prometheus.io/scrape"
	portAnnotation   = "prometheus.io/port"
	pathAnnotation   = "prometheus.io/path"
	schemeAnnotation = "prometheus.io/scheme"
)

// metricsOf finds where a Deployment says that its metrics are: by annotations of its pods or of itself, or by a port named
// metrics or ending in -metrics. It is false if it does not say so.
func metricsOf(annotations map[string]string, pod *corev1.PodSpec) (at metricsAt, ok bool) {
	scrape, given := annotations[scrapeAnnotation]
	wanted, _ := strconv.ParseBool(scrape)
	if given && !wanted {
		return at, false
	}
	at.path, at.scheme = annotations[pathAnnotation], strings.ToLower(annotations[schemeAnnotation])
	if port, err := strconv.ParseUint(annotations[portAnnotation], 10, 16); err == nil {
		at.port = int32(port)
	}
	for _, c := range pod.Containers {
		for _, p := range c.Ports {
			named := p.Name == "metrics" || strings.HasSuffix(p.Name, "-metrics")
			if at.container == "" && (at.port == p.ContainerPort || at.port == 0 && named) {
				at.container, at.port, ok = c.Name, p.ContainerPort, true
			}
		}
	}
	if !wanted {
		return at, ok
	}
	if at.container == "" && len(pod.Containers) > 0 {
		at.container = pod.Containers[0].Name
	}
	return at, at.container != ""
}

// address is where a container serves its metrics on this machine. The first port of a container is the one that it is given
// in PORT, and any other the one that it has on a cluster.
func (at metricsAt) address(pod *corev1.PodSpec, c orchestrator.Container) string {
	i := slices.IndexFunc(pod.Containers, func(k corev1.Container) bool { return k.Name == at.container })
	if at.port == 0 || i < 0 || len(pod.Containers[i].Ports) == 0 || pod.Containers[i].Ports[0].ContainerPort == at.port {
		return c.Addr
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(at.port)))
}

// metricsAddr is where the metrics of a container are; an empty addr if nowhere.
func (s *shop) metricsAddr(w orchestrator.Workload, c orchestrator.Container) metricsAt {
	if c.Admin != "" {
		return metricsAt{addr: c.Admin}
	}
	if w.Builtin != "" || c.ID == "" {
		return metricsAt{}
	}
	for _, d := range s.source.Objects().Deployments {
		if d.Namespace != w.Namespace || d.Name != w.Name {
			continue
		}
		annotations := map[string]string{}
		for _, all := range []map[string]string{d.Annotations, d.Spec.Template.Annotations} {
			for key, value := range all {
				annotations[key] = value
			}
		}
		pod := &d.Spec.Template.Spec
		if at, ok := metricsOf(annotations, pod); ok && at.container == c.Name {
			at.addr = at.address(pod, c)
			return at
		}
	}
	return metricsAt{}
}
