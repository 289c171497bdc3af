package daemon

import (
	"context"
	"fmt"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
	"github.com/shopctl/shopctl/pkg/workload"
)

// objectStore is where the objects come from.
type objectStore interface {
	orchestrator.ObjectReader
	orchestrator.ObjectWatcher
}

// source gives the controller the store's objects. A mere change of status is not a
// change: status comes from the controller.
type source struct {
	store   objectStore
	changed chan struct{}

	mu      sync.Mutex
	objects workload.Objects
	print   string
}

func newSource(store objectStore) *source {
	s := &source{store: store, changed: make(chan struct{}, 1)}
	s.refresh()
	return s
}

// Objects implements workload.Source.
func (s *source) Objects() workload.Objects {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects
}

// Changed implements workload.Source.
func (s *source) Changed() <-chan struct{} { return s.changed }

// run follows the store until ctx ends.
func (s *source) run(ctx context.Context) {
	for range s.store.Watch(ctx, resource.KindDeployment, resource.KindService, resource.KindConfigMap, resource.KindSecret, resource.KindPersistentVolumeClaim, resource.KindNamespace) {
		if s.refresh() {
			select {
			case s.changed <- struct{}{}:
			default:
			}
		}
	}
}

// refresh reads the store; true if there is anything new.
func (s *source) refresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := s.store.Snapshot()
	objects := workload.Objects{
		Deployments: store.All[*appsv1.Deployment](snap, ""),
		Services:    store.All[*corev1.Service](snap, ""),
		ConfigMaps:  map[orchestrator.Key]*corev1.ConfigMap{},
		Secrets:     map[orchestrator.Key]*corev1.Secret{},
		Claims:      map[orchestrator.Key]*corev1.PersistentVolumeClaim{},
		Namespaces:  map[string]*corev1.Namespace{},
	}
	var print strings.Builder
	for _, d := range objects.Deployments {
		fmt.Fprintf(&print, "d %s/%s %s %d\n", d.Namespace, d.Name, d.UID, d.Generation)
	}
	for _, o := range objects.Services {
		fmt.Fprintf(&print, "s %s/%s %s %s\n", o.Namespace, o.Name, o.UID, o.ResourceVersion)
	}
	for _, o := range store.All[*corev1.ConfigMap](snap, "") {
		objects.ConfigMaps[orchestrator.Key{Namespace: o.Namespace, Name: o.Name}] = o
		fmt.Fprintf(&print, "c %s/%s %s %s\n", o.Namespace, o.Name, o.UID, o.ResourceVersion)
	}
	for _, o := range store.All[*corev1.Secret](snap, "") {
		objects.Secrets[orchestrator.Key{Namespace: o.Namespace, Name: o.Name}] = o
		fmt.Fprintf(&print, "x %s/%s %s %s\n", o.Namespace, o.Name, o.UID, o.ResourceVersion)
	}
	for _, o := range store.All[*corev1.PersistentVolumeClaim](snap, "") {
		objects.Claims[orchestrator.Key{Namespace: o.Namespace, Name: o.Name}] = o
		fmt.Fprintf(&print, "p %s/%s %s %s\n", o.Namespace, o.Name, o.UID, o.ResourceVersion)
	}
	for _, o := range store.All[*corev1.Namespace](snap, "") {
		objects.Namespaces[o.Name] = o
		fmt.Fprintf(&print, "n %s %s %s\n", o.Name, o.UID, o.ResourceVersion)
	}
	if print.String() == s.print {
		return false
	}
	s.objects, s.print = objects, print.String()
	return true
}
