package check_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/lesson/check"
	"github.com/shopctl/shopctl/pkg/lesson/format"
	"github.com/shopctl/shopctl/pkg/lesson/lessontest"
	"github.com/shopctl/shopctl/pkg/lesson/probe"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/strictyaml"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// scene is a shop in memory that checks look at, a minute after the step began.
type scene struct {
	*lessontest.Shop
	env probe.Env
	// began is when the step did.
	began time.Time
}

func newScene(t *testing.T) *scene {
	t.Helper()
	shop := lessontest.New(func() time.Time { return noon })
	return &scene{shop, probe.Env{Shop: shop, Caller: shop, Workspace: t.TempDir(), Now: shop.Now}, noon.Add(-time.Minute)}
}

func (s *scene) look(t *testing.T, asked string) probe.Result {
	t.Helper()
	var c format.Check
	if err := strictyaml.Decode("id: x\n"+asked, &c); err != nil {
		t.Fatal(err)
	}
	return check.Evaluate(t.Context(), s.env, &c, probe.Baseline{Since: s.began})
}

// want compares the verdict and a part of what was observed.
func (s *scene) want(t *testing.T, asked string, verdict probe.Verdict, observed string) probe.Result {
	t.Helper()
	r := s.look(t, asked)
	if r.Verdict != verdict || !strings.Contains(r.Observed, observed) || r.Expected == "" || r.Look == "" {
		t.Errorf("%s\n  is %s: %q (expected %q, look %q)\nwant %s: %q", asked, r.Verdict, r.Observed, r.Expected, r.Look, verdict, observed)
	}
	return r
}

func TestAnExpressionIsBounded(t *testing.T) {
	s := newScene(t)
	s.SetMetric("attempts", 3.1)
	s.SetMetric("calls", 12)
	s.SetMetric("idle", math.NaN())
	r := s.want(t, "promql: {expr: attempts, below: 1.3, unit: attempts per order}", probe.Fail, "3.1 attempts per order")
	if r.Expected != "below 1.3 attempts per order" || r.Look != "shopctl metrics query attempts" {
		t.Errorf("expected %q, look %q", r.Expected, r.Look)
	}
	s.want(t, "promql: {expr: attempts, above: 3, at_most: 3.5}", probe.Pass, "3.1")
	s.want(t, "promql: {expr: calls, equals: 12}", probe.Pass, "12")
	s.want(t, "promql: {expr: idle, below: 1}", probe.Inconclusive, "no samples yet")
	s.want(t, "promql: {expr: attempts, below: 9, enough: {expr: calls, at_least: 20}}", probe.Inconclusive, "too few samples: 12 of 20")
	s.want(t, "promql: {expr: attempts, below: 9, enough: {expr: calls, at_least: 10}}", probe.Pass, "3.1")
}

func TestAnExpressionCanLookBackToTheBeginningOfTheStep(t *testing.T) {
	s := newScene(t)
	s.SetMetric("max_over_time(up[60s])", 7)
	s.SetMetric("max_over_time(up[1s])", 1)
	r := s.want(t, `promql: {expr: "max_over_time(up[$since])", equals: 7}`, probe.Pass, "7")
	if r.Look != "shopctl metrics query 'max_over_time(up[60s])'" || r.Evidence.Expr != "max_over_time(up[60s])" {
		t.Errorf("look %q, evidence %+v", r.Look, r.Evidence)
	}
	const enough = `promql: {expr: "vector(1)", equals: 1, enough: {expr: "max_over_time(up[$since])", at_least: 7}}`
	s.SetMetric("vector(1)", 1)
	s.want(t, enough, probe.Pass, "1")
	s.began = noon
	s.want(t, `promql: {expr: "max_over_time(up[$since])", equals: 1}`, probe.Pass, "1")
	s.want(t, enough, probe.Inconclusive, "too few samples: 1 of 7")
}

