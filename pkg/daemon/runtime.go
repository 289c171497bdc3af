package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/rundir"
	"github.com/shopctl/shopctl/pkg/workload"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
	"github.com/shopctl/shopctl/pkg/workload/process"
	"github.com/shopctl/shopctl/pkg/workload/proxy"
)

// DefaultDriver runs services as processes of this machine.
const DefaultDriver = "process"

// runtime is the part of the daemon that runs the shop.
type runtime struct {
	orchestrator.Orchestrator
	// checkImage is why a container with an image and a command cannot run; nil: every image can be tried.
	checkImage func(image string, command []string) error
	// builtin reports whether an image runs a built-in service and no program of the user.
	builtin func(image string) bool
	// close ends the connection to what runs the shop, once nothing runs; nil: there is none.
	close func() error
}

// runtimes is the registry of what can run a shop, by the name that "up --driver" takes. Each gets the variables that
// tell instances where to send spans. A driver for containers is one more entry with the local controller, a cluster one
// with an orchestrator of its own.
func runtimes() map[string]func(s *shop, environ []string) (runtime, error) {
	return map[string]func(*shop, []string) (runtime, error){
		DefaultDriver: (*shop).newProcesses,
		DockerDriver:  (*shop).newContainers,
	}
}

// Drivers are the names in the registry, with the default first.
func Drivers() []string {
	all := slices.Sorted(maps.Keys(runtimes()))
	i := slices.Index(all, DefaultDriver)
	return slices.Concat(all[i:i+1], all[:i], all[i+1:])
}

// newRuntime makes what runs the shop. Nothing runs yet.
func (s *shop) newRuntime(environ []string) (runtime, error) {
	build, ok := runtimes()[s.cfg.Driver]
	if !ok {
		return runtime{}, control.Error(codes.InvalidArgument, fmt.Sprintf("unknown driver %q", s.cfg.Driver), "drivers: "+strings.Join(Drivers(), ", "), 2)
	}
	if n, err := ReclaimEngine(context.Background(), s.cfg.Getenv, s.dir); err != nil {
		return runtime{}, err
	} else if n > 0 {
		s.log.Warn("removed containers that an earlier daemon had left running", "containers", n)
	}
	return build(s, environ)
}

// executable is the path of this binary.
func (s *shop) executable() (string, error) {
	if s.cfg.Executable != "" {
		return s.cfg.Executable, nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find own executable: %w", err)
	}
	return path, nil
}

// newProcesses runs the shop as processes of this machine.
func (s *shop) newProcesses(environ []string) (runtime, error) {
	executable, err := s.executable()
	if err != nil {
		return runtime{}, err
	}
	return s.local(process.New(process.Config{
		Executable: executable, Args: s.cfg.ExecArgs,
		Environ:        append(instanceEnviron(s.cfg.Environ), environ...),
		CommandEnviron: commandEnviron(s.cfg.Environ),
		Builtin:        builtinOf, Keeps: keepsData,
		Images: s.cfg.Images, VolumeDir: s.dir.Volumes(), Ledger: ledger{s.dir, s.lock},
		SharedSidecars: s.cfg.Sidecars == SidecarsShared,
	}))
}

// local is a driver below the local orchestrator, after what an earlier daemon left has been ended.
func (s *shop) local(driver interface {
	workload.Driver
	workload.Reclaimer
},
) (runtime, error) {
	if err := s.reclaim(driver); err != nil {
		return runtime{}, err
	}
	controller, err := s.newController(driver)
	if err != nil {
		return runtime{}, explainPort(err)
	}
	plan := func(c podspec.Container) workload.Plan {
		return driver.Plan(&podspec.Pod{Containers: []podspec.Container{c}})
	}
	return runtime{
		Orchestrator: controller,
		checkImage: func(image string, command []string) error {
			return plan(podspec.Container{Image: image, Command: command}).Err
		},
		builtin: func(image string) bool { return plan(podspec.Container{Image: image}).Builtins[""] != "" },
	}, nil
}

// reclaim ends what an earlier daemon left running.
func (s *shop) reclaim(r workload.Reclaimer) error {
	left, err := r.Reclaim(context.Background(), 2*time.Second)
	if len(left) > 0 {
		s.log.Warn("ended containers that an earlier daemon had left running", "containers", len(left))
	}
	return err
}

// newController makes the local orchestrator with a driver under it.
func (s *shop) newController(driver workload.Driver) (*workload.Controller, error) {
	only, err := s.only()
	if err != nil {
		return nil, err
	}
	cfg := workload.Config{
		Source: s.source, Driver: driver, State: s.state, Only: only,
		Namespace:        s.store.Namespace(),
		PortBase:         s.cfg.PortBase,
		Storefront:       s.storefront(),
		StorefrontAddr:   cmp.Or(s.cfg.Listen, DefaultListen),
		StorefrontStrict: s.cfg.Listen != "",
		DataDir:          s.dir.Data(),
		ClaimDir:         s.dir.Claims(),
		Check:            s.cfg.Check,
		Event:            s.onEvent,
		OpenLog:          s.openLog,
		LastLines:        s.logs.LastLines,
		Log:              s.log,
		Now:              s.now,
	}
	if s.mesh != nil {
		cfg.Mesh = s.mesh
	}
	return workload.New(cfg)
}

// storefront is the Service that people open in a browser.
func (s *shop) storefront() orchestrator.Key {
	return orchestrator.Key{Namespace: s.store.Namespace(), Name: "frontend"}
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

// commandEnviron is the environment that a learner's own program inherits: everything except shopctl's own, and what would
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

// explainPort adds what to do about a port that is taken.
func explainPort(err error) error {
	var taken *proxy.PortTakenError
	if errors.As(err, &taken) {
		return control.Error(codes.FailedPrecondition, err.Error(), "end that process, or let the kernel choose: leave --port and --port-base out", 5)
	}
	return err
}
