package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// Spec is what a container is made of. Nothing restarts it but who made it.
type Spec struct {
	Name, Image string
	Labels      map[string]string
	// Entrypoint and Command replace the image's; empty: they are the image's.
	Entrypoint, Command []string
	Env                 []string
	// WorkingDir and User replace the image's; empty: they are the image's.
	WorkingDir, User string
	// Join is the container whose network, processes and memory it shares; empty: it has its own, in Network, where others
	// find it as Hostname and by its Aliases.
	Join              string
	Network, Hostname string
	Aliases           []string
	Mounts            []Mount
	// Memory is its limit in bytes, and NanoCPUs that of processors in billionths; 0: none.
	Memory, NanoCPUs int64
	// Hardened: its root is read-only but for /tmp, and it has no capabilities and gains none.
	Hardened bool
	// SharedMemory: others may join its memory.
	SharedMemory bool
}

// Mount is a file or directory of the engine's machine in a container.
type Mount struct {
	Source, Target string
	ReadOnly       bool
}

// Container is one that was made, and what goes in and out of it. Close ends the connection, at which it reads the end of its
// standard input.
type Container struct {
	ID string
	// Stdin is its standard input, and Output its two outputs as Demux separates them.
	Stdin  io.Writer
	Output *bufio.Reader

	e      *Engine
	conn   net.Conn
	exited client.ContainerWaitResult
	cancel context.CancelFunc
}

// pathOfTemp is what a container with a read-only root may write to.
const pathOfTemp = "/tmp"

func (s *Spec) hostConfig() *container.HostConfig {
	h := &container.HostConfig{
		// The output is read by who is attached, and is kept in the log of the shop.
		LogConfig:     container.LogConfig{Type: "none"},
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
		NetworkMode:   container.NetworkMode(s.Network),
		Resources:     container.Resources{Memory: s.Memory, MemorySwap: s.Memory, NanoCPUs: s.NanoCPUs},
	}
	if s.Join != "" {
		h.NetworkMode = container.NetworkMode("container:" + s.Join)
		h.PidMode = container.PidMode("container:" + s.Join)
		h.IpcMode = container.IpcMode("container:" + s.Join)
	}
	if s.SharedMemory {
		h.IpcMode = container.IPCModeShareable
	}
	if s.Hardened {
		h.ReadonlyRootfs, h.CapDrop, h.SecurityOpt = true, []string{"ALL"}, []string{"no-new-privileges"}
		h.Tmpfs = map[string]string{pathOfTemp: "mode=1777"}
	}
	for _, m := range s.Mounts {
		h.Mounts = append(h.Mounts, mount.Mount{Type: mount.TypeBind, Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly})
	}
	return h
}

// Run makes a container and starts it. ctx bounds the start alone. A container that could not be started is removed.
func (e *Engine) Run(ctx context.Context, s Spec) (*Container, error) {
	options := client.ContainerCreateOptions{
		Name: s.Name,
		Config: &container.Config{
			Image: s.Image, Labels: s.Labels, Entrypoint: s.Entrypoint, Cmd: s.Command, Env: s.Env,
			WorkingDir: s.WorkingDir, User: s.User, Hostname: s.Hostname,
			OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
		},
		HostConfig: s.hostConfig(),
	}
	if s.Network != "" {
		options.NetworkingConfig = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{s.Network: {Aliases: s.Aliases}}}
	}
	made, err := e.api.ContainerCreate(ctx, options)
	if err != nil {
		return nil, explain("create container "+s.Name, err)
	}
	c := &Container{ID: made.ID, e: e}
	if err := c.start(ctx); err != nil {
		_ = c.Remove(context.WithoutCancel(ctx))
		return nil, explain("start container "+s.Name, err)
	}
	return c, nil
}

func (c *Container) start(ctx context.Context) error {
	attached, err := c.e.api.ContainerAttach(ctx, c.ID, client.ContainerAttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return err
	}
	c.conn, c.Stdin, c.Output = attached.Conn, attached.Conn, attached.Reader
	var waiting context.Context
	waiting, c.cancel = context.WithCancel(context.Background())
	c.exited = c.e.api.ContainerWait(waiting, c.ID, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := c.e.api.ContainerStart(ctx, c.ID, client.ContainerStartOptions{}); err != nil {
		c.Close()
		return err
	}
	return nil
}

// Close ends the connection to the container, and the waiting for its end.
func (c *Container) Close() {
	_ = c.conn.Close()
	c.cancel()
}

// Ended is how a container ended.
type Ended struct {
	Code int
	// OutOfMemory: its memory limit ended it, or a process in it.
	OutOfMemory bool
	// Err is what the engine says of its end, or why it says nothing.
	Err error
}

// Wait waits for the end of the container. Called once.
func (c *Container) Wait(ctx context.Context) Ended {
	var end Ended
	select {
	case r := <-c.exited.Result:
		end.Code = int(r.StatusCode)
	case err := <-c.exited.Error:
		return Ended{Code: 137, Err: fmt.Errorf("the engine does not say how it ended: %w", err)}
	}
	if is, err := c.e.api.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{}); err == nil && is.Container.State != nil {
		end.OutOfMemory = is.Container.State.OOMKilled
		if text := is.Container.State.Error; text != "" {
			end.Err = fmt.Errorf("%s", text)
		}
	}
	return end
}

// Remove removes the container, and ends it if it runs.
func (c *Container) Remove(ctx context.Context) error {
	if _, err := c.e.api.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); err != nil && !isGone(err) {
		return fmt.Errorf("remove container %s: %w", short(c.ID), err)
	}
	return nil
}

// Address is the container's in a network.
func (c *Container) Address(ctx context.Context, name string) (string, error) {
	is, err := c.e.api.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err != nil {
		return "", fmt.Errorf("find the address of container %s: %w", short(c.ID), err)
	}
	if settings := is.Container.NetworkSettings; settings != nil && settings.Networks[name] != nil && settings.Networks[name].IPAddress.IsValid() {
		return settings.Networks[name].IPAddress.String(), nil
	}
	return "", fmt.Errorf("container %s has no address in network %s: it has ended", short(c.ID), name)
}

// Short is the beginning of its id, as docker ps shows it.
func (c *Container) Short() string { return short(c.ID) }

func short(id string) string { return id[:min(len(id), 12)] }
