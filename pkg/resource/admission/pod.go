package admission

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Values of Kubernetes' pkg/apis/core/v1/defaults.go.
const (
	defaultGraceSeconds    = 30
	defaultTerminationPath = "/dev/termination-log"
	defaultSchedulerName   = "default-scheduler"
	defaultProbeTimeout    = 1
	defaultProbePeriod     = 10
	defaultProbeSuccess    = 1
	defaultProbeFailure    = 3
	defaultVolumeMode      = 0o644
)

// DefaultPod fills in what the template of a pod leaves out, as Kubernetes does.
func DefaultPod(p *corev1.PodSpec) {
	Set(&p.RestartPolicy, corev1.RestartPolicyAlways)
	Set(&p.DNSPolicy, corev1.DNSClusterFirst)
	Set(&p.SchedulerName, defaultSchedulerName)
	SetPointer(&p.TerminationGracePeriodSeconds, defaultGraceSeconds)
	SetPointer(&p.SecurityContext, corev1.PodSecurityContext{})
	// The API server keeps the old name of the field as a copy of the new one; then an apply that leaves the
	// account out cannot remove it. Here there is only the new one.
	Set(&p.ServiceAccountName, p.DeprecatedServiceAccount)
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
	Set(&c.TerminationMessagePath, defaultTerminationPath)
	Set(&c.TerminationMessagePolicy, corev1.TerminationMessageReadFile)
	if c.ImagePullPolicy == "" {
		c.ImagePullPolicy = corev1.PullIfNotPresent
		if imageTag(c.Image) == "latest" {
			c.ImagePullPolicy = corev1.PullAlways
		}
	}
	for i := range c.Ports {
		Set(&c.Ports[i].Protocol, corev1.ProtocolTCP)
	}
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil && from.FieldRef != nil {
			Set(&from.FieldRef.APIVersion, "v1")
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
	Set(&p.TimeoutSeconds, defaultProbeTimeout)
	Set(&p.PeriodSeconds, defaultProbePeriod)
	Set(&p.SuccessThreshold, defaultProbeSuccess)
	Set(&p.FailureThreshold, defaultProbeFailure)
	if p.HTTPGet != nil {
		Set(&p.HTTPGet.Path, "/")
		Set(&p.HTTPGet.Scheme, corev1.URISchemeHTTP)
	}
	if p.GRPC != nil {
		SetPointer(&p.GRPC.Service, "")
	}
}

func defaultVolume(v *corev1.Volume) {
	switch {
	case v.ConfigMap != nil:
		SetPointer(&v.ConfigMap.DefaultMode, defaultVolumeMode)
	case v.Secret != nil:
		SetPointer(&v.Secret.DefaultMode, defaultVolumeMode)
	case v.Projected != nil:
		SetPointer(&v.Projected.DefaultMode, defaultVolumeMode)
	case v.VolumeSource == corev1.VolumeSource{}:
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
	}
}

// Pod checks the template of a pod that has its defaults.
func (c *Issues) Pod(path string, p *corev1.PodSpec) {
	if p.RestartPolicy != corev1.RestartPolicyAlways {
		c.Add(path+".restartPolicy", "%q: a Deployment's instances always restart; only Always is possible", p.RestartPolicy)
	}
	if p.TerminationGracePeriodSeconds != nil {
		c.AtLeast(path+".terminationGracePeriodSeconds", *p.TerminationGracePeriodSeconds, 0)
	}
	if p.ActiveDeadlineSeconds != nil {
		c.Add(path+".activeDeadlineSeconds", "is not possible in a Deployment")
	}
	if p.ServiceAccountName != "" {
		c.Rule(path+".serviceAccountName", p.ServiceAccountName, validation.IsDNS1123Subdomain(p.ServiceAccountName))
	}
	volumes := c.volumes(path+".volumes", p.Volumes)
	if len(p.Containers) == 0 {
		c.Add(path+".containers", "is missing; there must be at least one container")
	}
	names := map[string]bool{}
	for i := range p.InitContainers {
		c.container(Item(path+".initContainers", i), &p.InitContainers[i], names, volumes)
		c.initContainer(Item(path+".initContainers", i), &p.InitContainers[i])
	}
	for i := range p.Containers {
		c.container(Item(path+".containers", i), &p.Containers[i], names, volumes)
		if p.Containers[i].RestartPolicy != nil {
			c.Add(Item(path+".containers", i)+".restartPolicy", "is possible for init containers only")
		}
	}
}
