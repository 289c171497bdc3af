package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// isGone reports whether an error says that a container does not run, or does not exist any more.
func isGone(err error) bool {
	return errdefs.IsNotFound(err) || errdefs.IsConflict(err) && !strings.Contains(err.Error(), "already in use")
}

// NameTakenError reports a name that another container has.
type NameTakenError struct{ Name string }

func (e *NameTakenError) Error() string {
	return fmt.Sprintf("the container name %q is taken", e.Name)
}

// explain makes an error of the engine's.
func explain(what string, err error) error {
	if errdefs.IsConflict(err) && strings.Contains(err.Error(), "already in use") {
		return fmt.Errorf("%s: %w", what, &NameTakenError{what[strings.LastIndex(what, " ")+1:]})
	}
	return fmt.Errorf("%s: %w", what, err)
}

// About is what an engine says of itself.
type About struct {
	// Name of its machine; OS and Arch of what it runs: "linux", "amd64".
	Name, OS, Arch string
	// Version of the engine, and API the version that both sides speak.
	Version, API string
	// Rootless: root in a container is the engine's own user.
	Rootless bool
	// LimitsMemory: a memory limit takes effect.
	LimitsMemory bool
}

// architectures are the kernel's names of what Go calls otherwise.
var architectures = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}

// About asks the engine.
func (e *Engine) About(ctx context.Context) (About, error) {
	got, err := e.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return About{}, &UnreachableError{e.Endpoint, err}
	}
	a := About{Name: got.Info.Name, OS: got.Info.OSType, Arch: got.Info.Architecture, Version: got.Info.ServerVersion, API: e.api.ClientVersion(), LimitsMemory: got.Info.MemoryLimit}
	if arch, ok := architectures[a.Arch]; ok {
		a.Arch = arch
	}
	a.Rootless = slices.ContainsFunc(got.Info.SecurityOptions, func(o string) bool { return strings.Contains(o, "rootless") })
	return a, nil
}

// Image is one that the engine has.
type Image struct {
	ID       string
	OS, Arch string
	// Listens are the ports that it says it serves, sorted.
	Listens []string
}

// ErrNoImage is the error of an image that the engine does not have.
var ErrNoImage = errors.New("the engine does not have the image")

// Image finds an image by its reference.
func (e *Engine) Image(ctx context.Context, reference string) (Image, error) {
	got, err := e.api.ImageInspect(ctx, reference)
	switch {
	case errdefs.IsNotFound(err), errdefs.IsInvalidArgument(err):
		return Image{}, fmt.Errorf("%w %s", ErrNoImage, reference)
	case err != nil:
		return Image{}, fmt.Errorf("find image %s: %w", reference, err)
	}
	is := Image{ID: got.ID, OS: got.Os, Arch: got.Architecture}
	if got.Config != nil {
		for port := range got.Config.ExposedPorts {
			is.Listens = append(is.Listens, port)
		}
	}
	slices.Sort(is.Listens)
	return is, nil
}

// MakeNetwork makes a network and returns its id. Those of one name differ by their ids.
func (e *Engine) MakeNetwork(ctx context.Context, name string, labels map[string]string) (id string, err error) {
	made, err := e.api.NetworkCreate(ctx, name, client.NetworkCreateOptions{Driver: "bridge", Labels: labels})
	if err != nil {
		return "", fmt.Errorf("create network %s: %w", name, err)
	}
	return made.ID, nil
}

// RemoveNetwork removes a network, which no container uses.
func (e *Engine) RemoveNetwork(ctx context.Context, id string) error {
	if _, err := e.api.NetworkRemove(ctx, id, client.NetworkRemoveOptions{}); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove network %s: %w", short(id), err)
	}
	return nil
}

// Networks are those with a label, by their ids.
func (e *Engine) Networks(ctx context.Context, label, value string) ([]string, error) {
	got, err := e.api.NetworkList(ctx, client.NetworkListOptions{Filters: make(client.Filters).Add("label", label+"="+value)})
	if err != nil {
		return nil, fmt.Errorf("list networks: %w", err)
	}
	var ids []string
	for _, n := range got.Items {
		ids = append(ids, n.ID)
	}
	return ids, nil
}

// Listed is a container in a list.
type Listed struct {
	ID, Name string
	Labels   map[string]string
	Running  bool
}

// Containers are those with a label, also those that have ended.
func (e *Engine) Containers(ctx context.Context, label, value string) ([]Listed, error) {
	got, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", label+"="+value)})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	var all []Listed
	for _, c := range got.Items {
		l := Listed{ID: c.ID, Labels: c.Labels, Running: c.State == container.StateRunning || c.State == container.StatePaused}
		if len(c.Names) > 0 {
			l.Name = strings.TrimPrefix(c.Names[0], "/")
		}
		all = append(all, l)
	}
	return all, nil
}

// RemoveContainer removes a container, and ends it if it runs.
func (e *Engine) RemoveContainer(ctx context.Context, id string) error {
	return (&Container{ID: id, e: e}).Remove(ctx)
}
