package cli

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/tui"
)

func TestTheDashboardWantsATerminal(t *testing.T) {
	w := newWorld(t)
	w.want(exitEnvironment, "dash")
	w.wantErr("it needs a terminal", "shopctl: hint: shopctl ps --stats")
}

func TestThePaletteOffersWhatRunsAndTakesNoScreen(t *testing.T) {
	verbs := tuiVerbs(NewRoot(newWorld(t).f))
	var names []string
	for _, v := range verbs {
		names = append(names, v.Name)
		if v.Short == "" {
			t.Errorf("%s lacks a description", v.Name)
		}
	}
	for _, want := range []string{"call", "fault inject", "fault clear", "ps", "up", "down", "trace list", "trace show", "metrics query", "alerts list", "map", "top"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing in %v", want, names)
		}
	}
	for _, screen := range []string{"dash", "lesson", "service run", "daemon", "completion bash"} {
		if slices.Contains(names, screen) {
			t.Errorf("%s is offered", screen)
		}
	}
	i := slices.IndexFunc(verbs, func(v tui.Verb) bool { return v.Name == "call" })
	if got, want := verbs[i].Args, "SERVICE [METHOD] [JSON]"; !strings.HasPrefix(got, want) {
		t.Errorf("arguments of call are %q, want %q", got, want)
	}
}

func TestTheScreenCallsAsTheCallCommandDoes(t *testing.T) {
	w, impl := withCart(t)
	w.f.IO.ShopName = defaultName
	calls, done := newScreenCalls(w.f)
	defer done()
	ctx := t.Context()
	methods, err := calls.Methods(ctx, "cart")
	if err != nil || len(methods) != 3 {
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
