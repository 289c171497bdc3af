package workload

import (
	"context"
	"io"
	"log/slog"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload/proxy"
)

// Objects is a consistent view of what is wanted. The objects are shared and must not be changed.
type Objects struct {
	Deployments []*appsv1.Deployment
	Services    []*corev1.Service
	ConfigMaps  map[orchestrator.Key]*corev1.ConfigMap
	Secrets     map[orchestrator.Key]*corev1.Secret
	Claims      map[orchestrator.Key]*corev1.PersistentVolumeClaim
	// Namespaces by name; nil: none has labels.
	Namespaces map[string]*corev1.Namespace
}

// Source is where what is wanted comes from.
type Source interface {
	Objects() Objects
	// Changed receives when Objects may return something new; several changes may be one receive.
	Changed() <-chan struct{}
}

// Address is a Service's stable address.
type Address interface {
	// String is "127.0.0.1:41000".
	String() string
	// Set replaces the instances behind it.
	Set(ready []string)
	Close() error
}

// Config configures a Controller. Source and Driver are required.
type Config struct {
	Source Source
	Driver Driver
	// Router decides how containers reach Services; nil: the driver does.
	Router Router
	// Mesh starts sidecars; nil: no pod has one.
	Mesh Mesh
	// State receives every new snapshot; nil: one of the controller's own.
	State *orchestrator.State
	// Namespace is the shop's own. Instances of others have theirs in their name.
	Namespace string
	// Only, if it is not empty, names the Deployments to start, with what they depend on. The others
	// do not start until Sync releases them, whatever their objects say.
	Only []orchestrator.Key

	// PortBase is the first port of the stable addresses; 0: the kernel gives them.
	PortBase int
	// Storefront is the Service that people open in a browser, and StorefrontAddr its friendly
	// address. When that is taken, StorefrontStrict makes it an error; otherwise any port will do.
	Storefront       orchestrator.Key
	StorefrontAddr   string
	StorefrontStrict bool

	// OpenAddress opens a stable address; nil: a listener of package proxy.
	OpenAddress func(addr string) (Address, error)

	// DataDir holds a directory for each workload that outlives its instances. Empty: they have none.
	DataDir string
	// ClaimDir holds a directory for each PersistentVolumeClaim. Empty: they have none.
	ClaimDir string

	// Check returns the check of a built-in service that takes the place of its tcpSocket probes; nil: there is none.
	Check func(builtin string) Check

	// Event receives what happens; it must not block.
	Event func(orchestrator.Event)
	// OpenLog opens what takes the output of a container, JSON lines; nil: output is discarded.
	OpenLog func(LogSource) (io.WriteCloser, error)
	// LastLines returns the last lines that a container logged, for the message of a crash.
	LastLines func(instance, container string, n int) []string

	Log *slog.Logger
	Now func() time.Time
}

// Check reports why a built-in service at an address cannot be used: an open port says nothing of a process that is
// stopped, or whose disk is full. env is the container's environment. With write set, the service must also be able to
// write: for its readiness, while liveness asks only for a sign of life.
type Check func(ctx context.Context, addr string, env []string, write bool) error

// LogSource is a container whose output goes to a log.
type LogSource struct {
	Workload       orchestrator.Key
	Pod, Container string
	// Main: it is the first container of its pod that is not an init container.
	Main bool
	// Builtin is the built-in service that it runs; empty for a command.
	Builtin string
}

// discard is a log that keeps nothing.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

func (c Config) withDefaults() Config {
	if c.State == nil {
		c.State = new(orchestrator.State)
	}
	if c.Router == nil {
		c.Router = c.Driver
	}
	if c.OpenAddress == nil {
		c.OpenAddress = func(addr string) (Address, error) {
			a, err := proxy.Listen(addr)
			if err != nil {
				return nil, err // not a, which would be an Address that is not nil
			}
			return a, nil
		}
	}
	if c.Check == nil {
		c.Check = func(string) Check { return nil }
	}
	if c.Event == nil {
		c.Event = func(orchestrator.Event) {}
	}
	if c.OpenLog == nil {
		c.OpenLog = func(LogSource) (io.WriteCloser, error) { return discard{}, nil }
	}
	if c.LastLines == nil {
		c.LastLines = func(string, string, int) []string { return nil }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
