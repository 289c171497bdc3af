package call_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// outsideShop is a shop whose cart has a sidecar with an inbound port.
type outsideShop struct {
	clitest.FakeShop
	inbound string
}

func (s *outsideShop) GetSidecar(_ context.Context, r *controlpb.GetSidecarRequest) (*controlpb.GetSidecarResponse, error) {
	if r.GetService() != "cart" {
		return nil, status.Errorf(codes.FailedPrecondition, "%s has no sidecar", r.GetService())
	}
	return &controlpb.GetSidecarResponse{
		Sidecar: &controlpb.Sidecar{Service: "cart"},
		Listeners: []*controlpb.MeshListener{
			{Direction: "outbound", Address: "127.0.0.1:1"}, {Direction: "inbound", Address: s.inbound},
		},
	}, nil
}

func TestAStrangerCallsThePortOfASidecarInPlaintext(t *testing.T) {
	_, addr := serveCart(t, false)
	shop := &outsideShop{inbound: addr}
	shop.Current = clitest.ThreeServices()
	w := clitest.NewWorld(t).Serve(shop)
	const item = `{"user_id":"4432801561520454","item":{"product_id":"P","quantity":2}}`
	w.Want(cmdutil.ExitOK, "call", "cart", "AddItem", item, "--plaintext", "--wire")
	w.WantOut("{}\n")
	w.WantErr(" bytes\nPRI * HTTP/2.0", "4432801561520454")
	w.Want(cmdutil.ExitFailed, "call", "payment", "Charge", "{}", "--plaintext")
	w.WantErr("payment has no sidecar")
	shop.inbound = "127.0.0.1:1"
	w.Want(64+14, "call", "cart", "GetCart", "--plaintext")
	w.WantErr("connection refused", "hint: shopctl mesh listeners cart")
	shop.inbound = "127.0.0.1:0"
	w.Want(64+14, "call", "cart", "GetCart", "--plaintext")
	w.WantErr("its sidecar does not listen yet", "hint: shopctl mesh status")
}

func TestFlagsOfAStrangerAreForCallsAlone(t *testing.T) {
	w, _ := withCart(t)
	for want, args := range map[string][]string{
		"they need a method":           {"cart", "--plaintext"},
		"not --describe or --template": {"cart", "AddItem", "--describe", "--wire"},
		"of --from uses mutual TLS":    {"cart", "AddItem", "{}", "--plaintext", "--from", "checkout"},
		"--repeat cannot be combined":  {"cart", "AddItem", "{}", "--wire", "--repeat", "2"},
	} {
		w.Want(cmdutil.ExitUsage, append([]string{"call"}, args...)...)
		w.WantErr(want)
	}
}
