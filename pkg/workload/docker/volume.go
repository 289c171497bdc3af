package docker

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/shopctl/shopctl/pkg/engine"
	"github.com/shopctl/shopctl/pkg/image"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
	"github.com/shopctl/shopctl/pkg/workload/volumedir"
)

// everyone is the mode of directories that containers write to: which user a foreign image has is up to that. The directory above
// keeps other users of this machine out.
const everyone = 0o777

func (p *pod) dir() string { return filepath.Join(p.d.c.VolumeDir, p.spec.Name) }

// writeVolumes writes the volumes of the pod, each in a directory of this machine.
func (p *pod) writeVolumes(volumes []podspec.Volume, fill func(string) string) error {
	if len(volumes) > 0 {
		if err := os.MkdirAll(p.d.c.VolumeDir, 0o700); err != nil {
			return fmt.Errorf("create directory of volumes: %w", err)
		}
	}
	for _, v := range volumes {
		err := error(nil)
		switch {
		case v.Dir != "":
			err = openDir(v.Dir)
		case v.Files == nil:
			err = volumedir.MkdirAll(filepath.Join(p.dir(), v.Name), everyone)
		default:
			err = volumedir.Write(filepath.Join(p.dir(), v.Name), v.Files, volumedir.Shared, fill)
		}
		if err != nil {
			return fmt.Errorf("write volume %s: %w", v.Name, err)
		}
	}
	return nil
}

// openDir makes a directory that outlives the pod, for whatever user writes to it.
func openDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	return volumedir.MkdirAll(dir, everyone)
}

// handOver gives a directory to the user of built-in services: where the daemon is root, its containers are not, and an earlier
// run of the shop as processes may have left files of root's.
func (d *Driver) handOver(dir string) error {
	if d.c.UID != 0 || d.c.About.Rootless {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, image.User, image.User)
	})
}

// removeVolumes removes what ends with the pod.
func (p *pod) removeVolumes() error {
	if len(p.spec.Volumes) == 0 {
		return nil
	}
	if err := os.RemoveAll(p.dir()); err != nil {
		return fmt.Errorf("remove volumes of %s: %w", p.spec.Name, err)
	}
	return nil
}

// mounts are a container's.
func (p *pod) mounts(c *podspec.Container, builtin string) ([]engine.Mount, error) {
	var all []engine.Mount
	for _, m := range c.Mounts {
		v := p.volume(m.Volume)
		source := filepath.Join(p.dir(), m.Volume)
		if v.Dir != "" {
			source = v.Dir
			if builtin != "" {
				if err := p.d.handOver(source); err != nil {
					return nil, fmt.Errorf("volume %s: %w", m.Volume, err)
				}
			}
		}
		if m.SubPath != "" {
			source = filepath.Join(source, filepath.FromSlash(m.SubPath))
			if v.Files == nil {
				if err := volumedir.MkdirAll(source, everyone); err != nil {
					return nil, fmt.Errorf("create directory of volume %s: %w", m.Volume, err)
				}
			}
		}
		all = append(all, engine.Mount{Source: source, Target: m.Path, ReadOnly: v.Files != nil})
	}
	return all, nil
}

// volume is that of a name.
func (p *pod) volume(name string) podspec.Volume {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range p.spec.Volumes {
		if v.Name == name {
			return v
		}
	}
	return podspec.Volume{Name: name}
}

// data mounts the directory of the workload where a built-in service keeps its data, unless a volume is there.
func (p *pod) data(c *podspec.Container, builtin string, mounts []engine.Mount) ([]engine.Mount, error) {
	path := c.DataPath()
	for _, m := range mounts {
		if path == m.Target || len(path) > len(m.Target) && path[:len(m.Target)+1] == m.Target+"/" {
			return mounts, nil
		}
	}
	if p.spec.DataDir == "" || !p.d.c.Keeps(builtin) || !filepath.IsAbs(path) {
		return mounts, nil
	}
	err := openDir(p.spec.DataDir)
	if err == nil {
		err = p.d.handOver(p.spec.DataDir)
	}
	if err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	return append(mounts, engine.Mount{Source: p.spec.DataDir, Target: path}), nil
}
