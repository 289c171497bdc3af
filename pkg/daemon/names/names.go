// Package names finds the workloads of a shop by the names that people type, and names them in output.
//
// A built-in service has a short name ("catalog") besides its Deployment's ("productcatalogservice"). In a monolith it is
// a module, which has both names but no Deployment.
package names

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/suggest"
	"github.com/shopctl/shopctl/services"
)

// Directory knows the names of a shop's workloads. It is safe for concurrent use.
type Directory struct {
	// Namespace of the shop. Workloads of others are named with theirs.
	Namespace string
	// Deployments returns the keys of all Deployments, started or not.
	Deployments func() []orchestrator.Key
	// Snapshot returns the newest state of the workloads.
	Snapshot func() orchestrator.Snapshot
}

// Display is the name of a workload for people: a built-in service by its short name, another by its Deployment's, with the
// namespace in front where that is not the shop's.
func (d *Directory) Display(key orchestrator.Key) string {
	if key == (orchestrator.Key{}) {
		return ""
	}
	if key.Namespace != d.Namespace {
		return key.String()
	}
	if b, ok := services.Lookup(key.Name); ok && b.Workload == key.Name {
		return b.Name
	}
	return key.Name
}

// Find accepts the name that is displayed, the Deployment's, "namespace/name" and "deployment/name".
func (d *Directory) Find(name string) (orchestrator.Key, bool) {
	for _, prefix := range []string{"deployment/", "deploy/", "deployments/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	keys := d.Deployments()
	if i := slices.IndexFunc(keys, func(k orchestrator.Key) bool { return strings.EqualFold(d.Display(k), name) }); i >= 0 {
		return keys[i], true
	}
	i := slices.IndexFunc(keys, func(k orchestrator.Key) bool { return strings.EqualFold(k.Name, name) || k.String() == name })
	if i >= 0 {
		return keys[i], true
	}
	return orchestrator.Key{}, false
}

// All are the display names of all workloads, sorted.
func (d *Directory) All() []string {
	var all []string
	for _, key := range d.Deployments() {
		all = append(all, d.Display(key))
	}
	slices.Sort(all)
	return all
}

// Unknown is the error about a name that no workload has.
func (d *Directory) Unknown(name string) error {
	all := d.All()
	hint := "services: " + strings.Join(all, ", ")
	if near := suggest.Match(name, all); near != "" {
		hint = fmt.Sprintf("did you mean %s? %s", near, hint)
	}
	return control.Error(codes.NotFound, fmt.Sprintf("no service %q", name), hint, 2)
}

// Target describes a workload, or a module of one, as a target of faults.
func (d *Directory) Target(name string) (fault.Target, bool) {
	key, ok := d.Find(name)
	if !ok {
		return d.ModuleTarget(name)
	}
	t := fault.Target{Name: d.Display(key), Workload: key.String()}
	for _, w := range d.Snapshot().Workloads {
		if w.Key != key {
			continue
		}
		t.Protocol, t.Chassis = Protocol(w), w.Builtin != ""
		if b, ok := services.Lookup(w.Builtin); ok && w.Builtin != "" {
			t.GRPC = b.GRPC
		}
	}
	return t, true
}

// Protocol is grpc, http or tcp: that of the workload's Service, else that of the built-in service that it runs; empty if
// neither is known.
func Protocol(w orchestrator.Workload) string {
	if w.Protocol == "" && w.Builtin != "" {
		if b, ok := services.Lookup(w.Builtin); ok && len(b.GRPC) > 0 {
			return "grpc"
		}
	}
	return w.Protocol
}
