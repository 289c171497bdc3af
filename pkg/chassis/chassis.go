// Package chassis is the framework of all services: it listens, reports health, exports traces and metrics, logs, gives
// every call a deadline, and drains before it exits. A service registers its servers in its Setup function, and contains
// only its own logic.
//
// A service is configured by its environment alone, so that it runs the same as a local process, in a container and in
// a pod:
//
//	PORT                          port to listen on; 0: one that the kernel gives (default 0 with a lifeline, else 8080)
//	LISTEN_HOST                   host to bind (default 127.0.0.1; every interface inside a Kubernetes pod)
//	ALLOWED_HOSTS                 names that HTTP servers on loopback are addressed by, beside localhost; "*": any
//	METRICS_PORT                  port of /metrics (default 0 with a lifeline, else 9464)
//	LOG_LEVEL                     debug, info (default), warn or error
//	LOG_BATCH_DELAY               how long a log line below warn may wait for others (default 20ms)
//	SERVICE_VERSION               the version that telemetry carries
//	IMAGE_TAG                     the tag of the image that runs, for services with several releases
//	OTEL_SERVICE_NAME             service.name of telemetry (default: the workload's name)
//	OTEL_EXPORTER_OTLP_ENDPOINT   where spans are sent, "http://127.0.0.1:4317"; COLLECTOR_SERVICE_ADDR ("host:port")
//	                              works too; without either, none are exported
//	OTEL_EXPORTER_OTLP_HEADERS    headers of the export, "key=value,other=value"
//	OTEL_SDK_DISABLED             true: none are exported, and neither with OTEL_TRACES_EXPORTER=none
//	OTEL_PROPAGATORS              what calls propagate: tracecontext, baggage (default both), or none
//	BAGGAGE_ATTRIBUTES            keys of the baggage that become attributes of spans, "customer,campaign"
//	DATA_DIR                      a directory that outlives the process
//	CALL_TIMEOUT                  the longest that a call to another service may take, if its caller's deadline is not
//	                              nearer (default: 5s where the caller set no deadline, else no limit); 0: no limit
//	PASS_DEADLINE                 false: calls to other services have neither the deadline nor the end of the call that
//	                              they are made for, as in a service that does not pass its context on
//	DRAIN_TIMEOUT                 how long in-flight calls may take to finish on SIGTERM (default 10s)
package chassis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/localuser"
)

// Setup registers what a service offers on rt and returns. It must not block: long work belongs to
// Runtime.Go. The context ends when the service begins to drain.
type Setup func(ctx context.Context, rt *Runtime) error

// Options configure a service process.
type Options struct {
	// Name is the short name ("catalog"), Workload the Deployment's name ("productcatalogservice").
	Name     string
	Workload string
	// Getenv reads the environment.
	Getenv func(string) string
	// Stdout receives JSON logs, one object a line.
	Stdout io.Writer
	// Down and Up are the lifeline; nil where there is none.
	Down io.Reader
	Up   io.Writer
}

// ErrLifeline is returned by Run when the daemon that started the service is gone.
var ErrLifeline = errors.New("the daemon is gone")

// Run serves until ctx ends, then drains and returns nil. It returns ErrLifeline when the lifeline ends, and any other
// error when the service cannot start or continue; that error has been reported to the daemon as well.
func Run(ctx context.Context, o Options, setup Setup) error {
	err := run(ctx, o, setup)
	if err != nil && !errors.Is(err, ErrLifeline) && o.Up != nil {
		// The daemon may be gone as well; the caller gets the error in any case.
		_ = lifeline.Write(o.Up, lifeline.Up{Fatal: err.Error()})
	}
	return err
}

func run(ctx context.Context, o Options, setup Setup) error {
	rt, err := newRuntime(o, nil)
	if err != nil {
		return err
	}
	defer rt.lines.Close()
	var gone bool // the daemon, and with it the receiver of spans
	defer func() { rt.closeTelemetry(gone) }()
	defer rt.closeConns()
	defer rt.server.Stop() // its workers run even if it never serves

	serveCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if o.Down != nil {
		done := followLifeline(o.Down, rt.log, stop, rt.applyUpdate)
		defer done()
	}
	rt.health.begin()
	if err := setup(serveCtx, rt); err != nil {
		return fmt.Errorf("set up %s: %w", o.Workload, err)
	}
	listener, err := listen(o)
	if err != nil {
		return err
	}
	err = rt.serve(serveCtx, listener, stop)
	if gone = errors.Is(context.Cause(serveCtx), ErrLifeline); gone {
		return ErrLifeline
	}
	return err
}

// followLifeline applies the daemon's messages until the pipe ends. The returned function stops that and waits for
// its end.
func followLifeline(down io.Reader, log *slog.Logger, stop context.CancelCauseFunc, apply func(lifeline.Down)) func() {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		if err := lifeline.Read(down, apply); err != nil {
			log.Debug("lifeline ended", "error", err)
		}
		stop(ErrLifeline)
	}()
	return func() {
		if c, ok := down.(io.Closer); ok {
			_ = c.Close()
			<-finished
		}
	}
}

// applyUpdate applies a message of the daemon.
func (rt *Runtime) applyUpdate(m lifeline.Down) {
	if m.Endpoints != nil {
		rt.endpoints.set(*m.Endpoints)
	}
	if m.Faults != nil {
		rt.faults.set(*m.Faults)
	}
}

// listening is the set of sockets of a service.
type listening struct {
	main  net.Listener
	admin net.Listener
}

// listen opens the sockets.
func listen(o Options) (listening, error) {
	def, adminDef := "8080", "9464"
	if o.Up != nil {
		def, adminDef = "0", "0"
	}
	host := cmp.Or(o.Getenv("LISTEN_HOST"), "127.0.0.1")
	if o.Getenv("LISTEN_HOST") == "" && o.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		host = ""
	}
	var l listening
	var err error
	if l.main, err = listenTCP(host, cmp.Or(o.Getenv("PORT"), def)); err != nil {
		return l, fmt.Errorf("start %s: %w", o.Workload, err)
	}
	l.main = localuser.Only(l.main)
	if l.admin, err = listenTCP(host, cmp.Or(o.Getenv("METRICS_PORT"), adminDef)); err != nil {
		_ = l.main.Close()
		return l, fmt.Errorf("serve metrics of %s: %w", o.Workload, err)
	}
	return l, nil
}

// report sends the daemon the addresses of the service.
func report(o Options, log *slog.Logger, addr, admin string) error {
	log.Info("listening", "addr", addr, "admin", admin, "version", versionOf(o))
	if o.Up == nil {
		return nil
	}
	if err := lifeline.Write(o.Up, lifeline.Up{Listening: &lifeline.Listening{Addr: addr, Admin: admin}}); err != nil {
		return fmt.Errorf("report to the daemon: %w", err)
	}
	return nil
}

const (
	// defaultCallTimeout bounds a call whose caller set no deadline.
	defaultCallTimeout = 5 * time.Second
	// defaultDrainTimeout bounds how long calls in flight may take to finish.
	defaultDrainTimeout = 10 * time.Second
	// readyInterval is the time between two checks of a service's own stores.
	readyInterval = time.Second
)
