package delivery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
)

// SelectorAnnotation is the annotation of a Service that holds what its selector was before the last switch:
// "app=productcatalogservice,version=v1".
const SelectorAnnotation = "shopctl/selector-before"

// Switch says which pods are to get all calls of a Service.
type Switch struct {
	// Service is the name for people, Host the name of the Service.
	Service, Host string
	// Label and To are the label of the pods that get the calls, and its value. With Back they are those that had them before.
	Label, To string
	Back      bool
}

// Switched is a switch that was made.
type Switched struct {
	Object resource.Key
	// From and To are the selectors, before and now.
	From, To string
	// Checks are what was seen before it, by the pod.
	Checks []PodCheck
	// Behind are sidecars that do not have the selector in force yet, by their pods.
	Behind []string
}

// PodCheck is a pod that is ready and has answered.
type PodCheck struct {
	Pod, Workload string
	// Asked is how it was asked; empty for a pod that cannot be asked.
	Asked string
	Took  time.Duration
}

// SwitcherConfig is what a Switcher needs. All is required.
type SwitcherConfig struct {
	Objects  orchestrator.Objects
	Observer orchestrator.Observer
	Prober   orchestrator.Prober
	// Behind waits until every sidecar has the objects that there are in force, or ctx ends, and returns the pods of those that do not.
	Behind func(ctx context.Context) []string
	// Changed is called after objects were changed.
	Changed func()
	Event   func(Event)
	Now     func() time.Time
}

// Switcher changes the selectors of Services. It keeps nothing of its own.
type Switcher struct{ cfg SwitcherConfig }

// NewSwitcher returns a switcher.
func NewSwitcher(cfg SwitcherConfig) *Switcher { return &Switcher{cfg} }

// Why a switch is not made.
var (
	// ErrThere: the selector leads to those pods already.
	ErrThere = errors.New("its selector leads there already")
	// ErrNoWayBack: no switch has noted a selector to go back to.
	ErrNoWayBack = errors.New("it was not switched: there is no way back")
	// errEdited: another hand was quicker.
	errEdited = errors.New("its selector was changed meanwhile")
)

// NoPodsError is about a selector that no Deployment's pods match.
type NoPodsError struct {
	Service, Selector, Label string
	// Known are the values of the label that there are otherwise.
	Known []string
}

