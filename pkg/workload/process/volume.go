package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/shopctl/shopctl/pkg/workload/podspec"
	"github.com/shopctl/shopctl/pkg/workload/volumedir"
)

// mountDir is a path of a container, and the directory of this machine that takes its place.
type mountDir struct{ path, dir string }

// writeVolumes writes the volumes of the pod, each in a directory of its name, for the user alone. It never removes
// what a container wrote.
func (p *pod) writeVolumes(volumes []podspec.Volume) error {
	if p.d.c.VolumeDir == "" {
		return nil
	}
	for _, v := range volumes {
		if v.Dir != "" {
			if err := os.MkdirAll(v.Dir, 0o700); err != nil {
				return fmt.Errorf("create volume %s: %w", v.Name, err)
			}
			continue
		}
		if err := volumedir.Write(filepath.Join(p.dir(), v.Name), v.Files, volumedir.Private, place().Fill); err != nil {
			return fmt.Errorf("write volume %s: %w", v.Name, err)
		}
	}
	return nil
}

// mountDirs finds the directories for the mounts of a container. A single file that is mounted by its sub-path is
// copied into a directory of its own, so that it may have another name there, and stays as it is while the container
// runs.
func (p *pod) mountDirs(c podspec.Container) ([]mountDir, error) {
	if p.d.c.VolumeDir == "" {
		return nil, nil
	}
	var mounts []mountDir
	for _, m := range c.Mounts {
		dir := p.volumeDir(m.Volume)
		if m.SubPath == "" {
			mounts = append(mounts, mountDir{m.Path, dir})
			continue
		}
		content, single := p.file(m)
		if !single {
			sub := filepath.Join(dir, filepath.FromSlash(m.SubPath))
			if err := os.MkdirAll(sub, 0o700); err != nil {
				return nil, fmt.Errorf("create directory of volume %s: %w", m.Volume, err)
			}
			mounts = append(mounts, mountDir{m.Path, sub})
			continue
		}
		own := filepath.Join(p.dir(), ".file."+c.Name+"."+m.Volume)
		if err := volumedir.Write(own, map[string][]byte{filepath.Base(m.Path): content}, volumedir.Private, place().Fill); err != nil {
			return nil, fmt.Errorf("write volume %s: %w", m.Volume, err)
		}
		mounts = append(mounts, mountDir{filepath.Dir(m.Path), own})
	}
	return mounts, nil
}

// volumeDir is the directory of a volume: that of its claim, or one of the pod's own.
func (p *pod) volumeDir(name string) string {
	for _, v := range p.spec.Volumes {
		if v.Name == name && v.Dir != "" {
			return v.Dir
		}
	}
	return filepath.Join(p.dir(), name)
}

// inVolume is where a path of a container lies on this machine; empty unless it is in a volume.
func inVolume(path string, mounts []mountDir) string {
	if local := rewritePaths(path, mounts); local != path {
		return local
	}
	return ""
}

// dataDir is where a container keeps its data: in a volume if it mounts one for that, else in the directory of its
// workload. A template cannot choose any other directory of this machine.
func (c *container) dataDir() string {
	wanted := c.spec.DataPath()
	if dir := inVolume(wanted, c.mounts); dir != "" && filepath.IsAbs(wanted) && filepath.Clean(wanted) == wanted {
		return dir
	}
	if c.builtin != "" && !c.pod.d.c.Keeps(c.builtin) {
		return ""
	}
	return c.pod.spec.DataDir
}

// file is the content of the file that is mounted by its sub-path.
func (p *pod) file(m podspec.Mount) (content []byte, ok bool) {
	for _, v := range p.spec.Volumes {
		if v.Name == m.Volume {
			content, ok = v.Files[m.SubPath]
		}
	}
	return content, ok
}

// rewritePaths replaces mount paths at the start of a path in text: "--config=/etc/app/a.yaml".
func rewritePaths(text string, mounts []mountDir) string {
	for _, m := range mounts {
		if len(m.path) < 2 {
			continue
		}
		from := 0
		for {
			i := strings.Index(text[from:], m.path)
			if i < 0 {
				break
			}
			i += from
			end := i + len(m.path)
			if atPathStart(text, i) && (end == len(text) || strings.ContainsRune("/:,; \"'", rune(text[end]))) {
				text = text[:i] + m.dir + text[end:]
				end = i + len(m.dir)
			}
			from = end
		}
	}
	return text
}

func atPathStart(text string, i int) bool {
	return i == 0 || strings.ContainsRune("=:,; \"'", rune(text[i-1])) || strings.HasSuffix(text[:i], "file://")
}
