package daemon

import (
	"slices"
	"strings"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/decode"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services"
)

// Monolith are the objects of the shop in one process: the monolith's own, and those of what stays outside.
func Monolith() ([]resource.Manifest, error) {
	all, err := decode.Decode("monolith.yaml", services.MonolithManifest)
	if err != nil {
		return nil, err
	}
	apart, err := Builtins()
	if err != nil {
		return nil, err
	}
	for _, m := range apart {
		if b, ok := services.Lookup(m.Object.GetName()); !ok || !b.Module() {
			all = append(all, m)
		}
	}
	return all, nil
}

// module is one service of a monolith.
type module struct {
	services.Builtin
	front orchestrator.FrontService
}

// modules are the services that a workload holds and that Services lead to it by name: none, unless it is a monolith.
func modules(w orchestrator.Workload) []module {
	if w.Builtin != services.MonolithName {
		return nil
	}
	var all []module
	for _, f := range w.Fronts {
		if b, ok := services.Lookup(f.Service); ok && b.Workload == f.Service && b.Module() {
			all = append(all, module{b, f})
		}
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// moduleTarget describes a module to the faults; the workload that holds it is the first that says so.
func (s *shop) moduleTarget(name string) (fault.Target, bool) {
	b, ok := services.Lookup(name)
	if !ok {
		return fault.Target{}, false
	}
	snap, _ := s.control.Snapshot()
	for _, w := range snap.Workloads {
		for _, m := range modules(w) {
			if m.Workload == b.Workload {
				return fault.Target{
					Name: b.Name, Workload: w.Key.String(), Module: b.Workload, Process: s.displayName(w.Key),
					GRPC: b.GRPC, Protocol: m.front.Protocol, Chassis: true,
				}, true
			}
		}
	}
	return fault.Target{}, false
}

// module is what people call the module that a name stands for; empty if there is none.
func (s *shop) module(name string) string {
	t, _ := s.moduleTarget(name)
	return t.Name
}

func (s *shop) protoModules(w orchestrator.Workload) []*controlpb.Module {
	var all []*controlpb.Module
	for _, m := range modules(w) {
		all = append(all, &controlpb.Module{
			Name: m.Name, Workload: m.Workload, Address: m.front.Address, Protocol: m.front.Protocol,
			Faults: s.faults.ModulePhrases(w.Key.String(), m.Workload),
		})
	}
	return all
}

// moduleNames are what people call the modules of a built-in service, by what they call themselves.
func moduleNames(builtin string) map[string]string {
	if builtin != services.MonolithName {
		return nil
	}
	names := map[string]string{}
	for _, m := range services.Modules() {
		names[m.Workload] = m.Name
	}
	return names
}

// serviceFrom is the label by which the metrics of a workload tell its modules apart.
func serviceFrom(w orchestrator.Workload) string {
	if w.Builtin != services.MonolithName {
		return ""
	}
	return chassis.ModuleLabel
}
