package kubernetes

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/image"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/services"
)

const (
	// metricsPort is where the first built-in service of a pod serves its metrics; the others of a pod have the next ports.
	metricsPort = 9464
	// defaultPort is where a built-in service listens that declares no port.
	defaultPort = 8080
	// leave is how long a container still serves after its pod was deleted, in seconds: until all nodes know.
	leave = 3
)

// deployment takes a Deployment along. The pods of a gateway are made by Istio's injector, and left out where there is none.
func (x *exporter) deployment(o resource.Object) error {
	d, ok := o.(*appsv1.Deployment)
	if !ok {
		return fmt.Errorf("it is a %T", o)
	}
	if resource.IsGateway(&d.Spec.Template) {
		if !x.o.Istio {
			x.omitted[omittedIstio]++
			return nil
		}
		x.objects = append(x.objects, d)
		return nil
	}
	p := &pod{exporter: x, d: d, spec: &d.Spec.Template.Spec}
	for _, containers := range [][]corev1.Container{p.spec.InitContainers, p.spec.Containers} {
		for i := range containers {
			p.container(&containers[i])
		}
	}
	p.finish()
	x.objects = append(x.objects, d)
	return nil
}

// pod is a pod template that is made one of a cluster.
type pod struct {
	*exporter
	d    *appsv1.Deployment
	spec *corev1.PodSpec
	// ours counts the built-in services, and foreign the other containers.
	ours, foreign int
	// temporary: a container needs a place for temporary files.
	temporary bool
}

// container makes one container that of a cluster.
func (p *pod) container(c *corev1.Container) {
	p.warnOfPasswords(c)
	b, tag, builtin := services.ByImage(c.Image)
	switch {
	case !builtin:
		p.foreign++
		p.warnings = append(p.warnings, fmt.Sprintf("deployment/%s: the cluster must be able to pull image %q of container %q, which is not shopctl's", p.d.Name, c.Image, c.Name))
		p.otlp(c, corev1.EnvVar{Name: "OTEL_EXPORTER_OTLP_PROTOCOL", Value: "grpc"}, corev1.EnvVar{Name: "OTEL_SERVICE_NAME", Value: p.serviceName(c)})
		return
	case len(c.Command) > 0: // replaces the service
		c.Image = p.o.Image
		p.harden(c)
		return
	}
	c.Image, c.ImagePullPolicy = p.o.Image, corev1.PullIfNotPresent
	if len(c.Args) > 0 {
		p.warnings = append(p.warnings, fmt.Sprintf("deployment/%s: args of container %q are left out: %s is built in and takes its settings from env", p.d.Name, c.Name, b.Name))
	}
	c.Args = []string{"service", "run", b.Name}
	c.WorkingDir = ""
	p.otlp(c)
	p.identity(c, b, tag)
	p.metrics(c)
	p.harden(c)
	p.records(c, b)
	if c.Lifecycle == nil && c.RestartPolicy == nil && !p.isInit(c) {
		c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: leave}}}
	}
	p.ours++
}

func (p *pod) isInit(c *corev1.Container) bool {
	return slices.ContainsFunc(p.spec.InitContainers, func(i corev1.Container) bool { return i.Name == c.Name })
}

// serviceName is a container's name in its spans: the Deployment's for its first.
func (p *pod) serviceName(c *corev1.Container) string {
	if p.leads(c) {
		return p.d.Name
	}
	return p.d.Name + "-" + c.Name
}

// leads reports whether a container is its pod's first, and so has its name and version.
func (p *pod) leads(c *corev1.Container) bool {
	return len(p.spec.Containers) > 0 && p.spec.Containers[0].Name == c.Name
}

// otlp says to a container where spans go, unless it knows.
func (p *pod) otlp(c *corev1.Container, more ...corev1.EnvVar) {
	if p.o.OTLP != "" {
		setDefaults(c, append([]corev1.EnvVar{{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Value: p.o.OTLP}}, more...)...)
	}
}

