package daemon

import (
	"context"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/daemon/api"
	meshcontrol "github.com/shopctl/shopctl/pkg/mesh/control"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/resource/store"
)

// InForce implements api.Mesh. A sidecar that has not joined yet, or restarts, counts too.
func (v meshView) InForce(ctx context.Context) (sidecars int, behind []api.Sidecar) {
	objects := v.objects.Snapshot()
	for {
		late, _ := v.plane.WaitInForce(ctx, objects.Revision())
		changed := v.plane.Changed()
		snap, newer := v.state.Snapshot()
		wanted := wantedSidecars(objects, snap)
		behind = v.behind(wanted, snap, late)
		refused := func(c api.Sidecar) bool { return c.State == rejected }
		if len(behind) == 0 || !slices.ContainsFunc(behind, func(c api.Sidecar) bool { return !refused(c) }) {
			return len(wanted) - len(behind), behind
		}
		select {
		case <-newer:
		case <-changed: // such as resources that a sidecar has in force now, of endpoints that are newer than the objects
		case <-ctx.Done():
			return len(wanted) - len(behind), behind
		}
	}
}

// behind are the wanted sidecars that do not run, or are among those that are late.
func (v meshView) behind(wanted []api.Sidecar, snap orchestrator.Snapshot, late []meshcontrol.Status) (behind []api.Sidecar) {
	known := map[string]meshcontrol.Status{}
	for _, st := range v.plane.Status() {
		known[st.ID] = st
	}
	running := sidecarsOf(snap)
	for _, w := range wanted {
		st, ok := known[w.Node]
		c, runs := running[w.Node]
		isLate := slices.ContainsFunc(late, func(l meshcontrol.Status) bool { return l.ID == w.Node })
		switch {
		case !ok || !runs:
			behind = append(behind, w)
		case isLate || !st.Connected || !st.InSync() || !c.Ready:
			one := sidecarOf(st, c)
			if one.State == synced { // it has acknowledged, and its program does not use it yet, or the objects are newer
				one.State = stale
			}
			behind = append(behind, one)
		}
	}
	return behind
}

// wantedSidecars are those of the instances that run and have one, or are to have one, and gateways.
func wantedSidecars(objects store.Snapshot, snap orchestrator.Snapshot) (all []api.Sidecar) {
	namespaces := map[string]*corev1.Namespace{}
	for _, n := range store.All[*corev1.Namespace](objects, "") {
		namespaces[n.Name] = n
	}
	injected := map[orchestrator.Key]bool{}
	for _, d := range store.All[*appsv1.Deployment](objects, "") {
		injected[orchestrator.Key{Namespace: d.Namespace, Name: d.Name}] = resource.IsGateway(&d.Spec.Template) || resource.Injects(namespaces[d.Namespace], &d.Spec.Template)
	}
	for _, w := range snap.Workloads {
		for _, in := range w.Instances {
			runs := slices.ContainsFunc(in.Containers, func(c orchestrator.Container) bool { return c.ID != "" })
			if injected[w.Key] && runs && in.State != "stopping" {
				all = append(all, api.Sidecar{Workload: w.Key, Instance: in.Name, Node: meshcontrol.NodeID(w.Namespace, in.Name), State: "starting"})
			}
		}
	}
	return all
}
