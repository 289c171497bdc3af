package workload

import (
	"log/slog"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload/proxy"
)

// Objects is a consistent view of what is wanted. The objects are shared and must not be changed.
type Objects struct {
	Deployments []*appsv1.Deployment
	Services    []*corev1.Service
	ConfigMaps  map[orchestrator.Key]*corev1.ConfigMap
	Secrets     map[orchestrator.Key]*corev1.Secret
}

// Source is where what is wanted comes from.
type Source interface {
	Objects() Objects
	// Changed receives when Objects may return something new; several changes may be one receive.
	Changed() <-chan struct{}
}

// Faults tells what is broken on purpose. Workloads are named by their Key's String.
type Faults interface {
	// ForWorkload is what its instances inject into the calls that they receive; never nil.
	ForWorkload(workload string) []lifeline.Fault
	// Paused tells that its instances are to stand still.
	Paused(workload string) bool
}

// Address is a Service's stable address.
type Address interface {
	// String is "127.0.0.1:41000".
	String() string
	// Set replaces the instances behind it.
	Set(ready []string)
	Close() error
}

// Config is what a Controller needs. Source and Driver are required.
type Config struct {
	Source Source
	Driver Driver
	// Namespace is the shop's own, which names without one stand for.
	Namespace string
	// Builtin finds the built-in service that an image stands for, and the image's tag.
	Builtin func(image string) (name, tag string, ok bool)
	// Images maps other images to commands. It is asked again whenever objects change.
	Images func() Images
	// CommandEnviron is what commands inherit, "KEY=value"; the pod template's variables win over it.
	CommandEnviron []string
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

	// DataDir holds a directory for each workload that outlives its instances, VolumeDir one for
	// each instance's volumes.
	DataDir, VolumeDir string

	// Event is told what happens; it must not block.
	Event func(orchestrator.Event)
	// Running is told the processes of all instances whenever they change; it must not block.
	Running func(pids map[string]int)
	// LastLines returns the last lines that an instance logged, for the message of a crash.
	LastLines func(instance string, n int) []string

	Log *slog.Logger
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Builtin == nil {
		c.Builtin = func(string) (string, string, bool) { return "", "", false }
	}
	if c.Images == nil {
		c.Images = func() Images { return Images{} }
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
	if c.Event == nil {
		c.Event = func(orchestrator.Event) {}
	}
	if c.Running == nil {
		c.Running = func(map[string]int) {}
	}
	if c.LastLines == nil {
		c.LastLines = func(string, int) []string { return nil }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
