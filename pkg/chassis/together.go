package chassis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// Module is one service of several that share a process.
type Module struct {
	// Name and Workload are those that it has where it runs by itself.
	Name, Workload string
	Setup          Setup
}

// ModuleLabel tells in metrics which module they are of, by its name; those of the process itself do not have it.
const ModuleLabel = "module"

// together is what the modules of a process share: the port, the readiness, the end. Each has a Runtime of
// its own all the same, and with it its log, its spans and its faults.
type together struct {
	o        Options
	log      *slog.Logger
	lines    *gatherer
	registry *prometheus.Registry
	exchange *exchange
	server   *grpc.Server
	health   *health.Server
	gone     chan struct{}
	modules  []Module
	runtimes []*Runtime
	// shown guards that the readiness that is shown is the newest.
	shown   sync.Mutex
	leaving atomic.Bool
}

// RunTogether is Run for several services in one process. They are reached at one port, which takes gRPC
// for all of them and HTTP for the one that serves it, and they call each other without a network where an
// address says so ("PAYMENT_SERVICE_ADDR=inproc://payment"). They are ready together: while one is not, none is.
//
// All have the same environment. A variable for one module alone begins with its name, and wins over the one
// without ("PAYMENT_LOG_LEVEL=debug"). OTEL_SERVICE_NAME counts only in that form, so that telemetry tells
// the modules apart. DATA_DIR has a directory for each.
func RunTogether(ctx context.Context, o Options, modules []Module) error {
	o.Stdout = &oneWriter{to: o.Stdout}
	t := &together{o: o, modules: modules, registry: newRegistry(), health: health.NewServer(), gone: make(chan struct{}), exchange: newExchange()}
	err := t.run(ctx)
	if err != nil && !errors.Is(err, ErrLifeline) && o.Up != nil {
		_ = lifeline.Write(o.Up, lifeline.Up{Fatal: err.Error()}) // as in Run
	}
	return err
}

func (t *together) run(ctx context.Context) error {
	var err error
	if t.log, t.lines, err = newLogger(t.o); err != nil {
		return err
	}
	defer t.lines.Close()
	t.server = newServer(healthServer{t.health, t.gone},
		[]grpc.UnaryServerInterceptor{t.exchange.unary}, []grpc.StreamServerInterceptor{t.exchange.streamed})
	defer t.server.Stop() // its workers run whether or not it ever serves
	beginHealth(t.health)

	serveCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var gone bool
	defer func() { t.closeTelemetry(gone) }()
	if err := t.makeRuntimes(); err != nil {
		return err
	}
	if t.o.Down != nil {
		done := followLifeline(t.o.Down, t.log, stop, t.told)
		defer done()
	}
	if err := t.setup(serveCtx); err != nil {
		return err
	}
	listener, err := listen(t.o, true)
	if err != nil {
		return err
	}
	err = t.serve(serveCtx, listener, stop)
	if gone = errors.Is(context.Cause(serveCtx), ErrLifeline); gone {
		return ErrLifeline
	}
	return err
}

func (t *together) names() []string {
	names := make([]string, len(t.modules))
	for i, m := range t.modules {
		names[i] = m.Name
	}
	return names
}

func (t *together) makeRuntimes() error {
	for _, m := range t.modules {
		o := Options{Name: m.Name, Workload: m.Workload, Stdout: t.o.Stdout, Getenv: m.getenv(t.o.Getenv)}
		if dir := o.Getenv("DATA_DIR"); dir != "" {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return fmt.Errorf("make data directory of %s: %w", m.Workload, err)
			}
		}
		rt, err := newRuntime(o, t)
		if err != nil {
			return fmt.Errorf("set up %s: %w", m.Workload, err)
		}
		t.runtimes = append(t.runtimes, rt)
	}
	return nil
}

// getenv is the environment of one module.
func (m Module) getenv(all func(string) string) func(string) string {
	prefix := strings.ToUpper(m.Name) + "_"
	return func(key string) string {
		if own := all(prefix + key); own != "" {
			return own
		}
		switch dir := all(key); {
		case key == "OTEL_SERVICE_NAME":
			return ""
		case key == "DATA_DIR" && dir != "":
			return filepath.Join(dir, m.Workload)
		default:
			return dir
		}
	}
}

// setup sets the modules up in their order; the one that serves HTTP must be one alone.
func (t *together) setup(ctx context.Context) error {
	var site *Runtime
	for i, m := range t.modules {
		rt := t.runtimes[i]
		if err := m.Setup(ctx, rt); err != nil {
			return fmt.Errorf("set up %s: %w", m.Workload, err)
		}
		switch {
		case rt.tcp != nil || rt.external != nil:
			return fmt.Errorf("set up %s: it needs a port of its own, and with it a process", m.Workload)
		case rt.http != nil && site != nil:
			return fmt.Errorf("set up %s: %s serves HTTP already, and there is one port", m.Workload, site.Workload())
		case rt.http != nil:
			site = rt
		}
	}
	return nil
}

