package chassis

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// livenessService is the health name of the process itself, which is SERVING as long as the process responds. A
// readiness probe checks "" or a service's name.
const livenessService = "liveness"

// healthState is the readiness of one service: whether its own stores are available.
type healthState struct {
	log    *slog.Logger
	server *health.Server
	checks []check
	gone   chan struct{}
	// changed is called when the readiness may have changed; nil: no call.
	changed func()

	mu    sync.Mutex
	names []string
	why   string
	ready bool
}

type check struct {
	name string
	run  func(context.Context) error
}

// newHealthState updates the status of names on a server, and of those that watch adds.
func newHealthState(log *slog.Logger, server *health.Server, names ...string) *healthState {
	return &healthState{log: log, server: server, names: names, gone: make(chan struct{})}
}

func (h *healthState) addCheck(name string, run func(context.Context) error) {
	h.checks = append(h.checks, check{name, run})
}

// begin sets the state before Setup: alive, not ready.
func (h *healthState) begin() {
	beginHealth(h.server)
}

func beginHealth(server *health.Server) {
	server.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	server.SetServingStatus(livenessService, healthpb.HealthCheckResponse_SERVING)
}

// watch adds names and updates the status until ctx ends.
func (h *healthState) watch(ctx context.Context, names []string) {
	h.mu.Lock()
	h.names = append(h.names, names...)
	h.mu.Unlock()
	if len(h.checks) == 0 {
		h.set(true, "")
		return
	}
	h.set(false, "not checked yet")
	// Check often until the store first responds, so that the interval does not delay the start.
	pause := 5 * time.Millisecond
	for {
		if h.check(ctx) || pause > readyInterval {
			pause = readyInterval
		} else {
			pause *= 2
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// check runs every check once and reports whether all passed.
func (h *healthState) check(ctx context.Context) bool {
	for _, c := range h.checks {
		checkCtx, cancel := context.WithTimeout(ctx, readyInterval)
		err := c.run(checkCtx)
		cancel()
		if ctx.Err() != nil {
			return false
		}
		if err != nil {
			h.set(false, c.name+": "+err.Error())
			return false
		}
	}
	h.set(true, "")
	return true
}

func (h *healthState) set(ready bool, why string) {
	if h.changed != nil {
		defer h.changed() // after the lock is free: it reads the state
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ready != ready {
		if ready {
			h.log.Info("ready")
		} else {
			h.log.Warn("not ready", "why", why)
		}
	}
	h.ready, h.why = ready, why
	status := healthpb.HealthCheckResponse_NOT_SERVING
	if ready {
		status = healthpb.HealthCheckResponse_SERVING
	}
	for _, name := range h.names {
		h.server.SetServingStatus(name, status)
	}
}

// state is the readiness and the reason if it is false.
func (h *healthState) state() (ready bool, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ready, h.why
}

// leave changes all statuses to NOT_SERVING and ends the watches.
func (h *healthState) leave() {
	h.mu.Lock()
	h.ready, h.why = false, "draining"
	h.mu.Unlock()
	h.server.Shutdown()
	close(h.gone)
}

// healthServer is the health service. Its watches end when the service drains; a graceful stop would wait for them
// forever.
type healthServer struct {
	*health.Server
	gone <-chan struct{}
}

// leaveGrace is how long a watch lasts after draining began, so that its last message is sent.
const leaveGrace = 20 * time.Millisecond

func (s healthServer) Watch(req *healthpb.HealthCheckRequest, stream healthpb.Health_WatchServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	stopped := make(chan struct{})
	defer close(stopped)
	go func() {
		select {
		case <-s.gone:
			select {
			case <-time.After(leaveGrace):
			case <-stopped:
			}
			cancel()
		case <-stopped:
		}
	}()
	return s.Server.Watch(req, watchStream{stream, ctx})
}

type watchStream struct {
	grpc.ServerStreamingServer[healthpb.HealthCheckResponse]
	ctx context.Context
}

func (s watchStream) Context() context.Context { return s.ctx }
