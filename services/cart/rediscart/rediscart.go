// Package rediscart is the workload redis-cart, the store of the carts: a real redis-server where this machine has one,
// else the embedded one, on the same port with the same behavior. A real one listens on a socket that only its user can
// open, and a relay serves the port, which refuses the other users of the machine.
//
// REDIS_SERVER is "embedded", or the path or name of a redis-server; by default redis-server, then valkey-server, are
// searched on PATH. DATA_DIR holds the carts; without it they are lost with the process. With REDIS_PASSWORD, clients
// must authenticate first.
package rediscart

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/services/cart/rediscart/embedded"
)

// embeddedChoice is the value of REDIS_SERVER for the embedded server.
const embeddedChoice = "embedded"

// Setup serves the Redis protocol on rt's port.
func Setup(ctx context.Context, rt *chassis.Runtime) error {
	path, err := findServer(rt.Getenv("REDIS_SERVER"), exec.LookPath)
	if err != nil {
		return err
	}
	lock, err := lockDir(ctx, rt.DataDir())
	if err != nil {
		return err
	}
	password := rt.Getenv("REDIS_PASSWORD")
	if path == "" {
		return serveEmbedded(rt, password, lock)
	}
	return serveProgram(rt, program{path: path, dir: rt.DataDir(), password: password, lock: lock, log: rt.Log()})
}

// serveProgram runs a redis-server behind rt's port.
func serveProgram(rt *chassis.Runtime, p program) error {
	socket, remove, err := openSocket(p.dir)
	if err != nil {
		unlockDir(p.lock)
		return err
	}
	p.socket = socket
	rt.Log().Info("store of the carts", "server", p.path, "dir", p.dir, "socket", p.socket, "password", p.password != "")
	rt.ServeTCP(func(ctx context.Context, l net.Listener) error {
		defer unlockDir(p.lock)
		ctx, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() {
			defer cancel()
			ended <- p.runOrReplace(ctx, rt.Now)
		}()
		(&relay{socket: p.socket}).serve(ctx, l)
		cancel()
		return errors.Join(<-ended, remove())
	})
	return nil
}

func serveEmbedded(rt *chassis.Runtime, password string, lock *os.File) error {
	server, err := embedded.Open(embedded.Config{Dir: rt.DataDir(), Password: password, Now: rt.Now, Log: rt.Log()})
	if err != nil {
		unlockDir(lock)
		return err
	}
	rt.Log().Info("store of the carts", "server", embeddedChoice, "dir", rt.DataDir(), "password", password != "")
	rt.ServeTCP(func(ctx context.Context, l net.Listener) error {
		defer unlockDir(lock)
		return errors.Join(server.Serve(ctx, l), server.Close())
	})
	return nil
}

// findServer returns the path of the redis-server to run; empty: the embedded one.
func findServer(choice string, lookPath func(string) (string, error)) (string, error) {
	switch choice {
	case embeddedChoice:
		return "", nil
	case "":
		for _, name := range []string{"redis-server", "valkey-server"} {
			if path, err := lookPath(name); err == nil {
				return path, nil
			}
		}
		return "", nil
	}
	path, err := lookPath(choice)
	if err != nil {
		return "", fmt.Errorf("find REDIS_SERVER=%q: %w (%q needs none)", choice, err, embeddedChoice)
	}
	return path, nil
}
