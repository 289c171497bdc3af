package podspec

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// volumes reads the volumes that a container mounts. Kinds that exist on a cluster only are refused.
func (r *Resolver) volumes(pod scope, spec *corev1.PodSpec) ([]Volume, error) {
	var out []Volume
	for _, v := range spec.Volumes {
		if !mounted(spec, v.Name) {
			continue
		}
		if v.PersistentVolumeClaim != nil {
			volume, err := r.claimVolume(pod.namespace, v.Name, v.PersistentVolumeClaim.ClaimName)
			if err != nil {
				return nil, fmt.Errorf("volume %s: %w", v.Name, err)
			}
			out = append(out, volume)
			continue
		}
		files, err := r.volumeFiles(pod, v.VolumeSource)
		if err != nil {
			return nil, fmt.Errorf("volume %s: %w", v.Name, err)
		}
		out = append(out, Volume{Name: v.Name, Files: files})
	}
	return out, nil
}

// claimVolume is the volume of a PersistentVolumeClaim.
func (r *Resolver) claimVolume(namespace, volume, name string) (Volume, error) {
	key := orchestrator.Key{Namespace: namespace, Name: name}
	claim, ok := r.Claims[key]
	if !ok {
		return Volume{}, fmt.Errorf("persistentvolumeclaim %q not found", name)
	}
	v := Volume{Name: volume, Claim: key, Exclusive: slices.Contains(claim.Spec.AccessModes, corev1.ReadWriteOncePod)}
	if r.ClaimDir != nil {
		v.Dir = r.ClaimDir(key)
	}
	return v, nil
}

func mounted(spec *corev1.PodSpec, volume string) bool {
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		if slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume }) {
			return true
		}
	}
	return false
}

// checkMounts refuses mounts of what does not exist.
func (t *Template) checkMounts() {
	for _, c := range t.Pod.All() {
		for _, m := range c.Mounts {
			if t.Err != nil {
				return
			}
			i := slices.IndexFunc(t.Pod.Volumes, func(v Volume) bool { return v.Name == m.Volume })
			switch {
			case i < 0:
				t.Err = fmt.Errorf("volume %q is mounted but not declared", m.Volume)
			case m.SubPath == "" || t.Pod.Volumes[i].Files == nil || t.Pod.Volumes[i].holds(m.SubPath):
			default:
				t.Err = fmt.Errorf("volume %s has no %q", m.Volume, m.SubPath)
			}
		}
	}
}

// holds reports whether a path is a file of the volume, or a directory with files.
func (v *Volume) holds(path string) bool {
	for name := range v.Files {
		if name == path || strings.HasPrefix(name, path+"/") {
			return true
		}
	}
	return false
}

func (r *Resolver) volumeFiles(pod scope, src corev1.VolumeSource) (map[string][]byte, error) {
	switch {
	case src.ConfigMap != nil:
		return r.configMapFiles(pod.namespace, src.ConfigMap.Name, src.ConfigMap.Optional, src.ConfigMap.Items)
	case src.Secret != nil:
		return r.secretFiles(pod.namespace, src.Secret.SecretName, src.Secret.Optional, src.Secret.Items)
	case src.DownwardAPI != nil:
		return downwardFiles(pod, src.DownwardAPI.Items)
	case src.EmptyDir != nil, src.Ephemeral != nil, src == corev1.VolumeSource{}:
		return nil, nil
	case src.Projected != nil:
		return r.projectedFiles(pod, src.Projected.Sources)
	}
	return nil, fmt.Errorf("only configMap, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected and secret volumes are supported on one machine")
}

func (r *Resolver) projectedFiles(pod scope, sources []corev1.VolumeProjection) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, s := range sources {
		var files map[string][]byte
		var err error
		switch {
		case s.ConfigMap != nil:
			files, err = r.configMapFiles(pod.namespace, s.ConfigMap.Name, s.ConfigMap.Optional, s.ConfigMap.Items)
		case s.Secret != nil:
			files, err = r.secretFiles(pod.namespace, s.Secret.Name, s.Secret.Optional, s.Secret.Items)
		case s.DownwardAPI != nil:
			files, err = downwardFiles(pod, s.DownwardAPI.Items)
		default:
			err = fmt.Errorf("this kind of projection is not supported on one machine")
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(all, files)
	}
	return all, nil
}

func (r *Resolver) configMapFiles(namespace, name string, optional *bool, items []corev1.KeyToPath) (map[string][]byte, error) {
	cm, err := r.configMap(namespace, name, optional)
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{}
	if cm != nil {
		maps.Copy(data, cm.BinaryData)
		for k, v := range cm.Data {
			data[k] = []byte(v)
		}
	}
	return project(data, items, isTrue(optional))
}

func (r *Resolver) secretFiles(namespace, name string, optional *bool, items []corev1.KeyToPath) (map[string][]byte, error) {
	s, err := r.secret(namespace, name, optional)
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{}
	if s != nil {
		for k, v := range secretStrings(s) {
			data[k] = []byte(v)
		}
	}
	return project(data, items, isTrue(optional))
}

func downwardFiles(pod scope, items []corev1.DownwardAPIVolumeFile) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, item := range items {
		if item.FieldRef == nil || !filepath.IsLocal(item.Path) {
			return nil, fmt.Errorf("item %q is not supported", item.Path)
		}
		value, err := pod.field(item.FieldRef.FieldPath)
		if err != nil {
			return nil, err
		}
		files[item.Path] = []byte(value)
	}
	return files, nil
}

// project chooses keys and gives them paths; without items every key is a file.
func project(data map[string][]byte, items []corev1.KeyToPath, optional bool) (map[string][]byte, error) {
	if len(items) == 0 {
		return data, nil
	}
	files := map[string][]byte{}
	for _, item := range items {
		content, ok := data[item.Key]
		switch {
		case !ok && optional:
			continue
		case !ok:
			return nil, fmt.Errorf("key %q not found", item.Key)
		case !filepath.IsLocal(item.Path):
			return nil, fmt.Errorf("path %q is outside of the volume", item.Path)
		}
		files[item.Path] = content
	}
	return files, nil
}
