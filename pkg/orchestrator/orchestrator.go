// Package orchestrator is the seam between the daemon and whatever runs the shop: the types that describe workloads,
// and the interfaces through which the daemon watches and controls them. Package workload implements them on this
// machine; a Kubernetes cluster is another implementation. They do not depend on each other, only on this package.
//
// The vocabulary is Kubernetes'. A workload is a Deployment, an instance is one of its pods.
package orchestrator

import (
	"context"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// Orchestrator is everything that the daemon needs of what runs the shop. Users should ask for the part they need.
type Orchestrator interface {
	Observer
	Meter
	Syncer
	Disruptor
	Executor
	Prober
	Runner
}

// Observer reports the state of the shop.
type Observer interface {
	// Snapshot returns the newest state, and a channel that is closed when there is a newer one.
	Snapshot() (Snapshot, <-chan struct{})
}

// Meter measures what instances use.
type Meter interface {
	// Memory is the private memory of the running containers of an instance in bytes, by their names; 0 if unknown. It may take
	// milliseconds; false if the instance does not run.
	Memory(instance string) (map[string]int64, bool)
	// ProcessorTime is what a running container of an instance has used since it started, in seconds; false if unknown.
	ProcessorTime(instance, container string) (float64, bool)
}

// Prober asks instances whether they can take calls.
type Prober interface {
	// Probe checks the readiness of a running instance now, besides the regular times, past its sidecar: by the readiness probes of
	// its containers, or a connection to one that has none. asked says how, "gRPC health" or "GET /healthz"; it is empty for an
	// instance that has neither. The error says what is wrong, or is a *NoInstanceError.
	Probe(ctx context.Context, instance string) (asked string, err error)
}

// Syncer makes changes take effect now rather than soon.
type Syncer interface {
	// Sync reads the objects again, and releases the Deployments of the given names with what they depend on: they
	// start even if they were held back. It returns the released ones. When it returns, the snapshot includes both.
	Sync(release ...Key) (released []Key)
}

// Disruptor breaks workloads on purpose.
type Disruptor interface {
	// Kill ends all running instances of a workload at once, or with oldest the oldest of those that are not stopping.
	// Their restart policy brings them back. It is an error if none is running.
	Kill(workload Key, oldest bool) error
	// KillSidecars ends the sidecars of all running instances of a workload in the same way, and leaves their programs alone. It
	// is an error if no sidecar of the mesh is running.
	KillSidecars(workload Key, oldest bool) error
	// SetPaused freezes the instances of a workload, those that start later included, or lets them run again. It is an
	// error to pause a workload of which no instance is running.
	SetPaused(workload Key, paused bool) error
	// SetFaults replaces the faults that the instances of a workload inject into the calls that they receive.
	SetFaults(workload Key, faults []lifeline.Fault)
	// SetWire replaces all faults on the connections between sidecars.
	SetWire(faults []WireFault)
}

// WireFault is a fault on the connections that callers' sidecars make to those of a workload.
type WireFault struct {
	// Caller is the workload whose connections it affects; the zero Key: all workloads.
	Caller, Callee Key
	// Drop is the percentage of packets that are lost, 0 to 100; at 100 nothing passes.
	Drop float64
	// BytesPerSecond pass in each direction, of all connections of a sidecar together; 0: as many as come.
	BytesPerSecond int64
}

// Runner is the lifetime of an orchestrator.
type Runner interface {
	// Run keeps the shop in the state that its objects describe until Shutdown has ended all instances, or ctx is done: then they are
	// killed at once. When it returns, no instance and no goroutine is left.
	Run(ctx context.Context)
	// Shutdown ends all instances, dependents before their dependencies; with now all at once and without a drain. It
	// returns immediately. report, which may be nil, receives every step from then on and must not block. Calling
	// Shutdown again can only make it faster.
	Shutdown(now bool, report func(Progress))
	// Done is closed when Run has returned.
	Done() <-chan struct{}
}

// Progress is one step of a shutdown.
type Progress struct {
	Workload Key
	// State is stopping, stopped or killed.
	State string
	// Alive are the workloads that still have instances, this one included.
	Alive []Key
}

// Event is something that happened to a workload.
type Event struct {
	Time    time.Time
	Warning bool
	// Reason is one CamelCase word, as in Kubernetes.
	Reason   string
	Workload Key
	Instance string
	Message  string
}
