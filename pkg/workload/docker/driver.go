// Package docker runs pods as containers of a container engine: Docker, rootless or not, Docker Desktop, or Podman.
//
// Each pod is a pause container of this very binary, which holds the pod's network and processes. The pod's containers join it:
// they find each other at localhost, and the end of the pause container ends them all. The engine is all that the daemon speaks to.
// Nothing listens on this machine for the pods, and no port is published, so that the engine can be remote or in a virtual
// machine:
//
//   - the lifeline of a built-in service (package lifeline) is its container's standard input and standard error;
//   - whatever else passes between the daemon and a pod goes through the standard streams of the pause container (package
//     tunnel): probes and calls into the pod, spans and calls to stable addresses out of it.
//
// The pods of a shop call each other directly, over a network of their own. A dead daemon leaves its pods without standard input:
// at its end the pause containers and built-in services exit, and so everything does that is not frozen. Labels say
// whose a container is, by which the rest is found.
package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/shopctl/shopctl/pkg/engine"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// Config configures the driver. Engine, Image, Shop and Run are required.
type Config struct {
	Engine *engine.Engine
	// About is what the engine says of itself.
	About engine.About
	// Image is the reference of this binary's image.
	Image string
	// Shop is the name of the shop, and Run its run directory, by which it differs from others of its name.
	Shop, Run string
	// Environ is what built-in services are given, "KEY=value". Addresses of this machine's loopback interface in it lead there
	// from the pods too.
	Environ []string
	// Builtin finds the built-in service that an image names; nil: there are none.
	Builtin func(image string) (name string, ok bool)
	// Keeps reports whether a built-in service keeps its data in podspec.Pod.DataDir. Nil: all do.
	Keeps func(builtin string) bool
	// VolumeDir holds a directory for each pod with volumes.
	VolumeDir string
	// UID and GID are the user and group of the daemon.
	UID, GID int
	// Log takes what pause containers say; nil: none.
	Log *slog.Logger
}

// The labels of containers and networks.
const (
	RunLabel       = "shopctl.run"
	shopLabel      = "shopctl.shop"
	podLabel       = "shopctl.pod"
	containerLabel = "shopctl.container"
)

// pauseName is the container's name that a pause container has in its label.
const pauseName = "pause"

// Driver runs pods. It implements workload.Driver and workload.Reclaimer.
type Driver struct {
	c      Config
	images images
	// reachable are the ports of this machine that pods reach at the same loopback address.
	reachable []string

	networks sync.Mutex
	network  string // its id, once there is one

	mu     sync.Mutex
	routes map[string]map[string]bool // the stable addresses that a container was given, by pod and container
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
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	d := &Driver{c: c, routes: map[string]map[string]bool{}}
	d.images = images{engine: c.Engine, about: c.About, known: map[string]lookup{}, now: time.Now}
	for _, kv := range c.Environ {
		for _, port := range podspec.StrayLocalhost(kv) {
			d.reachable = append(d.reachable, "127.0.0.1:"+port)
		}
	}
	return d
}

// program is what a container runs.
type program struct {
	// image is what the engine knows it by, and builtin the built-in service in it; empty: the image decides.
	image, builtin string
	// listens is a port that the image says it serves; 0: it does not say.
	listens int
	warning string
}

// find finds the program of a container: what its image is on the engine, or else a built-in service in our own.
func (d *Driver) find(c *podspec.Container) (program, error) {
	if c.Mesh {
		return program{image: d.c.Image, builtin: workload.SidecarName}, nil
	}
	name, ours := d.c.Builtin(c.Image)
	is, err := d.images.find(c.Image)
	switch {
	case err == nil:
		return program{image: c.Image, listens: is.listens, warning: is.warning}, nil
	case ours && len(c.Command) > 0:
		return program{image: d.c.Image}, nil
	case ours:
		return program{image: d.c.Image, builtin: name}, nil
	}
	return program{}, err
}

