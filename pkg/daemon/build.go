package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/observe/spans"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	"github.com/shopctl/shopctl/pkg/resource/store"
	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/services"
)

// newNames makes the directory of names.
func (s *shop) newNames() *names.Directory {
	var builtins []string
	for _, m := range s.cfg.Defaults {
		if key := resource.KeyOf(m.Object); key.Kind == resource.KindDeployment {
			builtins = append(builtins, key.Name)
		}
	}
	return &names.Directory{
		Namespace: s.store.Namespace(), Builtins: builtins,
		Deployments: func() []orchestrator.Key {
			var keys []orchestrator.Key
			for _, d := range s.source.Objects().Deployments {
				keys = append(keys, orchestrator.Key{Namespace: d.Namespace, Name: d.Name})
			}
			return keys
		},
		HasService: func(key orchestrator.Key) bool {
			return slices.ContainsFunc(s.source.Objects().Services, func(o *corev1.Service) bool {
				return o.Namespace == key.Namespace && o.Name == key.Name
			})
		},
		Snapshot: func() orchestrator.Snapshot {
			snap, _ := s.state.Snapshot()
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
	if s.logs, err = observe.NewLogs(s.dir.Logs(), logCap); err != nil {
		return explainDirectory(err, s.dir)
	}
	if err := os.RemoveAll(s.dir.Volumes()); err != nil {
		return explainDirectory(fmt.Errorf("remove old volumes: %w", err), s.dir)
	}
	if s.cfg.Defaults == nil {
		defaults := builtins
		if s.cfg.Monolith {
			defaults = monolith
		}
		if s.cfg.Defaults, err = defaults(); err != nil {
			return err
		}
	}
	if s.cfg.Redis != "" {
		if s.cfg.Defaults, err = withRedis(s.cfg.Defaults, s.cfg.Redis); err != nil {
			return err
		}
	}
	if s.store, err = s.openStore(); err != nil {
		return err
	}
	if err := s.useRedis(s.store); err != nil {
		return err
	}
	s.source = newSource(s.store)
	s.names = s.newNames()
	s.calls = s.newCalls()
	s.meters.registry.MustRegister(&callsCollector{s.calls, s.now})
	return s.openForward()
}

// objectsFile stores changed objects, with a separate file for each form of the shop.
func (s *shop) objectsFile() string {
	if s.cfg.Monolith {
		return rundir.MonolithObjectsName
	}
	return rundir.ObjectsName
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

// builtins are the objects of all built-in services. They are decoded side by side: the shop waits for them.
func builtins() ([]resource.Manifest, error) {
	builtins := services.All()
	decoded := make([][]resource.Manifest, len(builtins)+1)
	errs := make([]error, len(decoded))
	var all sync.WaitGroup
	for i, b := range builtins {
		all.Go(func() {
			if decoded[i], errs[i] = decode.Decode(b.Name+"/manifest.yaml", b.Manifest()); errs[i] != nil {
				errs[i] = fmt.Errorf("read manifest of %s: %w", b.Name, errs[i])
			}
		})
	}
	last := len(builtins)
	if decoded[last], errs[last] = decode.Decode("shop/rules.yaml", shopRules); errs[last] != nil {
		errs[last] = fmt.Errorf("read rules of the shop: %w", errs[last])
	}
	all.Wait()
	return slices.Concat(decoded...), errors.Join(errs...)
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
