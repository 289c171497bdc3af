package check_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

// wantEvidence compares what decided a look.
func (s *scene) wantEvidence(t *testing.T, asked string, want probe.Evidence) {
	t.Helper()
	if diff := cmp.Diff(want, s.look(t, asked).Evidence); diff != "" {
		t.Errorf("%s (-want +is):\n%s", asked, diff)
	}
}

func TestEveryKindSaysWhatDecided(t *testing.T) {
	s := newScene(t)
	s.SetMap(&controlpb.GetMapResponse{Window: durationpb.New(time.Minute)})
	s.SetAlerts(&controlpb.ListAlertsResponse{})
	for asked, want := range map[string]probe.Evidence{
		"rpc: {service: catalog, method: ListProducts, request: {id: X}, deadline: 1s, proto: n.proto, expect: {code: OK}}": {
			Kind: probe.CallEvidence, Service: "catalog", Method: "ListProducts", Request: `{"id":"X"}`, Deadline: time.Second, Proto: "n.proto",
		},
		"instance: {service: catalog, state: ok}":                       {Kind: probe.InstanceEvidence, Service: "catalog"},
		"log: {service: catalog, contains: x}":                          {Kind: probe.LogEvidence, Service: "catalog"},
		`promql: {expr: "sum(rate(up[90s])) / rate(b[2m])", above: 1}`:  {Kind: probe.MetricEvidence, Expr: "sum(rate(up[90s])) / rate(b[2m])", Window: 2 * time.Minute},
		"trace: {service: checkout}":                                    {Kind: probe.TraceEvidence, Service: "checkout"},
		"edge: {caller: checkout, callee: payment, absent: true}":       {Kind: probe.EdgeEvidence, Caller: "checkout", Callee: "payment"},
		"mesh: {service: catalog, state: synced}":                       {Kind: probe.InstanceEvidence, Service: "catalog"},
		"tls: {service: catalog, mode: STRICT}":                         {Kind: probe.InstanceEvidence, Service: "catalog"},
		"tls: {service: catalog, caller: cart, identity: 'spiffe://x'}": {Kind: probe.EdgeEvidence, Caller: "cart", Callee: "catalog"},
		"alert: {name: Slow, state: firing}":                            {Kind: probe.AlertEvidence, Name: "Slow"},
		"resource: {kind: ConfigMap, name: none, namespace: ns}":        {Kind: probe.ObjectEvidence, Object: "ConfigMap", Name: "none", Namespace: "ns"},
		"order: {}":                 {Kind: probe.TraceEvidence, Service: "payment"},
		"manifest: {file: a.yaml}":  {Kind: probe.FileEvidence, Name: "a.yaml"},
		"gotest: {dir: catalog/ok}": {Kind: probe.OutputEvidence, Text: "only built-in lessons can run tests"},
	} {
		s.wantEvidence(t, asked, want)
	}
}

func TestALineOfALogDecides(t *testing.T) {
	s := newScene(t)
	s.Write("catalog", "refused A", `{}`, noon.Add(-30*time.Second))
	s.Write("catalog", "refused B", `{}`, noon.Add(-20*time.Second))
	s.Write("catalog", "served C", `{}`, noon.Add(-10*time.Second))
	s.wantEvidence(t, "log: {service: catalog, contains: refused}", probe.Evidence{
		Kind: probe.LogEvidence, Service: "catalog", Time: noon.Add(-20 * time.Second), Text: "refused B",
	})
}