func (e *NoPodsError) Error() string {
	known := "none of its pods has the label " + e.Label
	if len(e.Known) > 0 {
		known = "there are " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("no Deployment makes pods for %s with the labels %s (%s)", e.Service, e.Selector, known)
}

// NotReadyError is about pods that cannot take the calls.
type NotReadyError struct {
	// Workload is the Deployment of the first of them.
	Service, Selector, Workload string
	// Problems name a pod or a Deployment each.
	Problems []string
}

func (e *NotReadyError) Error() string {
	return fmt.Sprintf("the pods of %s with the labels %s cannot take its calls: %s", e.Service, e.Selector, strings.Join(e.Problems, "; "))
}

// inForceTime bounds how long a switch waits for sidecars.
const inForceTime = 5 * time.Second

// Switch edits the selector of a Service in a namespace, after it has seen that every pod that gets the calls is ready and answers.
// It returns when the sidecars have it in force. Errors are *NoPodsError, *NotReadyError, *RouteError, *store.NotFoundError, and those
// that wrap ErrThere, ErrNoWayBack or ErrUnderWay; then nothing has changed.
func (s *Switcher) Switch(ctx context.Context, namespace string, w Switch) (Switched, error) {
	key := resource.Key{Kind: resource.KindService, Namespace: namespace, Name: w.Host}
	done := Switched{Object: key}
	snap := s.cfg.Objects.Snapshot()
	service, err := serviceOf(snap, namespace, w.Host)
	if err != nil {
		return done, err
	}
	before := service.Spec.Selector
	after, err := w.selector(service)
	if err != nil {
		return done, err
	}
	done.From, done.To = labels.FormatLabels(before), labels.FormatLabels(after)
	if maps.Equal(before, after) {
		return done, fmt.Errorf("%s has the selector %s: %w", w.Service, done.To, ErrThere)
	}
	if err := noCanary(snap, namespace, w.Service, w.Host); err != nil {
		return done, err
	}
	target, err := w.target(snap, service, after)
	if err != nil {
		return done, err
	}
	if err := routed(snap, namespace, w, target); err != nil {
		return done, err
	}
	if done.Checks, err = s.check(ctx, w, service, target, done.To); err != nil {
		return done, err
	}
	if err := s.edit(ctx, key, before, after); err != nil {
		return done, err
	}
	s.cfg.Changed()
	s.cfg.Event(Event{Reason: "Switched", Service: w.Service, Message: done.From + " -> " + done.To})
	limited, cancel := context.WithTimeout(ctx, inForceTime)
	defer cancel()
	done.Behind = s.cfg.Behind(limited)
	return done, nil
}

// selector is what the selector of a Service is to become.
func (w Switch) selector(service *corev1.Service) (map[string]string, error) {
	if !w.Back {
		after := maps.Clone(service.Spec.Selector)
		after[w.Label] = w.To
		return after, nil
	}
	text := service.Annotations[SelectorAnnotation]
	if text == "" {
		return nil, fmt.Errorf("%s: %w", w.Service, ErrNoWayBack)
	}
	after, err := labels.ConvertSelectorToLabelsMap(text)
	if err != nil || len(after) == 0 {
		return nil, fmt.Errorf("read annotation %s of Service %s: %q cannot be read as a selector", SelectorAnnotation, service.Name, text)
	}
	return after, nil
}

// edit replaces a selector, and notes what it was.
func (s *Switcher) edit(ctx context.Context, key resource.Key, before, after map[string]string) error {
	var refused error
	_, err := s.cfg.Objects.EditObjects(ctx, []resource.Key{key}, false, func(o resource.Object) error {
		service, ok := o.(*corev1.Service)
		if refused = nil; !ok || !maps.Equal(service.Spec.Selector, before) {
			refused = fmt.Errorf("switch %s: %w", key.Name, errEdited)
			return refused
		}
		annotations := maps.Clone(service.Annotations)
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[SelectorAnnotation] = labels.FormatLabels(before)
		service.Annotations, service.Spec.Selector = annotations, after
		return nil
	})
	if refused != nil {
		return refused
	}
	return err
}

// check asks every pod of Deployments.
func (s *Switcher) check(ctx context.Context, w Switch, service *corev1.Service, target []*appsv1.Deployment, selector string) ([]PodCheck, error) {
	refused := &NotReadyError{Service: w.Service, Selector: selector}
	problem := func(workload, format string, args ...any) {
		if refused.Workload == "" {
			refused.Workload = workload
		}
		refused.Problems = append(refused.Problems, fmt.Sprintf(format, args...))
	}
	var checks []PodCheck
	snap, _ := s.cfg.Observer.Snapshot()
	for _, d := range target {
		for _, port := range service.Spec.Ports {
			if !serves(d.Spec.Template.Spec, port) {
				problem(d.Name, "Deployment %s declares no port %s, to which the Service leads", d.Name, port.TargetPort.String())
			}
		}
		i := slices.IndexFunc(snap.Workloads, func(o orchestrator.Workload) bool {
			return o.Key == orchestrator.Key{Namespace: d.Namespace, Name: d.Name}
		})
		if i < 0 {
			problem(d.Name, "Deployment %s has no instance yet", d.Name)
			continue
		}
		if why := unready(snap.Workloads[i]); len(why) > 0 {
			problem(d.Name, "%s", strings.Join(why, "; "))
			continue
		}
		for _, in := range snap.Workloads[i].Instances {
			if in.State == "stopping" {
				continue
			}
			began := s.cfg.Now()
			asked, err := s.cfg.Prober.Probe(ctx, in.Name)
			if err != nil {
				problem(d.Name, "pod %s: %v", in.Name, err)
				continue
			}
			checks = append(checks, PodCheck{Pod: in.Name, Workload: d.Name, Asked: asked, Took: s.cfg.Now().Sub(began)})
		}
	}
	if len(refused.Problems) > 0 {
		return nil, refused
	}
	return checks, nil
}

// unready says why a workload is not as it should be: which of its pods, and why.
func unready(w orchestrator.Workload) (problems []string) {
	if w.Replicas == 0 {
		return []string{fmt.Sprintf("Deployment %s has no instances: its replicas are 0", w.Key.Name)}
	}
	for _, in := range w.Instances {
		if in.State == "ready" || in.State == "stopping" {
			continue
		}
		text := fmt.Sprintf("pod %s is %s", in.Name, in.State)
		if in.Message != "" {
			text += " (" + in.Message + ")"
		}
		problems = append(problems, text)
	}
	if len(problems) == 0 && (w.Ready < w.Replicas || w.Updated < w.Replicas) {
		problems = append(problems, fmt.Sprintf("Deployment %s has %d of %d instances ready, %d of them new", w.Key.Name, w.Ready, w.Replicas, w.Updated))
	}
	return problems
}
