// Package daemon is the long-running process of a shop and its composition root: it connects the
// object store, the orchestrator that runs the objects, faults, observation and the control API.
//
// One daemon serves one shop. It holds the lock of the shop's run directory for as long as it lives,
// and every instance has a lifeline to it: when the daemon ends, for whatever reason, so do they.
package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/broadcast"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/api"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/observe/impact"
	"github.com/shopctl/shopctl/pkg/observe/otlp"
	"github.com/shopctl/shopctl/pkg/observe/scrape"
	"github.com/shopctl/shopctl/pkg/observe/spans"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/pkg/workload"
)

// Config configures a daemon. Name and Getenv are required.
type Config struct {
	// Name of the shop.
	Name string
	// Namespace that the shop lives in; empty: store.DefaultNamespace.
	Namespace string
	// PortBase is the first port of the Services' stable addresses; 0: the kernel gives them.
	PortBase int
	// Monolith: the shop's services are one process.
	Monolith bool
	// Mesh is MeshAuto, MeshOn or MeshOff; empty: MeshAuto.
	Mesh string
	// Sidecars is SidecarsOwn or SidecarsShared; empty: SidecarsOwn.
	Sidecars string
	// Only names the services to start, with what they depend on; empty: all.
	Only []string
	// Listen is the storefront's address; empty: 127.0.0.1:8080 if that is free, else another port.
	Listen string
	// Prometheus is the address of Prometheus' HTTP API; empty: 127.0.0.1:9090 if that is free, else
	// another port.
	Prometheus string
	// SpansGRPC and SpansHTTP are where spans are taken if that is free; empty: at any free port.
	SpansGRPC, SpansHTTP string
	// SpansForward is another OTLP receiver, which gets all spans too; empty: none does.
	SpansForward string
	// Redis is where carts are kept, "host:port", in place of a store of the shop's own; empty: in that.
	Redis string
	// Images maps container images to commands, read again whenever objects change. May be nil.
	Images func() workload.Images
	// Check is that of workload.Config. May be nil.
	Check func(builtin string) workload.Check
	// Driver runs the services, one of Drivers; empty: DefaultDriver.
	Driver string
	// Executable is this binary, for the instances; ExecArgs come before "service run NAME". Empty:
	// found by itself.
	Executable string
	ExecArgs   []string
	// Version of shopctl, for status.
	Version string
	// Defaults are the shop's own objects; nil: those of the built-in services, or of the
	// monolith.
	Defaults []resource.Manifest
	Getenv   func(string) string
	// Environ is the whole environment, which commands that are not ours inherit.
	Environ []string
	// Log takes the daemon's own log; nil: none.
	Log io.Writer
	Now func() time.Time
}

// DefaultListen is where people look for the storefront.
const DefaultListen = "127.0.0.1:8080"

// shop is a running daemon.
type shop struct {
	cfg     Config
	dir     rundir.Dir
	lock    *rundir.Lock
	log     *slog.Logger
	now     func() time.Time
	started time.Time

	store  *store.Store
	source *source
	names  *names.Directory
	// state is the newest snapshot of what runs. It exists before the runtime that publishes it.
	state   *orchestrator.State
	runtime runtime
	// mesh starts sidecars; nil: there are none.
	mesh   *mesh
	faults *fault.Registry
	// faultsChanged is notified when a fault begins or ends.
	faultsChanged broadcast.Signal
	events        *observe.Events
	logs          *observe.Logs
	stats         *scrape.Scraper
	meters        meters
	spans         *spans.Store
	// requests are those that went through sidecars.
	requests observe.Requests
	calls    *calls
	impact   *impact.Tracker
	memory   *api.Memory
	// forward forwards spans to another receiver; nil if they are not forwarded.
	forward *otlp.Forwarder

	// stop makes the daemon go down. kill closes killing: instances are then not given time to drain.
	stop    context.CancelFunc
	kill    func()
	killing chan struct{}
	// leaving is closed by endStreams when the last instance is gone; open streams then end.
	leaving    chan struct{}
	endStreams func()
}

// Run runs a daemon until ctx ends or it is shut down through the API. As soon as the shop can be reached it
// reports that to ready (ReadyPipe), or before that the error with which it returns.
func Run(ctx context.Context, cfg Config, ready io.Writer) error {
	report := newReport(ready)
	err := run(ctx, cfg, report.ok)
	if err != nil {
		report.failed(err)
	}
	return err
}

func run(ctx context.Context, cfg Config, ready func()) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s, err := prepare(cfg)
	if err != nil {
		return err
	}
	s.stop = stop
	err = s.serve(ctx, ready)
	if removeErr := s.lock.Remove(); err == nil && removeErr != nil {
		err = fmt.Errorf("clean run directory: %w", removeErr)
	}
	return err
}