func TestAnAlertIsLookedAtNowAndInThePast(t *testing.T) {
	s := newScene(t)
	evaluated := timestamppb.New(noon)
	s.SetAlerts(&controlpb.ListAlertsResponse{
		Rules: []*controlpb.AlertRule{{Name: "Slow", LastEvaluation: evaluated}, {Name: "Broken", LastError: "no such metric"}, {Name: "New"}},
		Alerts: []*controlpb.Alert{
			{Name: "Slow", State: "pending", Labels: map[string]string{"service": "cart"}},
			{Name: "Slow", State: "firing", Labels: map[string]string{"service": "payment"}},
		},
		History: []*controlpb.AlertChange{
			{Name: "Slow", State: "firing", Time: timestamppb.New(noon.Add(-30 * time.Second)), Labels: map[string]string{"service": "payment"}},
			{Name: "Slow", State: "firing", Time: timestamppb.New(noon.Add(-50 * time.Second)), Labels: map[string]string{"service": "cart"}},
			{Name: "Slow", State: "resolved", Time: timestamppb.New(noon.Add(-time.Hour))},
		},
	})
	s.want(t, "alert: {name: Slow, state: firing}", probe.Pass, "Slow firing")
	s.want(t, "alert: {name: Slow, state: inactive}", probe.Fail, "Slow firing")
	s.want(t, "alert: {name: Slow, state: pending, labels: {service: cart}}", probe.Pass, "Slow pending")
	s.want(t, "alert: {name: Slow, state: inactive, labels: {service: ads}}", probe.Pass, "Slow inactive")
	s.want(t, "alert: {name: Slow, state: fired}", probe.Pass, "Slow fired at ")
	s.want(t, "alert: {name: Slow, state: resolved}", probe.Fail, "has not resolved since the step began")
	s.want(t, "alert: {name: Slow, state: fired, at_least: 2}", probe.Pass, "has fired 2 times since the step began, and is firing")
	r := s.want(t, "alert: {name: Slow, state: fired, at_least: 3}", probe.Fail, "has fired 2 times")
	if r.Expected != "Slow fired at least 3 times" {
		t.Errorf("expected %q", r.Expected)
	}
	s.want(t, "alert: {name: Slow, state: fired, at_least: 2, labels: {service: cart}}", probe.Fail, "has fired once since the step began, and is pending")
	s.want(t, "alert: {name: Slwo, state: firing}", probe.Fail, `there is no rule Slwo; did you mean "Slow"?`)
	s.want(t, "alert: {name: Broken, state: firing}", probe.Inconclusive, "no such metric")
	s.want(t, "alert: {name: New, state: firing}", probe.Inconclusive, "not been evaluated yet")
}

func TestAnEdgeIsMeasuredAtTheCaller(t *testing.T) {
	s := newScene(t)
	s.SetMap(&controlpb.GetMapResponse{Edges: []*controlpb.MapEdge{
		{Caller: "checkout", Callee: "productcatalogservice", Failures: []string{"UNAVAILABLE"}, Traffic: &controlpb.Traffic{
			RequestsPerSecond: 4, ErrorRatio: 0.25, P95Ms: 480, P99Ms: 900, Requests: 120,
		}},
	}})
	const edge = "edge: {caller: checkout, callee: catalog, "
	r := s.want(t, edge+"errors: {below: 0.01}}", probe.Fail, "error ratio 0.25, by 120 calls in 30s")
	if r.Expected != "checkout -> catalog: error ratio below 0.01" {
		t.Errorf("expected %q", r.Expected)
	}
	s.want(t, edge+"rate: {above: 3}, p95: {below: 500ms}}", probe.Pass, "4 calls a second, p95 480ms")
	s.want(t, edge+"p99: {below: 500ms}}", probe.Fail, "p99 900ms")
	s.want(t, edge+"failure: UNAVAILABLE}", probe.Pass, "failures UNAVAILABLE")
	s.want(t, edge+"rate: {above: 1}, requests: 500}", probe.Inconclusive, "too few calls: 120 of 500")
	s.want(t, edge+"absent: true}", probe.Fail, "120 calls in 30s")
	s.want(t, "edge: {caller: cart, callee: catalog, rate: {above: 1}}", probe.Inconclusive, "0 of 1")
	s.want(t, "edge: {caller: cart, callee: catalog, absent: true}", probe.Pass, "0 calls")

	// The step began a minute ago.
	s.want(t, edge+"window: 2m, errors: {below: 0.01}}", probe.Fail, "in 1m")
	s.want(t, edge+"window: 2m, absent: true}", probe.Fail, "in 2m")
	s.began = noon.Add(-5100 * time.Millisecond) // the whole second in which it began
	s.want(t, edge+"errors: {below: 0.01}}", probe.Fail, "in 6s")
	s.began = time.Time{}
	s.want(t, edge+"window: 2m, errors: {below: 0.01}}", probe.Fail, "in 2m")
}

