package process

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

func (c *container) newCommand(p pipes) *exec.Cmd {
	d, spec := c.pod.d, &c.pod.spec
	args := slices.Clone(d.c.Args)
	switch {
	case c.spec.Mesh:
		args = append(args, "sidecar", "run")
	case c.builtin == "":
		args = append(append(args, "guard", "--"), c.command...)
	default:
		args = append(args, "service", "run", c.builtin)
	}
	cmd := exec.Command(d.c.Executable, args...)
	cmd.Dir = c.dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.childDown, p.childOut, p.childOut
	cmd.ExtraFiles = []*os.File{p.childUp}
	var host []string
	if c.control != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, c.control)
		host = []string{lifeline.HostEnv + "=" + strconv.Itoa(upDescriptor+1)}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	base, links := d.c.CommandEnviron, c.spec.Links
	if c.builtin != "" {
		links = nil // it does not read them
		base = podspec.ServiceRuntime()
		if c.spec.Mesh {
			base = podspec.SidecarRuntime()
		}
		if limitsMemory {
			base = append(base, c.spec.GoMemoryLimit()...)
		}
	}
	cmd.Env = slices.Concat(base, d.c.Environ, links, c.env, host, []string{
		"PORT=" + strconv.Itoa(c.port),
		"METRICS_PORT=0",
		"LISTEN_HOST=127.0.0.1",
		"KUBERNETES_SERVICE_HOST=",
		"POD_NAME=" + spec.Name,
		"POD_NAMESPACE=" + spec.Namespace,
		"SERVICE_VERSION=" + spec.VersionOf(&c.spec),
		"IMAGE_TAG=" + podspec.ImageTag(c.spec.Image),
		"OTEL_SERVICE_NAME=" + spec.ServiceNameOf(&c.spec),
		"DATA_DIR=" + c.dataDir(),
		MarkerEnv + "=" + c.marker,
		lifeline.Env + "=0," + strconv.Itoa(upDescriptor),
	})
	return cmd
}
