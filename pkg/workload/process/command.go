package process

import (
	"os"
	"os/exec"
	"runtime"
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
		base = smallRuntime(200)
		if c.spec.Mesh {
			base = SidecarRuntime()
		}
		base = append(base, goMemoryLimit(c.spec)...)
	}
	cmd.Env = slices.Concat(base, d.c.Environ, links, c.env, host, []string{
		"PORT=" + strconv.Itoa(c.port),
		"METRICS_PORT=0",
		"LISTEN_HOST=127.0.0.1",
		"KUBERNETES_SERVICE_HOST=",
		"POD_NAME=" + spec.Name,
		"POD_NAMESPACE=" + spec.Namespace,
		"SERVICE_VERSION=" + c.version(),
		"IMAGE_TAG=" + podspec.ImageTag(c.spec.Image),
		"OTEL_SERVICE_NAME=" + c.serviceName(),
		"DATA_DIR=" + c.dataDir(),
		MarkerEnv + "=" + c.marker,
		lifeline.Env + "=0," + strconv.Itoa(upDescriptor),
	})
	return cmd
}

// smallRuntime fits the Go runtime to one of a dozen processes on a small machine that wait for each
// other most of the time, by its environment. What the pod template sets wins over it. Measured
// by the processor time of an order:
//   - GOMAXPROCS: a runtime that believes that it has the machine for itself wakes and spins threads for
//     every request; without, an order costs a fifth less.
//   - GODEBUG=adaptivestackstart=1: a goroutine begins with the stack that goroutines turned out to need;
//     growing one for every call costs an eighth more.
//   - GOGC=200: fewer collections, and still well under 12 MB for a service at rest.
func smallRuntime(gc int) []string {
	return []string{"GOMAXPROCS=" + strconv.Itoa(max(1, runtime.NumCPU()/4)), "GODEBUG=adaptivestackstart=1", "GOGC=" + strconv.Itoa(gc)}
}

// SidecarRuntime is the same for a sidecar. It holds 5 MB, most of it what protobuf knows of Envoy's messages, and would let its heap
// grow to 15 MB before a collection. With a GOGC of 50 it collects at half of that; a request leaves little
// garbage, so that collections still cost little.
func SidecarRuntime() []string { return smallRuntime(50) }
