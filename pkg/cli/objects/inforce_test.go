package objects_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// meshed is a shop whose sidecars take a change or do not.
type meshed struct {
	clitest.FakeShop
	response *controlpb.AwaitMeshResponse
	requests int
}

func (s *meshed) AwaitMesh(context.Context, *controlpb.AwaitMeshRequest) (*controlpb.AwaitMeshResponse, error) {
	s.requests++
	return s.response, nil
}

func TestWaitSaysWhenAChangeIsInForceInTheSidecarsOrWhichLag(t *testing.T) {
	route := clitest.Object("networking.istio.io/v1", "VirtualService", "payment", nil)
	shop := &meshed{FakeShop: clitest.FakeShop{
		Objects: []*controlpb.Object{route},
		Applied: &controlpb.ApplyResponse{Objects: []*controlpb.AppliedObject{{Object: route, Action: "created"}}},
	}}
	file := filepath.Join(t.TempDir(), "vs.yaml")
	if err := os.WriteFile(file, []byte("kind: VirtualService\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := clitest.NewWorld(t).Serve(shop)
	for _, c := range []struct {
		response *controlpb.AwaitMeshResponse
		code     int
		want     string
	}{
		{&controlpb.AwaitMeshResponse{Sidecars: 12}, cmdutil.ExitOK, "in force in 12 sidecars after 0"},
		{&controlpb.AwaitMeshResponse{}, cmdutil.ExitOK, "no sidecar runs: the change has no effect on calls"},
		{
			&controlpb.AwaitMeshResponse{Sidecars: 11, Behind: []*controlpb.Sidecar{{Instance: "cart-1", State: "stale"}}},
			cmdutil.ExitInconclusive, "not in force in 1 sidecar after 0",
		},
		{
			&controlpb.AwaitMeshResponse{Behind: []*controlpb.Sidecar{{Instance: "cart-1", State: "rejected", Message: "no cluster\x1b[2J"}}},
			cmdutil.ExitFailed, "cart-1 is rejected: no cluster^[[2J",
		},
	} {
		shop.response = c.response
		w.Want(c.code, "apply", "-f", file, "--wait")
		w.WantErr(c.want)
		w.Want(c.code, "delete", "vs", "payment", "--wait")
		w.WantErr(c.want)
	}
	before := shop.requests
	w.Want(cmdutil.ExitOK, "apply", "-f", file)
	w.Want(cmdutil.ExitOK, "delete", "vs", "payment", "--wait", "--dry-run")
	shop.Applied.Objects[0].Object = clitest.Object("v1", "ConfigMap", "settings", nil)
	w.Want(cmdutil.ExitOK, "apply", "-f", file, "--wait")
	if shop.requests != before {
		t.Error("it waited for sidecars that were not changed")
	}
}

func TestSeveralKindsAreListedEachInItsTable(t *testing.T) {
	shop := &clitest.FakeShop{Objects: clitest.SomeObjects()}
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "get", "services,configmaps,vs", "-o", "name")
	clitest.WantEqual(t, w.Out.String(), "service/cartservice\nconfigmap/colors\n")
	w.Want(cmdutil.ExitOK, "get", "cm,secret")
	if tables := strings.Split(w.Out.String(), "\n\n"); len(tables) != 2 || !strings.Contains(tables[0], "colors") || !strings.Contains(tables[1], "key") {
		t.Errorf("it printed\n%s", w.Out.String())
	}
	w.Want(cmdutil.ExitOK, "get", "vs,pa")
	w.WantErr("no virtualservices and no peerauthentications found")
	w.Want(cmdutil.ExitUsage, "get", "cm,secret", "colors") // one of them has it
	w.WantOut("configmap/colors")
	w.WantErr("not found")
	w.Want(cmdutil.ExitUsage, "get", "cm,secrte")
}
