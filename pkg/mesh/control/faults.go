package control

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	networking "istio.io/api/networking/v1alpha3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/mesh/overlay"
	"github.com/shopctl/shopctl/pkg/mesh/translate"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/istio"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// Fault makes calls to a workload fail or wait, in sidecars.
type Fault struct {
	// ID names it: "f3".
	ID string
	// Since is when it began; the zero time: not known.
	Since time.Time
	// Percent of the calls that it concerns.
	Percent float64
	// Delay is 0 if they do not wait, and Code OK if they do not fail. HTTP: the workload speaks HTTP and not gRPC; callers
	// know that of its Services.
	Delay time.Duration
	Code  codes.Code
	HTTP  bool
	// Headers and Path that requests have; empty: all.
	Headers map[string]string
	Path    Path
	// Callee is the workload that is called. Service limits the fault to one of its Services, where a workload is several;
	// empty: all of them.
	Callee  orchestrator.Key
	Service string
	// Caller is the workload whose calls are affected; the zero Key: all.
	Caller orchestrator.Key
	// Inbound: the callee's sidecars cause it, else the callers'.
	Inbound bool
}

// Path is which requests a fault concerns by their path.
type Path = overlay.Path

// SetFaults replaces the faults that sidecars cause. They are nowhere but in this plane, and in what it sends.
func (p *Plane) SetFaults(faults []Fault) {
	p.mu.Lock()
	p.faults = faults
	p.mu.Unlock()
	p.again()
}

// Overlays are the VirtualServices that hold now in place of those that are stored, or beside them.
func (p *Plane) Overlays() []resource.Object {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.overlays)
}

// overlaid adds faults to a mesh, and returns the VirtualServices that were made for that.
func overlaid(m *translate.Mesh, objects store.Snapshot, faults []Fault) ([]resource.Object, error) {
	var made []resource.Object
	var errs []error
	for i := range m.Services {
		s := &m.Services[i]
		var client []overlay.Fault
		var since time.Time
		for _, f := range faults {
			if !f.Inbound && f.reaches(objects, s) {
				one := f.of(objects)
				one.HTTP = one.HTTP || slices.ContainsFunc(s.Ports, func(p translate.Port) bool { return p.Protocol == translate.HTTP })
				client = append(client, one)
				if since.IsZero() || f.Since.Before(since) {
					since = f.Since
				}
			}
		}
		if len(client) == 0 {
			continue
		}
		o, err := virtualService(m, objects, s, client)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if created := o.GetCreationTimestamp(); created.IsZero() && !since.IsZero() { // there is no object of the user's
			o.SetCreationTimestamp(metav1.NewTime(since))
		}
		made = append(made, o)
	}
	for _, key := range brokenInbound(faults) {
		var inbound []overlay.Fault
		for _, f := range faults {
			if f.Inbound && f.Callee == key {
				inbound = append(inbound, f.of(objects))
			}
		}
		var rules []*networking.HTTPRoute
		for _, r := range overlay.Rules([]*networking.HTTPRoute{{}}, inbound) {
			if r.Faults != nil {
				rules = append(rules, r.HTTPRoute)
			}
		}
		m.Inbound = append(m.Inbound, translate.Inbound{Namespace: key.Namespace, Labels: labelsOf(objects, key), HTTP: rules})
	}
	return made, errors.Join(errs...)
}

// brokenInbound are the workloads whose own sidecars cause faults.
func brokenInbound(faults []Fault) []orchestrator.Key {
	var keys []orchestrator.Key
	for _, f := range faults {
		if f.Inbound && !slices.Contains(keys, f.Callee) {
			keys = append(keys, f.Callee)
		}
	}
	return keys
}

// virtualService puts faults in the rules of a service.
func virtualService(m *translate.Mesh, objects store.Snapshot, s *translate.Service, faults []overlay.Fault) (resource.Object, error) {
	host := m.FullName(s)
	meta := metav1.ObjectMeta{Name: s.Name, Namespace: s.Namespace}
	var user *istio.VirtualService
	held := m.VirtualServiceOf(s)
	if held != nil {
		meta.Name, meta.Namespace = s.Name+"-faults", held.Namespace
		o, err := objects.Get(resource.Key{Kind: resource.KindVirtualService, Namespace: held.Namespace, Name: held.Name})
		if err != nil {
			return nil, fmt.Errorf("find VirtualService %s: %w", held.Name, err)
		}
		user, _ = o.(*istio.VirtualService)
	}
	merged, err := overlay.New(user, meta, host, resource.InjectedFaultsAnnotation, faults)
	if err != nil {
		return nil, err
	}
	next := translate.VirtualService{Meta: metaOf(merged.VirtualService), Spec: merged.Spec.Message(), Parts: merged.Parts}
	at := slices.IndexFunc(m.VirtualServices, func(vs translate.VirtualService) bool { return vs.Meta == next.Meta })
	if at >= 0 {
		m.VirtualServices[at] = next
	} else {
		m.VirtualServices = append(m.VirtualServices, next) // without a time: of several, the oldest holds
	}
	return merged.VirtualService, nil
}

// reaches reports whether calls to a service are calls to the fault's callee.
func (f Fault) reaches(objects store.Snapshot, s *translate.Service) bool {
	if s.Namespace != f.Callee.Namespace || f.Service != "" && f.Service != s.Name {
		return false
	}
	o, err := objects.Get(resource.Key{Kind: resource.KindService, Namespace: s.Namespace, Name: s.Name})
	if err != nil {
		return false
	}
	svc, ok := o.(*corev1.Service)
	return ok && len(svc.Spec.Selector) > 0 && subset(svc.Spec.Selector, podLabels(objects, f.Callee))
}

// of is the fault as rules have it.
func (f Fault) of(objects store.Snapshot) overlay.Fault {
	out := overlay.Fault{ID: f.ID, Percent: f.Percent, Delay: f.Delay, Code: f.Code, HTTP: f.HTTP, Headers: f.Headers, Path: f.Path}
	if f.Caller != (orchestrator.Key{}) {
		out.Source = labelsOf(objects, f.Caller)
		if f.Caller.Namespace != f.Callee.Namespace {
			out.SourceNamespace = f.Caller.Namespace
		}
	}
	return out
}

// labelsOf are the labels by which a Deployment knows its pods.
func labelsOf(objects store.Snapshot, key orchestrator.Key) map[string]string {
	if d := deployment(objects, key); d != nil && d.Spec.Selector != nil {
		return d.Spec.Selector.MatchLabels
	}
	return map[string]string{"app": key.Name}
}

func podLabels(objects store.Snapshot, key orchestrator.Key) map[string]string {
	if d := deployment(objects, key); d != nil {
		return d.Spec.Template.Labels
	}
	return nil
}

func deployment(objects store.Snapshot, key orchestrator.Key) *appsv1.Deployment {
	o, err := objects.Get(resource.Key{Kind: resource.KindDeployment, Namespace: key.Namespace, Name: key.Name})
	if err != nil {
		return nil
	}
	d, _ := o.(*appsv1.Deployment)
	return d
}

// subset reports whether labels have all of a selector's.
func subset(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}
