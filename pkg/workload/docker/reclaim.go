package docker

import (
	"context"
	"errors"

	"github.com/shopctl/shopctl/pkg/engine"
	"github.com/shopctl/shopctl/pkg/workload"
)

// Leftovers are the containers of a shop, by its run directory, that run.
func Leftovers(ctx context.Context, e *engine.Engine, run string) ([]workload.Leftover, error) {
	all, err := e.Containers(ctx, RunLabel, run)
	var left []workload.Leftover
	for _, c := range all {
		if c.Running {
			left = append(left, describe(c))
		}
	}
	return left, err
}

// Reclaim removes all containers and networks of a shop, by its run directory, and returns the containers that still ran.
func Reclaim(ctx context.Context, e *engine.Engine, run string) ([]workload.Leftover, error) {
	all, err := e.Containers(ctx, RunLabel, run)
	if err != nil {
		return nil, err
	}
	var left []workload.Leftover
	var errs []error
	for _, c := range all {
		if c.Running {
			left = append(left, describe(c))
		}
		errs = append(errs, e.RemoveContainer(ctx, c.ID))
	}
	networks, err := e.Networks(ctx, RunLabel, run)
	errs = append(errs, err)
	for _, id := range networks {
		errs = append(errs, e.RemoveNetwork(ctx, id))
	}
	return left, errors.Join(errs...)
}

func describe(c engine.Listed) workload.Leftover {
	return workload.Leftover{Name: c.Name, ID: "docker://" + c.ID[:min(len(c.ID), 12)]}
}

// ReclaimAt is Reclaim on the engine of a dead daemon, as DOCKER_HOST has it.
func ReclaimAt(ctx context.Context, getenv func(string) string, host, run string) ([]workload.Leftover, error) {
	at, err := engine.Finder{Getenv: getenv}.Find()
	if err != nil || at.Host != host {
		at = engine.Endpoint{Host: host, Source: "the shop's last engine"}
	}
	e, err := engine.Connect(ctx, at)
	if err != nil {
		return nil, err
	}
	defer func() { _ = e.Close() }()
	return Reclaim(ctx, e, run)
}
