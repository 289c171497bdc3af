package call_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// meshed is a shop in which payment has a sidecar.
type meshed struct {
	clitest.FakeShop
	listeners []*controlpb.MeshListener
	asked     string
}

func (s *meshed) GetSidecar(_ context.Context, r *controlpb.GetSidecarRequest) (*controlpb.GetSidecarResponse, error) {
	if s.asked = r.GetService(); s.asked != "payment" {
		return nil, control.Error(codes.FailedPrecondition, s.asked+" has no sidecar", "shopctl mesh on "+s.asked+" --wait", 1)
	}
	return &controlpb.GetSidecarResponse{Listeners: s.listeners}, nil
}

// outbound is the listener of a sidecar for a port of a Service.
func outbound(service, port, addr string) *controlpb.MeshListener {
	host := service + ".production.svc.cluster.local"
	return &controlpb.MeshListener{Name: host + "_" + port, Direction: "outbound", Address: addr, Destination: "Route: " + host + ":" + port}
}

// withSidecar is a world in which only the listeners of payment's sidecar lead to a cart, and one is not used yet.
func withSidecar(t *testing.T) (*clitest.World, *cartServer) {
	t.Helper()
	impl, addr := serveCart(t, false)
	redis := outbound("redis-cart", "6379", addr)
	redis.Destination = "Cluster: outbound|6379||redis-cart"
	return clitest.NewWorld(t).Serve(&meshed{FakeShop: clitest.FakeShop{Current: clitest.ThreeServices()}, listeners: []*controlpb.MeshListener{
		outbound("cartservice", "7070", addr), outbound("adservice", "9555", "127.0.0.1:0"), redis,
		{Name: "inbound_50051", Direction: "inbound", Address: addr, Destination: "Inline Route: inbound|50051||"},
	}}), impl
}

func TestACallFromAServiceGoesThroughItsSidecar(t *testing.T) {
	w, impl := withSidecar(t)
	for _, word := range []string{"cart", "cartservice", "cartservice:7070", "svc/cartservice"} {
		impl.item = nil
		w.Want(cmdutil.ExitOK, "call", word, "AddItem", `{"item":{"quantity":3}}`, "--from", "payment")
		if impl.item.GetQuantity() != 3 {
			t.Errorf("%s: the sidecar's listener got %v", word, impl.item)
		}
	}
	w.Want(cmdutil.ExitOK, "call", "cart", "AddItem", `{"item":{"quantity":3}}`, "--from", "payment", "--trace")
	w.WantErr("next: shopctl mesh explain ")
	w.Want(64+3, "call", "cart", "AddItem", "{}", "--from", "payment", "--trace")
	w.WantErr("hint: shopctl mesh explain ")
}

func TestACallFromAServiceSaysWhyItCannotBeMade(t *testing.T) {
	w, impl := withSidecar(t)
	for line, errs := range map[string][]string{
		"call cart AddItem {} --from cart":         {"cart has no sidecar", "hint: shopctl mesh on cart --wait"},
		"call ad GetAds {} --from payment":         {`unknown service "ad"`},
		"call adservice GetAds {} --from payment":  {"its sidecar does not listen for it yet", "hint: shopctl mesh status"},
		"call cart:1 AddItem {} --from payment":    {"its sidecar takes HTTP and gRPC for adservice, cartservice", "hint: shopctl mesh listeners payment"},
		"call redis-cart Get {} --from payment":    {"its sidecar takes HTTP and gRPC for"},
		"call crat AddItem {} --from payment":      {`unknown service "crat"`, "did you mean cart?"},
		"call cart --from payment":                 {"--from is for calls", "hint: shopctl call cart"},
		"call cart AddItem --describe --from cart": {"--from is for calls"},
		"http / --from payment":                    {`unknown service "frontend"`},
		"call a:b:c AddItem {} --from payment":     {"want a service, or a Service with its port"},
	} {
		if code := w.Run(strings.Fields(line)...); code == cmdutil.ExitOK {
			t.Errorf("%s succeeded", line)
		}
		w.WantErr(errs...)
	}
	if impl.header != nil {
		t.Error("something was sent all the same")
	}
}

func TestAnHTTPRequestFromAServiceGoesThroughItsSidecar(t *testing.T) {
	addr := strings.TrimPrefix(serveStorefront(t), "http://")
	w := clitest.NewWorld(t).Serve(&meshed{FakeShop: clitest.FakeShop{Current: clitest.ThreeServices()}, listeners: []*controlpb.MeshListener{outbound("frontend", "80", addr)}})
	w.Want(cmdutil.ExitOK, "http", "/api/v1/products", "--from", "payment")
	w.WantOut(`{"products":[]}`)
}
