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

	"github.com/fullstorydev/grpchan"
	"github.com/prometheus/client_golang/prometheus"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/shopctl/shopctl/pkg/chassis/inproc"
	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/protomux"
)

// Module is one service of several that share a process.
type Module struct {
	// Name and Workload are those that it has in a process of its own.
	Name, Workload string
	Setup          Setup
}

// ModuleLabel is the label of a module's metrics, with its name; those of the process itself do not have it.
const ModuleLabel = "module"

// moduleSet is the state that the modules of a process share: the port, the readiness, the shutdown. Each has a Runtime of
// its own, and with it its log, its spans and its faults.
type moduleSet struct {
	o        Options
	log      *slog.Logger
	lines    *lineBatcher
	registry *prometheus.Registry
	inproc   *inproc.Server
	server   *grpc.Server
	// spans are those of calls over the network, inprocSpans those of calls between modules.
	spans, inprocSpans moduleSpans
	health             *health.Server
	gone               chan struct{}
	modules            []Module
	runtimes           []*Runtime
	// readiness orders the updates of the readiness that is shown.
	readiness sync.Mutex
	draining  atomic.Bool
}

// RunModules is Run for several services in one process. They share one port, for the gRPC of all of them and the
// HTTP of the one that serves it, and they call each other without a network where an address begins with inproc://
// ("PAYMENT_SERVICE_ADDR=inproc://payment"). While one is not ready, none is.
//
// All have the same environment. A variable for one module begins with the module's name, and wins over the
// one without ("PAYMENT_LOG_LEVEL=debug"). OTEL_SERVICE_NAME counts only in that form, so that telemetry
// distinguishes the modules. DATA_DIR has a directory for each.
func RunModules(ctx context.Context, o Options, modules []Module) error {
	o.Stdout = &lineWriter{to: o.Stdout}
	m := &moduleSet{
		o: o, modules: modules, registry: newRegistry(), health: health.NewServer(), gone: make(chan struct{}),
		spans: moduleSpans{}, inprocSpans: moduleSpans{},
	}
	m.inproc = inproc.New(m.inprocSpans)
	err := m.run(ctx)
	if err != nil && !errors.Is(err, ErrLifeline) && o.Up != nil {
		_ = lifeline.Write(o.Up, lifeline.Up{Fatal: err.Error()}) // as in Run
	}
	return err
}

func (s *moduleSet) run(ctx context.Context) error {
	var err error
	if s.log, s.lines, err = newLogger(s.o); err != nil {
		return err
	}
	defer s.lines.Close()
	s.server = newServer(healthServer{s.health, s.gone}, s.spans)
	defer s.server.Stop() // its workers run even if it never serves
	beginHealth(s.health)

	serveCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var gone bool
	defer func() { s.closeTelemetry(gone) }()
	if err := s.makeRuntimes(); err != nil {
		return err
	}
	if s.o.Down != nil {
		done := followLifeline(s.o.Down, s.log, stop, s.applyUpdate)
		defer done()
	}
	if err := s.setup(serveCtx); err != nil {
		return err
	}
	s.inproc.Open()
	listener, err := listen(s.o)
	if err != nil {
		return err
	}
	err = s.serve(serveCtx, listener, stop)
	if gone = errors.Is(context.Cause(serveCtx), ErrLifeline); gone {
		return ErrLifeline
	}
	return err
}

func (s *moduleSet) names() []string {
	names := make([]string, len(s.modules))
	for i, m := range s.modules {
		names[i] = m.Name
	}
	return names
}

