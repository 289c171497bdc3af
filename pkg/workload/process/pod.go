package process

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// pod is a directory of volumes, and the ports of its containers.
type pod struct {
	d    *Driver
	spec podspec.Pod
	// ports are those of containers that siblings may call, by container. They hold for the life of the pod: if
	// another program takes one while its container is down, the container fails to listen until the port is free.
	ports map[string]int
}

// choosePorts gives every container that declares a port one of this machine, if there are siblings to call it.
func (p *pod) choosePorts() error {
	all := p.spec.All()
	if len(all) == 1 {
		return nil
	}
	for _, c := range all {
		if len(c.Ports) == 0 {
			continue
		}
		port, err := freePort()
		if err != nil {
			return err
		}
		p.ports[c.Name] = port
	}
	return nil
}

// Run implements workload.Pod.
func (p *pod) Run(ctx context.Context, spec podspec.Container) (workload.Container, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := &container{pod: p, spec: spec, port: p.ports[spec.Name], marker: newMarker(), listening: make(chan struct{}), reports: make(chan struct{}, 1), done: make(chan struct{})}
	if err := c.prepare(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.label(spec.Name), err)
	}
	if spec.Mesh && p.d.c.SharedSidecars {
		g, err := p.d.runGuest(c)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", p.label(spec.Name), err)
		}
		return g, nil
	}
	if err := c.start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.label(spec.Name), err)
	}
	return c, nil
}

// label names a container in messages: only by its pod, if it is the only one.
func (p *pod) label(container string) string {
	if len(p.spec.All()) == 1 {
		return p.spec.Name
	}
	return p.spec.Name + "/" + container
}

// Update implements workload.Pod.
func (p *pod) Update(volumes []podspec.Volume) error {
	p.spec.Volumes = volumes
	return p.writeVolumes(volumes)
}

// Remove implements workload.Pod.
func (p *pod) Remove(context.Context) error {
	if p.d.c.VolumeDir == "" || len(p.spec.Volumes) == 0 {
		return nil
	}
	if err := os.RemoveAll(p.dir()); err != nil {
		return fmt.Errorf("remove volumes of %s: %w", p.spec.Name, err)
	}
	return nil
}

// prepare finds the program of a container and replaces what differs on this machine: ports, siblings and paths.
func (c *container) prepare() error {
	p := c.pod
	if c.spec.Mesh {
		c.builtin, c.env = workload.SidecarName, c.spec.Env
		return nil
	}
	prog, err := findProgram(p.d.c.Images(), p.d.c.Builtin, c.spec.Image, c.spec.Command, c.spec.Args)
	if err != nil {
		return err
	}
	if c.port == 0 && prog.builtin == "" {
		if c.port, err = freePort(); err != nil {
			return err
		}
	}
	if c.mounts, err = p.mountDirs(c.spec); err != nil {
		return err
	}
	local := func(text string) string {
		text = place().Fill(podspec.FillPort(text, strconv.Itoa(c.port)))
		return rewritePaths(podspec.FillSiblings(text, p.siblingAddr), c.mounts)
	}
	values := map[string]string{"PORT": strconv.Itoa(c.port)}
	for _, kv := range c.spec.Env {
		name, value, _ := strings.Cut(kv, "=")
		if name == "PORT" {
			continue
		}
		value = local(value)
		values[name] = value
		c.env = append(c.env, name+"="+value)
	}
	for _, arg := range prog.command {
		c.command = append(c.command, local(podspec.Expand(arg, values)))
	}
	c.builtin = prog.builtin
	c.dir, err = c.workingDir(prog)
	return err
}

func (p *pod) dir() string { return filepath.Join(p.d.c.VolumeDir, p.spec.Name) }
