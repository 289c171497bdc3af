package fault

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/rpc/code"
	_ "github.com/shopctl/shopctl/pkg/rpc/hipstershop" // the contract that methods are checked against
	_ "github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

func paymentTarget() Target {
	return Target{
		Name: "payment", Workload: "paymentservice", Protocol: "grpc", Chassis: true,
		GRPC: []string{"hipstershop.PaymentService", "shopctl.shop.v1.Refunds"},
	}
}

// called is a target with a caller.
func called(t, caller Target) Target {
	t.Caller = &caller
	return t
}

// plan is the fault of a spec as a registry with all injectors makes it.
func plan(s Spec, t Target) (Fault, error) {
	w := &world{}
	r := &Registry{cfg: Config{Injectors: w.injectors()}}
	e, err := r.plan(s, t)
	return e.Fault, err
}

func TestSpecBecomesACanonicalFault(t *testing.T) {
	f, err := plan(Spec{Service: "PaymentService", Error: "unavailable", Method: "charge", Delay: time.Second, Owner: "cli"}, paymentTarget())
	if err != nil {
		t.Fatal(err)
	}
	if f.Service != "payment" || f.Workload != "paymentservice" || f.Method != "Charge" || f.Code != codes.Unavailable || f.Percent != 100 {
		t.Errorf("got %+v", f)
	}
	rule := f.rule()
	if rule.Method != "/hipstershop.PaymentService/Charge" || rule.Code != "UNAVAILABLE" || rule.Delay != time.Second {
		t.Errorf("instances receive %+v", rule)
	}
}

