package chassis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
)

// serve runs everything that the service registered until ctx ends or something fails, then drains.
func (rt *Runtime) serve(ctx context.Context, l listening, stop context.CancelCauseFunc) error {
	g := &group{stop: stop}
	admin := newHTTPServer(hostsOf(rt.o.Getenv, rt.o.Name, rt.o.Workload).guard(adminHandler(rt.gatherer, rt.health.state)))
	g.run("metrics", func() error { return ignoreClosed(admin.Serve(l.admin)) })

	// The servers outlive ctx: calls in flight finish while the service drains.
	liveCtx, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	shutdown, addr, err := rt.serveMain(liveCtx, g, l)
	if err == nil {
		rt.work(ctx, g)
		if err = report(rt.o, rt.log, addr, l.admin.Addr().String()); err != nil {
			g.fail(err)
		}
		<-ctx.Done()
	} else {
		g.fail(err)
	}

	drainCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rt.drain)
	defer cancel()
	rt.leave(drainCtx, ctx, shutdown)
	end()
	_ = admin.Close()
	g.wait()
	return g.err()
}

// work starts the service's own tasks and the updates of its readiness.
func (rt *Runtime) work(ctx context.Context, g *group) {
	g.run("readiness", func() error { rt.health.watch(ctx, rt.services); return nil })
	for _, t := range rt.tasks {
		g.run(t.name, func() error {
			err := t.run(ctx)
			if errors.Is(err, context.Canceled) && ctx.Err() != nil {
				return nil
			}
			return err
		})
	}
}

// leave drains: not ready, calls in flight finish, then everything is closed. When the daemon is gone, no caller is left
// to wait for, and the service exits at once.
func (rt *Runtime) leave(drainCtx, serveCtx context.Context, shutdown func(context.Context)) {
	rt.health.leave()
	if errors.Is(context.Cause(serveCtx), ErrLifeline) {
		gone, cancel := context.WithCancel(drainCtx)
		cancel()
		drainCtx = gone
	} else {
		rt.log.Info("draining")
	}
	if shutdown != nil {
		shutdown(drainCtx)
	}
	rt.cleanUp(drainCtx)
}

// cleanUp follows the end of the last call.
func (rt *Runtime) cleanUp(drainCtx context.Context) {
	for _, f := range rt.onDrain {
		if err := f(drainCtx); err != nil {
			rt.log.Warn("drain", "error", err)
		}
	}
	rt.closeConns()
}

// serveMain starts what the service serves on PORT and returns how to drain it and its address.
func (rt *Runtime) serveMain(ctx context.Context, g *group, l listening) (shutdown func(context.Context), addr string, err error) {
	switch {
	case rt.tcp != nil:
		tcpCtx, cancel := context.WithCancel(ctx)
		done := g.run("tcp", func() error { return ignoreClosed(rt.tcp(tcpCtx, l.main)) })
		return func(context.Context) { cancel(); _ = l.main.Close(); <-done }, l.main.Addr().String(), nil
	case rt.http != nil:
		srv := newHTTPServer(hostsOf(rt.o.Getenv, rt.o.Name, rt.o.Workload).guard(rt.httpHandler()))
		g.run("http", func() error { return ignoreClosed(srv.Serve(l.main)) })
		return func(ctx context.Context) { rt.drainHTTP(ctx, srv) }, l.main.Addr().String(), nil
	default:
		g.run("grpc", func() error { return rt.server.Serve(l.main) })
		return func(ctx context.Context) { drainGRPC(ctx, rt.server) }, l.main.Addr().String(), nil
	}
}

const (
	// headerTimeout and readTimeout are how long a client may take to send the header, and all of a request: bodies are
	// small. writeTimeout is how long it may take until it has the response, a fault of the longest delay included.
	headerTimeout, readTimeout, writeTimeout = 5 * time.Second, 10 * time.Second, 2 * time.Minute
	idleTimeout                              = time.Minute
	maxHeader                                = 64 << 10
)

func newHTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
	}
}

// keepAliveGrace is how long a draining HTTP server still serves open connections, with responses that make the client
// close them, before it closes idle ones.
const keepAliveGrace = 250 * time.Millisecond

func (rt *Runtime) drainHTTP(ctx context.Context, srv *http.Server) {
	rt.draining.Store(true)
	_ = wait(ctx, keepAliveGrace)
	if srv.Shutdown(ctx) != nil {
		_ = srv.Close()
	}
}

func drainGRPC(ctx context.Context, s *grpc.Server) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.GracefulStop()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.Stop()
		<-done
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) || errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return err
}

// group runs goroutines and keeps the first error, which ends the service.
type group struct {
	stop  context.CancelCauseFunc
	wg    sync.WaitGroup
	mu    sync.Mutex
	first error
}

func (g *group) run(name string, f func() error) (done <-chan struct{}) {
	finished := make(chan struct{})
	g.wg.Go(func() {
		defer close(finished)
		if err := f(); err != nil {
			g.fail(fmt.Errorf("%s: %w", name, err))
		}
	})
	return finished
}

func (g *group) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.first == nil {
		g.first = err
	}
	g.stop(err)
}

func (g *group) wait() { g.wg.Wait() }

func (g *group) err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.first
}