// site is the module that serves HTTP; nil if none does.
func (t *together) site() *Runtime {
	for _, rt := range t.runtimes {
		if rt.http != nil {
			return rt
		}
	}
	return nil
}

// register offers a gRPC service of a module, to the network and to its neighbours.
func (t *together) register(rt *Runtime, d *grpc.ServiceDesc, impl any) {
	t.server.RegisterService(d, impl)
	t.exchange.add(rt, d, impl)
}

// told hands on what the daemon says: the endpoints to all, a fault to the module that it is for.
func (t *together) told(m lifeline.Down) {
	for _, rt := range t.runtimes {
		own := m
		if m.Faults != nil {
			faults := []lifeline.Fault{}
			for _, f := range *m.Faults {
				if f.Module == "" || f.Module == rt.o.Workload {
					faults = append(faults, f)
				}
			}
			own.Faults = &faults
		}
		rt.told(own)
	}
}

// drainTime is that of the module that wants most.
func (t *together) drainTime() time.Duration {
	var most time.Duration
	for _, rt := range t.runtimes {
		most = max(most, rt.drain)
	}
	return most
}

// state is the readiness of the whole, and the first reason against it.
func (t *together) state() (ready bool, why string) {
	if t.leaving.Load() {
		return false, "draining"
	}
	for _, rt := range t.runtimes {
		if ready, why := rt.health.state(); !ready {
			return false, strings.TrimSuffix(rt.o.Name+": "+why, ": ")
		}
	}
	return true, ""
}

// showReadiness tells those who ask for the health of no service in particular.
func (t *together) showReadiness() {
	t.shown.Lock()
	defer t.shown.Unlock()
	status := healthpb.HealthCheckResponse_NOT_SERVING
	if ready, _ := t.state(); ready {
		status = healthpb.HealthCheckResponse_SERVING
	}
	t.health.SetServingStatus("", status)
}

func (t *together) serve(ctx context.Context, l listening, stop context.CancelCauseFunc) error {
	g := &group{stop: stop}
	admin := newHTTPServer(adminHandler(t.registry, t.state))
	g.run("metrics", func() error { return ignoreClosed(admin.Serve(l.admin)) })
	doors := newDoors(l.main)
	g.run("listen", func() error { return ignoreClosed(doors.run()) })
	g.run("grpc", func() error { return ignoreClosed(t.server.Serve(doors.grpc)) })
	var pages *http.Server
	if site := t.site(); site != nil {
		pages = newHTTPServer(site.httpHandler())
		g.run("http", func() error { return ignoreClosed(pages.Serve(doors.http)) })
	} else {
		_ = doors.http.Close()
	}
	for _, rt := range t.runtimes {
		rt.work(ctx, g)
	}
	if err := report(t.o, t.log, l.main.Addr().String(), l.admin.Addr().String()); err != nil {
		g.fail(err)
	}
	<-ctx.Done()

	drainCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.drainTime())
	defer cancel()
	if errors.Is(context.Cause(ctx), ErrLifeline) {
		cancel() // nobody waits for an answer
	} else {
		t.log.Info("draining")
	}
	t.leave(drainCtx, pages)
	doors.close()
	_ = admin.Close()
	g.wait()
	return g.err()
}

// leave drains from the outside in: what is called from elsewhere ends first, for it calls the others.
func (t *together) leave(ctx context.Context, pages *http.Server) {
	t.leaving.Store(true)
	t.health.Shutdown()
	close(t.gone)
	var outside sync.WaitGroup
	outside.Go(func() { drainGRPC(ctx, t.server) })
	if pages != nil {
		outside.Go(func() { t.site().drainHTTP(ctx, pages) })
	}
	outside.Wait()
	t.exchange.close(ctx)
	for _, rt := range t.runtimes {
		rt.undo(ctx)
	}
}

// closeTelemetry sends what the modules have gathered, unless nobody is left to take it.
func (t *together) closeTelemetry(gone bool) {
	var all sync.WaitGroup
	for _, rt := range t.runtimes {
		all.Go(func() { rt.closeTelemetry(gone) })
	}
	all.Wait()
	for _, rt := range t.runtimes {
		rt.closeConns()
		rt.lines.Close()
	}
}

// oneWriter lets several write whole lines to one place.
type oneWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *oneWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}
