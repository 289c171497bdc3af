package daemon

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/trace"
)

// traced is a context whose calls belong to a trace with that id.
func traced(ctx context.Context, id string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "traceparent", "00-"+id+"-00f067aa0ba902b7-01")
}

// assembled is a trace that the daemon returned.
func assembled(t *testing.T, resp *controlpb.GetTraceResponse) *trace.Trace {
	t.Helper()
	data := &tracepb.TracesData{}
	if err := proto.Unmarshal(resp.GetOtlp(), data); err != nil {
		t.Fatal(err)
	}
	spans, refused := trace.Spans(data)
	traces := trace.Assemble(spans)
	if len(traces) != 1 || refused != 0 {
		t.Fatalf("%d traces, %d refused", len(traces), refused)
	}
	return traces[0]
}

func TestACallIsSeenAsATrace(t *testing.T) {
	c := open(t, home(t), only("currency"))
	client := currency(t, c)
	follow, err := c.FollowTraces(t.Context(), &controlpb.FollowTracesRequest{Filter: &controlpb.TraceFilter{Service: "currencyservice"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := follow.Header(); err != nil {
		t.Fatal(err)
	}
	const first, second = "4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4737"
	if _, err := client.GetSupportedCurrencies(traced(t.Context(), first), &hipstershop.Empty{}); err != nil {
		t.Fatal(err)
	}
	resp, err := c.GetTrace(t.Context(), &controlpb.GetTraceRequest{Id: first})
	if err != nil {
		t.Fatal(err)
	}
	tr := assembled(t, resp)
	if root := tr.Root(); root.Service != "currencyservice" || root.Operation() != "GetSupportedCurrencies" || root.Kind != trace.Server || root.Code != "OK" || root.Protocol != "grpc" || !tr.Entered() {
		t.Errorf("root %+v", tr.Root())
	}
	if got, err := follow.Recv(); err != nil || got.GetTraceId() != first {
		t.Errorf("followed %v, %v", got, err)
	}
	_, err = c.InjectFault(t.Context(), &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Service: "currency", Error: "UNAVAILABLE", Percent: 100}})
	if err != nil {
		t.Fatal(err)
	}
	for { // the instance learns of the fault over its lifeline
		if _, err := client.GetSupportedCurrencies(traced(t.Context(), second), &hipstershop.Empty{}); err != nil {
			break
		}
	}
	if resp, err = c.GetTrace(t.Context(), &controlpb.GetTraceRequest{Id: second}); err != nil {
		t.Fatal(err)
	}
	spans := assembled(t, resp).Spans
	if last := spans[len(spans)-1]; last.Fault == "" || last.Effect != "UNAVAILABLE" || !last.Error {
		t.Errorf("the span of a call that a fault hit: %+v", last)
	}
	list, err := c.ListTraces(t.Context(), &controlpb.ListTracesRequest{Filter: &controlpb.TraceFilter{Service: "currency", Error: true, Operation: "supported"}})
	if err != nil || len(list.GetTraces()) != 1 || list.GetTraces()[0].GetTraceId() != second || list.GetStore().GetReceived() < 2 {
		t.Errorf("failed traces: %v, %v", list, err)
	}
}

// postSpan sends a span of a second as any program may that has no library.
func postSpan(t *testing.T, endpoint, id, service string) {
	t.Helper()
	body := fmt.Sprintf(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":%q}}]},"scopeSpans":[{"spans":[
		{"traceId":%q,"spanId":"eee19b7ec3c1b174","name":"bill","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000"}]}]}]}`, service, id)
	transport := &http.Transport{DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("post a span: %s %s %v", resp.Status, text, err)
	}
}

func TestLogsAreFoundByTraceLevelAndText(t *testing.T) {
	c := open(t, home(t), only("currency"))
	client := currency(t, c)
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	_, err := client.Convert(traced(t.Context(), id), &hipstershop.CurrencyConversionRequest{From: &hipstershop.Money{CurrencyCode: "XXX"}, ToCode: "EUR"})
	if err == nil {
		t.Fatal("an unknown currency is converted")
	}
	logs := func(req *controlpb.LogsRequest) []*controlpb.LogLine {
		return drain(t, func() (grpc.ServerStreamingClient[controlpb.LogLine], error) { return c.Logs(t.Context(), req) })
	}
	stream, err := c.Logs(t.Context(), &controlpb.LogsRequest{Follow: true, TraceId: id[:9]})
	if err != nil {
		t.Fatal(err)
	}
	line, err := stream.Recv() // what is not written yet is followed
	if err != nil || line.GetTraceId() != id || len(line.GetSpanId()) != 16 {
		t.Fatalf("the line of the trace: %v, %v", line, err)
	}
	resp, err := c.GetTrace(t.Context(), &controlpb.GetTraceRequest{Id: id})
	if err != nil {
		t.Fatal(err)
	}
	if root := assembled(t, resp).Root(); root.Span.String() != line.GetSpanId() {
		t.Errorf("the line belongs to span %s, the trace has %s", line.GetSpanId(), root.Span)
	}
	for name, req := range map[string]*controlpb.LogsRequest{
		"by trace":             {TraceId: strings.ToUpper(id)},
		"by the newest trace":  {TraceId: "last"},
		"by span":              {SpanId: line.GetSpanId()[:6]},
		"by a text":            {Grep: `call.failed.*XXX`},
		"by trace and level":   {TraceId: id, Level: "info"},
		"by all of them, late": {TraceId: id, SpanId: line.GetSpanId(), Level: "Information", Grep: "(?i)CALL FAILED", Tail: 1},
	} {
		if got := logs(req); len(got) != 1 || got[0].GetRaw() != line.GetRaw() {
			t.Errorf("%s: %d lines %v", name, len(got), got)
		}
	}
	for name, req := range map[string]*controlpb.LogsRequest{
		"of a worse level":    {TraceId: id, Level: "error"},
		"of another trace":    {TraceId: "aaaa"},
		"of another span":     {TraceId: id, SpanId: "0000"},
		"without such a text": {Grep: "nobody ever wrote this"},
	} {
		if got := logs(req); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLogQueriesThatCannotWorkAreExplained(t *testing.T) {
	c := open(t, home(t), only("currency"))
	for what, req := range map[string]*controlpb.LogsRequest{
		"regular expression": {Grep: "("}, "not a trace id": {TraceId: "xyz"}, "not a span id": {SpanId: "xyz"}, `unknown level "loud"`: {Level: "loud"},
	} {
		stream, err := c.Logs(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		_, err = stream.Recv()
		if hint, exit, _ := control.HintOf(err); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), what) || hint == "" || exit != 2 {
			t.Errorf("%s: %v, hint %q", what, err, hint)
		}
	}
}

func TestTwoShopsTakeSpansSideBySideAndForwardThem(t *testing.T) {
	far := open(t, home(t), only("currency"))
	st, err := far.Status(t.Context(), &controlpb.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	near := open(t, home(t), func(c *Config) {
		c.Only = []string{"currency"}
		c.SpansGRPC, c.SpansHTTP = st.GetOtlpEndpoint(), strings.TrimSuffix(strings.TrimPrefix(st.GetOtlpHttpEndpoint(), "http://"), "/v1/traces")
		c.SpansForward = st.GetOtlpEndpoint()
	})
	second, err := near.Status(t.Context(), &controlpb.StatusRequest{})
	if err != nil || second.GetOtlpEndpoint() == st.GetOtlpEndpoint() || second.GetOtlpHttpEndpoint() == st.GetOtlpHttpEndpoint() {
		t.Fatalf("the second takes spans at %s and %s: %v", second.GetOtlpEndpoint(), second.GetOtlpHttpEndpoint(), err)
	}
	const id = "ab0102030405060708090a0b0c0d0e0f"
	postSpan(t, second.GetOtlpHttpEndpoint(), id, "billing")
	if _, err := far.GetTrace(t.Context(), &controlpb.GetTraceRequest{Id: id}); err != nil {
		t.Errorf("the other shop did not get it: %v", err)
	}
	for { // it is counted when the other shop's answer has come
		list, err := near.ListTraces(t.Context(), &controlpb.ListTracesRequest{})
		if err != nil || list.GetStore().GetForward() != st.GetOtlpEndpoint() || list.GetStore().GetForwardDropped() != 0 {
			t.Fatalf("store %v, %v", list.GetStore(), err)
		}
		if list.GetStore().GetForwarded() > 0 {
			return
		}
	}
}

func TestAnEndpointThatMakesNoSenseIsRefusedAtOnce(t *testing.T) {
	vars := home(t)
	var said bytes.Buffer
	err := Run(t.Context(), Config{Name: "default", Getenv: func(k string) string { return vars[k] }, Environ: environ(vars), SpansForward: "ftp://x"}, &said)
	if hint, _, _ := control.HintOf(err); status.Code(err) != codes.InvalidArgument || !strings.Contains(hint, "--otlp-forward") || !strings.Contains(said.String(), "ftp") {
		t.Errorf("%v, hint %q, said %q", err, hint, said.String())
	}
}

func TestCommandsKnowWhereSpansGo(t *testing.T) {
	inherited := commandEnviron([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://elsewhere", "SHOPCTL_NAME=x", "OTEL_RESOURCE_ATTRIBUTES=a=b", "EDITOR=vi"})
	if want := []string{"OTEL_RESOURCE_ATTRIBUTES=a=b", "EDITOR=vi"}; !slices.Equal(inherited, want) {
		t.Errorf("a command inherits %v, want %v", inherited, want)
	}
}

const secretCard, secretCVV = "4111111111111111", "917"

// buy orders something at a storefront, and returns the value of the visitor's cookie.
func buy(t *testing.T, storefront string) (session string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	visit := func(path string, form url.Values) string {
		resp, err := browser.PostForm(storefront+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	visit("/setCurrency", url.Values{"currency_code": {"EUR"}})
	visit("/cart", url.Values{"product_id": {"OLJCESPC7Z"}, "quantity": {"2"}})
	page := visit("/cart/checkout", url.Values{
		"email": {"someone@example.com"}, "street_address": {"1 Way"}, "zip_code": {"94043"}, "city": {"Mountain View"}, "state": {"CA"}, "country": {"United States"},
		"credit_card_number": {secretCard}, "credit_card_expiration_month": {"1"}, "credit_card_expiration_year": {"2999"}, "credit_card_cvv": {secretCVV},
	})
	if !strings.Contains(page, "Your order is complete") {
		t.Fatalf("not ordered:\n%s", page)
	}
	at, err := url.Parse(storefront)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range jar.Cookies(at) {
		if len(cookie.Value) > 20 {
			return cookie.Value
		}
	}
	t.Fatal("the visitor has no session")
	return ""
}

func TestAnOrderIsOneTraceAndWhatIsKeptHoldsNoSecret(t *testing.T) {
	c := open(t, home(t), nil)
	st := await(t, c, "the shop is ready", ready)
	follow, err := c.FollowTraces(t.Context(), &controlpb.FollowTracesRequest{Filter: &controlpb.TraceFilter{Service: "frontend", Operation: "/cart/checkout"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := follow.Header(); err != nil {
		t.Fatal(err)
	}
	secrets := []string{secretCard, secretCard[:12], buy(t, st.GetUrl())}
	order, err := follow.Recv()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.GetTrace(t.Context(), &controlpb.GetTraceRequest{Id: order.GetTraceId()})
	if err != nil {
		t.Fatal(err)
	}
	tr := assembled(t, resp)
	want := []string{"cartservice", "checkoutservice", "currencyservice", "emailservice", "frontend", "paymentservice", "productcatalogservice", "shippingservice"}
	if got := slices.Sorted(slices.Values(tr.Services)); !slices.Equal(got, want) || len(tr.Roots) != 1 || tr.Count(trace.Orphan)+tr.Count(trace.Skewed)+tr.Count(trace.Duplicate) > 0 {
		t.Errorf("an order passes through %v, with %d roots", got, len(tr.Roots))
	}
	list, err := c.ListTraces(t.Context(), &controlpb.ListTracesRequest{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{}
	for _, sum := range list.GetTraces() {
		resp, err := c.GetTrace(t.Context(), &controlpb.GetTraceRequest{Id: sum.GetTraceId()})
		if err != nil {
			t.Fatal(err)
		}
		kept["trace "+sum.GetTraceId()] = string(resp.GetOtlp())
	}
	for _, line := range drain(t, func() (grpc.ServerStreamingClient[controlpb.LogLine], error) {
		return c.Logs(t.Context(), &controlpb.LogsRequest{})
	}) {
		kept["log of "+line.GetService()+": "+line.GetRaw()] = line.GetRaw()
	}
	for where, text := range kept {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q", where, secret)
			}
		}
	}
	for _, s := range tr.Spans {
		for _, a := range s.Attributes {
			if a.Value == secretCVV {
				t.Errorf("%s holds the CVV in %s", s.Name, a.Key)
			}
		}
	}
}
