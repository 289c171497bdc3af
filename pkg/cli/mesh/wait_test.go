package mesh_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// joining is a shop whose cart is to have a sidecar, by its namespace's label.
func joining(t *testing.T, label string) (*clitest.World, *meshed, *controlpb.Instance) {
	t.Helper()
	in := &controlpb.Instance{Name: "cartservice-1", State: "ready", Containers: []*controlpb.Container{{Name: "server", Ready: true}}}
	shop := &meshed{status: &controlpb.MeshStatusResponse{Mode: "auto"}}
	shop.Current = &controlpb.StatusResponse{Name: "default", Services: []*controlpb.Service{
		{Name: "cart", Workload: "cartservice", Namespace: "production", State: "ok", Replicas: 1, Ready: 1, Instances: []*controlpb.Instance{in}},
	}}
	shop.Objects = []*controlpb.Object{
		clitest.Deployment("cartservice", 1, 1),
		clitest.Object("v1", "Namespace", "production", map[string]any{"metadata": map[string]any{"name": "production", "labels": map[string]any{"istio-injection": label}}}),
	}
	return clitest.NewWorld(t).Serve(shop), shop, in
}

func TestWaitingEndsWhenEachInstanceHasASidecarThatIsSynced(t *testing.T) {
	w, shop, in := joining(t, "enabled")
	w.Want(cmdutil.ExitInconclusive, "mesh", "on", "--wait", "--timeout", "1s")
	w.WantErr("wait for the sidecars: not done after 1s: the sidecar of cartservice-1 is not ready", "hint: shopctl mesh status")
	in.Containers = append(in.Containers, &controlpb.Container{Name: "istio-proxy", Ready: true})
	shop.status.Sidecars = []*controlpb.Sidecar{{Service: "cart", Instance: "cartservice-1", State: "stale"}}
	w.Want(cmdutil.ExitInconclusive, "mesh", "on", "--wait", "--timeout", "1s")
	w.WantErr("the sidecar of cartservice-1 is stale")
	shop.status.Sidecars[0].State = "synced"
	w.Want(cmdutil.ExitOK, "mesh", "on", "--wait")
	w.Want(cmdutil.ExitOK, "mesh", "on")
}

func TestWaitingEndsWhenNoInstanceHasASidecarThatIsToLeave(t *testing.T) {
	w, _, in := joining(t, "disabled")
	in.Containers = append(in.Containers, &controlpb.Container{Name: "istio-proxy", Ready: true})
	w.Want(cmdutil.ExitInconclusive, "mesh", "off", "--wait", "--timeout", "1s")
	w.WantErr("the sidecar of cartservice-1 has not stopped")
	in.Containers = in.Containers[:1]
	w.Want(cmdutil.ExitOK, "mesh", "off", "--wait")
}