func TestSpecThatMakesNoSenseIsRefusedWithAHint(t *testing.T) {
	frontend := Target{Name: "frontend", Workload: "frontend", Protocol: "http", Chassis: true}
	store := Target{Name: "redis-cart", Workload: "redis-cart", Protocol: "tcp", Chassis: true}
	own := Target{Name: "mine", Workload: "mine", Protocol: "grpc"}
	module := Target{Name: "payment", Workload: "monolith", Module: "paymentservice", Process: "monolith", Protocol: "grpc", Chassis: true}
	meshed := Target{Name: "cart", Workload: "cartservice", Protocol: "grpc", Chassis: true, Meshed: true}
	for _, tt := range []struct {
		name       string
		spec       Spec
		target     Target
		text, hint string
	}{
		{"nothing", Spec{}, paymentTarget(), "the fault has no effect", "--error"},
		{"percent above", Spec{Error: "INTERNAL", Percent: 101}, paymentTarget(), "percent 101", "--percent"},
		{"percent below", Spec{Error: "INTERNAL", Percent: -1}, paymentTarget(), "percent -1", "--percent"},
		{"percent NaN", Spec{Error: "INTERNAL", Percent: math.NaN()}, paymentTarget(), "percent NaN", "--percent"},
		{"delay below", Spec{Delay: -time.Second}, paymentTarget(), "below zero", "--delay"},
		{"delay above", Spec{Delay: time.Hour}, paymentTarget(), "above 1m0s", "--delay"},
		{"OK", Spec{Error: "ok"}, paymentTarget(), "error OK", "--error"},
		{"code", Spec{Error: "unavailible"}, paymentTarget(), `"unavailible"`, "did you mean UNAVAILABLE?"},
		{"code far off", Spec{Error: "boom"}, paymentTarget(), `"boom"`, "DEADLINE_EXCEEDED"},
		{"number", Spec{Error: "99"}, paymentTarget(), `"99"`, "use one of"},
		{"method", Spec{Error: "INTERNAL", Method: "Chrage"}, paymentTarget(), `no method "Chrage"`, "did you mean Charge?"},
		{"method far off", Spec{Error: "INTERNAL", Method: "Zzzzzz"}, paymentTarget(), `no method "Zzzzzz"`, "payment has Charge"},
		{"for", Spec{Error: "INTERNAL", For: -1}, paymentTarget(), "above zero", "--for"},
		{"both", Spec{Crash: true, Pause: true}, paymentTarget(), "cannot be combined", "one of them"},
		{"crash and error", Spec{Service: "payment", Crash: true, Error: "INTERNAL"}, paymentTarget(), "--crash acts on whole", "inject payment --crash"},
		{"pause and percent", Spec{Service: "payment", Pause: true, Percent: 5}, paymentTarget(), "--pause acts on whole", "inject payment --pause"},
		{"lasting crash", Spec{Crash: true, For: time.Minute}, paymentTarget(), "cannot last", "--pause --for 1m0s"},
		{"one that is slow", Spec{Service: "payment", Delay: time.Second, Single: true}, paymentTarget(), "only a crash", "inject payment --crash --single"},
		{"pause later", Spec{Service: "payment", Pause: true, Delay: time.Second}, paymentTarget(), "--delay", "inject payment --pause"},
		{"crash before now", Spec{Service: "payment", Crash: true, Delay: -time.Second}, paymentTarget(), "delay -1s", "--crash --delay 5s"},
		{"crash next week", Spec{Service: "payment", Crash: true, Delay: 168 * time.Hour}, paymentTarget(), "at most 1m0s", "--crash --delay 5s"},
		{"a sidecar that there is not", Spec{Service: "payment", KillSidecar: true}, paymentTarget(), "payment has no sidecar", "shopctl mesh on payment"},
		{"a module's sidecar", Spec{Service: "payment", KillSidecar: true}, module, "monolith has no sidecar", "shopctl mesh on monolith"},
		{"a sidecar and more", Spec{Service: "cart", KillSidecar: true, Pause: true}, meshed, "cannot be combined", "one of them"},
		{"a sidecar and calls", Spec{Service: "cart", KillSidecar: true, Error: "INTERNAL"}, meshed, "--kill-sidecar acts on whole", "inject cart --kill-sidecar"},
		{"a sidecar for a while", Spec{Service: "cart", KillSidecar: true, For: time.Minute}, meshed, "killed once", "inject cart --kill-sidecar"},
		{"http method", Spec{Error: "INTERNAL", Method: "Cart"}, frontend, "serves HTTP", "--method /cart"},
		{"tcp", Spec{Error: "INTERNAL"}, store, "speaks TCP", "inject redis-cart --pause"},
		{"not ours", Spec{Error: "INTERNAL"}, own, "not a built-in", "shopctl mesh on mine"},
		{"where", Spec{Error: "INTERNAL", Where: "middle"}, meshed, `"middle" is neither`, "--where client"},
		{"a header at the server", Spec{Error: "INTERNAL", Where: WhereServer, Headers: []string{"x=y"}}, meshed, "callers' sidecars", "leave --where"},
		{"no header", Spec{Error: "INTERNAL", Headers: []string{"x-user"}}, meshed, "NAME=VALUE", "--header x-user=alice"},
		{"callers without sidecars", Spec{Error: "INTERNAL", Where: WhereClient}, paymentTarget(), "payment has no sidecar", "shopctl mesh on payment"},
		{"a caller without a sidecar", Spec{Error: "INTERNAL", From: "payment"}, called(meshed, paymentTarget()), "payment has no sidecar", "shopctl mesh on payment"},
		{"callers in the same process", Spec{Error: "INTERNAL", Where: WhereClient}, module, "without a sidecar", "inject payment --error"},
		{"a gateway", Spec{Error: "INTERNAL"}, Target{Name: "gw", Workload: "gw", Meshed: true, Gateway: true}, "a gateway passes calls on", "inject frontend"},
		{"calls of a gateway", Spec{Error: "INTERNAL", From: "gw"}, called(meshed, Target{Name: "gw", Workload: "gw", Meshed: true, Gateway: true}), "a gateway passes calls on", "inject frontend"},
		{"calls of tcp at the client", Spec{Error: "INTERNAL", Where: WhereClient}, store, "speaks TCP", "--pause"},
		{"a pause from one", Spec{Pause: true, From: "payment"}, meshed, "whole processes", "one of them"},
		{"all packets and more", Spec{Drop: 100.5}, meshed, "drop 100.5%", "--drop 20%"},
		{"packets and calls", Spec{Drop: 5, Error: "INTERNAL"}, meshed, "whole connections", "inject cart --drop"},
		{"half a partition", Spec{Partition: true}, meshed, "two services", "--partition checkout,cart"},
		{"a partition that is slow", Spec{Partition: true, Bandwidth: 5}, called(meshed, meshed), "no effect", "leave them out"},
		{"a partition of one", Spec{Partition: true, From: "cart"}, called(meshed, meshed), "one workload", "--partition"},
		{"a partition outside", Spec{Partition: true, From: "payment"}, called(meshed, paymentTarget()), "payment has no sidecar", "mesh on payment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plan(tt.spec, tt.target)
			var invalid *Invalid
			if !errors.As(err, &invalid) {
				t.Fatalf("err = %v", err)
			}
			if !strings.Contains(invalid.Text, tt.text) || !strings.Contains(invalid.Hint, tt.hint) {
				t.Errorf("text %q, hint %q", invalid.Text, invalid.Hint)
			}
		})
	}
}

