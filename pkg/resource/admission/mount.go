package admission

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/suggest"
)

func (c *Issues) mounts(path string, k *corev1.Container, volumes map[string]*corev1.Volume) {
	paths := map[string]bool{}
	for i, m := range k.VolumeMounts {
		at := Item(path, i)
		c.volumeName(at+".name", m.Name, volumes)
		switch {
		case c.Required(at+".mountPath", m.MountPath):
		case paths[m.MountPath]:
			c.Add(at+".mountPath", "%q is mounted already", m.MountPath)
		}
		paths[m.MountPath] = true
		if m.SubPath != "" && m.SubPathExpr != "" {
			c.Add(at+".subPathExpr", "cannot be combined with subPath")
		}
		c.within(at+".subPath", m.SubPath)
		c.within(at+".subPathExpr", m.SubPathExpr)
		c.propagation(at, k, m)
	}
	c.devices(k, path[:len(path)-len("volumeMounts")]+"volumeDevices", volumes)
}

func (c *Issues) volumeName(at, name string, volumes map[string]*corev1.Volume) {
	if c.Required(at, name) || volumes[name] != nil {
		return
	}
	const most = 100 // which of more is meant takes too long to find out for each mount of a large file
	var known []string
	if len(volumes) <= most {
		known = slices.Sorted(maps.Keys(volumes))
	}
	c.Add(at, "there is no volume %q%s", name, suggest.Phrase(name, known))
}

func (c *Issues) propagation(at string, k *corev1.Container, m corev1.VolumeMount) {
	if p := m.MountPropagation; p != nil {
		OneOf(c, at+".mountPropagation", *p, corev1.MountPropagationNone, corev1.MountPropagationHostToContainer, corev1.MountPropagationBidirectional)
		if *p == corev1.MountPropagationBidirectional && !privileged(k.SecurityContext) {
			c.Add(at+".mountPropagation", "Bidirectional needs a privileged container")
		}
	}
	r := m.RecursiveReadOnly
	if r == nil {
		return
	}
	OneOf(c, at+".recursiveReadOnly", *r, corev1.RecursiveReadOnlyDisabled, corev1.RecursiveReadOnlyIfPossible, corev1.RecursiveReadOnlyEnabled)
	if *r == corev1.RecursiveReadOnlyDisabled {
		return
	}
	if !m.ReadOnly {
		c.Add(at+".recursiveReadOnly", "needs readOnly: true")
	}
	if m.MountPropagation != nil && *m.MountPropagation != corev1.MountPropagationNone {
		c.Add(at+".recursiveReadOnly", "cannot be combined with mountPropagation %s", *m.MountPropagation)
	}
}

// devices checks volumes that a container uses as block devices.
func (c *Issues) devices(k *corev1.Container, path string, volumes map[string]*corev1.Volume) {
	mounts, paths := map[string]bool{}, map[string]bool{}
	for _, m := range k.VolumeMounts {
		mounts[m.Name], paths[m.MountPath] = true, true
	}
	devices := map[string]bool{}
	for i, d := range k.VolumeDevices {
		at := Item(path, i)
		c.volumeName(at+".name", d.Name, volumes)
		if v := volumes[d.Name]; v != nil && v.PersistentVolumeClaim == nil && v.Ephemeral == nil {
			c.Add(at+".name", "volume %q is not a persistentVolumeClaim, which a block device must be", d.Name)
		}
		c.Required(at+".devicePath", d.DevicePath)
		c.noSteps(at+".devicePath", d.DevicePath)
		for _, f := range []struct{ field, value string }{{".name", d.Name}, {".devicePath", d.DevicePath}} {
			if devices[f.field+f.value] {
				c.Add(at+f.field, "%q is that of another device", f.value)
			}
			devices[f.field+f.value] = true
		}
		if mounts[d.Name] {
			c.Add(at+".name", "volume %q is mounted as a directory too", d.Name)
		}
		if paths[d.DevicePath] {
			c.Add(at+".devicePath", "%q is the path of a mount too", d.DevicePath)
		}
	}
}