// span is a span of a test's trace: ids count from 1, parent 0 is none.
type span struct {
	service, name string
	id, parent    byte
	kind          tracepb.Span_SpanKind
	took          time.Duration
	failed        bool
	attribute     string
	// attributes are further ones; ago is how long before noon the span ended, in place of took.
	attributes map[string]string
	ago        time.Duration
}

func (s *scene) add(t *testing.T, id byte, services []string, spans ...span) {
	t.Helper()
	data := &tracepb.TracesData{}
	trace := make([]byte, 16)
	trace[0] = id
	text := func(v string) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: v}}
	}
	for _, sp := range spans {
		start := uint64(noon.UnixNano()) + uint64(sp.id)
		p := &tracepb.Span{
			TraceId: trace, SpanId: []byte{0, 0, 0, 0, 0, 0, 0, sp.id}, Name: sp.name, Kind: sp.kind,
			StartTimeUnixNano: start, EndTimeUnixNano: start + uint64(sp.took), Status: &tracepb.Status{},
			Attributes: []*commonpb.KeyValue{{Key: "shop.card", Value: text(sp.attribute)}},
		}
		if sp.ago > 0 {
			p.EndTimeUnixNano = uint64(noon.Add(-sp.ago).UnixNano())
			p.StartTimeUnixNano = p.EndTimeUnixNano - uint64(time.Millisecond)
		}
		for key, value := range sp.attributes {
			p.Attributes = append(p.Attributes, &commonpb.KeyValue{Key: key, Value: text(value)})
		}
		if sp.parent != 0 {
			p.ParentSpanId = []byte{0, 0, 0, 0, 0, 0, 0, sp.parent}
		}
		if sp.failed {
			p.Status.Code = tracepb.Status_STATUS_CODE_ERROR
		}
		data.ResourceSpans = append(data.ResourceSpans, &tracepb.ResourceSpans{
			Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{Key: "service.name", Value: text(sp.service)}}},
			ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{p}}},
		})
	}
	summary := &controlpb.TraceSummary{TraceId: hexID(trace), Services: services, Start: timestamppb.New(noon)}
	if err := s.AddTrace(summary, data); err != nil {
		t.Fatal(err)
	}
}

func hexID(id []byte) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, x := range id {
		b.WriteByte(digits[x>>4])
		b.WriteByte(digits[x&15])
	}
	return b.String()
}

