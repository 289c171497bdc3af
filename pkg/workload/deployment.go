package workload

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// deployment is the controller's state of one Deployment.
type deployment struct {
	key orchestrator.Key
	// obj is the desired state; nil once it was deleted.
	obj *appsv1.Deployment
	// rev is the desired revision.
	rev  *revision
	pods []*pod
	// waitsFor are the Deployments that must be ready before its first instance starts.
	waitsFor []orchestrator.Key
	// mayStart: its first instances may start. They wait since waitingSince; after is what they waited for last.
	mayStart     bool
	waitingSince time.Time
	after        string
	// started is when the first instance was started, ready when first all were.
	started, ready time.Time
	// changed is when its revision or its replicas last changed.
	changed  time.Time
	replicas int
	// complete is the hash of the last revision that was rolled out completely.
	complete string
	// late: the rollout has made no progress for longer than its deadline.
	late bool
}

// progressDeadline is how long a rollout may go without one more instance becoming ready.
func (d *deployment) progressDeadline() time.Duration {
	if d.obj != nil && d.obj.Spec.ProgressDeadlineSeconds != nil {
		return time.Duration(*d.obj.Spec.ProgressDeadlineSeconds) * time.Second
	}
	return 10 * time.Minute
}

// desiredReplicas is how many instances there should be.
func (c *Controller) desiredReplicas(d *deployment) int {
	if d.obj == nil || c.suspended[d.key] || resource.IsGateway(&d.obj.Spec.Template) && !c.injects(d.obj) {
		return 0
	}
	if d.obj.Spec.Replicas == nil {
		return 1
	}
	return int(*d.obj.Spec.Replicas)
}

// active are the pods that are not stopping.
func (d *deployment) active() []*pod {
	var pods []*pod
	for _, p := range d.pods {
		if !p.leaving {
			pods = append(pods, p)
		}
	}
	return pods
}

func (d *deployment) readyPods() int {
	n := 0
	for _, p := range d.pods {
		if p.ready && !p.leaving {
			n++
		}
	}
	return n
}

// resolveAll makes the wanted revision of every Deployment from the objects as they are now.
func (c *Controller) resolveAll() {
	r := &podspec.Resolver{ConfigMaps: c.objects.ConfigMaps, Secrets: c.objects.Secrets, Claims: c.objects.Claims, Ports: map[podspec.Reference]bool{}}
	if c.cfg.ClaimDir != "" {
		r.ClaimDir = func(claim orchestrator.Key) string { return filepath.Join(c.cfg.ClaimDir, claim.Namespace, claim.Name) }
	}
	for ref := range c.addresses.open {
		r.Ports[ref] = true
	}
	seen := map[orchestrator.Key]bool{}
	for _, obj := range c.objects.Deployments {
		key := orchestrator.Key{Namespace: obj.Namespace, Name: obj.Name}
		seen[key] = true
		d := c.deployments[key]
		if d == nil {
			d = &deployment{key: key, changed: c.cfg.Now()}
			c.deployments[key] = d
		}
		d.obj = obj
		if obj.Spec.Paused && d.rev != nil {
			continue
		}
		c.adopt(d, c.resolve(r, obj))
	}
	for key, d := range c.deployments {
		if !seen[key] {
			d.obj = nil
		}
	}
	c.resolveStartOrder()
}

// adopt makes rev the desired revision.
func (c *Controller) adopt(d *deployment, rev *revision) {
	old := d.rev
	d.rev = rev
	if old != nil && old.hash == rev.hash {
		c.refresh(d, old)
		return
	}
	for _, w := range slices.Concat(rev.template.Warnings, rev.plan.Warnings) {
		c.warnOnce("template "+d.key.String(), d.key, "FieldIgnored", w)
	}
	if rev.err != nil {
		c.event(true, "FailedCreate", d.key, "", rev.err.Error())
	}
	if old == nil {
		return
	}
	d.changed, d.late = c.cfg.Now(), false
	if len(d.active()) > 0 && rev.err == nil {
		c.event(false, "RollingUpdate", d.key, "", fmt.Sprintf("replacing instances of revision %s by %s", old.hash, rev.hash))
	}
}

