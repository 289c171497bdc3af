package call_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/call"
)

func shorts(methods []call.Method) []string {
	var names []string
	for _, m := range methods {
		names = append(names, m.Short)
	}
	return names
}

func TestMethodsOfALinkedContractAreListedWithTheShopDown(t *testing.T) {
	methods, err := newCaller(t).Methods(t.Context(), cartTarget(""))
	if err != nil || !slices.Equal(shorts(methods), []string{"AddItem", "GetCart", "EmptyCart"}) {
		t.Fatalf("methods %v, err %v", shorts(methods), err)
	}
	if got := methods[0].Signature(); got != "AddItem(AddItemRequest) returns (Empty)" {
		t.Errorf("signature %q", got)
	}
}

func TestMethodsAreListedByReflection(t *testing.T) {
	methods, err := newCaller(t).Methods(t.Context(), streamsTarget(t))
	if err != nil {
		t.Fatal(err)
	}
	names := shorts(methods)
	if !slices.Contains(names, "FullDuplexCall") || slices.Contains(names, "Check") {
		t.Errorf("methods %v", names)
	}
	for _, m := range methods {
		if m.Name == "FullDuplexCall" && m.Signature() != "FullDuplexCall(stream StreamingOutputCallRequest) returns (stream StreamingOutputCallResponse)" {
			t.Errorf("signature %q", m.Signature())
		}
	}
}

func TestMethodIsFoundByAnyOfItsNames(t *testing.T) {
	c := newCaller(t)
	for _, name := range []string{
		"GetCart", "getcart", "CartService/GetCart", "CartService.GetCart", "cartservice/getcart",
		"hipstershop.CartService/GetCart", "hipstershop.CartService.GetCart", "/hipstershop.CartService/GetCart",
	} {
		m, err := c.Resolve(t.Context(), cartTarget(""), name)
		if err != nil || m.Full() != "hipstershop.CartService/GetCart" || m.TakesNothing() {
			t.Errorf("%s: %s, %v", name, m.Full(), err)
		}
	}
	for _, name := range []string{"Cart", "Service/GetCart", "", ".", "/", "hipstershop", "x.hipstershop.CartService.GetCart"} {
		if m, err := c.Resolve(t.Context(), cartTarget(""), name); err == nil {
			t.Errorf("%q means %s", name, m.Full())
		}
	}
}

func TestMethodThatTwoServicesHaveNeedsItsService(t *testing.T) {
	target := call.Target{Name: "two", GRPC: []string{"grpc.testing.TestService", "grpc.testing.UnimplementedService"}}
	c := newCaller(t)
	_, err := c.Resolve(t.Context(), target, "UnimplementedCall")
	expectInvalid(t, err, "ambiguous", "grpc.testing.UnimplementedService/UnimplementedCall")
	if m, err := c.Resolve(t.Context(), target, "UnimplementedService/UnimplementedCall"); err != nil || m.Service != "grpc.testing.UnimplementedService" || m.Short != m.Full() {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestUnknownContractOfAStoppedTargetIsAnError(t *testing.T) {
	if _, err := newCaller(t).Methods(t.Context(), call.Target{Name: "mine"}); !errors.Is(err, call.ErrNotRunning) {
		t.Errorf("err = %v", err)
	}
}

func TestDescribeShowsProtoSource(t *testing.T) {
	c := newCaller(t)
	for symbol, want := range map[string][]string{
		"":                         {"service CartService", "rpc AddItem"},
		"getcart":                  {"rpc GetCart", "message GetCartRequest", "message Cart "},
		"CartItem":                 {"// hipstershop.CartItem", "string product_id = 1;"},
		"hipstershop.CartItem":     {"int32 quantity = 2;"},
		"cartservice":              {"service CartService"},
		"/hipstershop.CartService": {"service CartService"},
	} {
		text, err := c.Describe(t.Context(), cartTarget(""), symbol)
		if err != nil {
			t.Errorf("%s: %v", symbol, err)
		}
		for _, part := range want {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is not in\n%s", symbol, part, text)
			}
		}
	}
	_, err := c.Describe(t.Context(), cartTarget(""), "CartItme")
	expectInvalid(t, err, `"CartItme"`, "did you mean CartItem?")
}

func TestDescribeKnowsEnumsAndMessagesByReflection(t *testing.T) {
	c, target := newCaller(t), streamsTarget(t)
	for symbol, want := range map[string]string{"PayloadType": "COMPRESSABLE", "EchoStatus": "int32 code = 1;"} {
		if text, err := c.Describe(t.Context(), target, symbol); err != nil || !strings.Contains(text, want) {
			t.Errorf("%s: %s, %v", symbol, text, err)
		}
	}
	_, err := c.Describe(t.Context(), target, "Nothing")
	expectInvalid(t, err, `"Nothing"`, "")
}

func TestTemplateIsAMessageThatTheMethodTakes(t *testing.T) {
	_, target := startCart(t)
	c := newCaller(t)
	template, err := c.Template(t.Context(), target, "AddItem")
	if err != nil || !json.Valid(template) || !strings.Contains(string(template), `"quantity": 0`) {
		t.Fatalf("%s, %v", template, err)
	}
	invoke(t, c, call.Request{Target: target, Method: "AddItem", Messages: strings.NewReader(string(template))})
	_, err = c.Template(t.Context(), target, "AddItme")
	expectInvalid(t, err, "no method", "did you mean AddItem?")
}
