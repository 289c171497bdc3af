package workload

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// volume is a directory that an instance finds under the path where its container would have it
// mounted: that path is replaced by the directory's in its arguments and its environment.
type volume struct {
	Name      string
	MountPath string
	// Files by relative path; an empty directory has none.
	Files map[string][]byte
	// single: it is one file of a larger volume, mounted by subPath.
	single bool
}

// volumes reads what the container mounts. Kinds that a process cannot be given are refused.
func (r *resolver) volumes(pod podScope, spec *corev1.PodSpec, c *corev1.Container) ([]volume, error) {
	var out []volume
	for _, m := range c.VolumeMounts {
		i := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if i < 0 {
			return nil, fmt.Errorf("volume %q is mounted but not declared", m.Name)
		}
		files, err := r.volumeFiles(pod, spec.Volumes[i].VolumeSource)
		if err != nil {
			return nil, fmt.Errorf("volume %s: %w", m.Name, err)
		}
		if m.SubPath != "" {
			content, ok := files[m.SubPath]
			if !ok {
				return nil, fmt.Errorf("volume %s has no %q", m.Name, m.SubPath)
			}
			files = map[string][]byte{filepath.Base(m.MountPath): content}
			m.MountPath = filepath.Dir(m.MountPath)
		}
		out = append(out, volume{Name: m.Name, MountPath: strings.TrimSuffix(m.MountPath, "/"), Files: files, single: m.SubPath != ""})
	}
	return out, nil
}

func (r *resolver) volumeFiles(pod podScope, src corev1.VolumeSource) (map[string][]byte, error) {
	switch {
	case src.ConfigMap != nil:
		return r.configMapFiles(pod.namespace, src.ConfigMap.Name, src.ConfigMap.Optional, src.ConfigMap.Items)
	case src.Secret != nil:
		return r.secretFiles(pod.namespace, src.Secret.SecretName, src.Secret.Optional, src.Secret.Items)
	case src.DownwardAPI != nil:
		return downwardFiles(pod, src.DownwardAPI.Items)
	case src.EmptyDir != nil, src == corev1.VolumeSource{}:
		return map[string][]byte{}, nil
	case src.Projected != nil:
		return r.projectedFiles(pod, src.Projected.Sources)
	}
	return nil, fmt.Errorf("only configMap, secret, downwardAPI, projected and emptyDir exist on one machine")
}

func (r *resolver) projectedFiles(pod podScope, sources []corev1.VolumeProjection) (map[string][]byte, error) {
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
			err = fmt.Errorf("its projection is not supported on one machine")
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(all, files)
	}
	return all, nil
}

func (r *resolver) configMapFiles(namespace, name string, optional *bool, items []corev1.KeyToPath) (map[string][]byte, error) {
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

func (r *resolver) secretFiles(namespace, name string, optional *bool, items []corev1.KeyToPath) (map[string][]byte, error) {
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

func downwardFiles(pod podScope, items []corev1.DownwardAPIVolumeFile) (map[string][]byte, error) {
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
			return nil, fmt.Errorf("path %q leaves the volume", item.Path)
		}
		files[item.Path] = content
	}
	return files, nil
}

// materialise writes the volumes under dir, each in a directory of its name, for the user alone.
func materialise(dir string, volumes []volume, pod string) error {
	for _, v := range volumes {
		root := filepath.Join(dir, v.Name)
		if err := os.MkdirAll(root, 0o700); err != nil {
			return fmt.Errorf("make volume %s: %w", v.Name, err)
		}
		for name, content := range v.Files {
			path := filepath.Join(root, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return fmt.Errorf("make volume %s: %w", v.Name, err)
			}
			text := strings.ReplaceAll(string(content), podNameMark, pod)
			if err := replaceFile(path, []byte(text)); err != nil {
				return fmt.Errorf("write volume %s: %w", v.Name, err)
			}
		}
	}
	return nil
}

// replaceFile writes a file that somebody may be reading: they see the old one or the new one.
func replaceFile(path string, content []byte) error {
	half := filepath.Join(filepath.Dir(path), ".half."+filepath.Base(path))
	if err := os.WriteFile(half, content, 0o600); err != nil {
		return err
	}
	return os.Rename(half, path)
}

// relocate replaces mount paths at the start of a path in text: "--config=/etc/app/a.yaml".
func relocate(text, dir string, volumes []volume) string {
	for _, v := range volumes {
		if len(v.MountPath) < 2 {
			continue
		}
		from := 0
		for {
			i := strings.Index(text[from:], v.MountPath)
			if i < 0 {
				break
			}
			i += from
			end := i + len(v.MountPath)
			if atPathStart(text, i) && (end == len(text) || strings.ContainsRune("/:,; \"'", rune(text[end]))) {
				local := filepath.Join(dir, v.Name)
				text = text[:i] + local + text[end:]
				end = i + len(local)
			}
			from = end
		}
	}
	return text
}

func atPathStart(text string, i int) bool {
	return i == 0 || strings.ContainsRune("=:,; \"'", rune(text[i-1])) || strings.HasSuffix(text[:i], "file://")
}
