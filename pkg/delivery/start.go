package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/istio"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// UnknownReleaseError is about a version that no Deployment behind a Service has.
type UnknownReleaseError struct {
	Service, Version string
	// Known are the versions that there are, Image that of one of them.
	Known []string
	Image string
}

func (e *UnknownReleaseError) Error() string {
	return fmt.Sprintf("%s has no release %s: no Deployment behind its Service has the label %s: %s (there are %s)", e.Service, e.Version, versionLabel, e.Version, strings.Join(e.Known, ", "))
}

// AmbiguousError is about a release to replace that has to be named.
type AmbiguousError struct {
	Service string
	Known   []string
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s has the releases %s: which of them is to be replaced?", e.Service, strings.Join(e.Known, ", "))
}

// ErrUnderWay is why a second canary of a service cannot begin.
var ErrUnderWay = errors.New("a canary of it is under way")

// ErrPinned is why a canary of a service cannot begin whose Service selects one release alone, as after a switch.
var ErrPinned = errors.New("its Service selects pods of one version alone")

// ErrNoGateway is why a canary of a service cannot begin whose calls come in by a gateway.
var ErrNoGateway = errors.New("its calls come in by a gateway, and no VirtualService with spec.gateways has a route to it: apply one first")

// Start begins a canary in a namespace: it makes the routes, or adds to them, with no call for the new release, and Run does the
// rest. plan.From may be empty: then it is the release that the routes lead to, or the only other one.
func (r *Runner) Start(ctx context.Context, namespace string, plan Plan) (State, error) {
	r.mu.Lock()
	key, err := r.start(ctx, namespace, plan)
	r.mu.Unlock()
	if err != nil {
		return State{}, err
	}
	for _, s := range r.List() {
		if s.Key == key {
			return s, nil
		}
	}
	return State{}, ErrNone
}

func (r *Runner) start(ctx context.Context, namespace string, plan Plan) (key resource.Key, err error) {
	snap := r.cfg.Objects.Snapshot()
	service, err := serviceOf(snap, namespace, plan.Host)
	if err != nil {
		return key, err
	}
	if version := service.Spec.Selector[versionLabel]; version != "" {
		return key, fmt.Errorf("%s: %w: %s", plan.Service, ErrPinned, version)
	}
	releases, err := releasesOf(snap, namespace, plan.Host)
	if err != nil {
		return key, err
	}
	vs, dr, err := routesOf(snap, namespace, plan.Host, r.cfg.Front == orchestrator.Key{Namespace: namespace, Name: plan.Host})
	if err != nil {
		return key, err
	}
	if err := noCanary(snap, namespace, plan.Service, plan.Host); err != nil {
		return key, err
	}
	if vs == nil && r.cfg.Front == (orchestrator.Key{Namespace: namespace, Name: plan.Host}) {
		return key, fmt.Errorf("%s: %w", plan.Service, ErrNoGateway)
	}
	if plan, err = complete(plan, releases, vs); err != nil {
		return key, err
	}
	if plan.Image != "" {
		if err := r.cfg.CheckImage(plan.Image, nil); err != nil {
			return key, err
		}
	}
	return r.install(ctx, namespace, plan, vs, dr)
}

