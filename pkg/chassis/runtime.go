package chassis

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
)

// Runtime is the chassis as a service sees it. Its registering methods are for Setup; the others may be used at any
// time and from any goroutine.
type Runtime struct {
	o         Options
	log       *slog.Logger
	lines     *lineBatcher
	registry  prometheus.Registerer
	gatherer  prometheus.Gatherer
	provider  *sdktrace.TracerProvider
	exporter  sdktrace.SpanExporter // nil if spans go nowhere
	propagate propagation.TextMapPropagator
	server    *grpc.Server
	serverMet *grpcprom.ServerMetrics
	health    *healthState
	endpoints *endpointTable
	faults    *faultTable
	services  []string
	// modules is shared by all services of the process; nil if the service has its own process.
	modules *moduleSet

	http     http.Handler
	tcp      func(context.Context, net.Listener) error
	tasks    []task
	onDrain  []func(context.Context) error
	conns    []io.Closer
	drain    time.Duration
	connsMu  sync.Mutex
	draining atomic.Bool
}

type task struct {
	name string
	run  func(context.Context) error
}

// newRuntime makes the runtime of a service with a process of its own, or of a module of a set.
func newRuntime(o Options, set *moduleSet) (*Runtime, error) {
	rt := &Runtime{o: o, endpoints: newEndpointTable(), faults: &faultTable{workload: o.Workload}, modules: set}
	var err error
	if rt.log, rt.lines, err = newLogger(o); err != nil {
		return nil, err
	}
	if rt.drain, err = rt.EnvDuration("DRAIN_TIMEOUT", defaultDrainTimeout); err != nil {
		return nil, err
	}
	if set != nil {
		rt.health = newHealthState(rt.log, set.health)
		rt.health.changed = set.showReadiness
		rt.registry = prometheus.WrapRegistererWith(prometheus.Labels{ModuleLabel: o.Name}, set.registry)
	} else {
		rt.health = newHealthState(rt.log, health.NewServer(), "")
		registry := newRegistry()
		rt.registry, rt.gatherer = registry, registry
	}
	rt.setupMetrics()
	if err := rt.setupTracing(); err != nil {
		return nil, err
	}
	if set == nil {
		rt.server = rt.newServer()
	}
	return rt, nil
}

// Server registers the gRPC services to serve on PORT.
func (rt *Runtime) Server() grpc.ServiceRegistrar { return registrar{rt} }

// registrar records the names of the services, for health.
type registrar struct{ rt *Runtime }

func (r registrar) RegisterService(d *grpc.ServiceDesc, impl any) {
	if set := r.rt.modules; set != nil {
		set.register(r.rt, d, impl)
	} else {
		r.rt.server.RegisterService(d, impl)
	}
	r.rt.services = append(r.rt.services, d.ServiceName)
}

// ServeHTTP serves h on PORT in place of gRPC. Spans and metrics are named by the pattern of the
// http.ServeMux that h is or calls; a middleware between the two must hand its *http.Request on
// rather than a copy, or the pattern is lost.
func (rt *Runtime) ServeHTTP(h http.Handler) { rt.http = h }

// ServeTCP hands the listener of PORT to serve, which returns when ctx ends.
func (rt *Runtime) ServeTCP(serve func(ctx context.Context, l net.Listener) error) { rt.tcp = serve }

// Go runs a background task that the chassis waits for. Its context ends when the service drains;
// an error that it returns before ends the service.
func (rt *Runtime) Go(name string, run func(ctx context.Context) error) {
	rt.tasks = append(rt.tasks, task{name, run})
}

// OnDrain calls f after the last call in flight has finished.
func (rt *Runtime) OnDrain(f func(ctx context.Context) error) { rt.onDrain = append(rt.onDrain, f) }

// Ready makes the service's readiness depend on its own store: check is called every second, and while it fails,
// every health status but "liveness" is NOT_SERVING. It is not for other services: while they are down, this one still
// serves what it can.
func (rt *Runtime) Ready(name string, check func(context.Context) error) {
	rt.health.addCheck(name, check)
}

// Log writes JSON lines; its Context methods add the trace and span id.
func (rt *Runtime) Log() *slog.Logger { return rt.log }

// Metrics registers the service's own metrics.
func (rt *Runtime) Metrics() prometheus.Registerer { return rt.registry }

// Tracer makes the service's own spans.
func (rt *Runtime) Tracer() trace.Tracer { return rt.provider.Tracer(rt.o.Workload) }

// TracerProvider is for clients that make their own spans, such as redisotel.
func (rt *Runtime) TracerProvider() trace.TracerProvider { return rt.provider }

// Name is the short name: "catalog".
func (rt *Runtime) Name() string { return rt.o.Name }

// Workload is the Deployment's name: "productcatalogservice".
func (rt *Runtime) Workload() string { return rt.o.Workload }

// Version is the version of the service: "v1".
func (rt *Runtime) Version() string { return versionOf(rt.o) }

func versionOf(o Options) string { return cmp.Or(o.Getenv("SERVICE_VERSION"), "v1") }

// ImageTag is the tag of the service's own image, "v2"; empty if it is not known, and for a module, which has none.
func (rt *Runtime) ImageTag() string {
	if rt.modules != nil {
		return ""
	}
	return rt.o.Getenv("IMAGE_TAG")
}

// DataDir is a directory that outlives the process; empty where there is none.
func (rt *Runtime) DataDir() string { return rt.o.Getenv("DATA_DIR") }

// Now is the wall clock.
func (rt *Runtime) Now() time.Time { return time.Now() }

// Getenv reads the environment.
func (rt *Runtime) Getenv(key string) string { return rt.o.Getenv(key) }

// Env returns the variable, or def if it is unset or empty.
func (rt *Runtime) Env(key, def string) string {
	if v := rt.o.Getenv(key); v != "" {
		return v
	}
	return def
}

// EnvInt returns the variable as a number, or def if it is unset.
func (rt *Runtime) EnvInt(key string, def int) (int, error) {
	return parseEnv(rt, key, def, strconv.Atoi, "a whole number such as 10")
}

// EnvFloat returns the variable as a number, or def if it is unset.
func (rt *Runtime) EnvFloat(key string, def float64) (float64, error) {
	parse := func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }
	return parseEnv(rt, key, def, parse, "a number such as 0.5")
}

// EnvBool returns the variable as a truth value, or def if it is unset.
func (rt *Runtime) EnvBool(key string, def bool) (bool, error) {
	return parseEnv(rt, key, def, strconv.ParseBool, "true or false")
}

// EnvDuration returns the variable as a duration, or def if it is unset.
func (rt *Runtime) EnvDuration(key string, def time.Duration) (time.Duration, error) {
	return parseEnv(rt, key, def, time.ParseDuration, `a duration such as "500ms"`)
}

func parseEnv[T any](rt *Runtime, key string, def T, parse func(string) (T, error), want string) (T, error) {
	text := rt.o.Getenv(key)
	if text == "" {
		return def, nil
	}
	v, err := parse(text)
	if err != nil {
		return def, fmt.Errorf("read %s=%q: want %s", key, text, want)
	}
	return v, nil
}
