// Package engine finds the container engine of this machine as docker's own command does, and speaks to it.
//
// An engine is anything that serves Docker's API: Docker itself, rootless or not, Docker Desktop, or Podman. Where it listens
// is said by DOCKER_HOST, by the context that docker context use has chosen, or by where engines listen by default.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Endpoint is where an engine listens.
type Endpoint struct {
	// Host is as DOCKER_HOST has it: unix:///var/run/docker.sock, tcp://192.0.2.1:2376.
	Host string
	// Source is what named it, for messages: DOCKER_HOST, context "colima", the default.
	Source string
	// certs is the directory of ca.pem, cert.pem and key.pem, empty for no TLS.
	certs string
}

// Finder holds what an engine is found by.
type Finder struct {
	Getenv func(string) string
	// Exists reports whether there is a socket at a path; nil asks the file system.
	Exists func(path string) bool
}

// Find returns where the engine listens. Without any sign of one it is Docker's default socket.
func (f Finder) Find() (Endpoint, error) {
	if host := f.Getenv("DOCKER_HOST"); host != "" {
		e := Endpoint{Host: host, Source: "DOCKER_HOST"}
		if f.Getenv("DOCKER_TLS_VERIFY") != "" || f.Getenv("DOCKER_TLS") != "" {
			if e.certs = f.Getenv("DOCKER_CERT_PATH"); e.certs == "" {
				e.certs = f.configDir()
			}
		}
		return e, nil
	}
	name, err := f.context()
	if err != nil {
		return Endpoint{}, err
	}
	if name != "" && name != "default" {
		return f.fromContext(name)
	}
	for _, path := range f.sockets() {
		if f.exists(path) {
			return Endpoint{Host: "unix://" + path, Source: "the default"}, nil
		}
	}
	return Endpoint{Host: client.DefaultDockerHost, Source: "the default"}, nil
}

// sockets are where engines listen by default, those of root first.
func (f Finder) sockets() []string {
	all := []string{"/var/run/docker.sock"}
	if dir := f.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		all = append(all, filepath.Join(dir, "docker.sock"), filepath.Join(dir, "podman/podman.sock"))
	}
	if home := f.Getenv("HOME"); home != "" {
		all = append(all, filepath.Join(home, ".docker/run/docker.sock"))
	}
	return append(all, "/run/podman/podman.sock")
}

func (f Finder) exists(path string) bool {
	if f.Exists != nil {
		return f.Exists(path)
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type() == fs.ModeSocket
}

// Engine is a connection to an engine.
type Engine struct {
	Endpoint

	api *client.Client
}

// UnreachableError is why no engine can be used.
type UnreachableError struct {
	Endpoint Endpoint
	Err      error
}

func (e *UnreachableError) Error() string {
	at := fmt.Sprintf("%s (%s)", e.Endpoint.Host, e.Endpoint.Source)
	switch {
	case e.Endpoint.Host == "": // none is named
		return e.Err.Error()
	case errors.Is(e.Err, fs.ErrPermission):
		return "this user may not use the container engine at " + at
	case client.IsErrConnectionFailed(e.Err):
		return "no container engine answers at " + at
	}
	if e.tooOld() {
		return fmt.Sprintf("the container engine at %s is too old: %v", at, e.Err)
	}
	return fmt.Sprintf("container engine at %s: %v", at, e.Err)
}

// tooOld reports whether the engine speaks no version of the API that this client does.
func (e *UnreachableError) tooOld() bool { return errdefs.IsInvalidArgument(e.Err) }

func (e *UnreachableError) Unwrap() error { return e.Err }

// Hint is a way out, which can be pasted.
func (e *UnreachableError) Hint() string {
	if errors.Is(e.Err, fs.ErrPermission) {
		return `sudo usermod -aG docker "$USER" && newgrp docker`
	}
	if e.tooOld() {
		return "docker version  # and upgrade the engine to Docker 20.10 or newer, or choose another: docker context use NAME"
	}
	return "docker context ls  # or start the engine: sudo systemctl start docker"
}

// Connect asks the engine at an endpoint for its version. Any error is an UnreachableError.
func Connect(ctx context.Context, at Endpoint) (*Engine, error) {
	if u, err := url.Parse(at.Host); err == nil && u.Scheme == "ssh" {
		return nil, &UnreachableError{at, fmt.Errorf("ssh is not spoken: ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock %s, and DOCKER_HOST=unix:///tmp/engine.sock", u.Host)}
	}
	options := []client.Opt{client.WithHost(at.Host), client.WithUserAgent("shopctl")}
	if at.certs != "" {
		options = append(options, client.WithTLSClientConfig(
			filepath.Join(at.certs, "ca.pem"), filepath.Join(at.certs, "cert.pem"), filepath.Join(at.certs, "key.pem")))
	}
	api, err := client.New(options...)
	if err != nil {
		return nil, &UnreachableError{at, err}
	}
	if _, err := api.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		_ = api.Close()
		if client.IsErrConnectionFailed(err) && strings.Contains(err.Error(), "permission denied") {
			err = fmt.Errorf("%w: %w", fs.ErrPermission, err) // which the client has left out
		}
		return nil, &UnreachableError{at, err}
	}
	return &Engine{at, api}, nil
}

// Close ends the connection.
func (e *Engine) Close() error { return e.api.Close() }

// Load gives the engine an archive of images. told is what it says of them.
func (e *Engine) Load(ctx context.Context, archive io.Reader) (told string, err error) {
	res, err := e.api.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
	if err != nil {
		return "", fmt.Errorf("load image into the engine at %s: %w", e.Host, err)
	}
	defer func() { _ = res.Close() }()
	told, err = readStream(res)
	if err != nil {
		return "", fmt.Errorf("load image into the engine at %s: %w", e.Host, err)
	}
	return strings.TrimSpace(told), nil
}
