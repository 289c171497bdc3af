package process

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// workingDir is the directory in which a container's program, and commands in the container, run. On a cluster the
// container's own files are there; here it is a directory of a volume, which is made as it would be there, or one of this
// machine, which must exist.
func (c *container) workingDir(prog program) (string, error) {
	dir := c.spec.WorkingDir
	switch {
	case dir == "" || prog.builtin != "":
		return prog.dir, nil
	case !filepath.IsAbs(dir):
		return "", fmt.Errorf("workingDir %q: it is not an absolute path", dir)
	}
	if local := inVolume(dir, c.mounts); local != "" {
		if err := os.MkdirAll(local, 0o700); err != nil {
			return "", fmt.Errorf("create workingDir %s: %w", dir, err)
		}
		c.anchor(prog)
		return local, nil
	}
	if err := checkDir(dir); err != nil {
		if prog.mapped {
			return prog.dir, nil // Plan warns of it
		}
		return "", fmt.Errorf("workingDir %s: %w; create it, or mount a volume there", dir, err)
	}
	c.anchor(prog)
	return dir, nil
}

// anchor makes the program of a mapped image independent of the working directory: its path is relative to the file with
// the map.
func (c *container) anchor(prog program) {
	if prog.mapped && strings.Contains(c.command[0], "/") && !filepath.IsAbs(c.command[0]) {
		c.command[0] = filepath.Join(prog.dir, c.command[0])
	}
}

func checkDir(dir string) error {
	info, err := os.Stat(dir)
	var path *os.PathError
	switch {
	case errors.As(err, &path):
		return path.Err
	case err != nil:
		return err
	case !info.IsDir():
		return errors.New("it is not a directory")
	}
	return nil
}

// warnOfWorkingDir warns of a working directory that has no effect.
func warnOfWorkingDir(c podspec.Container, prog program) []string {
	if c.WorkingDir == "" {
		return nil
	}
	if prog.builtin != "" {
		return []string{fmt.Sprintf("workingDir of container %q has no effect: %s is built in", c.Name, prog.builtin)}
	}
	mounted := false
	for _, m := range c.Mounts {
		mounted = mounted || strings.HasPrefix(c.WorkingDir+"/", strings.TrimSuffix(m.Path, "/")+"/")
	}
	if err := checkDir(c.WorkingDir); err != nil && prog.mapped && !mounted {
		return []string{fmt.Sprintf("workingDir of container %q has no effect: %s: %v on this machine; the program of shopctl.yaml runs in %s", c.Name, c.WorkingDir, err, cmp.Or(prog.dir, "."))}
	}
	return nil
}