func TestMethodIsFoundByAnyOfItsSpellings(t *testing.T) {
	for _, typed := range []string{"Charge", "charge", "PaymentService/Charge", "paymentservice.charge", "hipstershop.PaymentService/Charge", "/hipstershop.PaymentService/Charge"} {
		display, full, err := paymentTarget().method(typed)
		if err != nil || display != "Charge" || full != "/hipstershop.PaymentService/Charge" {
			t.Errorf("%q: %q, %q, %v", typed, display, full, err)
		}
	}
	frontend := Target{Name: "frontend", Protocol: "http", Chassis: true}
	if _, full, err := frontend.method("/cart"); err != nil || full != "/cart" {
		t.Errorf("path: %q, %v", full, err)
	}
	unknown := Target{Name: "mine", Protocol: "grpc", Chassis: true}
	if _, full, err := unknown.method("Anything"); err != nil || full != "Anything" {
		t.Errorf("method without a contract: %q, %v", full, err)
	}
}

func TestCodeIsReadInAnySpelling(t *testing.T) {
	for typed, want := range map[string]codes.Code{
		"UNAVAILABLE": codes.Unavailable, "unavailable": codes.Unavailable, "14": codes.Unavailable,
		"DeadlineExceeded": codes.DeadlineExceeded, "deadline-exceeded": codes.DeadlineExceeded, "deadline_exceeded": codes.DeadlineExceeded,
		"canceled": codes.Canceled, "CANCELLED": codes.Canceled, "Unauthenticated": codes.Unauthenticated,
	} {
		if got, err := parseCode(typed); err != nil || got != want {
			t.Errorf("ParseCode(%q) = %v, %v", typed, got, err)
		}
	}
	for i, name := range Codes() {
		got, err := parseCode(name)
		if err != nil || got != codes.Code(i+1) || code.Name(got) != name {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got := code.Name(42); got != "CODE(42)" {
		t.Errorf("got %q", got)
	}
}

func TestAPhraseDescribesTheFault(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, f := range map[string]Fault{
		"UNAVAILABLE 50% Charge, 1m59s left": {Code: codes.Unavailable, Percent: 50, Method: "Charge", Ends: now.Add(119 * time.Second)},
		"+500ms 100%":                        {Delay: 500 * time.Millisecond, Percent: 100},
		"+1s INTERNAL 12.5%":                 {Delay: time.Second, Code: codes.Internal, Percent: 12.5},
		"paused, 1s left":                    {Pause: true, Ends: now.Add(10 * time.Millisecond)},
		"crash":                              {Crash: true},
		"crash of one":                       {Crash: true, Single: true},
		"sidecars killed":                    {KillSidecar: true},
		"sidecar of one killed in 5s":        {KillSidecar: true, Single: true, Ends: now.Add(5 * time.Second)},
		"cut off from payment":               {Partition: true, From: "payment"},
		"20% of packets lost from checkout":  {Drop: 20, From: "checkout"},
		"64 KB/s":                            {Bandwidth: 64000},
		"INTERNAL 5% in the callers' sidecars with x-user=alice": {Code: codes.Internal, Percent: 5, Where: WhereClient, Headers: []string{"x-user=alice"}},
		"crash in 5s": {Crash: true, Delay: 5 * time.Second, Ends: now.Add(5 * time.Second)},
	} {
		if got := f.Phrase(now); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestADirectorGoesWithNothingElse(t *testing.T) {
	f, err := plan(Spec{Service: "payment", Director: "/tmp/d/s", Owner: "saga prove"}, paymentTarget())
	if err != nil || f.rule().Director != "/tmp/d/s" || f.Phrase(time.Time{}) != "directed by saga prove" {
		t.Errorf("%+v, %v", f, err)
	}
	for _, s := range []Spec{
		{Director: "s"},
		{Director: "/s", Crash: true},
		{Director: "/s", Pause: true},
		{Director: "/s", Error: "ABORTED"},
		{Director: "/s", Delay: time.Second},
		{Director: "/s", From: "checkout"},
		{Director: "/s", Drop: 5},
	} {
		if _, err := plan(s, paymentTarget()); err == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
}