// releasesOf are the Deployments behind a Service, by version.
func releasesOf(snap store.Snapshot, namespace, host string) (map[string]*appsv1.Deployment, error) {
	service, err := serviceOf(snap, namespace, host)
	if err != nil {
		return nil, err
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	releases := map[string]*appsv1.Deployment{}
	for _, d := range store.All[*appsv1.Deployment](snap, namespace) {
		if pod := d.Spec.Template.Labels; selector.Matches(labels.Set(pod)) && pod[versionLabel] != "" {
			releases[pod[versionLabel]] = d
		}
	}
	return releases, nil
}

// routesOf are the VirtualService and the DestinationRule of a host; nil where there is none. Of a front, whose calls come in by a
// gateway, it is the VirtualService of one.
func routesOf(snap store.Snapshot, namespace, host string, front bool) (vs *istio.VirtualService, dr *istio.DestinationRule, err error) {
	for _, o := range store.All[*istio.VirtualService](snap, namespace) {
		if gateways := o.Spec.Message().GetGateways(); front {
			if !slices.ContainsFunc(gateways, func(g string) bool { return g != "mesh" }) || len((Plan{Host: host}).routed(o)) == 0 {
				continue
			}
		} else if !names(o.Spec.Message().GetHosts(), host, namespace) || len(gateways) > 0 && !slices.Contains(gateways, "mesh") {
			continue
		}
		if vs != nil {
			return nil, nil, fmt.Errorf("the VirtualServices %s and %s both have routes to %s: delete one of them", vs.Name, o.Name, host)
		}
		vs = o
	}
	for _, o := range store.All[*istio.DestinationRule](snap, namespace) {
		if dr == nil && names([]string{o.Spec.Message().GetHost()}, host, namespace) {
			dr = o
		}
	}
	return vs, dr, nil
}

// complete finds the release that is replaced, and checks both.
func complete(plan Plan, releases map[string]*appsv1.Deployment, vs *istio.VirtualService) (Plan, error) {
	known := slices.Sorted(maps.Keys(releases))
	if plan.From == "" {
		plan.From = served(plan, vs)
	}
	if others := slices.DeleteFunc(slices.Clone(known), func(v string) bool { return v == plan.To }); plan.From == "" && len(others) == 1 {
		plan.From = others[0]
	}
	unknown := func(version string) error {
		e := &UnknownReleaseError{Service: plan.Service, Version: version, Known: known}
		if len(known) > 0 && len(releases[known[0]].Spec.Template.Spec.Containers) > 0 {
			e.Image = releases[known[0]].Spec.Template.Spec.Containers[0].Image
		}
		return e
	}
	switch {
	case len(known) == 0:
		return plan, fmt.Errorf("no Deployment behind Service %s has the label %s", plan.Host, versionLabel)
	case plan.From == "":
		return plan, &AmbiguousError{plan.Service, known}
	case plan.From == plan.To:
		return plan, fmt.Errorf("%s gets the calls of %s already", plan.To, plan.Service)
	case releases[plan.From] == nil:
		return plan, unknown(plan.From)
	case releases[plan.To] == nil && plan.Image == "":
		return plan, unknown(plan.To)
	case releases[plan.To] != nil && plan.Image != "":
		if has := releases[plan.To].Spec.Template.Spec.Containers[0].Image; has != plan.Image {
			return plan, fmt.Errorf("release %s of %s is there already, with the image %s: Deployment %s", plan.To, plan.Service, has, releases[plan.To].Name)
		}
		plan.Image = ""
	}
	return plan, nil
}

// served is the release that gets every call by the rules of a VirtualService, if that is one; empty if it is not.
func served(plan Plan, vs *istio.VirtualService) string {
	if vs == nil {
		return ""
	}
	found := ""
	for _, rule := range vs.Spec.Message().GetHttp() {
		for _, route := range rule.GetRoute() {
			subset := route.GetDestination().GetSubset()
			if all := route.GetWeight() == 100 || len(rule.GetRoute()) == 1; !all || subset == "" || subset == plan.To {
				continue
			}
			if found != "" && found != subset {
				return ""
			}
			found = subset
		}
	}
	return found
}

// install writes the objects of a canary: first the DestinationRule, so that no route leads to a subset that is not there.
func (r *Runner) install(ctx context.Context, namespace string, plan Plan, vs *istio.VirtualService, dr *istio.DestinationRule) (resource.Key, error) {
	c := Begin(plan, r.cfg.Now())
	if vs == nil {
		vs = &istio.VirtualService{ObjectMeta: metav1.ObjectMeta{Name: plan.Host, Namespace: namespace}}
		if err := write(&vs.Spec, map[string]any{
			"hosts": []string{plan.Host},
			"http":  []any{map[string]any{"route": []any{map[string]any{"destination": map[string]any{"host": plan.Host}}}}},
		}); err != nil {
			return resource.Key{}, err
		}
	}
	if dr == nil {
		dr = &istio.DestinationRule{ObjectMeta: metav1.ObjectMeta{Name: plan.Host, Namespace: namespace}}
		if err := write(&dr.Spec, map[string]any{"host": plan.Host}); err != nil {
			return resource.Key{}, err
		}
	}
	key := resource.KeyOf(vs)
	if err := c.write(resource.Clone(vs)); err != nil { // so that nothing is changed if this cannot be done
		return key, err
	}
	if err := r.put(ctx, dr, func(o resource.Object) error {
		dr, ok := o.(*istio.DestinationRule)
		if !ok {
			return ErrNone
		}
		return plan.addSubsets(dr)
	}); err != nil {
		return key, err
	}
	if err := r.put(ctx, vs, func(o resource.Object) error {
		vs, ok := o.(*istio.VirtualService)
		if !ok {
			return ErrNone
		}
		return c.write(vs)
	}); err != nil {
		return key, err
	}
	r.cfg.Changed()
	if err := r.cfg.Join(ctx, namespace); err != nil {
		return key, err
	}
	r.cfg.Event(told(Canary{}, c))
	return key, nil
}

// put edits an object, or stores it edited if it is new.
func (r *Runner) put(ctx context.Context, o resource.Object, edit func(resource.Object) error) error {
	if o.GetUID() != "" {
		_, err := r.cfg.Objects.EditObjects(ctx, []resource.Key{resource.KeyOf(o)}, false, edit)
		return err
	}
	if err := edit(o); err != nil {
		return err
	}
	return r.create(ctx, o)
}

func (r *Runner) create(ctx context.Context, o resource.Object) error {
	m, err := resource.NewManifest(o)
	if err != nil {
		return err
	}
	_, err = r.cfg.Objects.Replace(ctx, []resource.Manifest{m}, o.GetNamespace(), store.Expect{Absent: true}, false)
	return err
}

// write fills a spec.
func write(spec json.Unmarshaler, tree map[string]any) error {
	data, err := json.Marshal(tree)
	if err != nil {
		return fmt.Errorf("write spec: %w", err)
	}
	return spec.UnmarshalJSON(data)
}

// makeRelease makes the new release from its image, unless it is there: a copy of the old one's Deployment, with another version.
func (r *Runner) makeRelease(ctx context.Context, namespace string, plan Plan) (made bool, err error) {
	releases, err := releasesOf(r.cfg.Objects.Snapshot(), namespace, plan.Host)
	if err != nil || releases[plan.To] != nil {
		return false, err
	}
	old := releases[plan.From]
	if old == nil || len(old.Spec.Template.Spec.Containers) == 0 {
		return false, fmt.Errorf("make release %s of %s: release %s is gone", plan.To, plan.Service, plan.From)
	}
	d := resource.Clone(old)
	d.ObjectMeta = metav1.ObjectMeta{
		Namespace: namespace, Name: strings.TrimSuffix(old.Name, "-"+plan.From) + "-" + plan.To, Labels: versioned(old.Labels, plan.To),
	}
	d.Status = appsv1.DeploymentStatus{}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: versioned(old.Spec.Selector.MatchLabels, plan.To)}
	d.Spec.Template.Labels = versioned(old.Spec.Template.Labels, plan.To)
	d.Spec.Template.Spec.Containers = slices.Clone(old.Spec.Template.Spec.Containers)
	d.Spec.Template.Spec.Containers[0].Image = plan.Image
	if err := r.create(ctx, d); err != nil {
		return false, fmt.Errorf("make release %s of %s: %w", plan.To, plan.Service, err)
	}
	r.cfg.Changed()
	return true, nil
}

func versioned(from map[string]string, version string) map[string]string {
	out := maps.Clone(from)
	if out == nil {
		out = map[string]string{}
	}
	out[versionLabel] = version
	return out
}
