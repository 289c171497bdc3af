// Package podspec turns the pod template of a Deployment into what a driver starts: containers with their environment,
// arguments and volumes resolved. It is pure: it reads objects, and knows nothing of processes or of the controller.
//
// Some values differ between the pods of one template, or are known only when a pod starts: its name, the port of a
// container, and the addresses of the Services that it refers to. They are placeholders in a Template. Template.Fill
// replaces the name and the addresses; the port, and where the pod runs, stay for the driver, which replaces them with
// FillPort and Place.Fill.
package podspec

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
)

// SidecarName is the name of the container that a pod has as a member of the mesh. It is Istio's.
const SidecarName = "istio-proxy"

// Pod is everything that a driver needs to start one pod.
type Pod struct {
	// Name is unique in the shop and a valid file name: "productcatalogservice-7d9f-x2k4q".
	Name, Namespace string
	// Workload is the Deployment's name.
	Workload string
	// ServiceName is the pod's service.name in telemetry, by which workloads of one name in several namespaces differ.
	ServiceName string
	Labels      map[string]string
	// Version is the value of the pod template's version label, else the tag of the first container's image.
	Version        string
	ServiceAccount string
	// InitContainers run before Containers, one after the other. Those that are sidecars keep running.
	InitContainers, Containers []Container
	Volumes                    []Volume
	// Grace is how long a container may take to stop.
	Grace time.Duration
	// Gateway: its container with Mesh takes calls from outside, and there is no program beside it.
	Gateway bool
	// DataDir is a directory that outlives the pod, shared by the pods of its workload. Containers find it in DATA_DIR
	// unless they mount a volume for their data. Empty: none.
	DataDir string
}

// All are the pod's containers in the order of their start.
func (p *Pod) All() []Container {
	return append(append([]Container(nil), p.InitContainers...), p.Containers...)
}

// Container is one container of a pod.
type Container struct {
	Name, Image string
	// Sidecar marks an init container with the restart policy Always: the others start once it has started, and it
	// stops after them.
	Sidecar bool
	// Mesh marks the sidecar of the mesh, or a gateway: it runs shopctl itself.
	Mesh bool
	// Command replaces the image's entry point, Args its arguments.
	Command, Args []string
	WorkingDir    string
	// Env is the complete environment of the template, "KEY=value".
	Env    []string
	Ports  []Port
	Mounts []Mount
	// Listens: the container may accept connections; it is ready only when it does, unless nothing says that it will.
	Listens   bool
	Resources corev1.ResourceRequirements

	Startup, Readiness, Liveness *corev1.Probe
	// Links are the variables by which Kubernetes shows a program the Services of its namespace, "KEY=value". Built-in
	// services do not read them.
	Links []string
	// linked are the ports that Links name.
	linked []Reference
	// References are the Services whose addresses the container is given.
	References []Reference
}

// Declares reports whether a container says that it accepts connections: by a port, or by a probe that connects to it.
func (c *Container) Declares() bool {
	network := func(p *corev1.Probe) bool {
		return p != nil && (p.GRPC != nil || p.HTTPGet != nil || p.TCPSocket != nil)
	}
	return len(c.Ports) > 0 || network(c.Startup) || network(c.Readiness) || network(c.Liveness)
}

// Port is a port that a container declares.
type Port struct {
	Name   string
	Number int32
}

// Mount makes a volume visible to a container at a path.
type Mount struct {
	Volume, Path string
	// SubPath is the file or directory of the volume that is mounted in place of all of it.
	SubPath string
}

// Volume is a directory that the containers of a pod share.
type Volume struct {
	Name string
	// Files by relative path; nil for a volume that begins empty.
	Files map[string][]byte
	// Claim is the PersistentVolumeClaim whose directory the volume is; empty for a volume of the pod's own.
	Claim orchestrator.Key
	// Dir is the directory of the claim on this machine.
	Dir string
	// Exclusive: one pod at a time may use the claim.
	Exclusive bool
}

// Reference is a port of a Service whose address a container is given.
type Reference struct {
	Service orchestrator.Key
	Port    int32
}

// Template is the common part of a Deployment's pods. It is immutable.
type Template struct {
	// Pod is the pod with placeholders, and without a name.
	Pod Pod
	// Pinned are the variables that the template itself gives the address of a Service. A pod that was started before
	// the Service existed has to be replaced.
	Pinned []string
	// Warnings are about what is legal but has no effect.
	Warnings []string
	// Err is why no pod can be started: a missing ConfigMap, a volume of an unsupported kind.
	Err error
}

// Services is the set of Services that the template's containers refer to.
func (t *Template) Services() []orchestrator.Key {
	var keys []orchestrator.Key
	seen := map[orchestrator.Key]bool{}
	for _, c := range t.Pod.All() {
		for _, ref := range c.References {
			if !seen[ref.Service] {
				seen[ref.Service] = true
				keys = append(keys, ref.Service)
			}
		}
	}
	return keys
}
