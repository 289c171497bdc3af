package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/observe/spans"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/process"
	"github.com/shopctl/shopctl/pkg/workload/proxy"
	"github.com/shopctl/shopctl/services"
)

// newNames makes the directory of names. Before there is a controller, no workload runs.
func (s *shop) newNames() *names.Directory {
	return &names.Directory{
		Namespace: s.store.Namespace(),
		Deployments: func() []orchestrator.Key {
			var keys []orchestrator.Key
			for _, d := range s.source.Objects().Deployments {
				keys = append(keys, orchestrator.Key{Namespace: d.Namespace, Name: d.Name})
			}
			return keys
		},
		Snapshot: func() orchestrator.Snapshot {
			if s.control == nil {
				return orchestrator.Snapshot{}
			}
			snap, _ := s.control.Snapshot()
			return snap
		},
	}
}

// logCap bounds each of the two files of an instance's log.
const logCap = 4 << 20

// open makes the store of objects and the places for events, logs and spans.
func (s *shop) open() error {
	s.events = observe.NewEvents(s.now)
	s.openMetrics()
	s.spans = spans.New(spans.Config{OnRecords: s.onSpans, Now: s.now})
	var err error
	s.logs, err = observe.NewLogs(observe.LogsConfig{
		Dir: s.dir.Logs(), RotatedSuffix: process.RotatedSuffix,
		Open: func(path string) (observe.File, error) { return process.OpenRotating(path, logCap) },
	})
	if err != nil {
		return explainDirectory(err, s.dir)
	}
	if err := os.RemoveAll(s.volumeDir()); err != nil {
		return explainDirectory(fmt.Errorf("remove old volumes: %w", err), s.dir)
	}
	if s.cfg.Defaults == nil {
		defaults := Builtins
		if s.cfg.Monolith {
			defaults = Monolith
		}
		if s.cfg.Defaults, err = defaults(); err != nil {
			return err
		}
	}
	if s.store, err = s.openStore(); err != nil {
		return err
	}
	s.source = newSource(s.store)
	s.names = s.newNames()
	s.calls = s.newCalls()
	s.meters.registry.MustRegister(&callsCollector{s.calls})
	return s.openForward()
}

// objectsFile keeps what was changed, apart for each form of the shop.
func (s *shop) objectsFile() string {
	if s.cfg.Monolith {
		return "objects-monolith.json"
	}
	return "objects.json"
}

// openStore opens the objects. A file that cannot be read is renamed, and the shop starts with the built-in objects.
func (s *shop) openStore() (*store.Store, error) {
	cfg := store.Config{
		Path: filepath.Join(s.dir.State, s.objectsFile()), Namespace: s.cfg.Namespace,
		Defaults: s.cfg.Defaults, Now: s.now,
	}
	objects, err := store.Open(cfg)
	var corrupt *store.CorruptError
	if errors.As(err, &corrupt) {
		s.log.Warn("stored objects are unreadable; starting with the built-in ones", "error", err)
		s.events.Add(observe.Event{Type: observe.Warning, Reason: "ObjectsUnreadable", Message: corrupt.Error()})
		objects, err = store.Open(cfg)
	}
	if err != nil {
		return nil, control.WithHint(fmt.Errorf("start shop %q: %w", s.dir.Name, err), "move the file away: mv "+cfg.Path+" "+cfg.Path+".old", 5)
	}
	return objects, nil
}

// Builtins are the objects of all built-in services.
func Builtins() ([]resource.Manifest, error) {
	var all []resource.Manifest
	for _, b := range services.All() {
		manifests, err := decode.Decode(b.Name+"/manifest.yaml", b.Manifest)
		if err != nil {
			return nil, fmt.Errorf("read manifest of %s: %w", b.Name, err)
		}
		all = append(all, manifests...)
	}
	rules, err := decode.Decode("shop/rules.yaml", shopRules)
	if err != nil {
		return nil, fmt.Errorf("read rules of the shop: %w", err)
	}
	return append(all, rules...), nil
}

