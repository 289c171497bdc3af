package workload

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// Driver runs pods: as processes of this machine, or as containers. It knows nothing of Deployments, and decides
// nothing: which containers run, in what order, and when they are restarted is the controller's business, as it is
// the kubelet's on Kubernetes. A driver is safe for concurrent use.
type Driver interface {
	Router
	// Plan plans a pod, whose spec may still hold placeholders, without running anything.
	Plan(spec *podspec.Pod) Plan
	// Start prepares a pod, what its containers share: volumes and network. No container runs yet. The context
	// bounds the start alone.
	Start(ctx context.Context, spec podspec.Pod) (Pod, error)
}

// Router decides how containers reach the Services that they refer to. A driver is the first router: it knows the
// network of its pods. What puts something between a container and a Service, as a sidecar does, is another, which asks
// the driver's for the rest. The controller calls it from its loop: it is quick, and never waits.
type Router interface {
	// Route returns how a container of a pod reaches a port of a Service. direct leads there from this machine: to the
	// stable address, and to the ready endpoints by the addresses that they have for other pods.
	Route(pod, container string, ref podspec.Reference, direct Route) Route
}

// Route is the way from a container to a port of a Service.
type Route struct {
	// Addr is what the container is given in place of the Service's name, "host:port". It is read when the container
	// starts, and must stay the same for a built-in service as long as that runs.
	Addr string
	// Endpoints are what a built-in service connects to instead of Addr. It learns them over its lifeline, also of
	// changes while it runs. An empty list makes its calls fail at once; nil means that it connects to Addr.
	Endpoints []string
}

// Plan describes what a driver would run for a pod.
type Plan struct {
	// Identity differs when the same spec would run other programs. It is part of a revision.
	Identity string
	// Builtins are the built-in services that the containers run, by container.
	Builtins map[string]string
	// Warnings are about what has no effect with this driver.
	Warnings []string
	// Err is why the pod cannot run: an unknown image.
	Err error
}

// Pod is a pod that a driver has prepared. It belongs to its driver; methods are safe for concurrent use.
type Pod interface {
	// Run starts a container of the pod, and returns as soon as it is on its way. It lives until it exits or is
	// stopped, and may then be run again. The context bounds the start alone.
	Run(ctx context.Context, spec podspec.Container) (Container, error)
	// Update replaces the files of volumes under the containers that have them mounted. What is mounted by a
	// sub-path stays as it is until its container runs again.
	Update(volumes []podspec.Volume) error
	// Remove removes what the containers shared. They have all ended.
	Remove(ctx context.Context) error
}

// Container is one run of a container. It belongs to its driver; methods are safe for concurrent use.
type Container interface {
	Process
	Pauser
	Listener
	Sender
	Execer
	Attacher
	Meter
}

// Process is something that runs until it exits or is ended.
type Process interface {
	// Done is closed when all processes of the container are gone; then Exit holds.
	Done() <-chan struct{}
	Exit() Exit
	// Stop asks the container to stop, waits for at most grace, then kills it. It returns when it is gone or ctx ends.
	Stop(ctx context.Context, grace time.Duration) error
	// Kill ends it at once, as an out-of-memory kill would.
	Kill() error
}

// Pauser freezes a container: its connections stay open, and nothing in it runs.
type Pauser interface {
	Pause() error
	Resume() error
}

// Listener reports where a container can be reached.
type Listener interface {
	// Listening is closed once the container accepts connections; then Addrs holds.
	Listening() <-chan struct{}
	Addrs() Addrs
	// Proxy is what a sidecar has reported of its state.
	Proxy() lifeline.Proxy
	// Reports receives when the listeners or the state of a sidecar have changed.
	Reports() <-chan struct{}
}

// PortListener is a Listener whose ports are all its own, as in a network of its pod.
type PortListener interface {
	// AddrsOf are where a port is served to the daemon, and to other containers.
	AddrsOf(port int32) (app, peer string)
}

// Addrs are the addresses of a container, "host:port"; empty until it listens.
type Addrs struct {
	// App is where the container's own protocol is served to the daemon, and Peer where it is served to other
	// containers. They differ where containers have separate networks.
	App, Peer string
	// Admin is where it serves metrics; empty if nowhere.
	Admin string
	// Listeners are those of a sidecar, by name.
	Listeners map[string]string
}

// Sender sends messages to a container.
type Sender interface {
	// Send sends a message down the lifeline, whole or not at all; ErrNoLifeline if the container has none. It waits
	// for a container that does not read, until that ends.
	Send(lifeline.Down) error
}

// Execer runs commands in a container.
type Execer interface {
	// Exec runs a command with the container's environment, and returns what it wrote.
	Exec(ctx context.Context, command []string) (output []byte, err error)
}

// Attacher runs commands in a container for someone who waits.
type Attacher interface {
	// Attach runs a command whose streams are someone else's until it ends, and returns its exit code: 128 and the number of the
	// signal if a signal ended it. It calls started once the command runs. When ctx ends first, what the command started is
	// killed, and the error is that of ctx.
	Attach(ctx context.Context, command orchestrator.Command, started func()) (code int, err error)
}

// Meter observes a running container.
type Meter interface {
	// ID names the run as Kubernetes' containerID does: "process://4711", "docker://3f2a".
	ID() string
	// Memory is its private memory in bytes; 0 if unknown. It may take milliseconds.
	Memory() int64
	// ProcessorTime is what it has used since it started, in seconds; false if unknown.
	ProcessorTime() (float64, bool)
	// Logs is its output until its end, which must be read: a container whose output is full waits. If a process that
	// it left behind holds the output, reading fails with os.ErrDeadlineExceeded shortly after its end.
	Logs() io.ReadCloser
}

// ErrNoLifeline is returned by Send for a container that is not a built-in service.
var ErrNoLifeline = errors.New("the container has no lifeline")

// Reclaimer ends what a dead daemon left running. It is a driver's, used before the driver starts anything.
type Reclaimer interface {
	// List returns what runs of an earlier daemon.
	List() ([]Leftover, error)
	// Reclaim asks all of it to stop, waits for at most grace, kills the rest, and returns what it ended.
	Reclaim(ctx context.Context, grace time.Duration) ([]Leftover, error)
}

// Leftover is a container that runs without a daemon.
type Leftover struct {
	// Name of its instance, and ID as in Meter.
	Name, ID string
}

// Exit is how a run ended, as Kubernetes' ContainerStateTerminated has it.
type Exit struct {
	// Code is the exit status: 128 and the number of the signal if a signal ended it.
	Code int
	// Signal is the number of that signal, 0 if there is none.
	Signal int
	// Reason is one word where the code does not say why it ended, else empty.
	Reason string
	// Message is the last error that the container itself reported (lifeline.Up.Fatal), or why it did not start.
	Message string
}

// StartError is the reason of an exit without a run: the container did not start.
const StartError = "StartError"

// OOMKilled is the reason of an exit by the memory limit.
const OOMKilled = "OOMKilled"

// startErrorCode is the exit status that Kubernetes gives a container that did not start.
const startErrorCode = 128
