package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// builtinObjects are the objects that the shop comes with, and whether it still has them.
type builtinObjects struct {
	defaults []resource.Manifest
	objects  orchestrator.Objects
	names    *names.Directory
}

// key of a default in the shop.
func (b *builtinObjects) key(m resource.Manifest) resource.Key {
	key := resource.KeyOf(m.Object)
	if kind, err := resource.LookupKind(key.Kind); err == nil && kind.Namespaced && key.Namespace == "" {
		key.Namespace = b.objects.Namespace()
	}
	return key
}

// service is the name of the service that a default belongs to; empty for one of the whole shop.
func (b *builtinObjects) service(m resource.Manifest) string {
	workload := m.Object.GetLabels()["app"]
	if workload == "" {
		return ""
	}
	return b.names.Display(orchestrator.Key{Namespace: b.objects.Namespace(), Name: workload})
}

// missing is what the shop's own services lack, in the order of their manifests.
func (b *builtinObjects) missing(snap orchestrator.Snapshot) []*controlpb.Missing {
	store := b.objects.Snapshot()
	var all []*controlpb.Missing
	lack := func(service, message string, absent bool) {
		if n := len(all); n > 0 && all[n-1].GetService() == service {
			all[n-1].Message += ", " + message
			all[n-1].Absent = all[n-1].Absent || absent
			return
		}
		all = append(all, &controlpb.Missing{Service: service, Message: message, Absent: absent})
	}
	for _, m := range b.defaults {
		key, service := b.key(m), b.service(m)
		if service == "" || key.Kind != resource.KindDeployment && key.Kind != resource.KindService {
			continue
		}
		if _, err := store.Get(key); err != nil {
			lack(service, fmt.Sprintf("%s %s was deleted", key.Kind, key.Name), key.Kind == resource.KindDeployment)
		} else if key.Kind == resource.KindService && unreachable(snap, key, m) {
			lack(service, fmt.Sprintf("Service %s leads to no instance of it: its selector or its ports were changed", key.Name), false)
		}
	}
	return all
}

// unreachable reports whether a Service has no endpoints although its workload, by the label app, is ready.
func unreachable(snap orchestrator.Snapshot, key resource.Key, m resource.Manifest) bool {
	workload := orchestrator.Key{Namespace: key.Namespace, Name: m.Object.GetLabels()["app"]}
	ready := slices.ContainsFunc(snap.Workloads, func(w orchestrator.Workload) bool { return w.Key == workload && w.Ready > 0 && w.State == "ok" })
	return ready && !slices.ContainsFunc(snap.Endpoints, func(e orchestrator.Endpoint) bool {
		return e.Service == orchestrator.Key{Namespace: key.Namespace, Name: key.Name} && e.Serving()
	})
}

// Restore applies the shop's own objects of services again.
func (s *objectsServer) Restore(ctx context.Context, req *controlpb.RestoreRequest) (*controlpb.ApplyResponse, error) {
	wanted := map[string]bool{}
	snap, _ := s.state.Snapshot()
	if len(req.GetServices()) == 0 {
		for _, m := range s.builtin.missing(snap) {
			wanted[m.GetService()] = true
		}
		if len(wanted) == 0 {
			return &controlpb.ApplyResponse{}, nil
		}
	}
	var known []string
	for _, m := range s.builtin.defaults {
		if name := s.builtin.service(m); name != "" && !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	for _, name := range req.GetServices() {
		found := slices.IndexFunc(known, func(k string) bool {
			return strings.EqualFold(k, name) || strings.EqualFold(s.names.Workload(k), name)
		})
		if found < 0 {
			slices.Sort(known)
			return nil, control.Error(codes.NotFound, fmt.Sprintf("restore %s: the shop does not come with it", name), "services that can be restored: "+strings.Join(known, ", "), 2)
		}
		wanted[known[found]] = true
	}
	var manifests []resource.Manifest
	for _, m := range s.builtin.defaults {
		if wanted[s.builtin.service(m)] {
			manifests = append(manifests, m)
		}
	}
	result, err := s.objects.Apply(ctx, manifests, "", req.GetDryRun())
	if err != nil {
		return nil, explainObjects(err)
	}
	resp := &controlpb.ApplyResponse{} // without warnings: they are of the shop's own manifests, which no user can change
	if resp.Objects, err = changed(result.Changes); err != nil {
		return nil, err
	}
	if !req.GetDryRun() {
		s.commit(result.Changes, "Restored")
	}
	return resp, nil
}

// dependents warns of what calls the services that the deletion of objects takes away.
func (s *objectsServer) dependents(keys []resource.Key) []string {
	snap, _ := s.state.Snapshot()
	var warnings []string
	warned := map[string]bool{}
	for _, key := range keys {
		if key.Kind != resource.KindDeployment && key.Kind != resource.KindService || warned[key.Name] {
			continue
		}
		var users []string
		for _, w := range snap.Workloads {
			deleted := slices.ContainsFunc(keys, func(k resource.Key) bool {
				return k.Kind == resource.KindDeployment && k.Name == w.Name && k.Namespace == w.Namespace
			})
			if w.Namespace == key.Namespace && w.Name != key.Name && !deleted && slices.Contains(w.DependsOn, key.Name) {
				users = append(users, s.names.Display(w.Key))
			}
		}
		if len(users) == 0 {
			continue
		}
		warned[key.Name] = true
		slices.Sort(users)
		service := s.names.Display(orchestrator.Key{Namespace: key.Namespace, Name: key.Name})
		text := fmt.Sprintf("%s %s: %s depends on it and fails without it", strings.ToLower(key.Kind), key.Name, strings.Join(users, ", "))
		if len(users) > 1 {
			text = fmt.Sprintf("%s %s: %s depend on it and fail without it", strings.ToLower(key.Kind), key.Name, strings.Join(users, ", "))
		}
		if slices.ContainsFunc(s.builtin.defaults, func(m resource.Manifest) bool { return s.builtin.key(m) == key }) {
			text += "; to restore it: shopctl restore " + service
		}
		warnings = append(warnings, text)
	}
	return warnings
}
