package names

import (
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/servicename"
	"github.com/shopctl/shopctl/services"
)

// Module is one service of a monolith.
type Module struct {
	services.Builtin
	// Front is the Service that leads to it.
	Front orchestrator.FrontService
}

// Modules are the services that a workload contains and that Services lead to by name: none, unless it is a monolith.
func Modules(w orchestrator.Workload) []Module {
	if w.Builtin != services.MonolithName {
		return nil
	}
	var all []Module
	for _, f := range w.Fronts {
		if b, ok := services.Lookup(f.Service); ok && b.Workload == f.Service && b.Module() {
			all = append(all, Module{b, f})
		}
	}
	slices.SortFunc(all, func(a, b Module) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// ModuleTarget describes a module as a target of faults. Its workload is the first that contains it.
func (d *Directory) ModuleTarget(name string) (fault.Target, bool) {
	ref := servicename.Parse(name)
	b, ok := services.Lookup(ref.Name)
	if !ok || ref.Kind == servicename.Pod || ref.Namespace != "" && ref.Namespace != d.Namespace {
		return fault.Target{}, false
	}
	for _, w := range d.Snapshot().Workloads {
		for _, m := range Modules(w) {
			if m.Workload == b.Workload {
				return fault.Target{
					Name: b.Name, Workload: w.Key.String(), Module: b.Workload, Process: d.Display(w.Key),
					GRPC: b.GRPC, Protocol: m.Front.Protocol, Chassis: true, Meshed: proxied(w, ""),
				}, true
			}
		}
	}
	return fault.Target{}, false
}

// Module is the display name of the module with a name; empty if there is none.
func (d *Directory) Module(name string) string {
	t, _ := d.ModuleTarget(name)
	return t.Name
}

// ModuleNames are the display names of the modules of a built-in service, by the names in their log records.
func ModuleNames(builtin string) map[string]string {
	if builtin != services.MonolithName {
		return nil
	}
	names := map[string]string{}
	for _, m := range services.Modules() {
		names[m.Workload] = m.Name
	}
	return names
}

// ServiceLabel is the label by which the metrics of a workload distinguish its modules; empty if it has none.
func ServiceLabel(w orchestrator.Workload) string {
	if w.Builtin != services.MonolithName {
		return ""
	}
	return chassis.ModuleLabel
}