// prepare takes the shop's directories and makes everything that does not run by itself.
func prepare(cfg Config) (*shop, error) {
	s := &shop{cfg: cfg, now: cfg.Now, state: new(orchestrator.State), killing: make(chan struct{}), leaving: make(chan struct{})}
	s.kill = sync.OnceFunc(func() { close(s.killing) })
	if s.now == nil {
		s.now = time.Now
	}
	s.cfg.Driver = cmp.Or(cfg.Driver, DefaultDriver)
	s.started = s.now()
	s.endStreams = sync.OnceFunc(func() { close(s.leaving) })
	s.log = slog.New(slog.DiscardHandler)
	if cfg.Log != nil {
		s.log = slog.New(slog.NewJSONHandler(cfg.Log, nil))
	}
	var err error
	if s.dir, err = rundir.Resolve(cfg.Name, cfg.Getenv); err != nil {
		return nil, control.WithHint(err, "choose another --name", 2)
	}
	if err := checkOpenFiles(); err != nil {
		return nil, err
	}
	if s.lock, err = takeDirectories(s.dir); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.lock.Remove())
	}
	return s, nil
}

// takeDirectories makes the shop's directories and takes the lock.
func takeDirectories(dir rundir.Dir) (*rundir.Lock, error) {
	if err := dir.Create(); err != nil {
		return nil, explainDirectory(err, dir)
	}
	lock, err := dir.Lock()
	if errors.Is(err, rundir.ErrLocked) {
		return nil, control.Error(codes.AlreadyExists, fmt.Sprintf("start shop %q: it is already running", dir.Name), "shopctl status", 1)
	}
	if err != nil {
		return nil, explainDirectory(err, dir)
	}
	return lock, nil
}

// serve runs the shop until ctx ends, and takes it down again.
func (s *shop) serve(ctx context.Context, ready func()) error {
	listener, err := control.Listen(s.dir)
	if err != nil {
		s.endStreams()
		return explainDirectory(err, s.dir)
	}
	promListener, err := s.listenPrometheus()
	if err != nil {
		_ = listener.Close()
		s.endStreams()
		return err
	}
	var all sync.WaitGroup
	background, end := context.WithCancel(context.Background())
	receiver, closeSpans := s.receiveSpans()
	if s.mesh, err = s.newMesh(); err == nil {
		s.runtime, err = s.newRuntime(spanEnviron(receiver))
	}
	if err != nil {
		s.mesh.remove()
		end()
		closeSpans()
		_ = promListener.Close()
		_ = listener.Close()
		s.endStreams()
		return err
	}
	s.faults = s.newFaults()
	s.impact = s.newImpact()
	s.memory = api.NewMemory(s.runtime, s.now)
	runner, deliveries := s.newCanaries()
	prom := s.servePrometheus(promListener)

	all.Go(func() { s.source.run(background) })
	all.Go(func() { s.runtime.Run(background) })
	if s.mesh != nil {
		all.Go(func() {
			if err := s.mesh.run(background); err != nil {
				s.log.Error("mesh", "error", err)
			}
		})
	}
	if runner != nil {
		all.Go(func() { runner.Run(background) })
	}
	all.Go(func() { s.stats.Run(background) })
	all.Go(func() { s.runRules(background) })
	all.Go(func() { s.impact.Run(background, s.faultsChanged.Wait) })
	all.Go(func() { s.writeStatus(background) })
	server := control.NewServer(api.New(s.apiDeps(receiver, deliveries)), s.log)
	served := make(chan error, 1)
	serving, endServing := context.WithCancel(context.Background())
	go func() { served <- server.Serve(serving, listener) }()

	s.log.Info("the shop is open", "name", s.dir.Name, "socket", s.dir.Socket())
	ready()
	select {
	case <-ctx.Done():
	case err = <-served:
		served <- nil
		err = fmt.Errorf("serve control socket: %w", err)
	}
	s.takeDown()
	s.endStreams()
	endServing()
	err = errors.Join(err, <-served)
	end()
	all.Wait()
	prom.close()
	closeSpans()
	if s.runtime.close != nil {
		err = errors.Join(err, s.runtime.close())
	}
	return errors.Join(err, s.meters.query.Close())
}

// takeDown clears all faults and ends all instances.
func (s *shop) takeDown() {
	s.log.Info("shutting down")
	if err := s.faults.Close(); err != nil {
		s.log.Warn("clear faults", "error", err)
	}
	s.runtime.Shutdown(false, nil)
	select {
	case <-s.runtime.Done():
	case <-s.killing:
		s.runtime.Shutdown(true, nil)
		<-s.runtime.Done()
	}
}

// explainDirectory adds what to do about a directory that cannot be used.
func explainDirectory(err error, dir rundir.Dir) error {
	hint := fmt.Sprintf("make %s and %s writable, or choose others with SHOPCTL_RUN_DIR and SHOPCTL_STATE_DIR", dir.Run, dir.State)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		hint = fmt.Sprintf("free some space: df -h %s %s", rundir.Existing(dir.Run), rundir.Existing(dir.State))
	}
	var refused *rundir.RefusedError
	if errors.As(err, &refused) {
		hint = refused.Hint
	}
	return control.WithHint(fmt.Errorf("start shop %q: %w", dir.Name, err), hint, 5)
}
