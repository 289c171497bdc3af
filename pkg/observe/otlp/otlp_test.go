package otlp

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/observe/spans"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receive starts a receiver over a store of its own.
func receive(t testing.TB, forward func([]byte, int)) (*Receiver, *spans.Store) {
	t.Helper()
	store := spans.New(spans.Config{Now: time.Now})
	r, err := Listen(Config{Store: store, Forward: forward})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r, store
}

// exported is a request of one span; body is an attribute's size.
func exported(name string, body int) *collectorpb.ExportTraceServiceRequest {
	return &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{
		TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: name,
		Attributes: []*commonpb.KeyValue{{Key: "body", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: strings.Repeat("x", body)}}}},
	}}}}}}}
}

func encode(t testing.TB, m proto.Message) []byte {
	t.Helper()
	out, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func zip(t testing.TB, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func client(t testing.TB, addr string, options ...grpc.DialOption) collectorpb.TraceServiceClient {
	t.Helper()
	conn, err := grpc.NewClient(addr, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return collectorpb.NewTraceServiceClient(conn)
}

func TestSpansAreTakenOverGRPC(t *testing.T) {
	r, store := receive(t, nil)
	c := client(t, r.GRPC())
	for _, options := range [][]grpc.CallOption{nil, {grpc.UseCompressor(grpcgzip.Name)}} {
		resp, err := c.Export(t.Context(), exported("GetCart", 10), options...)
		if err != nil || resp.GetPartialSuccess() != nil {
			t.Errorf("export: %v %v", resp, err)
		}
	}
	if got := store.List(spans.Filter{Operation: "GetCart"}, 10); len(got) != 1 || got[0].Spans != 2 {
		t.Errorf("traces %v", got)
	}
	bad := exported("bad", 0)
	bad.ResourceSpans[0].ScopeSpans[0].Spans[0].TraceId = nil
	resp, err := c.Export(t.Context(), bad)
	if err != nil || resp.GetPartialSuccess().GetRejectedSpans() != 1 || resp.GetPartialSuccess().GetErrorMessage() == "" {
		t.Errorf("a span without an id: %v %v", resp, err)
	}
	if _, err := c.Export(t.Context(), exported("x", 10<<20)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("10 MB: %v", err)
	}
	if st := store.Stats(); st.Received != 2 || st.Refused != 2 {
		t.Errorf("stats %+v", st)
	}
}

func TestMalformedProtobufIsAnInvalidArgument(t *testing.T) {
	r, store := receive(t, nil)
	conn, err := grpc.NewClient(r.GRPC(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(newRawCodec())))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Invoke(t.Context(), exportMethod, rawMessage("\x0a\xff\xff"), &collectorpb.ExportTraceServiceResponse{})
	if status.Code(err) != codes.InvalidArgument || store.Stats().Refused != 1 {
		t.Errorf("%v, stats %+v", err, store.Stats())
	}
}

// byHand is what a sender may write that has no library at all.
const byHand = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"by-hand"}}]},
"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"I am a span","kind":2,
"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000"}]}]}]}`

// httpCase is a request and its response.
type httpCase struct {
	method, kind, encoding, host, origin string
	body                                 []byte
	want                                 int
	says                                 string
	spans                                int
}

func httpCases(t *testing.T) map[string]httpCase {
	valid := encode(t, exported("GetCart", 10))
	noID := exported("bad", 0)
	noID.ResourceSpans[0].ScopeSpans[0].Spans[0].SpanId = nil
	return map[string]httpCase{
		"protobuf":              {body: valid, want: 200, spans: 1},
		"protobuf, zipped":      {body: zip(t, valid), encoding: "gzip", want: 200, spans: 1},
		"JSON":                  {kind: typeJSON, body: []byte(byHand), want: 200, spans: 1},
		"JSON, with a charset":  {kind: "application/json; charset=utf-8", body: []byte(byHand), want: 200, spans: 1},
		"JSON, zipped":          {kind: typeJSON, body: zip(t, []byte(byHand)), encoding: "gzip", want: 200, spans: 1},
		"nothing":               {want: 200},
		"nothing in JSON":       {kind: typeJSON, body: []byte("{}"), want: 200},
		"a span without an id":  {body: encode(t, noID), want: 200, says: "16 bytes"},
		"from a page of ours":   {body: valid, origin: "http://127.0.0.1:8080", want: 200, spans: 1},
		"GET":                   {method: "GET", want: 405, says: "want POST"},
		"malformed protobuf":    {body: valid[:len(valid)-3], want: 400, says: "read spans"},
		"malformed JSON":        {kind: typeJSON, body: []byte(byHand[:100]), want: 400, says: "OTLP/JSON"},
		"JSON of a wrong shape": {kind: typeJSON, body: []byte(`{"resourceSpans":[{"scopeSpans":7}]}`), want: 400, says: "OTLP/JSON"},
		"deep JSON":             {kind: typeJSON, body: []byte(strings.Repeat(`{"a":`, 100_000)), want: 400, says: "OTLP/JSON"},
		"malformed gzip":        {body: valid, encoding: "gzip", want: 400, says: "read request"},
		"another type":          {kind: "text/plain", body: valid, want: 415, says: "Content-Type"},
		"another encoding":      {body: valid, encoding: "br", want: 415, says: "Content-Encoding"},
		"10 MB":                 {body: encode(t, exported("x", 10<<20)), want: 413, says: "larger than 4 MB"},
		"10 MB, zipped":         {body: zip(t, encode(t, exported("x", 10<<20))), encoding: "gzip", want: 413, says: "larger than 4 MB"},
		"10 MB of JSON":         {kind: typeJSON, body: []byte(strings.Repeat(" ", 10<<20)), want: 413, says: "larger than 4 MB"},
		"a foreign host":        {body: valid, host: "shop.example", want: 403},
		"a foreign page":        {body: valid, origin: "http://evil.example", want: 403},
	}
}

func TestSpansAreTakenOverHTTP(t *testing.T) {
	for name, tt := range httpCases(t) {
		t.Run(name, func(t *testing.T) {
			r, store := receive(t, nil)
			resp, body := tt.send(t, r.HTTP())
			if resp.StatusCode != tt.want || store.Stats().Spans != tt.spans {
				t.Errorf("%s with %d spans, want %d with %d; %q", resp.Status, store.Stats().Spans, tt.want, tt.spans, body)
			}
			if tt.want == 403 {
				return
			}
			if refused := store.Stats().Refused; (refused == 0) != (tt.want == 200 && tt.says == "" || tt.want == 405) {
				t.Errorf("%d refused", refused)
			}
			checkResponse(t, resp, body, tt.says)
		})
	}
}

// send makes the request of a receiver at addr.
func (c httpCase) send(t *testing.T, addr string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), cmp.Or(c.method, http.MethodPost), "http://"+addr+Path, bytes.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = cmp.Or(c.host, addr)
	for key, value := range map[string]string{"Content-Type": cmp.Or(c.kind, typeProtobuf), "Content-Encoding": c.encoding, "Origin": c.origin} {
		if value != "" {
			req.Header.Set(key, value)
		}
	}
	resp, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// checkResponse reads a response by its content type.
func checkResponse(t *testing.T, resp *http.Response, body []byte, says string) {
	t.Helper()
	success, failure := &collectorpb.ExportTraceServiceResponse{}, &spb.Status{}
	var into proto.Message = failure
	if resp.StatusCode == http.StatusOK {
		into = success
	}
	read := proto.Unmarshal
	if resp.Header.Get("Content-Type") == typeJSON {
		read = protojson.Unmarshal
	}
	if err := read(body, into); err != nil {
		t.Fatalf("the response %q is not a %s: %v", body, into.ProtoReflect().Descriptor().Name(), err)
	}
	if text := failure.GetMessage() + success.GetPartialSuccess().GetErrorMessage(); !strings.Contains(text, says) {
		t.Errorf("the response reads %q, want %q", text, says)
	}
}

func TestAPageOfThisMachineMayAskFirst(t *testing.T) {
	r, _ := receive(t, nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://"+r.HTTP()+Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "http://localhost:8080")
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 204 || resp.Header.Get("Access-Control-Allow-Origin") != "http://localhost:8080" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}

func TestASenderThatIsOneTooManyIsRefusedWithARetry(t *testing.T) {
	r, store := receive(t, nil)
	for range maxReceiving {
		r.turns.all <- struct{}{}
	}
	if _, err := client(t, r.GRPC()).Export(t.Context(), exported("x", 0)); status.Code(err) != codes.ResourceExhausted || len(status.Convert(err).Details()) != 1 {
		t.Errorf("over gRPC: %v", err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.HTTP()+Path, bytes.NewReader(encode(t, exported("x", 0))))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", typeProtobuf)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "1" || store.Stats().Refused != 2 {
		t.Errorf("over HTTP: %s, %d refused", resp.Status, store.Stats().Refused)
	}
}

func TestAPortThatIsTakenIsLeftAlone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r, err := Listen(Config{GRPC: l.Addr().String(), HTTP: l.Addr().String(), Store: spans.New(spans.Config{Now: time.Now})})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.GRPC() == l.Addr().String() || r.HTTP() == l.Addr().String() {
		t.Errorf("listening at %s and %s", r.GRPC(), r.HTTP())
	}
}

func TestASilentConnectionBlocksNoOther(t *testing.T) {
	r, store := receive(t, nil)
	for _, addr := range []string{r.GRPC(), r.HTTP()} {
		silent, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		half, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer half.Close()
		if _, err := half.Write([]byte("PO")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client(t, r.GRPC()).Export(t.Context(), exported("x", 0)); err != nil || store.Stats().Spans != 1 {
		t.Errorf("export: %v, %d spans", err, store.Stats().Spans)
	}
} // the receiver closes with the silent connections open

func FuzzJSON(f *testing.F) {
	f.Add([]byte(byHand))
	f.Add([]byte(`{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"AAAA"}]}]}]}`))
	f.Add([]byte(" \x8a0")) // quoted in the error
	r, store := receive(f, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := http.NewRequest(http.MethodPost, "http://"+r.HTTP()+Path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", typeJSON)
		w := newDiscard()
		r.serveTraces(w, req)
		if w.code != 200 && w.code != 400 {
			t.Errorf("responded with %d", w.code)
		}
		if st := store.Stats(); st.Bytes > st.MaxBytes {
			t.Errorf("%d bytes are kept", st.Bytes)
		}
	})
}

// discard is a response without a reader.
type discard struct {
	header http.Header
	code   int
}

func newDiscard() *discard                        { return &discard{header: http.Header{}} }
func (a *discard) Header() http.Header            { return a.header }
func (a *discard) WriteHeader(code int)           { a.code = code }
func (a *discard) Write(text []byte) (int, error) { return len(text), nil }
