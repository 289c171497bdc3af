package cli

import (
	"encoding/json"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

func TestReadCommandsPrintWhatTheGoldensSay(t *testing.T) {
	for golden, args := range map[string][]string{
		"ps.golden":            {"ps"},
		"ps-instances.golden":  {"ps", "--instances", "cartservice"},
		"ps-stats.golden":      {"ps", "--stats"},
		"ps-json.golden":       {"ps", "-o", "json"},
		"ps-name.golden":       {"ps", "-o", "name"},
		"ps-color.golden":      {"ps", "--color", "always"},
		"status.golden":        {"status"},
		"status-json.golden":   {"status", "-o", "json"},
		"status-yaml.golden":   {"status", "-o", "yaml"},
		"get-deploy.golden":    {"get", "deploy"},
		"get-all-ns.golden":    {"get", "services", "-A"},
		"get-yaml.golden":      {"get", "deployment/cartservice", "-o", "yaml"},
		"get-list.golden":      {"get", "configmaps", "-o", "json"},
		"get-configmap.golden": {"get", "cm"},
		"get-secret.golden":    {"get", "secret"},
		"get-namespace.golden": {"get", "ns"},
		"get-sa.golden":        {"get", "sa"},
		"get-name.golden":      {"get", "deployments", "-o", "name"},
		"describe.golden":      {"describe", "deployment", "cartservice"},
		"describe-svc.golden":  {"describe", "svc"},
		"describe-cm.golden":   {"describe", "cm"},
		"describe-sec.golden":  {"describe", "secrets"},
	} {
		t.Run(golden, func(t *testing.T) {
			w := newWorld(t).serve(&fakeShop{status: threeServices(), objects: someObjects(), events: someEvents()})
			w.want(exitOK, args...)
			w.golden(golden)
		})
	}
}

func someObjects() []*controlpb.Object {
	return []*controlpb.Object{
		deployment("cartservice", 2, 1),
		object("v1", "Service", "cartservice", map[string]any{"spec": map[string]any{
			"selector": map[string]any{"app": "cartservice"},
			"ports":    []any{map[string]any{"name": "grpc", "port": 7070, "targetPort": 7070}},
		}}),
		object("v1", "ConfigMap", "colours", map[string]any{"data": map[string]any{"cart": "blue", "payment": "green"}}),
		object("v1", "Secret", "key", map[string]any{"data": map[string]any{"token": "czNjcjN0"}}),
		object("v1", "Namespace", "production", nil),
		object("v1", "ServiceAccount", "cartservice", nil),
	}
}

func someEvents() []*controlpb.Event {
	return []*controlpb.Event{
		{Sequence: 1, Time: ago(90 * time.Second), Type: "Normal", Reason: "Started", Service: "cart", Instance: "cartservice-5d4f-x2k4q", Message: "started"},
		{Sequence: 2, Time: ago(5 * time.Second), Type: "Warning", Reason: "BackOff", Service: "cart", Message: "restarts in 200ms"},
	}
}

func TestNamesOfServicesAreUnderstoodInEitherForm(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: threeServices()})
	for _, name := range []string{"cart", "cartservice", "CART"} {
		w.want(exitOK, "ps", name, "-o", "name")
		if got := w.out.String(); got != "cart\n" {
			t.Errorf("ps %s printed %q", name, got)
		}
	}
}

func TestAnUnknownServiceIsAUsageErrorThatNamesTheNearest(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: threeServices()})
	for _, args := range [][]string{{"ps", "paymnt"}, {"logs", "paymnt"}, {"restart", "paymnt"}, {"scale", "paymnt", "--replicas", "2"}, {"events", "paymnt"}} {
		w.want(exitUsage, args...)
		w.wantErr(`shopctl: error: unknown service "paymnt"`, "shopctl: hint: did you mean payment?")
	}
}

func TestEveryCommandThatNeedsTheShopSaysThatItIsNotRunning(t *testing.T) {
	w := newWorld(t)
	for _, args := range [][]string{
		{"ps"},
		{"status"},
		{"logs"},
		{"events"},
		{"get", "deploy"},
		{"describe", "svc"},
		{"mail"},
		{"scale", "cart", "--replicas", "2"},
		{"restart", "cart"},
		{"stop", "cart"},
		{"start", "cart"},
		{"delete", "deploy", "x"},
	} {
		w.want(exitNotRunning, args...)
		w.wantErr("shopctl: error: ", "the shop is not running", "shopctl: hint: shopctl up\n")
	}
	w.want(exitNotRunning, "--name", "second", "ps")
	w.wantErr("shopctl: hint: shopctl --name second up\n")
}