// identity gives a built-in service the variables that say what it is, which the orchestrator of this machine gives it here.
func (p *pod) identity(c *corev1.Container, b services.Builtin, tag string) {
	field := func(name, path string) corev1.EnvVar {
		return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
	}
	port := int32(defaultPort)
	if len(c.Ports) > 0 {
		port = c.Ports[0].ContainerPort
	}
	version := tag
	if p.leads(c) {
		version = cmp.Or(p.d.Spec.Template.Labels["version"], tag)
	}
	vars := []corev1.EnvVar{
		field("POD_NAME", "metadata.name"), field("POD_NAMESPACE", "metadata.namespace"),
		{Name: "PORT", Value: strconv.Itoa(int(port))},
		{Name: "IMAGE_TAG", Value: tag},
		{Name: "SERVICE_VERSION", Value: version},
	}
	if name := p.serviceName(c); name != b.Workload {
		vars = append(vars, corev1.EnvVar{Name: "OTEL_SERVICE_NAME", Value: name})
	}
	if limit := c.Resources.Limits.Memory().Value(); limit > 0 {
		vars = append(vars, corev1.EnvVar{Name: "GOMEMLIMIT", Value: strconv.FormatInt(limit/10*9, 10)})
	}
	setDefaults(c, vars...)
}

// metrics declares where a built-in service serves its metrics.
func (p *pod) metrics(c *corev1.Container) {
	number := int32(metricsPort + p.ours)
	if slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "METRICS_PORT" }) {
		return // and knows why
	}
	setDefaults(c, corev1.EnvVar{Name: "METRICS_PORT", Value: strconv.Itoa(int(number))})
	if p.ours > 0 || p.isInit(c) || slices.ContainsFunc(c.Ports, func(port corev1.ContainerPort) bool { return port.Name == "metrics" || port.ContainerPort == number }) {
		return
	}
	c.Ports = append(c.Ports, corev1.ContainerPort{Name: "metrics", ContainerPort: number, Protocol: corev1.ProtocolTCP})
	template := &p.d.Spec.Template
	template.Annotations = merged(template.Annotations, map[string]string{
		"prometheus.io/scrape": "true", "prometheus.io/port": strconv.Itoa(int(number)), "prometheus.io/path": "/metrics",
	})
}

// harden takes from a container of our image what it does not need, unless it says what it does: the pods pass the Pod
// Security Standard "restricted".
func (p *pod) harden(c *corev1.Container) {
	if c.SecurityContext != nil {
		return
	}
	yes, no := true, false
	c.SecurityContext = &corev1.SecurityContext{
		RunAsNonRoot: &yes, ReadOnlyRootFilesystem: &yes, AllowPrivilegeEscalation: &no,
		Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	if !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/tmp" }) {
		p.temporary = true
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: p.volumeName("tmp"), MountPath: "/tmp"})
	}
}

// volumeName is a name that no volume of the user's has.
func (p *pod) volumeName(name string) string { return "shopctl-" + name }

// finish sets what holds for the whole pod.
func (p *pod) finish() {
	p.volumes()
	if p.temporary {
		p.spec.Volumes = append(p.spec.Volumes, corev1.Volume{Name: p.volumeName("tmp"), VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	}
	if p.ours == 0 {
		return
	}
	if grace := p.spec.TerminationGracePeriodSeconds; grace != nil {
		longer := *grace + leave
		p.spec.TerminationGracePeriodSeconds = &longer
	}
	if p.foreign > 0 {
		return
	}
	if p.spec.AutomountServiceAccountToken == nil {
		no := false
		p.spec.AutomountServiceAccountToken = &no // nothing of ours asks the API server
	}
	if group := int64(image.User); slices.ContainsFunc(p.spec.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil }) {
		p.setGroup(group)
	}
}

// setGroup lets a user without privileges write to claimed volumes.
func (p *pod) setGroup(group int64) {
	if p.spec.SecurityContext == nil {
		p.spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	if p.spec.SecurityContext.FSGroup == nil {
		p.spec.SecurityContext.FSGroup = &group
	}
}

// setDefaults adds variables that a container does not have, before its own, which may use them.
func setDefaults(c *corev1.Container, vars ...corev1.EnvVar) {
	missing := slices.DeleteFunc(slices.Clone(vars), func(v corev1.EnvVar) bool {
		return slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == v.Name })
	})
	c.Env = append(missing, c.Env...)
}

// warnOfPasswords warns of variables whose value is a URL with a password, which everybody can read who reads the file.
func (p *pod) warnOfPasswords(c *corev1.Container) {
	for _, e := range c.Env {
		u, err := url.Parse(e.Value)
		if err != nil || u.User == nil {
			continue
		}
		if _, has := u.User.Password(); has {
			p.warnings = append(p.warnings, fmt.Sprintf("deployment/%s: the variable %s of container %q has a password in it, which is written: keep it in a Secret, by valueFrom", p.d.Name, e.Name, c.Name))
		}
	}
}
