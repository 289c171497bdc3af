// Package process runs pods as processes of this machine.
//
// A built-in service is this very binary, run again as "service run NAME". Each run of a container leads a process
// group of its own and holds a lifeline (package lifeline): one pipe on which it receives the daemon's messages and,
// at EOF, learns that the daemon is gone; and one on which it reports where it listens. A command that is not ours
// does not know the lifeline, so a guard reads it instead: a small process in the same group that ends the whole group
// at EOF. A paused group cannot notice anything, and gets a guard outside of it for as long as it is paused.
//
// The containers of a pod share volumes but not a network: all listen on this machine's loopback interface, each on
// the port that it is given in PORT. So that a container reaches its sibling as on Kubernetes, localhost:N and
// 127.0.0.1:N in its environment and arguments become the sibling's address, where a sibling declares the
// containerPort N. Mount paths are rewritten too, to the directories that hold the volumes.
package process

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// Config configures the driver. Executable is required.
type Config struct {
	// Executable is the path of this binary, and Args what comes before "service run NAME" and
	// "guard"; tests use it to run themselves.
	Executable string
	Args       []string
	// Environ is inherited by everything that runs, "KEY=value"; the pod template's variables win over it.
	Environ []string
	// CommandEnviron is also inherited by commands; again the pod template's variables take precedence.
	CommandEnviron []string
	// Builtin finds the built-in service that an image names; nil: there are none.
	Builtin func(image string) (name string, ok bool)
	// Keeps reports whether a built-in service keeps its data in podspec.Pod.DataDir, along with the other instances of
	// its workload. One that does not has its data in a volume, or in memory. Nil: all keep it.
	Keeps func(builtin string) bool
	// Images maps other images to commands. It is called whenever a pod template is read. Nil: there are none.
	Images func() workload.Images
	// VolumeDir holds a directory for each pod with volumes. Empty: pods can have none.
	VolumeDir string
	// SharedSidecars: all sidecars of the mesh run in one process.
	SharedSidecars bool
	// Ledger lists the processes, to be ended after a crash; nil: they are not listed.
	Ledger Ledger
}

// Ledger is a list of processes that survives its writer.
type Ledger interface {
	// Record replaces the list.
	Record([]rundir.Process) error
	// Leftovers are the listed processes that still run.
	Leftovers() ([]rundir.Process, error)
}

// Driver starts processes. It implements workload.Driver and workload.Reclaimer.
type Driver struct {
	c Config

	hosts sync.Mutex   // guards host
	host  *sidecarHost // of the sidecars, if they share one

	mu      sync.Mutex // guards what follows
	running map[*container]rundir.Process
	writing bool // the ledger is being written; dirty: again, afterwards
	dirty   bool
}

var (
	_ workload.Driver    = (*Driver)(nil)
	_ workload.Reclaimer = (*Driver)(nil)
)

// New returns a driver.
func New(c Config) *Driver {
	if c.Builtin == nil {
		c.Builtin = func(string) (string, bool) { return "", false }
	}
	if c.Keeps == nil {
		c.Keeps = func(string) bool { return true }
	}
	if c.Images == nil {
		c.Images = func() workload.Images { return workload.Images{} }
	}
	return &Driver{c: c, running: map[*container]rundir.Process{}}
}

// Plan implements workload.Driver.
func (d *Driver) Plan(spec *podspec.Pod) workload.Plan {
	plan := workload.Plan{Builtins: map[string]string{}}
	images := d.c.Images()
	var identity []any
	all := spec.All()
	for _, c := range all {
		if c.Mesh {
			continue
		}
		prog, err := findProgram(images, d.c.Builtin, c.Image, c.Command, c.Args)
		if err != nil {
			plan.Err = err
			return plan
		}
		identity = append(identity, prog.builtin, prog.command, prog.dir)
		if prog.builtin != "" {
			plan.Builtins[c.Name] = prog.builtin
			if len(c.Args) > 0 {
				plan.Warnings = append(plan.Warnings, fmt.Sprintf("args of container %q have no effect: %s is built in and takes its settings from env", c.Name, prog.builtin))
			}
		}
		plan.Warnings = append(plan.Warnings, warnOfWorkingDir(c, prog)...)
		plan.Warnings = append(plan.Warnings, warnOfLimits(c)...)
		if len(all) > 1 {
			plan.Warnings = append(plan.Warnings, strayLocalhost(c)...)
		}
	}
	text, err := json.Marshal(identity)
	if err != nil {
		plan.Err = fmt.Errorf("encode programs: %w", err)
	}
	plan.Identity = string(text)
	return plan
}

// Route implements workload.Router. Processes share the machine's network: they reach a Service as the daemon does.
func (d *Driver) Route(_, _ string, _ podspec.Reference, direct workload.Route) workload.Route {
	return direct
}

// Start implements workload.Driver. It writes the volumes and chooses the ports by which the containers reach each other.
func (d *Driver) Start(ctx context.Context, spec podspec.Pod) (workload.Pod, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if spec.DataDir != "" {
		if err := os.MkdirAll(spec.DataDir, 0o700); err != nil {
			return nil, fmt.Errorf("start %s: create data directory: %w", spec.Name, err)
		}
	}
	p := &pod{d: d, spec: spec, ports: map[string]int{}}
	if err := p.writeVolumes(spec.Volumes); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	if err := p.choosePorts(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	return p, nil
}