// Plan implements workload.Driver.
func (d *Driver) Plan(spec *podspec.Pod) workload.Plan {
	plan := workload.Plan{Builtins: map[string]string{}}
	var identity []string
	for _, c := range spec.All() {
		if c.Mesh {
			continue
		}
		prog, err := d.find(&c)
		if err != nil {
			plan.Err = err
			return plan
		}
		identity = append(identity, prog.builtin)
		if prog.warning != "" {
			plan.Warnings = append(plan.Warnings, fmt.Sprintf("container %q: %s", c.Name, prog.warning))
		}
		if prog.builtin != "" {
			plan.Builtins[c.Name] = prog.builtin
			if len(c.Args) > 0 {
				plan.Warnings = append(plan.Warnings, fmt.Sprintf("args of container %q have no effect: %s is built in and takes its settings from env", c.Name, prog.builtin))
			}
		}
		if c.MemoryLimit() > 0 && !d.c.About.LimitsMemory {
			plan.Warnings = append(plan.Warnings, fmt.Sprintf("the memory limit of container %q has no effect: the engine cannot limit memory", c.Name))
		}
	}
	text, err := json.Marshal(identity)
	if err != nil {
		plan.Err = fmt.Errorf("encode programs: %w", err)
	}
	plan.Identity = string(text)
	return plan
}

// Route implements workload.Router. The stable address is one of this machine: the pod's tunnel leads there.
func (d *Driver) Route(pod, container string, _ podspec.Reference, direct workload.Route) workload.Route {
	if direct.Addr != "" {
		d.mu.Lock()
		defer d.mu.Unlock()
		key := pod + "/" + container
		if d.routes[key] == nil {
			d.routes[key] = map[string]bool{}
		}
		d.routes[key][direct.Addr] = true
	}
	return direct
}

// given are the stable addresses that a container was given.
func (d *Driver) given(pod, container string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for addr := range d.routes[pod+"/"+container] {
		all = append(all, addr)
	}
	slices.Sort(all)
	return all
}

func (d *Driver) forget(spec *podspec.Pod) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range spec.All() {
		delete(d.routes, spec.Name+"/"+c.Name)
	}
}

// Start implements workload.Driver. It starts the pause container and writes the volumes.
func (d *Driver) Start(ctx context.Context, spec podspec.Pod) (workload.Pod, error) {
	p := &pod{d: d, spec: spec, runs: map[string]int{}}
	box, err := p.ensure(ctx)
	if err == nil {
		err = p.writeVolumes(spec.Volumes, p.place(box).Fill)
	}
	if err != nil {
		_ = p.Remove(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	return p, nil
}

// networkName is what docker network ls shows.
func (d *Driver) networkName() string { return "shopctl-" + d.c.Shop }

// ensureNetwork makes the network of the shop, once.
func (d *Driver) ensureNetwork(ctx context.Context) (string, error) {
	d.networks.Lock()
	defer d.networks.Unlock()
	if d.network != "" {
		return d.network, nil
	}
	id, err := d.c.Engine.MakeNetwork(ctx, d.networkName(), map[string]string{RunLabel: d.c.Run, shopLabel: d.c.Shop})
	d.network = id
	return id, err
}

// closeTimeout bounds what is removed from the engine with the shop.
const closeTimeout = 10 * time.Second

// Close removes what the pods shared: the network. They have all been removed.
func (d *Driver) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	d.networks.Lock()
	defer d.networks.Unlock()
	if d.network == "" {
		return nil
	}
	if err := d.c.Engine.RemoveNetwork(ctx, d.network); err != nil {
		return err
	}
	d.network = ""
	return nil
}

// List implements workload.Reclaimer.
func (d *Driver) List() ([]workload.Leftover, error) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return Leftovers(ctx, d.c.Engine, d.c.Run)
}

// Reclaim implements workload.Reclaimer. What a dead daemon left has no lifeline, so that there is nothing to wait for.
func (d *Driver) Reclaim(ctx context.Context, _ time.Duration) ([]workload.Leftover, error) {
	return Reclaim(ctx, d.c.Engine, d.c.Run)
}
