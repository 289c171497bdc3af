package docker

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// pod is a pause container and the volumes of what joins it.
type pod struct {
	d *Driver

	mu   sync.Mutex
	spec podspec.Pod
	// runs counts the starts of containers, for their names.
	runs map[string]int
	// box is the newest pause container.
	box *sandbox
}

// name is that of the next run of a container.
func (p *pod) name(container string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.nextName(container)
}

func (p *pod) nextName(container string) string {
	p.runs[container]++
	name := "shopctl-" + p.d.c.Shop + "-" + p.spec.Name + "-" + container
	if n := p.runs[container]; n > 1 {
		name += "-" + strconv.Itoa(n)
	}
	return name
}

// ensure starts the pause container if none runs.
func (p *pod) ensure(ctx context.Context) (*sandbox, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.box != nil && p.box.alive() {
		return p.box, nil
	}
	box, err := p.d.startSandbox(ctx, &p.spec, p.nextName(pauseName))
	if err != nil {
		return nil, err
	}
	p.box = box
	return box, nil
}

// Run implements workload.Pod.
func (p *pod) Run(ctx context.Context, spec podspec.Container) (workload.Container, error) {
	c, err := p.run(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.label(spec.Name), err)
	}
	return c, nil
}

func (p *pod) run(ctx context.Context, spec podspec.Container) (*container, error) {
	prog, err := p.d.find(&spec)
	if err != nil {
		return nil, err
	}
	box, err := p.ensure(ctx)
	if err != nil {
		return nil, err
	}
	if prog.builtin == "" {
		if err := box.reach(p.d.given(p.spec.Name, spec.Name)...); err != nil {
			return nil, err
		}
	}
	c := newContainer(p, box, spec, prog)
	return c, c.start(ctx)
}

// label names a container in messages: only by its pod, if it is the only one.
func (p *pod) label(container string) string {
	if len(p.spec.All()) == 1 {
		return p.spec.Name
	}
	return p.spec.Name + "/" + container
}

// place is where the pod runs.
func (p *pod) place(box *sandbox) podspec.Place {
	return podspec.Place{PodIP: box.ip, Node: p.d.c.About.Name, NodeIP: box.ip}
}

// Update implements workload.Pod.
func (p *pod) Update(volumes []podspec.Volume) error {
	p.mu.Lock()
	p.spec.Volumes = volumes
	box := p.box
	p.mu.Unlock()
	return p.writeVolumes(volumes, p.place(box).Fill)
}

// Remove implements workload.Pod.
func (p *pod) Remove(ctx context.Context) error {
	p.d.forget(&p.spec)
	p.mu.Lock()
	box := p.box
	p.mu.Unlock()
	if box != nil && box.alive() {
		if err := box.run.Remove(ctx); err != nil {
			return fmt.Errorf("remove %s: %w", p.spec.Name, err)
		}
		select {
		case <-box.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		box.tunnel.Close()
	}
	return p.removeVolumes()
}
