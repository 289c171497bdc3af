package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// Demux copies what a container writes to its two outputs, until it ends.
func (c *Container) Demux(stdout, stderr io.Writer) error {
	_, err := stdcopy.StdCopy(stdout, stderr, c.Output)
	return err
}

// Stop sends the signal that the image asks for, SIGTERM as a rule, and kills what still runs after grace, which is rounded up
// to seconds. It returns when the container has ended.
func (c *Container) Stop(ctx context.Context, grace time.Duration) error {
	seconds := int(math.Ceil(grace.Seconds()))
	if _, err := c.e.api.ContainerStop(ctx, c.ID, client.ContainerStopOptions{Timeout: &seconds}); err != nil && !isGone(err) {
		return fmt.Errorf("stop container %s: %w", c.Short(), err)
	}
	return nil
}

// Kill ends it at once.
func (c *Container) Kill(ctx context.Context) error {
	if _, err := c.e.api.ContainerKill(ctx, c.ID, client.ContainerKillOptions{Signal: "SIGKILL"}); err != nil && !isGone(err) {
		return fmt.Errorf("kill container %s: %w", c.Short(), err)
	}
	return nil
}

// Pause freezes all its processes.
func (c *Container) Pause(ctx context.Context) error {
	if _, err := c.e.api.ContainerPause(ctx, c.ID, client.ContainerPauseOptions{}); err != nil {
		return fmt.Errorf("pause container %s: %w", c.Short(), err)
	}
	return nil
}

// Resume lets them go on.
func (c *Container) Resume(ctx context.Context) error {
	if _, err := c.e.api.ContainerUnpause(ctx, c.ID, client.ContainerUnpauseOptions{}); err != nil {
		return fmt.Errorf("resume container %s: %w", c.Short(), err)
	}
	return nil
}

// ExitError is the exit code of a command that failed.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("exit status %d", e.Code) }

// Exec runs a command in the container and copies what it writes to out. A command that fails is an ExitError. The API cannot
// end a command: one that runs when ctx ends goes on until the container ends.
func (c *Container) Exec(ctx context.Context, command []string, out io.Writer) error {
	made, err := c.e.api.ExecCreate(ctx, c.ID, client.ExecCreateOptions{Cmd: command, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	attached, err := c.e.api.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	defer attached.Close()
	stop := context.AfterFunc(ctx, attached.Close)
	defer stop()
	_, err = stdcopy.StdCopy(out, out, attached.Reader)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	is, err := c.e.api.ExecInspect(ctx, made.ID, client.ExecInspectOptions{})
	if err != nil {
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	if is.ExitCode != 0 {
		return &ExitError{is.ExitCode}
	}
	return nil
}

// Usage is what a container uses.
type Usage struct {
	// Memory is what it cannot give back, in bytes.
	Memory int64
	// CPU is the processor time since it started, and Throttled how long it had to wait at its limit of processors.
	CPU, Throttled time.Duration
}

// Usage measures it.
func (c *Container) Usage(ctx context.Context) (Usage, error) {
	got, err := c.e.api.ContainerStats(ctx, c.ID, client.ContainerStatsOptions{})
	if err != nil {
		return Usage{}, fmt.Errorf("measure container %s: %w", c.Short(), err)
	}
	defer func() { _ = got.Body.Close() }()
	var stats struct {
		CPU struct {
			Usage struct {
				Total int64 `json:"total_usage"`
			} `json:"cpu_usage"`
			Throttling struct {
				Time int64 `json:"throttled_time"`
			} `json:"throttling_data"`
		} `json:"cpu_stats"`
		Memory struct {
			Usage int64            `json:"usage"`
			Stats map[string]int64 `json:"stats"`
		} `json:"memory_stats"`
	}
	if err := json.NewDecoder(got.Body).Decode(&stats); err != nil {
		return Usage{}, fmt.Errorf("measure container %s: %w", c.Short(), err)
	}
	cache := stats.Memory.Stats["inactive_file"] // of the second version of cgroups, and of the first
	if v1, ok := stats.Memory.Stats["total_inactive_file"]; ok {
		cache = v1
	}
	return Usage{
		Memory: max(0, stats.Memory.Usage-cache),
		CPU:    time.Duration(stats.CPU.Usage.Total), Throttled: time.Duration(stats.CPU.Throttling.Time),
	}, nil
}