func TestASpanOfATraceDecides(t *testing.T) {
	s := newScene(t)
	const server = tracepb.Span_SPAN_KIND_SERVER
	s.add(t, 0xab, []string{"checkout"},
		span{service: "checkout", name: "PlaceOrder", id: 1, kind: server, took: 2 * time.Second},
		span{service: "payment", name: "Charge", id: 2, parent: 1, kind: server, took: time.Second, failed: true},
		span{service: "payment", name: "Charge", id: 3, parent: 1, kind: server, took: time.Millisecond},
	)
	trace := "ab" + strings.Repeat("0", 30)
	for asked, id := range map[string]string{
		"trace: {service: checkout}":                                                         "",
		"trace: {service: checkout, spans: [{name: Charge, error: true}]}":                   "0000000000000002",
		"trace: {service: checkout, spans: [{name: Charge, error: false}]}":                  "0000000000000003",
		"trace: {service: checkout, spans: [{name: Charge, above: 5s}]}":                     "0000000000000003",
		"trace: {service: checkout, spans: [{name: Charge, error: true, count: 2}]}":         "0000000000000002",
		"trace: {service: checkout, spans: [{service: checkout}, {name: Refund, count: 1}]}": "0000000000000001",
	} {
		s.wantEvidence(t, asked, probe.Evidence{Kind: probe.TraceEvidence, Service: "checkout", Trace: trace, Span: id})
	}
}

func TestAFieldOfAnObjectDecides(t *testing.T) {
	s := newScene(t)
	s.Put("Deployment", "cart", `{"kind":"Deployment","spec":{"replicas":3,"paused":false}}`)
	const object = "resource: {kind: Deployment, name: cart, fields: ["
	want := probe.Evidence{Kind: probe.ObjectEvidence, Object: "Deployment", Name: "cart", Field: "spec.replicas"}
	s.wantEvidence(t, object+"{path: spec.paused, equals: false}, {path: spec.replicas, equals: 2}]}", want)
	s.wantEvidence(t, object+"{path: spec.replicas, equals: 3}, {path: spec.paused, equals: false}]}", want)
}

func TestAChangeOfAnAlertDecides(t *testing.T) {
	s := newScene(t)
	fired := noon.Add(-30 * time.Second)
	s.SetAlerts(&controlpb.ListAlertsResponse{
		Rules:   []*controlpb.AlertRule{{Name: "Slow", LastEvaluation: timestamppb.New(noon)}},
		History: []*controlpb.AlertChange{{Name: "Slow", State: "firing", Time: timestamppb.New(fired)}},
	})
	s.wantEvidence(t, "alert: {name: Slow, state: fired}", probe.Evidence{Kind: probe.AlertEvidence, Name: "Slow", Time: fired})
}

func TestTheEndOfATestsOutputDecides(t *testing.T) {
	s := newScene(t)
	f := &tester{out: strings.Repeat("x", 20<<10) + "\nFAIL\n"}
	s.env.Tester = f
	e := s.look(t, "gotest: {}").Evidence
	if e.Kind != probe.OutputEvidence || len(e.Text) > 8<<10 || !strings.HasSuffix(e.Text, "FAIL\n") {
		t.Errorf("%s of %d bytes", e.Kind, len(e.Text))
	}
	f.err = errors.New("there is no go command on this machine")
	s.wantEvidence(t, "gotest: {}", probe.Evidence{Kind: probe.OutputEvidence, Text: "there is no go command on this machine"})
}

func TestABrokenSetUpSaysWhatDecided(t *testing.T) {
	s := newScene(t)
	s.SetState("stopped")
	var c format.Check
	if err := strictyaml.Decode("id: x\nrpc: {service: catalog, method: ListProducts, expect: {code: OK}}\nbroken_setup: [{instance: {service: catalog, state: stopped}, say: it is stopped}]", &c); err != nil {
		t.Fatal(err)
	}
	r := check.Evaluate(t.Context(), s.env, &c, probe.Baseline{})
	if want := (probe.Evidence{Kind: probe.InstanceEvidence, Service: "catalog"}); r.Verdict != probe.BrokenSetup || r.Evidence != want {
		t.Errorf("%s by %+v", r.Verdict, r.Evidence)
	}
}

func TestEmptyEvidenceIsLeftOutOfJSON(t *testing.T) {
	raw, err := json.Marshal(probe.Evidence{Kind: probe.AlertEvidence, Name: "Slow"})
	if err != nil || string(raw) != `{"kind":"alert","name":"Slow"}` {
		t.Errorf("%s, %v", raw, err)
	}
}
