package observe_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
)

// meshedTrace is a call that went through the sidecars of both ends, as OTLP/JSON.
const meshedTrace = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkoutservice"}}]},"scopeSpans":[{"spans":[
{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"0000000000000001","name":"p.P/Charge","kind":3,"startTimeUnixNano":"1772366400000000000","endTimeUnixNano":"1772366400100000000"},
{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"0000000000000002","parentSpanId":"0000000000000001","name":"payment:50051/*","kind":3,"startTimeUnixNano":"1772366400001000000","endTimeUnixNano":"1772366400099000000",
 "attributes":[{"key":"component","value":{"stringValue":"proxy"}},{"key":"response_flags","value":{"stringValue":"UT\u001b[2J"}}]}]}]},
{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"paymentservice"}}]},"scopeSpans":[{"spans":[
{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"0000000000000003","parentSpanId":"0000000000000002","name":"payment:50051/*","kind":2,"startTimeUnixNano":"1772366400002000000","endTimeUnixNano":"1772366400098000000",
 "attributes":[{"key":"component","value":{"stringValue":"proxy"}}]},
{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"0000000000000004","parentSpanId":"0000000000000003","name":"p.P/Charge","kind":2,"startTimeUnixNano":"1772366400003000000","endTimeUnixNano":"1772366400097000000"}]}]}]}`

func TestSpansOfSidecarsAreLeftOutUnlessAskedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace.json")
	if err := os.WriteFile(path, []byte(meshedTrace), 0o600); err != nil {
		t.Fatal(err)
	}
	w := clitest.NewWorld(t)
	w.Want(0, "trace", "open", path)
	for _, want := range []string{"2 spans", "2 spans of sidecars are folded", "sidecar UT^[[2J"} {
		if !strings.Contains(w.Out.String(), want) {
			t.Errorf("no %q in\n%s", want, w.Out.String())
		}
	}
	if strings.Contains(w.Out.String(), "payment:50051") {
		t.Error(w.Out.String())
	}
	for _, verb := range []string{"show", "sequence"} {
		w.Want(0, "trace", "open", path, verb, "--proxy")
		if !strings.Contains(w.Out.String(), "payment:50051") {
			t.Errorf("%s --proxy:\n%s", verb, w.Out.String())
		}
	}
	w.Want(0, "trace", "open", path, "list")
	if fields := strings.Fields(strings.Split(w.Out.String(), "\n")[1]); len(fields) < 6 || fields[4] != "2" {
		t.Errorf("spans in %q", w.Out.String())
	}
	w.Want(0, "trace", "open", path, "list", "--proxy")
	if fields := strings.Fields(strings.Split(w.Out.String(), "\n")[1]); len(fields) < 6 || fields[3] != "4" {
		t.Errorf("spans with those of sidecars in %q", w.Out.String())
	}
}
