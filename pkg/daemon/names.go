package daemon

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

// displayName is what people call a workload: a built-in service by its short name, another by its
// Deployment's, with the namespace in front where that is not the shop's.
func (s *shop) displayName(key orchestrator.Key) string {
	if key == (orchestrator.Key{}) {
		return ""
	}
	if key.Namespace != s.store.Namespace() {
		return key.String()
	}
	if b, ok := services.Lookup(key.Name); ok && b.Workload == key.Name {
		return b.Name
	}
	return key.Name
}

// names finds workloads by what people call them.
type names struct {
	display []string
	keys    []orchestrator.Key
}

// names of all Deployments that there are now.
func (s *shop) names() names {
	var n names
	for _, d := range s.source.Objects().Deployments {
		key := orchestrator.Key{Namespace: d.Namespace, Name: d.Name}
		n.keys = append(n.keys, key)
		n.display = append(n.display, s.displayName(key))
	}
	return n
}

// find accepts the name that is displayed, the Deployment's, "namespace/name" and "deployment/name".
func (n names) find(name string) (orchestrator.Key, bool) {
	for _, prefix := range []string{"deployment/", "deploy/", "deployments/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	if i := slices.IndexFunc(n.display, func(d string) bool { return strings.EqualFold(d, name) }); i >= 0 {
		return n.keys[i], true
	}
	i := slices.IndexFunc(n.keys, func(k orchestrator.Key) bool { return strings.EqualFold(k.Name, name) || k.String() == name })
	if i >= 0 {
		return n.keys[i], true
	}
	return orchestrator.Key{}, false
}

func (n names) all() []string {
	all := slices.Clone(n.display)
	slices.Sort(all)
	return all
}

// unknown is the error for a name that stands for nothing.
func (n names) unknown(name string) error {
	hint := "services: " + strings.Join(n.all(), ", ")
	if near := suggest.Match(name, n.all()); near != "" {
		hint = fmt.Sprintf("did you mean %s? %s", near, hint)
	}
	return control.Error(codes.NotFound, fmt.Sprintf("no service %q", name), hint, 2)
}

// faultTarget describes a workload to the faults.
func (s *shop) faultTarget(name string) (fault.Target, bool) {
	key, ok := s.names().find(name)
	if !ok {
		return s.moduleTarget(name)
	}
	t := fault.Target{Name: s.displayName(key), Workload: key.String()}
	snap, _ := s.control.Snapshot()
	for _, w := range snap.Workloads {
		if w.Key != key {
			continue
		}
		t.Protocol, t.Chassis = protocol(w), w.Builtin != ""
		if b, ok := services.Lookup(w.Builtin); ok && w.Builtin != "" {
			t.GRPC = b.GRPC
		}
	}
	return t, true
}
