package rbac_test

import (
	"net/netip"
	"testing"

	rbacfilterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/rbac/v3"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/rbac"
)

const (
	checkout = "spiffe://cluster.local/ns/shop/sa/checkout"
	charge   = "/hipstershop.PaymentService/Charge"
)

// compile compiles one policy with an action, in JSON.
func compile(t testing.TB, action, permissions, principals string) *rbac.Filter {
	t.Helper()
	var config rbacfilterv3.RBAC
	text := `{"rules": {"action": "` + action + `", "policies": {"p": {"permissions": [` + permissions + `], "principals": [` + principals + `]}}}}`
	if err := protojson.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	f, err := rbac.Compile(&config)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// call is a call of Charge's path, or another, by a peer; "" is one in plain text.
func call(path, peer string) *rbac.Request {
	r := &rbac.Request{
		HTTP: &field.Request{Method: "POST", Scheme: "http", Authority: "payment", Path: path}, DirectIP: netip.MustParseAddr("127.0.0.1"),
		Destination: netip.MustParseAddrPort("127.0.0.1:50051"),
	}
	if peer != "" {
		r.Peer = &rbac.Peer{URIs: []string{peer}}
	}
	return r
}

const (
	every     = `{"any": true}`
	onCharge  = `{"urlPath": {"path": {"exact": "` + charge + `"}}}`
	ofService = `{"authenticated": {"principalName": {"exact": "` + checkout + `"}}}`
)

func TestAnActionDecidesOfWhatFitsAndWhatDoesNot(t *testing.T) {
	for action, want := range map[string][2]bool{"ALLOW": {true, false}, "DENY": {false, true}, "LOG": {true, true}} {
		f := compile(t, action, onCharge, ofService)
		fits, other := f.Evaluate(call(charge, checkout)), f.Evaluate(call(charge, checkout+"x"))
		if fits.Allowed != want[0] || other.Allowed != want[1] || fits.Policy != "p" || other.Policy != "" {
			t.Errorf("%s: %+v and %+v", action, fits, other)
		}
		if fits.Details() != "rbac_access_denied_matched_policy[p]" || other.Details() != "rbac_access_denied_matched_policy[none]" {
			t.Errorf("the details are %s and %s", fits.Details(), other.Details())
		}
	}
}

func TestWithoutRulesAllIsAllowed(t *testing.T) {
	f, err := rbac.Compile(&rbacfilterv3.RBAC{})
	if err != nil || !f.Evaluate(call("/", "")).Allowed {
		t.Errorf("it is denied: %v", err)
	}
	none := compile(t, "ALLOW", `{"notRule": {"any": true}}`, `{"notId": {"any": true}}`)
	if none.Evaluate(call(charge, checkout)).Allowed {
		t.Error("a policy that fits nothing allows")
	}
}

func TestAPlainTextCallerHasNoPrincipal(t *testing.T) {
	for principal, fits := range map[string]bool{
		`{"authenticated": {"principalName": {"safeRegex": {"regex": ".*"}}}}`:            false,
		`{"authenticated": {"principalName": {"safeRegex": {"regex": ".*/ns/shop/.*"}}}}`: false,
		`{"authenticated": {}}`:        false,
		`{"notId": ` + ofService + `}`: true,
		every:                          true,
	} {
		if got := compile(t, "ALLOW", every, principal).Evaluate(call(charge, "")).Allowed; got != fits {
			t.Errorf("%s fits: %t", principal, got)
		}
	}
}

func TestNoTrickWithAPathPassesAPolicyThatAllowsOne(t *testing.T) {
	f := compile(t, "ALLOW", `{"urlPath": {"path": {"exact": "/shop.Cart/Get"}}}`, every)
	for _, path := range []string{
		charge, "//shop.Cart/Get", "/shop.Cart//Get", "/shop.Cart%2fGet", "/shop.Cart%2FGet", "/shop.cart/Get", "/shop.Cart/Get;x", "/shop.Cart/Get/",
		"/shop.Cart/Get/../../hipstershop.PaymentService/Charge", `/shop.Cart\Get\..\..\x`, "/shop.Cart/Get%00", "/shop.Cart/Get%3fx", "",
	} {
		normal, ok := field.NormalizePath(path)
		if ok && f.Evaluate(call(normal, "")).Allowed {
			t.Errorf("%q, which is %q, is allowed", path, normal)
		}
	}
	for _, path := range []string{"/shop.Cart/Get", "/shop.Cart/Get?a=/../x", "/x/../shop.Cart/./Get", "/shop.C%61rt/Get"} {
		if normal, ok := field.NormalizePath(path); !ok || !f.Evaluate(call(normal, "")).Allowed {
			t.Errorf("%q, which is %q, is denied", path, normal)
		}
	}
}

func TestNoEscapePassesAPolicyThatDeniesAPath(t *testing.T) {
	f := compile(t, "DENY", `{"urlPath": {"path": {"prefix": "/admin"}}}`, every)
	for _, path := range []string{"/admin", "/admin?x", "/%61dmin", "/x/../admin", "/x/%2e%2e/admin", `/x\..\admin`, "/./admin/x", "/%2%65%2e/admin"} {
		if normal, ok := field.NormalizePath(path); ok && f.Evaluate(call(normal, "")).Allowed {
			t.Errorf("%q, which is %q, is allowed", path, normal)
		}
	}
}

func TestHostsMethodsPortsAddressesAndNamesAreConditions(t *testing.T) {
	r := call(charge, checkout)
	r.RemoteIP, r.ServerName = netip.MustParseAddr("10.1.2.3"), "outbound_.50051_._.payment"
	r.HTTP.Fields.Add("x-tenant", "")
	for permission, fits := range map[string]bool{
		`{"header": {"name": ":authority", "stringMatch": {"exact": "PAYMENT", "ignoreCase": true}}}`: true,
		`{"header": {"name": ":method", "stringMatch": {"exact": "GET"}}}`:                            false,
		`{"header": {"name": "x-tenant", "presentMatch": true}}`:                                      true,
		`{"destinationPort": 50051}`:                                                                  true,
		`{"destinationPort": 50052}`:                                                                  false,
		`{"destinationPortRange": {"start": 50051, "end": 50052}}`:                                    true,
		`{"destinationPortRange": {"start": 50000, "end": 50051}}`:                                    false,
		`{"destinationIp": {"addressPrefix": "127.0.0.0", "prefixLen": 8}}`:                           true,
		`{"requestedServerName": {"suffix": ".payment"}}`:                                             true,
		`{"andRules": {"rules": [{"any": true}, {"notRule": {"any": true}}]}}`:                        false,
		`{"orRules": {"rules": [{"any": true}, {"notRule": {"any": true}}]}}`:                         true,
	} {
		if got := compile(t, "ALLOW", permission, every).Evaluate(r).Allowed; got != fits {
			t.Errorf("%s fits: %t", permission, got)
		}
	}
	for principal, fits := range map[string]bool{
		`{"directRemoteIp": {"addressPrefix": "10.0.0.0", "prefixLen": 8}}`: false,
		`{"remoteIp": {"addressPrefix": "10.0.0.0", "prefixLen": 8}}`:       true,
		`{"remoteIp": {"addressPrefix": "::", "prefixLen": 0}}`:             false,
		`{"header": {"name": "x-tenant", "stringMatch": {"exact": ""}}}`:    true,
	} {
		if got := compile(t, "ALLOW", every, principal).Evaluate(r).Allowed; got != fits {
			t.Errorf("%s fits: %t", principal, got)
		}
	}
}

func TestClaimsAreTextsOrLists(t *testing.T) {
	claim := func(value string, path string) string {
		return `{"metadata": {"filter": "envoy.filters.http.jwt_authn", "path": [{"key": "payload"}` + path + `], "value": ` + value + `}}`
	}
	text, list := `{"stringMatch": {"exact": "a"}}`, `{"listMatch": {"oneOf": {"stringMatch": {"exact": "a"}}}}`
	r := call(charge, "")
	r.Metadata = map[string]map[string]any{"envoy.filters.http.jwt_authn": {"payload": map[string]any{
		"one": "a", "many": []any{"b", "a", 1.0}, "deep": map[string]any{"x": map[string]any{"y": "a"}}, "number": 1.0,
	}}}
	for principal, fits := range map[string]bool{
		claim(text, `, {"key": "one"}`):                                                   true,
		claim(list, `, {"key": "one"}`):                                                   false,
		claim(list, `, {"key": "many"}`):                                                  true,
		claim(text, `, {"key": "many"}`):                                                  false,
		claim(text, `, {"key": "deep"}, {"key": "x"}, {"key": "y"}`):                      true,
		claim(text, `, {"key": "one"}, {"key": "x"}`):                                     false,
		claim(text, `, {"key": "gone"}`):                                                  false,
		claim(text, `, {"key": "number"}`):                                                false,
		claim(`{"presentMatch": true}`, `, {"key": "number"}`):                            true,
		claim(`{"orMatch": {"valueMatchers": [`+list+`, `+text+`]}}`, `, {"key": "one"}`): true,
	} {
		if got := compile(t, "ALLOW", every, principal).Evaluate(r).Allowed; got != fits {
			t.Errorf("%s fits: %t", principal, got)
		}
	}
	if compile(t, "ALLOW", every, claim(text, `, {"key": "one"}`)).Evaluate(call(charge, "")).Allowed {
		t.Error("without a token a claim fits")
	}
}

func TestAPolicyInTrialOnlySaysWhatItWouldDo(t *testing.T) {
	var config rbacfilterv3.RBAC
	if err := protojson.Unmarshal([]byte(`{"shadowRules": {"action": "DENY", "policies": {"trial": {"permissions": [`+onCharge+`], "principals": [`+every+`]}}}}`), &config); err != nil {
		t.Fatal(err)
	}
	f, err := rbac.Compile(&config)
	if err != nil {
		t.Fatal(err)
	}
	if d := f.Evaluate(call(charge, "")); !d.Allowed || d.ShadowAllowed || d.Shadow != "trial" {
		t.Errorf("the decision is %+v", d)
	}
}

func TestADecisionDoesNotAllocate(t *testing.T) {
	f := compile(t, "ALLOW", onCharge+`, {"uriTemplate": {"name": "uri-template", "typedConfig": {"@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig", "pathTemplate": "/a/*/b"}}}`, ofService)
	r := call(charge, checkout)
	if n := testing.AllocsPerRun(100, func() { f.Evaluate(r) }); n > 0 {
		t.Errorf("a decision allocates %v times", n)
	}
}

func FuzzEvaluate(f *testing.F) {
	allow := compile(f, "ALLOW", onCharge, ofService)
	f.Add(charge, checkout)
	f.Add("/x/../hipstershop.PaymentService/Charge", "spiffe://other")
	f.Fuzz(func(t *testing.T, path, peer string) {
		normal, ok := field.NormalizePath(path)
		if !ok {
			return
		}
		r := call(normal, peer)
		if allow.Evaluate(r).Allowed && (peer != checkout || r.HTTP.PathOnly() != charge) {
			t.Errorf("%q by %q is allowed", path, peer)
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	f := compile(b, "ALLOW", onCharge, ofService)
	r := call(charge, checkout)
	for b.Loop() {
		f.Evaluate(r)
	}
}
