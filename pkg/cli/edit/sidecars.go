package edit

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/humanize"
	"github.com/shopctl/shopctl/pkg/resource"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// synced is the state of a sidecar that has the newest configuration in force.
const synced = "synced"

// Sidecars waits, with --wait, until the instances in a namespace, or in the shop's own if it is empty, have a sidecar that is
// ready and has the newest configuration, or none any more: as their objects say.
func (o *WaitFlags) Sidecars(ctx context.Context, ios *iostreams.IO, shop *control.Client, namespace string) error {
	if !o.wait {
		return nil
	}
	bounded, cancel := cmdutil.Within(ctx, o.timeout)
	defer cancel()
	why, err := cmdutil.Poll(ctx, bounded, pollInterval, func(ctx context.Context) (string, error) { return missingSidecar(ctx, shop, namespace) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, cmdutil.ErrLate):
		return cmdutil.HintErr(cmdutil.ExitInconclusive, ios.Command("mesh status"), fmt.Errorf("wait for the sidecars: not done after %s: %s", humanize.Span(o.timeout), why))
	}
	return fmt.Errorf("wait for the sidecars: %w", err)
}

// missingSidecar is which instance has no sidecar that can be used yet, or still has one; empty if all are as they should be.
func missingSidecar(ctx context.Context, shop *control.Client, namespace string) (string, error) {
	mesh, err := shop.MeshStatus(ctx, &controlpb.MeshStatusRequest{})
	if err != nil {
		return "", err
	}
	states := map[string]string{}
	for _, c := range mesh.GetSidecars() {
		states[c.GetInstance()] = c.GetState()
	}
	injects, err := injected(ctx, shop, namespace)
	if err != nil {
		return "", err
	}
	st, err := shop.Status(ctx, &controlpb.StatusRequest{})
	if err != nil {
		return "", err
	}
	for _, s := range st.GetServices() {
		wanted, known := injects[s.GetNamespace()+"/"+s.GetWorkload()]
		for _, in := range s.GetInstances() {
			if !known || in.GetState() == "stopping" || in.GetState() == "exited" {
				continue
			}
			switch has, ready := sidecarOf(in); {
			case wanted && !ready:
				return fmt.Sprintf("the sidecar of %s is not ready", in.GetName()), nil
			case wanted && states[in.GetName()] != synced:
				return fmt.Sprintf("the sidecar of %s is %s", in.GetName(), cmp.Or(states[in.GetName()], "not connected")), nil
			case !wanted && has:
				return fmt.Sprintf("the sidecar of %s has not stopped", in.GetName()), nil
			}
		}
	}
	return "", nil
}

// injected reports for each Deployment of a namespace, by "NAMESPACE/NAME", whether its pods are to have sidecars.
func injected(ctx context.Context, shop *control.Client, namespace string) (map[string]bool, error) {
	namespaces := map[string]*corev1.Namespace{}
	resp, err := shop.Get(ctx, &controlpb.GetRequest{Kind: resource.KindNamespace})
	if err != nil {
		return nil, err
	}
	for _, o := range resp.GetObjects() {
		typed, err := TypedObject(o)
		if err != nil {
			return nil, err
		}
		if n, ok := typed.(*corev1.Namespace); ok {
			namespaces[n.Name] = n
		}
	}
	if resp, err = shop.Get(ctx, &controlpb.GetRequest{Kind: resource.KindDeployment, Namespace: namespace}); err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, o := range resp.GetObjects() {
		typed, err := TypedObject(o)
		if err != nil {
			return nil, err
		}
		if d, ok := typed.(*appsv1.Deployment); ok {
			all[o.GetNamespace()+"/"+o.GetName()] = resource.Injects(namespaces[o.GetNamespace()], &d.Spec.Template)
		}
	}
	return all, nil
}

// sidecarOf reports whether an instance has a sidecar, and whether that is ready.
func sidecarOf(in *controlpb.Instance) (has, ready bool) {
	for _, c := range in.GetContainers() {
		if c.GetName() == "istio-proxy" {
			return true, c.GetReady()
		}
	}
	return false, false
}
