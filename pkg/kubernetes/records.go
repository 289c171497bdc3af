package kubernetes

import (
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/services"
)

const (
	dataDirEnv = "DATA_DIR"
	dataMount  = "/data"
	// recordsSize is the size of the volume for a workload's records.
	recordsSize = "256Mi"
	// recordsSuffix ends the name of its claim.
	recordsSuffix = "-records"
)

// records gives a built-in service a directory for what it must not forget: the volume that is mounted there, or one that all
// pods of the Deployment share, as they do on this machine.
func (p *pod) records(c *corev1.Container, b services.Builtin) {
	path := dataMount
	for _, e := range c.Env {
		if e.Name == dataDirEnv && e.Value != "" {
			path = e.Value
		}
	}
	mounted := slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
		return path == m.MountPath || strings.HasPrefix(path, strings.TrimSuffix(m.MountPath, "/")+"/")
	})
	if !mounted && !b.Records() {
		return
	}
	setDefaults(c, corev1.EnvVar{Name: dataDirEnv, Value: path})
	if mounted || !filepath.IsAbs(path) {
		return
	}
	name := p.volumeName("records")
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: path})
	if slices.ContainsFunc(p.spec.Volumes, func(v corev1.Volume) bool { return v.Name == name }) {
		return
	}
	claim := p.d.Name + recordsSuffix
	p.spec.Volumes = append(p.spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim},
	}})
	if p.o.Ephemeral {
		if p.d.Spec.Replicas != nil && *p.d.Spec.Replicas > 1 {
			p.warnings = append(p.warnings, "deployment/"+p.d.Name+": each of its pods has records of its own, so that a repeated call may be taken for a new one: export without --ephemeral")
		}
		return
	}
	p.objects = append(p.objects, &corev1.PersistentVolumeClaim{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
		ObjectMeta: metav1.ObjectMeta{Namespace: p.d.Namespace, Name: claim, Labels: p.d.Labels},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(recordsSize)}},
		},
	})
	p.together()
}

// together keeps the pods of a Deployment on one node, which a volume that one node may write to is attached to.
func (p *pod) together() {
	if p.spec.Affinity == nil {
		p.spec.Affinity = &corev1.Affinity{}
	}
	if p.spec.Affinity.PodAffinity != nil {
		return // its own rules decide
	}
	p.spec.Affinity.PodAffinity = &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
		LabelSelector: p.d.Spec.Selector.DeepCopy(), TopologyKey: corev1.LabelHostname,
	}}}
}

// volumes replaces claims where none are made.
func (p *pod) volumes() {
	if !p.o.Ephemeral {
		return
	}
	for i := range p.spec.Volumes {
		if v := &p.spec.Volumes[i]; v.PersistentVolumeClaim != nil {
			v.VolumeSource = corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
		}
	}
}