func (s *shop) volumeDir() string { return filepath.Join(s.dir.State, "volumes") }

// newDriver makes the process driver.
func (s *shop) newDriver() (*process.Driver, error) {
	executable := s.cfg.Executable
	if executable == "" {
		var err error
		if executable, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find own executable: %w", err)
		}
	}
	return process.New(process.Config{
		Executable: executable, Args: s.cfg.ExecArgs,
		Environ:        append(instanceEnviron(s.cfg.Environ), s.spanEnviron()...),
		CommandEnviron: commandEnviron(s.cfg.Environ),
		Builtin: func(image string) (name string, ok bool) {
			b, _, ok := services.ByImage(image)
			return b.Name, ok
		},
		Images: s.cfg.Images, VolumeDir: s.volumeDir(), Ledger: ledger{s.dir, s.lock},
	}), nil
}

// newController makes the controller.
func (s *shop) newController(driver workload.Driver) (*workload.Controller, error) {
	only, err := s.only()
	if err != nil {
		return nil, err
	}
	return workload.New(workload.Config{
		Source: s.source, Driver: driver, Only: only,
		Namespace:        s.store.Namespace(),
		PortBase:         s.cfg.PortBase,
		Storefront:       orchestrator.Key{Namespace: s.store.Namespace(), Name: "frontend"},
		StorefrontAddr:   cmp.Or(s.cfg.Listen, DefaultListen),
		StorefrontStrict: s.cfg.Listen != "",
		DataDir:          s.dir.Data(),
		Event:            s.onEvent,
		OpenLog:          s.openLog,
		LastLines:        s.logs.LastLines,
		Log:              s.log,
		Now:              s.now,
	})
}

// openLog opens the log of a container.
func (s *shop) openLog(src workload.LogSource) (io.WriteCloser, error) {
	return s.logs.Writer(observe.LogSource{
		Service: s.names.Display(src.Workload), Instance: src.Pod, Container: src.Container, Main: src.Main,
		Modules: names.ModuleNames(src.Builtin),
	})
}

// ledger is the list of processes in the shop's run directory.
type ledger struct {
	rundir.Dir
	*rundir.Lock
}

// inherited are the variables that built-in services get from the daemon's environment: what finds
// programs and files, and nothing that would configure a service by accident.
var inherited = [...]string{"PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOCOVERDIR", "GODEBUG", "GOTRACEBACK"}

func instanceEnviron(environ []string) []string {
	var out []string
	for _, kv := range environ {
		if name, _, _ := strings.Cut(kv, "="); slices.Contains(inherited[:], name) {
			out = append(out, kv)
		}
	}
	return out
}

// commandEnviron is what a learner's own program inherits: everything but what is shopctl's, and what would
// send its spans elsewhere. A pod template may still do that.
func commandEnviron(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		return strings.HasPrefix(kv, "SHOPCTL_") || strings.HasPrefix(kv, "OTEL_EXPORTER_OTLP_")
	})
}

// only finds the Deployments that the shop is limited to.
func (s *shop) only() ([]orchestrator.Key, error) {
	var keys []orchestrator.Key
	for _, name := range s.cfg.Only {
		key, ok := s.names.Find(name)
		if !ok {
			return nil, s.names.Unknown(name)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (s *shop) onEvent(e orchestrator.Event) {
	kind := observe.Normal
	if e.Warning {
		kind = observe.Warning
	}
	s.events.Add(observe.Event{
		Type: kind, Reason: e.Reason, Service: s.names.Display(e.Workload), Instance: e.Instance, Message: e.Message,
	})
	s.log.Debug("event", "reason", e.Reason, "workload", e.Workload.Name, "message", e.Message)
}

// explainPort says what to do about a port that is taken.
func explainPort(err error) error {
	var taken *proxy.PortTakenError
	if errors.As(err, &taken) {
		return control.Error(codes.FailedPrecondition, err.Error(), "end that process, or let the kernel choose: leave --port and --port-base out", 5)
	}
	return err
}
