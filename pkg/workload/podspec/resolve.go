package podspec

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
)

// defaultGrace is Kubernetes' terminationGracePeriodSeconds.
const defaultGrace = 30 * time.Second

// maxGrace is longer than any shop runs, and short enough to be added to a time.
const maxGrace = 365 * 24 * time.Hour

// Resolver turns pod templates into Templates, against one view of the objects.
type Resolver struct {
	ConfigMaps map[orchestrator.Key]*corev1.ConfigMap
	Secrets    map[orchestrator.Key]*corev1.Secret
	Claims     map[orchestrator.Key]*corev1.PersistentVolumeClaim
	// ClaimDir is the directory of a claim on this machine; nil: claims have none.
	ClaimDir func(orchestrator.Key) string
	// Ports are the ports of Services that have an address.
	Ports map[Reference]bool
}

// Resolve makes the Template that a Deployment asks for now.
func (r *Resolver) Resolve(d *appsv1.Deployment) *Template {
	pod := &d.Spec.Template
	t := &Template{Pod: Pod{
		Namespace: d.Namespace, Workload: d.Name, Labels: pod.Labels, Version: pod.Labels["version"],
		ServiceAccount: cmp.Or(pod.Spec.ServiceAccountName, "default"), Grace: defaultGrace, Gateway: resource.IsGateway(pod),
	}}
	if s := pod.Spec.TerminationGracePeriodSeconds; s != nil {
		t.Pod.Grace = grace(*s)
	}
	if len(pod.Spec.Containers) == 0 {
		t.Err = fmt.Errorf("the pod template has no container")
		return t
	}
	t.Pod.Version = cmp.Or(t.Pod.Version, ImageTag(pod.Spec.Containers[0].Image))
	s := scope{
		namespace: d.Namespace, serviceAccount: t.Pod.ServiceAccount,
		labels: pod.Labels, annotations: pod.Annotations,
	}
	for i := range pod.Spec.InitContainers {
		c := r.container(t, s, pod, &pod.Spec.InitContainers[i])
		policy := pod.Spec.InitContainers[i].RestartPolicy
		c.Sidecar = policy != nil && *policy == corev1.ContainerRestartPolicyAlways
		c.Listens = c.Sidecar && c.Declares()
		t.Pod.InitContainers = append(t.Pod.InitContainers, c)
	}
	for i := range pod.Spec.Containers {
		c := r.container(t, s, pod, &pod.Spec.Containers[i])
		c.Listens = i == 0 || c.Declares()
		c.Mesh = t.Pod.Gateway && c.Name == SidecarName
		t.Pod.Containers = append(t.Pod.Containers, c)
	}
	volumes, err := r.volumes(s, &pod.Spec)
	t.Pod.Volumes, t.Err = volumes, cmp.Or(t.Err, err)
	t.checkMounts()
	r.files(t, d.Namespace)
	declared := declaredPorts(t.Pod.All())
	markAll(t.Pod.InitContainers, declared)
	markAll(t.Pod.Containers, declared)
	return t
}

// grace is how long a container may take to stop. As on a cluster, a negative number of seconds counts as one.
func grace(seconds int64) time.Duration {
	if seconds < 0 {
		seconds = 1
	}
	return time.Duration(min(seconds, int64(maxGrace/time.Second))) * time.Second
}

// container resolves one container. The first thing that is missing becomes the template's error.
func (r *Resolver) container(t *Template, s scope, pod *corev1.PodTemplateSpec, k *corev1.Container) Container {
	c := Container{
		Name: k.Name, Image: k.Image, WorkingDir: k.WorkingDir, Resources: k.Resources,
		Startup: nativeProbe(k.StartupProbe), Readiness: nativeProbe(k.ReadinessProbe), Liveness: nativeProbe(k.LivenessProbe),
	}
	for _, p := range k.Ports {
		c.Ports = append(c.Ports, Port{p.Name, p.ContainerPort})
	}
	for _, m := range k.VolumeMounts {
		c.Mounts = append(c.Mounts, Mount{Volume: m.Name, Path: strings.TrimSuffix(m.MountPath, "/"), SubPath: m.SubPath})
	}
	label := ""
	if len(pod.Spec.Containers)+len(pod.Spec.InitContainers) > 1 {
		label = "container " + k.Name + ": "
	}
	vars, err := r.env(s, k)
	if err != nil && t.Err == nil {
		t.Err = err
		if label != "" {
			t.Err = fmt.Errorf("container %s: %w", k.Name, err)
		}
	}
	raw := vars.values
	links, linked := r.links(&pod.Spec, s.namespace)
	c.linked = linked
	x := &resolving{r: r, t: t, c: &c, label: label, namespace: s.namespace}
	x.variables(vars)
	for _, name := range vars.names {
		if value := vars.values[name]; name != "PORT" || value != portMark {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	for _, name := range links.names {
		if _, ok := raw[name]; !ok {
			c.Links = append(c.Links, name+"="+links.values[name])
		}
	}
	known := maps.Clone(links.values)
	if known == nil {
		known = map[string]string{}
	}
	maps.Copy(known, raw)
	x.command(k.Command, k.Args, known)
	return c
}

// ImageTag is the tag of an image, "latest" if it has none.
func ImageTag(image string) string {
	name, _, _ := strings.Cut(image, "@")
	_, tag, ok := strings.Cut(name[strings.LastIndex(name, "/")+1:], ":")
	if !ok {
		return "latest"
	}
	return tag
}

// ImageBase is the last element of an image's path without tag and digest.
func ImageBase(image string) string {
	name, _, _ := strings.Cut(image, "@")
	name = name[strings.LastIndex(name, "/")+1:]
	name, _, _ = strings.Cut(name, ":")
	return name
}
