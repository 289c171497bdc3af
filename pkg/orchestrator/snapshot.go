package orchestrator

import (
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
)

// Key names an object of a namespace.
type Key struct{ Namespace, Name string }

// String is "namespace/name".
func (k Key) String() string { return k.Namespace + "/" + k.Name }

// ParseKey reads the String of a Key.
func ParseKey(text string) Key {
	namespace, name, _ := strings.Cut(text, "/")
	return Key{namespace, name}
}

// Snapshot is the state of the shop's workloads at one moment. It never changes.
type Snapshot struct {
	// Workloads in order of namespace and name.
	Workloads []Workload
	// Endpoints of all Services, in order of Service, port and pod; first those that have none.
	Endpoints []Endpoint
	// Startup is how they came up, in order of readiness.
	Startup []Step
	// Storefront is the address of the Service that people open, "127.0.0.1:8080"; empty if there is none.
	Storefront string
	// Ready: every Deployment has all the instances that it should have, ready and of its newest revision.
	Ready bool
	// GoingDown: Shutdown was called.
	GoingDown bool
}

// Step is how one workload came up. Times count from the moment the orchestrator began.
type Step struct {
	Workload       Key
	Started, Ready time.Duration
	// After is the workload whose readiness let this one start; empty if it waited for none.
	After string
}

// Workload is one Deployment.
type Workload struct {
	Key
	// State is ok, starting, updating, degraded, unhealthy, crashloop, paused, stopping or stopped, and
	// Message why it is not ok.
	State, Message string
	Image          string
	// Builtin is the built-in service that its image names; empty for a command.
	Builtin  string
	Versions []string
	// Service is the Service in front of it, with its stable address and protocol: grpc, http, tcp, or
	// empty where it is not known.
	Service, Address, Protocol string
	// Fronts are all Services in front of it.
	Fronts []FrontService
	// Ports are those of these Services.
	Ports     []ServicePort
	DependsOn []string

	Replicas, Ready, Available, Updated, Restarts int
	// Total counts the instances that are not stopping.
	Total              int
	ObservedGeneration int64
	// Complete: all instances are of the newest revision and available. Late: the rollout has
	// exceeded its deadline. Since is when its revision or its replicas last changed.
	Complete, Late bool
	Since          time.Time
	Instances      []Instance
}

// FrontService is a Service that leads to a Deployment.
type FrontService struct{ Service, Address, Protocol string }

// ServicePort is a port of a Service in front of a workload, and where it is served on this machine.
type ServicePort struct {
	Service, Name string
	Port          int32
	// Address is empty for a protocol other than TCP.
	Address string
}

// Instance is one pod of a workload.
type Instance struct {
	Name, Version string
	// State is starting, ready, unready, paused, stopping, backoff or crashloop.
	State, Message string
	// Status is kubectl's word for it: Running, Init:0/1, CrashLoopBackOff, Terminating and so on.
	Status string
	// Addr is where its first container serves its own protocol, "127.0.0.1:41001"; empty until it listens.
	Addr string
	// Restarts of all its containers.
	Restarts int
	// Started is when its first container started last.
	Started time.Time
	// Containers in the order of their start.
	Containers []Container
}

// ContainerKind is the role of a container in its pod.
type ContainerKind string

// The kinds of containers. A sidecar is an init container that keeps running (its restartPolicy is Always).
const (
	AppContainer  ContainerKind = "app"
	InitContainer ContainerKind = "init"
	Sidecar       ContainerKind = "sidecar"
)

// Container is one container of an instance.
type Container struct {
	Name, Image string
	Kind        ContainerKind
	// State is waiting, starting, running, backoff, crashloop or completed, and Message why it is not ready.
	State, Message string
	// ID names the run as Kubernetes' containerID does, "process://4711"; empty if it does not run.
	ID string
	// Addr is where its own protocol is served, Admin where its metrics are; empty if nowhere.
	Addr, Admin string
	// Listeners are those of a sidecar of the mesh, by name; nil for other containers.
	Listeners map[string]string
	// Proxy is the state of a sidecar of the mesh that runs.
	Proxy    lifeline.Proxy
	Ready    bool
	Restarts int
	// Started is when it started last.
	Started time.Time
}
