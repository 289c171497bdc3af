package workload

import (
	"context"
	"syscall"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// Driver starts instances: as processes, containers or pods. It knows nothing of Deployments; the
// reconcilers decide what should run. A driver is safe for concurrent use.
type Driver interface {
	// Start starts one instance and returns as soon as it is on its way. The context bounds the
	// start alone; the instance lives until it exits or is stopped.
	Start(ctx context.Context, spec Spec) (Instance, error)
}

// Spec is everything a driver needs to start one instance.
type Spec struct {
	// Name is unique in the shop and a valid file name: "productcatalogservice-7d9f-x2k4q".
	Name string
	// Workload is the Deployment's name.
	Workload  string
	Namespace string
	// Version is the value of the pod template's version label, else the image's tag.
	Version string
	// Builtin is the built-in service to run ("catalog"); empty when Command is set.
	Builtin string
	// Command is what to run instead of a built-in, with its arguments.
	Command []string
	// Dir is the working directory of Command; empty: the daemon's.
	Dir string
	// Env is the complete environment of the pod template, resolved, "KEY=value". The driver adds
	// what tells the instance where to listen and to report.
	Env []string
	// Port that the instance should listen on; 0: one that the kernel gives.
	Port int
	// DataDir is a directory that outlives the instance, shared by the instances of its workload;
	// given to it as DATA_DIR. Empty: none.
	DataDir string
}

// Instance is one running copy of a workload. It belongs to its driver; methods are safe for concurrent use.
type Instance interface {
	Spec() Spec
	// PID of its process, 0 where there is none on this machine.
	PID() int
	// Listening is closed once the instance listens; then Addr and Admin hold. A command that is not
	// ours listens on the port it was given, and counts as listening when a connection succeeds.
	Listening() <-chan struct{}
	// Addr is where its own protocol is served, Admin where its metrics are ("" if nowhere).
	Addr() string
	Admin() string
	// Send hands a message down the lifeline; ErrNoLifeline if the instance has none.
	Send(lifeline.Down) error
	// Done is closed when the instance and all processes of its group are gone; then Exit holds.
	Done() <-chan struct{}
	Exit() Exit
	// Stop asks it to leave (SIGTERM to the group), waits for at most grace, then kills the group. It
	// returns when the group is empty or ctx ends.
	Stop(ctx context.Context, grace time.Duration) error
	// Signal sends a signal to the whole group: SIGKILL to crash it, SIGSTOP and SIGCONT to pause it and let it go on.
	Signal(sig syscall.Signal) error
	// Private memory in bytes; 0 if unknown.
	MemoryBytes() int64
}

// Exit is how an instance ended.
type Exit struct {
	Time time.Time
	// Code is the exit status, -1 if a signal ended it.
	Code   int
	Signal syscall.Signal
	// Reason is what the instance itself said last (lifeline.Up.Fatal), or empty.
	Reason string
}