// resolveStartOrder finds out which Deployments wait for which: one that refers to a Service starts after the
// Deployments behind it. A cycle is broken where it closes, with a warning.
func (c *Controller) resolveStartOrder() {
	const (
		visiting = 1
		visited  = 2
	)
	mark := map[orchestrator.Key]int{}
	var visit func(d *deployment)
	visit = func(d *deployment) {
		mark[d.key] = visiting
		d.waitsFor = nil
		for _, dep := range c.backends(d.rev.template.Services()) {
			switch {
			case dep.key == d.key:
				continue
			case mark[dep.key] == visiting:
				c.warnOnce("cycle", d.key, "DependencyCycle", fmt.Sprintf("%s and %s wait for each other; %s starts without waiting", d.key.Name, dep.key.Name, d.key.Name))
				continue
			case mark[dep.key] == 0:
				visit(dep)
			}
			d.waitsFor = append(d.waitsFor, dep.key)
		}
		mark[d.key] = visited
	}
	for _, d := range c.sorted() {
		if d.obj != nil && mark[d.key] == 0 {
			visit(d)
		}
	}
}

// suspend holds back those of the Deployments that are neither in Config.Only nor a dependency of one that is.
func (c *Controller) suspend(all []*appsv1.Deployment) {
	if len(c.cfg.Only) == 0 {
		return
	}
	wanted := c.withDependencies(c.cfg.Only)
	for _, obj := range all {
		key := orchestrator.Key{Namespace: obj.Namespace, Name: obj.Name}
		c.suspended[key] = !wanted[key]
	}
}

// withDependencies are Deployments with all that they depend on, directly or not, and the storefront with its gateway.
func (c *Controller) withDependencies(keys []orchestrator.Key) map[orchestrator.Key]bool {
	all := map[orchestrator.Key]bool{}
	var add func(key orchestrator.Key)
	add = func(key orchestrator.Key) {
		d := c.deployments[key]
		if d == nil || all[key] {
			return
		}
		all[key] = true
		for _, dep := range d.waitsFor {
			add(dep)
		}
	}
	for _, key := range keys {
		add(key)
	}
	for _, d := range c.backends([]orchestrator.Key{c.cfg.Storefront}) {
		if all[d.key] {
			add(c.gatewayKey()) // by which requests come to the storefront
		}
	}
	return all
}

// backends returns the Deployments whose pods the Services select, in order of their names.
func (c *Controller) backends(services []orchestrator.Key) []*deployment {
	var found []*deployment
	for _, svc := range c.objects.Services {
		if !slices.Contains(services, orchestrator.Key{Namespace: svc.Namespace, Name: svc.Name}) {
			continue
		}
		for _, d := range c.deployments {
			if d.obj != nil && d.key.Namespace == svc.Namespace && selects(svc, d.obj.Spec.Template.Labels) && !slices.Contains(found, d) {
				found = append(found, d)
			}
		}
	}
	slices.SortFunc(found, func(a, b *deployment) int { return cmp.Compare(a.key.String(), b.key.String()) })
	return found
}

// selects reports whether a Service's selector matches labels; one without a selector selects nothing.
func selects(svc *corev1.Service, labels map[string]string) bool {
	for k, v := range svc.Spec.Selector {
		if labels[k] != v {
			return false
		}
	}
	return len(svc.Spec.Selector) > 0
}

// sorted returns the Deployments in order of their names.
func (c *Controller) sorted() []*deployment {
	all := make([]*deployment, 0, len(c.deployments))
	for _, d := range c.deployments {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *deployment) int { return cmp.Compare(a.key.String(), b.key.String()) })
	return all
}

func sortedServices(services []*corev1.Service) []*corev1.Service {
	return slices.SortedFunc(slices.Values(services), func(a, b *corev1.Service) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}