func TestAHintOfTheDaemonReachesTheUserWithItsExitCode(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: threeServices(), fail: control.Error(codes.FailedPrecondition, "write state: disk full", "free some space", exitEnvironment)})
	w.want(exitEnvironment, "ps")
	if got, want := w.err.String(), "shopctl: error: write state: disk full\nshopctl: hint: free some space\n"; got != want {
		t.Errorf("stderr is %q, want %q", got, want)
	}
}

func TestLogsAreOneRecordALine(t *testing.T) {
	shop := &fakeShop{status: threeServices(), lines: []*controlpb.LogLine{
		{
			Time: ago(time.Second), Service: "cart", Instance: "cartservice-1", Level: "warn", Message: "slow read", TraceId: "4bf9",
			Raw: `{"time":"2026-03-01T11:59:59Z","level":"WARN","msg":"slow read","trace_id":"4bf9","took":"1.2s","user":"a b"}`,
		},
		{Time: ago(0), Service: "redis-cart", Instance: "redis-cart-1", Raw: "Ready to accept connections"},
	}}
	w := newWorld(t).serve(shop)
	w.want(exitOK, "logs", "cart", "--since", "5m", "--tail", "7")
	w.wantOut(`cart           warn  slow read trace_id=4bf9 took=1.2s user="a b"`, "redis-cart           Ready to accept connections\n")
	if req := shop.logs[0]; req.GetService() != "cart" || req.GetTail() != 7 || !req.GetSince().AsTime().Equal(testNow().Add(-5*time.Minute)) {
		t.Errorf("asked for %v", req)
	}
	w.want(exitOK, "logs", "--prefix")
	w.wantOut("cartservice-1  warn  slow read", "redis-cart-1         Ready to accept connections\n")
	w.want(exitOK, "logs", "-o", "json")
	d := json.NewDecoder(&w.out)
	var first, second map[string]any
	if err := d.Decode(&first); err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(&second); err != nil {
		t.Fatal(err)
	}
	if raw, ok := first["raw"].(map[string]any); !ok || raw["took"] != "1.2s" {
		t.Errorf("raw of a JSON record is %v", first["raw"])
	}
	if second["raw"] != "Ready to accept connections" {
		t.Errorf("raw of a plain line is %v", second["raw"])
	}
}

func TestEventsAreNDJSONOnRequest(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: threeServices(), events: someEvents()})
	w.want(exitOK, "events", "-o", "json")
	w.wantOut(`{"sequence":1,"time":"2026-03-01T11:58:30Z","type":"Normal","reason":"Started","service":"cart","instance":"cartservice-5d4f-x2k4q","message":"started"}` + "\n")
	w.want(exitOK, "events")
	w.wantOut("Warning BackOff            cart           restarts in 200ms\n")
}

func TestAnEmptyStreamSaysSoToThePersonAlone(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: threeServices()})
	w.want(exitOK, "logs", "cart", "--instance", "gone")
	w.wantErr("no lines found\n")
	w.want(exitOK, "events", "-o", "json")
	w.wantErr("no events found\n")
	if w.out.Len() > 0 {
		t.Errorf("printed %q", w.out.String())
	}
}

func TestASinceThatIsNoTimeIsAUsageError(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: threeServices()})
	w.want(exitUsage, "logs", "--since", "yesterday")
	w.wantErr(`read --since "yesterday"`, "hint: --since 5m")
}

func TestGetOfWhatIsNotThereIsAnErrorWithAHint(t *testing.T) {
	w := newWorld(t).serve(&fakeShop{status: threeServices(), objects: someObjects()})
	w.want(exitUsage, "get", "deployment", "nope")
	w.wantErr(`shopctl: error: deployment "nope" not found`, "shopctl: hint: shopctl get deployments")
	w.want(exitUsage, "get", "deplyments")
	w.wantErr(`kind "deplyments" is not supported`)
}
