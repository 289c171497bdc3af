package delivery

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	networking "istio.io/api/networking/v1alpha3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/istio"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// RouteError is about a route that would lead to no pod after a switch.
type RouteError struct {
	Service, VirtualService, Subset string
}

func (e *RouteError) Error() string {
	return fmt.Sprintf("VirtualService %s sends calls of %s to the subset %s, in which no pod would be left", e.VirtualService, e.Service, e.Subset)
}

// serviceOf is a Service that selects pods.
func serviceOf(snap store.Snapshot, namespace, name string) (*corev1.Service, error) {
	o, err := snap.Get(resource.Key{Kind: resource.KindService, Namespace: namespace, Name: name})
	if err != nil {
		return nil, err
	}
	service, ok := o.(*corev1.Service)
	if !ok || len(service.Spec.Selector) == 0 {
		return nil, fmt.Errorf("the Service %s selects no pods", name)
	}
	return service, nil
}

// target are the Deployments whose pods a selector matches.
func (w Switch) target(snap store.Snapshot, service *corev1.Service, selector map[string]string) ([]*appsv1.Deployment, error) {
	label := w.Label
	others := maps.Clone(service.Spec.Selector)
	for name, value := range selector {
		if w.Back && others[name] != value {
			label = name
		}
	}
	delete(others, label)
	values := map[string]bool{}
	var found []*appsv1.Deployment
	for _, d := range store.All[*appsv1.Deployment](snap, service.Namespace) {
		pod := labels.Set(d.Spec.Template.Labels)
		if labels.SelectorFromSet(selector).Matches(pod) {
			found = append(found, d)
		}
		if labels.SelectorFromSet(others).Matches(pod) && pod[label] != "" {
			values[pod[label]] = true
		}
	}
	if len(found) == 0 {
		return nil, &NoPodsError{w.Service, labels.FormatLabels(selector), label, slices.Sorted(maps.Keys(values))}
	}
	return found, nil
}

// serves reports whether a pod has what a Service's port leads to: a container that declares it, or a first one that declares none.
func serves(pod corev1.PodSpec, port corev1.ServicePort) bool {
	number := cmp.Or(port.TargetPort.IntVal, port.Port)
	named := port.TargetPort.Type == intstr.String
	for _, c := range pod.Containers {
		if slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
			return named && p.Name == port.TargetPort.StrVal || !named && p.ContainerPort == number
		}) {
			return true
		}
	}
	return !named && len(pod.Containers) > 0 && len(pod.Containers[0].Ports) == 0
}

// noCanary returns an error that wraps ErrUnderWay while a canary divides the calls of a Service.
func noCanary(snap store.Snapshot, namespace, service, host string) error {
	for _, vs := range store.All[*istio.VirtualService](snap, namespace) {
		if vs.Annotations[Annotation] == "" {
			continue
		}
		if c, err := of(vs); err == nil && !c.Over() && c.Host == host {
			return fmt.Errorf("%s, from %s to %s: %w", service, c.From, c.To, ErrUnderWay)
		}
	}
	return nil
}

// routed returns a *RouteError if a route of the mesh leads to a subset of a Service that none of the Deployments has.
func routed(snap store.Snapshot, namespace string, w Switch, target []*appsv1.Deployment) error {
	subsets := map[string]map[string]string{}
	for _, dr := range store.All[*istio.DestinationRule](snap, namespace) {
		if names([]string{dr.Spec.Message().GetHost()}, w.Host, namespace) {
			for _, subset := range dr.Spec.Message().GetSubsets() {
				subsets[subset.GetName()] = subset.GetLabels()
			}
		}
	}
	for _, vs := range store.All[*istio.VirtualService](snap, namespace) {
		for _, rule := range vs.Spec.Message().GetHttp() {
			for _, route := range rule.GetRoute() {
				subset := route.GetDestination().GetSubset()
				wanted, known := subsets[subset]
				if !known || !leads(route, len(rule.GetRoute())) || !names([]string{route.GetDestination().GetHost()}, w.Host, namespace) {
					continue
				}
				if !slices.ContainsFunc(target, func(d *appsv1.Deployment) bool {
					return labels.SelectorFromSet(wanted).Matches(labels.Set(d.Spec.Template.Labels))
				}) {
					return &RouteError{Service: w.Service, VirtualService: vs.Name, Subset: subset}
				}
			}
		}
	}
	return nil
}

// leads reports whether one of several routes of a rule gets any calls.
func leads(route *networking.HTTPRouteDestination, of int) bool {
	return route.GetWeight() > 0 || of == 1
}
