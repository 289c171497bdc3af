package daemon

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/pkg/workload/docker"
	"github.com/shopctl/shopctl/services"
)

// DockerDriver runs services as containers of an engine.
const DockerDriver = "docker"

// openTimeout bounds the way of an image to the engine, which may be far away.
const openTimeout = 2 * time.Minute

// OpenDocker finds the container engine and gives it the image of this binary. told gets a line of what happens; it may be nil.
func OpenDocker(ctx context.Context, getenv func(string) string, executable, version string, told func(string)) (*docker.Place, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	place, err := docker.Open(ctx, getenv, executable, version, told)
	if h, ok := err.(interface{ Hint() string }); ok {
		return nil, control.WithHint(fmt.Errorf("start the shop on containers: %w", err), h.Hint(), 5)
	}
	if err != nil {
		return nil, control.WithHint(fmt.Errorf("start the shop on containers: %w", err), "docker info", 5)
	}
	return place, nil
}

// newContainers runs the shop as containers of an engine.
func (s *shop) newContainers(environ []string) (runtime, error) {
	if s.cfg.Sidecars == SidecarsShared {
		return runtime{}, control.Error(codes.InvalidArgument, "--sidecars=shared is for processes: a sidecar in a container shares the network of its pod alone", "shopctl up --driver docker", 2)
	}
	executable, err := s.executable()
	if err != nil {
		return runtime{}, err
	}
	place, err := OpenDocker(context.Background(), s.cfg.Getenv, executable, s.cfg.Version, nil)
	if err != nil {
		return runtime{}, err
	}
	driver := docker.New(docker.Config{
		Engine: place.Engine, About: place.About, Image: place.Image, Shop: s.dir.Name, Run: s.dir.Run, Environ: environ,
		Builtin: builtinOf, Keeps: keepsData, VolumeDir: s.dir.Volumes(), UID: os.Getuid(), GID: os.Getgid(), Log: s.log,
	})
	r, err := s.local(driver)
	if err == nil {
		err = s.lock.RecordEngine(place.Engine.Host)
	}
	if err != nil {
		_ = place.Engine.Close()
		return runtime{}, err
	}
	r.close = func() error {
		defer func() { _ = place.Engine.Close() }()
		return driver.Close()
	}
	return r, nil
}

// reclaimTimeout bounds the removal of what a dead daemon left on an engine.
const reclaimTimeout = 30 * time.Second

// ReclaimEngine removes the containers that the dead daemon of a shop left on an engine, and returns how many of them ran.
func ReclaimEngine(ctx context.Context, getenv func(string) string, dir rundir.Dir) (int, error) {
	host := dir.Engine()
	if host == "" {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, reclaimTimeout)
	defer cancel()
	left, err := docker.ReclaimAt(ctx, getenv, host, dir.Run)
	if err != nil {
		err = control.WithHint(fmt.Errorf("remove the containers of a dead daemon: %w", err), "rm "+dir.EngineFile()+"  # if that engine is gone for good; else start it", 5)
	}
	return len(left), err
}

// builtinOf finds the built-in service that an image names.
func builtinOf(image string) (name string, ok bool) {
	b, _, ok := services.ByImage(image)
	return b.Name, ok
}

// keepsData reports whether a built-in service keeps data beside its volumes.
func keepsData(builtin string) bool {
	b, ok := services.Lookup(builtin)
	return ok && b.Role != services.RoleStore
}