func TestATraceHasWhatIsRequired(t *testing.T) {
	s := newScene(t)
	s.want(t, "trace: {service: checkout}", probe.Fail, "no such trace since the step began")
	const server, client = tracepb.Span_SPAN_KIND_SERVER, tracepb.Span_SPAN_KIND_CLIENT
	s.add(t, 0xab, []string{"checkout", "productcatalogservice"},
		span{service: "checkout", name: "shop.Checkout/PlaceOrder", id: 1, kind: server, took: 2 * time.Second},
		span{service: "checkout", name: "shop.Payment/Charge", id: 2, parent: 1, kind: client, took: time.Second, failed: true},
		span{service: "payment", name: "shop.Payment/Charge", id: 3, parent: 2, kind: server, took: time.Second, failed: true, attribute: "visa"},
		span{service: "payment", name: "shop.Payment/Charge", id: 4, parent: 1, kind: server, took: time.Millisecond, attribute: "visa"},
	)
	r := s.want(t, "trace: {service: checkout, services: [checkout, catalog]}", probe.Pass, "1 trace, such as ab000000")
	if r.Look != "shopctl trace show ab"+strings.Repeat("0", 30) {
		t.Errorf("look %q", r.Look)
	}
	s.want(t, "trace: {services: [email]}", probe.Fail, "0 of 1 trace; trace ab000000: email does not take part")
	s.want(t, "trace: {service: checkout, without: [catalog]}", probe.Fail, "catalog takes part")
	s.want(t, "trace: {service: checkout, at_least: 2}", probe.Fail, "1 of 1 trace")
	for spanText, verdict := range map[string]probe.Verdict{
		"{service: payment, name: Charge, count: 2}":                                                probe.Pass,
		"{service: payment, name: Charge, count: {at_least: 3}}":                                    probe.Fail,
		"{name: Charge, kind: client}":                                                              probe.Pass,
		"{name: shop.Payment/Charge, count: 3}":                                                     probe.Pass,
		"{name: Charge, error: true, above: 500ms, count: 2}":                                       probe.Pass,
		"{service: payment, error: false, below: 500ms}":                                            probe.Pass,
		"{service: payment, parent: {service: checkout, name: PlaceOrder}, count: 2}":               probe.Pass,
		"{service: payment, parent: {service: catalog}}":                                            probe.Fail,
		"{service: payment, attributes: [{key: shop.card, equals: visa}], count: 2}":                probe.Pass,
		"{service: payment, attributes: [{key: shop.none, absent: true}]}":                          probe.Pass,
		"{service: payment, attributes: [{key: shop.card, contains: master}]}":                      probe.Fail,
		"{service: payment, name: Refund, count: 0}":                                                probe.Pass,
		"{service: checkout, name: PlaceOrder, parent: {service: checkout}}":                        probe.Fail,
		"{service: payment, name: Charge, kind: server, error: true, parent: {name: Charge}}":       probe.Pass,
		"{service: payment, name: Charge, kind: server, below: 500ms, parent: {service: payment}}":  probe.Fail,
		"{service: payment, name: Charge, kind: consumer}":                                          probe.Fail,
		"{service: payment, name: Charge, attributes: [{key: shop.card, matches: '^v'}], count: 2}": probe.Pass,
	} {
		s.want(t, "trace: {service: checkout, spans: ["+spanText+"]}", verdict, "")
	}
}

func TestATraceThatIsStillComingDecidesNothing(t *testing.T) {
	s := newScene(t)
	add := func(id byte, arriving bool) {
		t.Helper()
		summary := &controlpb.TraceSummary{TraceId: hexID(append([]byte{id}, make([]byte, 15)...)), Services: []string{"checkout"}, Start: timestamppb.New(noon), Arriving: arriving}
		if err := s.AddTrace(summary, &tracepb.TracesData{}); err != nil {
			t.Fatal(err)
		}
	}
	add(0xab, true)
	s.want(t, "trace: {services: [email]}", probe.Inconclusive, "spans of 1 trace are still coming")
	s.want(t, "trace: {services: [checkout], without: [email]}", probe.Inconclusive, "still coming")
	add(0xcd, false)
	s.want(t, "trace: {services: [email]}", probe.Fail, "0 of 1 trace; trace cd000000: email does not take part")
	s.want(t, "trace: {services: [checkout], without: [email]}", probe.Pass, "1 trace, such as cd000000")
}

