package call_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/call"
	callcmd "github.com/shopctl/shopctl/pkg/cli/call"
	"github.com/shopctl/shopctl/pkg/cli/iostreams"
)

func TestTheScreenCallsAsTheCallCommandDoes(t *testing.T) {
	w, impl := withCart(t)
	w.F.IO.ShopName = iostreams.DefaultShop
	calls, done := callcmd.NewScreenCalls(w.F)
	defer done()
	ctx := t.Context()
	methods, err := calls.Methods(ctx, "cart")
	if err != nil || len(methods) != 4 {
		t.Fatalf("%d methods, %v", len(methods), err)
	}
	text, err := calls.Template(ctx, "cart", "AddItem")
	if err != nil || !strings.Contains(text, `"quantity": 0`) {
		t.Errorf("template %s, %v", text, err)
	}
	result, err := calls.Invoke(ctx, "cart", call.Request{Method: "AddItem", Messages: strings.NewReader(`{"item":{"quantity":2}}`), Trace: true})
	if err != nil || result.Status.Code() != codes.OK || result.TraceID == "" || impl.item.GetQuantity() != 2 {
		t.Errorf("%+v, %v", result, err)
	}
	if _, err := calls.Invoke(ctx, "frontend", call.Request{Method: "Get"}); err == nil || !strings.Contains(err.Error(), "speaks HTTP, not gRPC (") {
		t.Errorf("the frontend is called: %v", err)
	}
	if _, err := calls.Methods(ctx, "frontend"); err == nil {
		t.Error("the frontend has methods")
	}
	if _, err := calls.Template(ctx, "nobody", "X"); err == nil {
		t.Error("nobody has a template")
	}
}
