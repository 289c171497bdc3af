package admission

import (
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Values of Kubernetes' pkg/apis/{apps,core}/v1/defaults.go.
const (
	defaultReplicas         = 1
	defaultHistory          = 10
	defaultProgressSeconds  = 600
	defaultGraceSeconds     = 30
	defaultTerminationPath  = "/dev/termination-log"
	defaultSchedulerName    = "default-scheduler"
	defaultProbeTimeout     = 1
	defaultProbePeriod      = 10
	defaultProbeSuccess     = 1
	defaultProbeFailure     = 3
	defaultVolumeMode       = 0o644
	namespaceNameLabel      = "kubernetes.io/metadata.name"
	kubernetesNamespaceName = "kubernetes"
)

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func setPointer[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

func defaultDeployment(d *appsv1.Deployment) {
	setPointer(&d.Spec.Replicas, defaultReplicas)
	setPointer(&d.Spec.RevisionHistoryLimit, defaultHistory)
	setPointer(&d.Spec.ProgressDeadlineSeconds, defaultProgressSeconds)
	strategy := &d.Spec.Strategy
	set(&strategy.Type, appsv1.RollingUpdateDeploymentStrategyType)
	if strategy.Type == appsv1.RollingUpdateDeploymentStrategyType {
		setPointer(&strategy.RollingUpdate, appsv1.RollingUpdateDeployment{})
		setPointer(&strategy.RollingUpdate.MaxUnavailable, intstr.FromString("25%"))
		setPointer(&strategy.RollingUpdate.MaxSurge, intstr.FromString("25%"))
	}
	defaultPod(&d.Spec.Template.Spec)
}

func defaultPod(p *corev1.PodSpec) {
	set(&p.RestartPolicy, corev1.RestartPolicyAlways)
	set(&p.DNSPolicy, corev1.DNSClusterFirst)
	set(&p.SchedulerName, defaultSchedulerName)
	setPointer(&p.TerminationGracePeriodSeconds, defaultGraceSeconds)
	setPointer(&p.SecurityContext, corev1.PodSecurityContext{})
	// The API server keeps the old name of the field as a copy of the new one; then an apply that leaves the
	// account out cannot remove it. Here there is only the new one.
	set(&p.ServiceAccountName, p.DeprecatedServiceAccount)
	p.DeprecatedServiceAccount = ""
	for i := range p.Containers {
		defaultContainer(&p.Containers[i])
	}
	for i := range p.InitContainers {
		defaultContainer(&p.InitContainers[i])
	}
	for i := range p.Volumes {
		defaultVolume(&p.Volumes[i])
	}
}

func defaultContainer(c *corev1.Container) {
	set(&c.TerminationMessagePath, defaultTerminationPath)
	set(&c.TerminationMessagePolicy, corev1.TerminationMessageReadFile)
	if c.ImagePullPolicy == "" {
		c.ImagePullPolicy = corev1.PullIfNotPresent
		if imageTag(c.Image) == "latest" {
			c.ImagePullPolicy = corev1.PullAlways
		}
	}
	for i := range c.Ports {
		set(&c.Ports[i].Protocol, corev1.ProtocolTCP)
	}
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil && from.FieldRef != nil {
			set(&from.FieldRef.APIVersion, "v1")
		}
	}
	for name, limit := range c.Resources.Limits {
		if _, ok := c.Resources.Requests[name]; !ok {
			if c.Resources.Requests == nil {
				c.Resources.Requests = corev1.ResourceList{}
			}
			c.Resources.Requests[name] = limit.DeepCopy()
		}
	}
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p != nil {
			defaultProbe(p)
		}
	}
}

// imageTag is the tag of an image reference; "latest" if it names neither tag nor digest.
func imageTag(image string) string {
	if strings.Contains(image, "@") {
		return ""
	}
	last := image[strings.LastIndexByte(image, '/')+1:]
	if _, tag, ok := strings.Cut(last, ":"); ok {
		return tag
	}
	return "latest"
}

func defaultProbe(p *corev1.Probe) {
	set(&p.TimeoutSeconds, defaultProbeTimeout)
	set(&p.PeriodSeconds, defaultProbePeriod)
	set(&p.SuccessThreshold, defaultProbeSuccess)
	set(&p.FailureThreshold, defaultProbeFailure)
	if p.HTTPGet != nil {
		set(&p.HTTPGet.Path, "/")
		set(&p.HTTPGet.Scheme, corev1.URISchemeHTTP)
	}
	if p.GRPC != nil {
		setPointer(&p.GRPC.Service, "")
	}
}

func defaultVolume(v *corev1.Volume) {
	switch {
	case v.ConfigMap != nil:
		setPointer(&v.ConfigMap.DefaultMode, defaultVolumeMode)
	case v.Secret != nil:
		setPointer(&v.Secret.DefaultMode, defaultVolumeMode)
	case v.Projected != nil:
		setPointer(&v.Projected.DefaultMode, defaultVolumeMode)
	case v.VolumeSource == corev1.VolumeSource{}:
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
	}
}

func defaultService(s *corev1.Service) {
	set(&s.Spec.Type, corev1.ServiceTypeClusterIP)
	set(&s.Spec.SessionAffinity, corev1.ServiceAffinityNone)
	for i := range s.Spec.Ports {
		port := &s.Spec.Ports[i]
		set(&port.Protocol, corev1.ProtocolTCP)
		if port.TargetPort == intstr.FromInt32(0) || port.TargetPort == intstr.FromString("") {
			port.TargetPort = intstr.FromInt32(port.Port)
		}
	}
}

func defaultSecret(s *corev1.Secret) {
	set(&s.Type, corev1.SecretTypeOpaque)
	if len(s.StringData) > 0 {
		data := maps.Clone(s.Data)
		if data == nil {
			data = map[string][]byte{}
		}
		for k, v := range s.StringData {
			data[k] = []byte(v)
		}
		s.Data, s.StringData = data, nil
	}
}

func defaultNamespace(n *corev1.Namespace) {
	if n.Name != "" && n.Labels[namespaceNameLabel] == "" {
		labels := maps.Clone(n.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		labels[namespaceNameLabel] = n.Name
		n.Labels = labels
	}
	if len(n.Spec.Finalizers) == 0 {
		n.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerName(kubernetesNamespaceName)}
	}
	set(&n.Status.Phase, corev1.NamespaceActive)
}
