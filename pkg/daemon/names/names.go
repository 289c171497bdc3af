// Package names finds the workloads of a shop by the names that people type, and names them in output.
//
// A built-in service has a short name ("catalog") besides its Deployment's ("productcatalogservice"). In a monolith it is
// a module, which has both names but no Deployment.
package names

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/servicename"
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
	// HasService reports whether there is a Service object, whatever it leads to; nil: there is none.
	HasService func(orchestrator.Key) bool
	// Builtins are the names of the Deployments that the shop comes with, whether it still has them or not.
	Builtins []string
}

// Display is the name of a workload for people: a built-in service by its short name, unless that is the name of another
// Deployment; another by its Deployment's. The namespace is in front where that is not the shop's.
func (d *Directory) Display(key orchestrator.Key) string {
	if key == (orchestrator.Key{}) {
		return ""
	}
	if key.Namespace != d.Namespace {
		return key.String()
	}
	b, ok := services.Lookup(key.Name)
	if !ok || b.Workload != key.Name || b.Name != key.Name && slices.Contains(d.Deployments(), orchestrator.Key{Namespace: key.Namespace, Name: b.Name}) {
		return key.Name
	}
	return b.Name
}

// Spans is the service.name in the spans of a workload: its Deployment's name, with the namespace in front where that is
// not the shop's.
func (d *Directory) Spans(key orchestrator.Key) string {
	if key.Namespace != d.Namespace {
		return key.String()
	}
	return key.Name
}

// Workload is the Deployment's name of a service by its displayed name.
func (d *Directory) Workload(display string) string {
	if b, ok := services.Lookup(display); ok && b.Name == display {
		return b.Workload
	}
	return display
}

// Find finds the Deployment that a name means, as package servicename reads it; without a namespace it is one of the shop's
// own.
func (d *Directory) Find(name string) (orchestrator.Key, bool) {
	key, _, err := d.Resolve(name)
	return key, err == nil
}

// Resolve is Find for those who need to know what else the name says, or what is wrong with it. The error is a
// *servicename.Error.
func (d *Directory) Resolve(name string) (orchestrator.Key, servicename.Ref, error) {
	all := d.entries()
	i, ref, err := servicename.Find(all, d.Namespace, "", name)
	if err != nil {
		return orchestrator.Key{}, ref, err
	}
	return orchestrator.Key{Namespace: all[i].Namespace, Name: all[i].Workload}, ref, nil
}

// entries are all workloads with their names.
func (d *Directory) entries() []servicename.Entry {
	running := map[orchestrator.Key]orchestrator.Workload{}
	for _, w := range d.Snapshot().Workloads {
		running[w.Key] = w
	}
	var all []servicename.Entry
	for _, key := range d.Deployments() {
		e := servicename.Entry{Namespace: key.Namespace, Workload: key.Name}
		if b, ok := services.Lookup(key.Name); ok && b.Workload == key.Name {
			e.Short = b.Name
		}
		for _, f := range running[key].Fronts {
			e.Services = append(e.Services, f.Service)
		}
		for _, in := range running[key].Instances {
			e.Pods = append(e.Pods, in.Name)
		}
		all = append(all, e)
	}
	return all
}

// InNamespace reports whether a displayed name is that of a service in a namespace.
func (d *Directory) InNamespace(display, namespace string) bool {
	prefix, _, other := strings.Cut(display, "/")
	return other && prefix == namespace || !other && namespace == d.Namespace
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

// deleted is the Deployment of the shop's own that a name means, which is not there; empty if there is none.
func (d *Directory) deleted(ref servicename.Ref) string {
	if ref.Namespace != "" && ref.Namespace != d.Namespace {
		return ""
	}
	for _, workload := range d.Builtins {
		b, ok := services.Lookup(workload)
		if strings.EqualFold(ref.Name, workload) || ok && strings.EqualFold(ref.Name, b.Name) {
			return workload
		}
	}
	return ""
}

// leadsNowhere reports whether a name that means no workload is that of a Service.
func (d *Directory) leadsNowhere(e *servicename.Error, key orchestrator.Key) bool {
	named := e.Ref.Kind == servicename.Any || e.Ref.Kind == servicename.Service
	return named && len(e.Candidates) == 0 && d.HasService != nil && d.HasService(key)
}

// Unknown is the error about a name that means no workload.
func (d *Directory) Unknown(name string) error {
	_, _, err := d.Resolve(name)
	var unknown *servicename.Error
	if !errors.As(err, &unknown) {
		unknown = &servicename.Error{Word: name, Ref: servicename.Ref{Name: name}} // it exists by now
	}
	if workload := d.deleted(unknown.Ref); workload != "" {
		shown := d.Display(orchestrator.Key{Namespace: d.Namespace, Name: workload})
		return control.Error(codes.NotFound, fmt.Sprintf("no service %q: Deployment %s was deleted", name, workload), "shopctl restore "+shown, 2)
	}
	if key := (orchestrator.Key{Namespace: cmp.Or(unknown.Ref.Namespace, d.Namespace), Name: unknown.Ref.Name}); d.leadsNowhere(unknown, key) {
		return control.Error(codes.NotFound, fmt.Sprintf("Service %s leads to no Deployment", key), "shopctl describe service "+key.Name+" --namespace "+key.Namespace, 2)
	}
	hint := unknown.Hint()
	if hint == "" {
		all := d.All()
		hint = "services: " + strings.Join(all, ", ")
		if near := suggest.Match(unknown.Ref.Name, all); near != "" {
			hint = fmt.Sprintf("did you mean %s? %s", near, hint)
		}
	}
	return control.Error(codes.NotFound, unknown.Error(), hint, 2)
}

// Target describes a workload, or a module of one, as a target of faults.
func (d *Directory) Target(name string) (fault.Target, bool) {
	key, ref, err := d.Resolve(name)
	switch {
	case err != nil:
		return d.ModuleTarget(name)
	case ref.Kind == servicename.Pod:
		return fault.Target{}, false // a fault is one of a whole service
	}
	t := fault.Target{Name: d.Display(key), Workload: key.String()}
	for _, w := range d.Snapshot().Workloads {
		if w.Key != key {
			continue
		}
		t.Protocol, t.Chassis = Protocol(w), w.Builtin != ""
		t.Meshed, t.Gateway = proxied(w, ""), proxied(w, orchestrator.AppContainer)
		if b, ok := services.Lookup(w.Builtin); ok && w.Builtin != "" {
			t.GRPC = b.GRPC
		}
	}
	return t, true
}

// proxied reports whether an instance of a workload has a proxy of the mesh: beside its program, or as one of a kind of its
// containers.
func proxied(w orchestrator.Workload, kind orchestrator.ContainerKind) bool {
	return slices.ContainsFunc(w.Instances, func(i orchestrator.Instance) bool {
		return slices.ContainsFunc(i.Containers, func(c orchestrator.Container) bool { return c.Listeners != nil && (kind == "" || c.Kind == kind) })
	})
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
