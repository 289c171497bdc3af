// Package process runs instances as processes of this machine.
//
// A built-in service is this very binary, run again as "service run NAME". Each instance leads a
// process group of its own and holds a lifeline (package lifeline): one pipe on which it hears what
// the daemon has to say and, at EOF, that the daemon is gone; and one on which it reports where it
// listens. A command that is not ours knows no lifeline, so a guard stands in for it: a small process
// in the same group that ends the whole group at EOF. A paused group cannot notice anything, and
// gets a guard outside of it for as long as it is paused.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/workload"
)

// Config is what the driver needs to know.
type Config struct {
	// Executable is the path of this binary, and Args what comes before "service run NAME" and
	// "guard"; tests use it to run themselves.
	Executable string
	Args       []string
	// Environ is what every instance inherits, "KEY=value"; the pod template's variables win over it.
	Environ []string
	// OpenLog returns the file-like that takes an instance's output, JSON lines; it is closed when the
	// instance is gone.
	OpenLog func(workload.Spec) (io.WriteCloser, error)
}

// Driver starts processes. It implements workload.Driver.
type Driver struct{ c Config }

// New returns a driver.
func New(c Config) *Driver {
	return &Driver{c}
}

var _ workload.Driver = (*Driver)(nil)

// ErrNoLifeline is returned by Send for a command that is not ours.
var ErrNoLifeline = errors.New("instance has no lifeline")

// Start starts one instance.
func (d *Driver) Start(ctx context.Context, spec workload.Spec) (workload.Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in := &instance{d: d, spec: spec, listening: make(chan struct{}), done: make(chan struct{})}
	if len(spec.Command) > 0 && spec.Port == 0 {
		port, err := workload.FreePort()
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", spec.Name, err)
		}
		in.spec.Port = port
	}
	if err := in.start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	return in, nil
}

// pipes are the ends of an instance's pipes: child* are handed to it, the others stay here.
type pipes struct {
	childDown, childUp, childOut *os.File
	down, up, out                *os.File
}

func newPipes() (p pipes, err error) {
	for _, pair := range []struct{ r, w **os.File }{{&p.childDown, &p.down}, {&p.up, &p.childUp}, {&p.out, &p.childOut}} {
		if *pair.r, *pair.w, err = os.Pipe(); err != nil {
			p.closeChild()
			p.closeOurs()
			return p, err
		}
	}
	return p, nil
}

func (p pipes) closeChild() { closeAll(p.childDown, p.childUp, p.childOut) }

func (p pipes) closeOurs() { closeAll(p.down, p.up, p.out) }

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

func (d *Driver) command(spec workload.Spec, p pipes) *exec.Cmd {
	args := append([]string{}, d.c.Args...)
	if len(spec.Command) > 0 {
		args = append(append(args, "guard", "--"), spec.Command...)
	} else {
		args = append(args, "service", "run", spec.Builtin)
	}
	cmd := exec.Command(d.c.Executable, args...)
	cmd.Dir = spec.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.childDown, p.childOut, p.childOut
	cmd.ExtraFiles = []*os.File{p.childUp}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if spec.Builtin != "" {
		cmd.Env = append(cmd.Env, smallRuntime...)
	}
	cmd.Env = append(append(append(cmd.Env, d.c.Environ...), spec.Env...),
		"PORT="+strconv.Itoa(spec.Port),
		"METRICS_PORT=0",
		"LISTEN_HOST=127.0.0.1",
		"KUBERNETES_SERVICE_HOST=",
		"POD_NAME="+spec.Name,
		"POD_NAMESPACE="+spec.Namespace,
		"SERVICE_VERSION="+spec.Version,
		"OTEL_SERVICE_NAME="+spec.Workload,
		"DATA_DIR="+spec.DataDir,
		lifeline.Env+"=0,3",
	)
	return cmd
}

// smallRuntime fits the Go runtime to one of a dozen processes on a small machine that wait for each
// other most of the time. What the daemon's environment or the pod template sets wins over it. Measured
// by the processor time of an order:
//   - GOMAXPROCS: a runtime that believes that it has the machine for itself wakes and spins threads for
//     every request; without, an order costs a fifth less.
//   - GODEBUG=adaptivestackstart=1: a goroutine begins with the stack that goroutines turned out to need;
//     growing one for every call costs an eighth more.
//   - GOGC: fewer collections, and still well under 12 MB for a service at rest.
var smallRuntime = []string{"GOMAXPROCS=" + strconv.Itoa(max(1, runtime.NumCPU()/4)), "GODEBUG=adaptivestackstart=1", "GOGC=200"}