func (s *moduleSet) makeRuntimes() error {
	for _, m := range s.modules {
		o := Options{Name: m.Name, Workload: m.Workload, Stdout: s.o.Stdout, Getenv: m.getenv(s.o.Getenv)}
		if dir := o.Getenv("DATA_DIR"); dir != "" {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return fmt.Errorf("create data directory of %s: %w", m.Workload, err)
			}
		}
		rt, err := newRuntime(o, s)
		if err != nil {
			return fmt.Errorf("set up %s: %w", m.Workload, err)
		}
		s.runtimes = append(s.runtimes, rt)
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

// setup sets the modules up in order; at most one of them serves HTTP.
func (s *moduleSet) setup(ctx context.Context) error {
	var site *Runtime
	for i, m := range s.modules {
		rt := s.runtimes[i]
		if err := m.Setup(ctx, rt); err != nil {
			return fmt.Errorf("set up %s: %w", m.Workload, err)
		}
		switch {
		case rt.tcp != nil:
			return fmt.Errorf("set up %s: it needs its own port, and therefore its own process", m.Workload)
		case rt.http != nil && site != nil:
			return fmt.Errorf("set up %s: %s serves HTTP already, and there is one port", m.Workload, site.Workload())
		case rt.http != nil:
			site = rt
		}
	}
	return nil
}

// site is the module that serves HTTP; nil if none does.
func (s *moduleSet) site() *Runtime {
	for _, rt := range s.runtimes {
		if rt.http != nil {
			return rt
		}
	}
	return nil
}

// register offers a gRPC service of a module to the network and to the other modules. Its calls pass the
// interceptors of the module.
func (s *moduleSet) register(rt *Runtime, d *grpc.ServiceDesc, impl any) {
	s.spans[d.ServiceName] = rt.serverSpans()
	s.inprocSpans[d.ServiceName] = rt.serverSpans(semconv.NetworkTransportKey.String(inproc.Transport))
	for _, to := range []grpc.ServiceRegistrar{s.server, s.inproc} {
		to = grpchan.WithUnaryInterceptors(to, rt.unaryInterceptors()...)
		grpchan.WithStreamInterceptors(to, rt.streamInterceptors()...).RegisterService(d, impl)
	}
}

// applyUpdate applies a message of the daemon: the endpoints to all modules, a fault to the one that it is for.
func (s *moduleSet) applyUpdate(m lifeline.Down) {
	for _, rt := range s.runtimes {
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
		rt.applyUpdate(own)
	}
}

// drainTime is the longest of the modules'.
func (s *moduleSet) drainTime() time.Duration {
	var longest time.Duration
	for _, rt := range s.runtimes {
		longest = max(longest, rt.drain)
	}
	return longest
}

// state is the readiness of the whole, and the first reason against it.
func (s *moduleSet) state() (ready bool, why string) {
	if s.draining.Load() {
		return false, "draining"
	}
	for _, rt := range s.runtimes {
		if ready, why := rt.health.state(); !ready {
			return false, strings.TrimSuffix(rt.o.Name+": "+why, ": ")
		}
	}
	return true, ""
}

// showReadiness updates the health status of the whole process, which has no service name.
func (s *moduleSet) showReadiness() {
	s.readiness.Lock()
	defer s.readiness.Unlock()
	status := healthpb.HealthCheckResponse_NOT_SERVING
	if ready, _ := s.state(); ready {
		status = healthpb.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", status)
}

func (s *moduleSet) serve(ctx context.Context, l listening, stop context.CancelCauseFunc) error {
	g := &group{stop: stop}
	admin := newHTTPServer(hostsOf(s.o.Getenv).guard(adminHandler(s.registry, s.state)))
	g.run("metrics", func() error { return ignoreClosed(admin.Serve(l.admin)) })
	mux := protomux.New(l.main)
	g.run("listen", func() error { return ignoreClosed(mux.Serve()) })
	g.run("grpc", func() error { return ignoreClosed(s.server.Serve(mux.GRPC())) })
	var pages *http.Server
	if site := s.site(); site != nil {
		pages = newHTTPServer(hostsOf(s.o.Getenv, site.o.Name, site.o.Workload).guard(site.httpHandler()))
		g.run("http", func() error { return ignoreClosed(pages.Serve(mux.HTTP())) })
	} else {
		_ = mux.HTTP().Close()
	}
	for _, rt := range s.runtimes {
		rt.work(ctx, g)
	}
	if err := report(s.o, s.log, l.main.Addr().String(), l.admin.Addr().String()); err != nil {
		g.fail(err)
	}
	<-ctx.Done()

	drainCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drainTime())
	defer cancel()
	if errors.Is(context.Cause(ctx), ErrLifeline) {
		cancel() // no caller is left to wait for
	} else {
		s.log.Info("draining")
	}
	s.leave(drainCtx, pages)
	mux.Close()
	_ = admin.Close()
	g.wait()
	return g.err()
}

// leave drains from the outside in: calls from other processes end first, since they cause those between modules.
func (s *moduleSet) leave(ctx context.Context, pages *http.Server) {
	s.draining.Store(true)
	s.health.Shutdown()
	close(s.gone)
	var outside sync.WaitGroup
	outside.Go(func() { drainGRPC(ctx, s.server) })
	if pages != nil {
		outside.Go(func() { s.site().drainHTTP(ctx, pages) })
	}
	outside.Wait()
	s.inproc.Close(ctx)
	for _, rt := range s.runtimes {
		rt.cleanUp(ctx)
	}
}

// closeTelemetry sends the spans of the modules, unless the daemon, which receives them, is gone.
func (s *moduleSet) closeTelemetry(gone bool) {
	var all sync.WaitGroup
	for _, rt := range s.runtimes {
		all.Go(func() { rt.closeTelemetry(gone) })
	}
	all.Wait()
	for _, rt := range s.runtimes {
		rt.closeConns()
		rt.lines.Close()
	}
}

// lineWriter lets several modules write whole lines to one place.
type lineWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}
