package admission

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Claim checks the specification of a PersistentVolumeClaim that has its defaults.
func (c *Issues) Claim(path string, s *corev1.PersistentVolumeClaimSpec) {
	if len(s.AccessModes) == 0 {
		c.Add(path+".accessModes", "is missing; there must be at least one access mode")
	}
	known := []corev1.PersistentVolumeAccessMode{
		corev1.ReadOnlyMany, corev1.ReadWriteMany, corev1.ReadWriteOnce, corev1.ReadWriteOncePod,
	}
	for i, m := range s.AccessModes {
		if !slices.Contains(known, m) {
			c.Add(Item(path+".accessModes", i), "%q is not an access mode; known are ReadOnlyMany, ReadWriteMany, ReadWriteOnce and ReadWriteOncePod", m)
		}
	}
	if slices.Contains(s.AccessModes, corev1.ReadWriteOncePod) && len(s.AccessModes) > 1 {
		c.Add(path+".accessModes", "ReadWriteOncePod cannot be combined with other access modes")
	}
	switch size, ok := s.Resources.Requests[corev1.ResourceStorage]; {
	case !ok:
		c.Add(path+".resources.requests[storage]", "is missing")
	case size.Sign() <= 0:
		c.Add(path+".resources.requests[storage]", "must be greater than zero")
	}
	for _, f := range []struct {
		name  string
		class *string
	}{{"storageClassName", s.StorageClassName}, {"volumeAttributesClassName", s.VolumeAttributesClassName}} {
		if f.class != nil && *f.class != "" {
			c.Rule(path+"."+f.name, *f.class, validation.IsDNS1123Subdomain(*f.class))
		}
	}
	c.Selector(path+".selector", s.Selector)
	if from := s.DataSource; from != nil && from.Kind != "" {
		c.Required(path+".dataSource.name", from.Name)
	}
	if mode := s.VolumeMode; mode != nil && *mode != corev1.PersistentVolumeFilesystem && *mode != corev1.PersistentVolumeBlock {
		c.Add(path+".volumeMode", "%q is not a volume mode; known are Block and Filesystem", *mode)
	}
}

// claimTemplate checks the claim of an ephemeral volume.
func (c *Issues) claimTemplate(path string, v *corev1.EphemeralVolumeSource) {
	at, t := path+".volumeClaimTemplate", v.VolumeClaimTemplate
	if t == nil {
		c.Add(at, "is missing")
		return
	}
	if t.Name != "" {
		c.Add(at+".metadata.name", "cannot be set; the claim is named after the instance")
	}
	c.Labels(at+".metadata.labels", t.Labels)
	c.Annotations(at+".metadata.annotations", t.Annotations)
	c.Claim(at+".spec", &t.Spec)
}
