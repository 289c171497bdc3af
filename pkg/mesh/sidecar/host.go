package sidecar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// Host runs sidecars in one process, as the daemon hands them over, until it closes the connection or ctx ends. They share
// nothing but the process: each has a certificate, listeners and a lifeline of its own, and calls the others over sockets.
func Host(ctx context.Context, conn *net.UnixConn) error {
	h := &host{stops: map[string]context.CancelFunc{}}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer conn.Close()
	defer h.tasks.Wait()
	for {
		task, files, err := lifeline.ReceiveTask(conn)
		switch {
		case errors.Is(err, io.EOF), err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case task.Stop:
			h.stop(task.ID)
		default:
			h.start(ctx, task, files)
		}
	}
}

type host struct {
	tasks sync.WaitGroup
	mu    sync.Mutex
	stops map[string]context.CancelFunc
}

func (h *host) stop(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if stop := h.stops[id]; stop != nil {
		stop()
	}
}

// start runs a sidecar. Its end of the pipes closes with it, by which the daemon knows.
func (h *host) start(ctx context.Context, task lifeline.Task, files []*os.File) {
	closeFiles := func() {
		for _, f := range files {
			_ = f.Close()
		}
	}
	if len(files) != 3 {
		closeFiles()
		return
	}
	down, up, out := files[0], files[1], files[2]
	ctx, cancel := context.WithCancel(ctx)
	h.mu.Lock()
	h.stops[task.ID] = cancel
	h.mu.Unlock()
	h.tasks.Go(func() {
		defer closeFiles()
		defer func() {
			cancel()
			h.mu.Lock()
			delete(h.stops, task.ID)
			h.mu.Unlock()
		}()
		b, err := ReadBootstrap(lookup(task.Environ))
		if err == nil {
			err = Start(ctx, b, Streams{Log: out, Down: down, Up: up})
		}
		if err != nil && !errors.Is(err, ErrLifeline) {
			fmt.Fprintf(out, "%v\n", err)
			_ = lifeline.Write(up, lifeline.Up{Fatal: err.Error()}) // the daemon may be gone
		}
	})
}

// lookup finds a variable in an environment, of which the last holds.
func lookup(environ []string) func(string) string {
	return func(name string) string {
		value := ""
		for _, kv := range environ {
			if v, ok := strings.CutPrefix(kv, name+"="); ok {
				value = v
			}
		}
		return value
	}
}
