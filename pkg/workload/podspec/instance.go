package podspec

import (
	"cmp"
	"runtime"
	"strconv"
	"strings"
)

// ServiceNameOf is the name of a container in its spans: that of its pod, for the pod's first container and its sidecar.
func (p *Pod) ServiceNameOf(c *Container) string {
	name := cmp.Or(p.ServiceName, p.Workload)
	if p.leads(c) {
		return name
	}
	return name + "-" + c.Name
}

// VersionOf is the version of what a container runs: the pod's, for its first container and its sidecar.
func (p *Pod) VersionOf(c *Container) string {
	if p.leads(c) {
		return p.Version
	}
	return ImageTag(c.Image)
}

func (p *Pod) leads(c *Container) bool {
	return len(p.Containers) == 0 || p.Containers[0].Name == c.Name || c.Mesh
}

// MemoryLimit is the limit of a container in bytes; 0: none.
func (c *Container) MemoryLimit() int64 { return max(0, c.Resources.Limits.Memory().Value()) }

// GoMemoryLimit makes the Go runtime of a built-in service collect garbage more often before its limit kills it.
func (c *Container) GoMemoryLimit() []string {
	limit := c.MemoryLimit()
	if limit == 0 {
		return nil
	}
	return []string{"GOMEMLIMIT=" + strconv.FormatInt(limit/10*9, 10)}
}

// DataMount is where containers mount the volume for their data, unless they say otherwise in DATA_DIR. The images of many
// databases do, that of Redis among them.
const DataMount = "/data"

// DataPath is where a container expects its data.
func (c *Container) DataPath() string {
	path := DataMount
	for _, kv := range c.Env {
		if value, ok := strings.CutPrefix(kv, "DATA_DIR="); ok {
			path = value
		}
	}
	return path
}

// ServiceRuntime fits the Go runtime to one of a dozen processes on a small machine that wait for each other most of the time, by
// its environment. What the pod template sets wins over it. Measured by the processor time of an order:
//   - GOMAXPROCS: a runtime that believes that it has the machine for itself wakes and spins threads for
//     every request; without, an order costs a fifth less.
//   - GODEBUG=adaptivestackstart=1: a goroutine begins with the stack that goroutines turned out to need;
//     growing one for every call costs an eighth more.
//   - GOGC=200: fewer collections, and still well under 12 MB for a service at rest.
func ServiceRuntime() []string { return smallRuntime(200) }

// SidecarRuntime is the same for a sidecar. It holds 5 MB, most of it what protobuf knows of Envoy's messages, and would let its heap
// grow to 15 MB before a collection. With a GOGC of 50 it collects at half of that; a request leaves little
// garbage, so that collections still cost little.
func SidecarRuntime() []string { return smallRuntime(50) }

func smallRuntime(gc int) []string {
	return []string{"GOMAXPROCS=" + strconv.Itoa(max(1, runtime.NumCPU()/4)), "GODEBUG=adaptivestackstart=1", "GOGC=" + strconv.Itoa(gc)}
}