func TestAnObjectIsComparedByItsFields(t *testing.T) {
	s := newScene(t)
	s.Put("Deployment", "productcatalogservice", `{"kind":"Deployment","metadata":{"labels":{"app.kubernetes.io/name":"catalog"}},
		"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"side"},{"name":"server","image":"catalog:v2"}]}}}}`)
	const object = "resource: {kind: Deployment, name: productcatalogservice, "
	r := s.want(t, object+"fields: [{path: spec.replicas, equals: 2}]}", probe.Fail, "deployment/productcatalogservice: spec.replicas 3")
	if r.Expected != "deployment/productcatalogservice: spec.replicas 2" || r.Look != "shopctl get deployment productcatalogservice -o yaml" {
		t.Errorf("expected %q, look %q", r.Expected, r.Look)
	}
	s.want(t, object+"fields: [{path: spec.replicas, at_least: 3}]}", probe.Pass, "3")
	s.want(t, object+"fields: [{path: 'spec.template.spec.containers[name=server].image', matches: ':v2$'}]}", probe.Pass, "catalog:v2")
	s.want(t, object+`fields: [{path: 'metadata.labels["app.kubernetes.io/name"]', equals: catalog}]}`, probe.Pass, "catalog")
	s.want(t, object+"absent: true}", probe.Fail, "is there")
	s.want(t, "resource: {kind: ConfigMap, name: none, absent: true}", probe.Pass, "does not exist")
	s.want(t, "resource: {kind: ConfigMap, name: none}", probe.Fail, "does not exist")
}

func TestAFileOfTheLearnersIsReadStrictly(t *testing.T) {
	s := newScene(t)
	const asked = "manifest: {file: cart.yaml, objects: [{kind: Service, name: cart, fields: [{path: 'spec.ports[0].port', equals: 7070}]}]}"
	s.want(t, asked, probe.Fail, "cart.yaml does not exist yet")
	for _, c := range []struct {
		content  string
		verdict  probe.Verdict
		observed string
	}{
		{"apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec:\n  prots: []\n", probe.Fail, "cart.yaml:5:"},
		{"apiVersion: v1\nkind: Service\nmetadata: {name: card}\nspec: {ports: [{port: 7070}]}\n", probe.Fail, `there is no Service cart; did you mean "Service card"?`},
		{"apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {ports: [{port: 80}]}\n", probe.Fail, "spec.ports[0].port 80"},
		{"apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {ports: [{port: 7070}]}\n---\n", probe.Pass, "spec.ports[0].port 7070"},
	} {
		if err := os.WriteFile(filepath.Join(s.env.Workspace, "cart.yaml"), []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		s.want(t, asked, c.verdict, c.observed)
	}
	s.want(t, "manifest: {file: cart.yaml}", probe.Pass, "1 objects")
	s.want(t, "manifest: {file: cart.yaml, objects: [{kind: svc, name: cart}]}", probe.Pass, "Service cart: is there")
}

// tester answers as if tests had run.
type tester struct {
	out string
	ok  bool
	err error
	ran probe.TestRun
}

func (f *tester) Test(_ context.Context, t probe.TestRun) (string, bool, error) {
	f.ran = t
	return f.out, f.ok, f.err
}

func TestTheLearnersTestsAreRunForOurOwnLessonsOnly(t *testing.T) {
	s := newScene(t)
	s.want(t, "gotest: {dir: catalog}", probe.Inconclusive, "only built-in lessons")
	f := &tester{out: "ok  	catalog	0.01s\n", ok: true}
	s.env.Tester = f
	s.want(t, "gotest: {dir: catalog, run: TestPrice}", probe.Pass, "the tests pass")
	if f.ran.Dir != filepath.Join(s.env.Workspace, "catalog") || f.ran.Run != "TestPrice" || f.ran.Limit != time.Minute {
		t.Errorf("ran %+v", f.ran)
	}
	s.want(t, "gotest: {fails: true}", probe.Fail, "the tests pass")
	f.out = "testing: warning: no tests to run\nPASS\n"
	s.want(t, "gotest: {run: TestNone}", probe.Fail, "there are no such tests yet")
	f.out, f.ok = "--- FAIL: TestPrice (0.00s)\n    price_test.go:9: got 1, want 2\nFAIL\n", false
	s.want(t, "gotest: {}", probe.Fail, "price_test.go:9: got 1, want 2")
	s.want(t, "gotest: {fails: true, says: 'want 2'}", probe.Pass, "price_test.go:9")
	s.want(t, "gotest: {fails: true, says: 'want 3'}", probe.Fail, "price_test.go:9")
	f.err = errors.New("there is no go command on this machine")
	s.want(t, "gotest: {}", probe.Inconclusive, "no go command")
}
