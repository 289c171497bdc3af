package admission

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
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
	defaultTokenSeconds    = 3600
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
	defaultPullPolicy(&c.ImagePullPolicy, c.Image)
	for i := range c.Ports {
		Set(&c.Ports[i].Protocol, corev1.ProtocolTCP)
	}
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil {
			defaultFieldRef(from.FieldRef)
			if from.FileKeyRef != nil {
				SetPointer(&from.FileKeyRef.Optional, false)
			}
		}
	}
	roundUp(c.Resources.Limits)
	roundUp(c.Resources.Requests)
	if c.Lifecycle != nil {
		for _, h := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if h != nil {
				defaultHTTP(h.HTTPGet)
			}
		}
	}
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p != nil {
			defaultProbe(p)
		}
	}
}

func defaultPullPolicy(p *corev1.PullPolicy, image string) {
	if imageTag(image) == "latest" {
		Set(p, corev1.PullAlways)
	}
	Set(p, corev1.PullIfNotPresent)
}

// imageTag is the tag of an image reference; "latest" if it names neither tag nor digest.
func imageTag(image string) string {
	name, _, digest := strings.Cut(image, "@")
	last := name[strings.LastIndexByte(name, '/')+1:]
	if _, tag, ok := strings.Cut(last, ":"); ok || digest {
		return tag
	}
	return "latest"
}

func defaultFieldRef(ref *corev1.ObjectFieldSelector) {
	if ref != nil {
		Set(&ref.APIVersion, "v1")
	}
}

// roundUp makes amounts multiples of a thousandth, which is the smallest that Kubernetes stores.
func roundUp(list corev1.ResourceList) {
	for name, q := range list {
		q.RoundUp(resource.Milli)
		list[name] = q
	}
}

func defaultHTTP(h *corev1.HTTPGetAction) {
	if h != nil {
		Set(&h.Path, "/")
		Set(&h.Scheme, corev1.URISchemeHTTP)
	}
}

func defaultProbe(p *corev1.Probe) {
	Set(&p.TimeoutSeconds, defaultProbeTimeout)
	Set(&p.PeriodSeconds, defaultProbePeriod)
	Set(&p.SuccessThreshold, defaultProbeSuccess)
	Set(&p.FailureThreshold, defaultProbeFailure)
	defaultHTTP(p.HTTPGet)
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
		for _, source := range v.Projected.Sources {
			if source.DownwardAPI != nil {
				defaultDownward(source.DownwardAPI.Items)
			}
			if source.ServiceAccountToken != nil {
				SetPointer(&source.ServiceAccountToken.ExpirationSeconds, defaultTokenSeconds)
			}
		}
	case v.DownwardAPI != nil:
		SetPointer(&v.DownwardAPI.DefaultMode, defaultVolumeMode)
		defaultDownward(v.DownwardAPI.Items)
	case v.Image != nil:
		defaultPullPolicy(&v.Image.PullPolicy, v.Image.Reference)
	case v.Ephemeral != nil && v.Ephemeral.VolumeClaimTemplate != nil:
		SetPointer(&v.Ephemeral.VolumeClaimTemplate.Spec.VolumeMode, corev1.PersistentVolumeFilesystem)
	case v.HostPath != nil:
		SetPointer(&v.HostPath.Type, corev1.HostPathUnset)
	case v.VolumeSource == corev1.VolumeSource{}:
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
	}
}

func defaultDownward(items []corev1.DownwardAPIVolumeFile) {
	for _, item := range items {
		defaultFieldRef(item.FieldRef)
	}
}
