package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
)

// tracedShop keeps the traces of testdata/traces.json.
type tracedShop struct {
	fakeShop
	file  *fileTraces
	lists []*controlpb.ListTracesRequest
	ids   []string
}

const tracesFile = "testdata/traces.json"

func newTracedShop(t *testing.T) *tracedShop {
	t.Helper()
	file, err := openTraces(tracesFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &tracedShop{file: file}
	s.status = threeServices()
	return s
}

func (s *tracedShop) ListTraces(ctx context.Context, req *controlpb.ListTracesRequest) (*controlpb.ListTracesResponse, error) {
	s.lists = append(s.lists, req)
	if s.fail != nil {
		return nil, s.fail
	}
	resp, err := s.file.list(ctx, nil, 20)
	resp.Store = &controlpb.TraceStore{Traces: 2, Spans: 13, Bytes: 5000, MaxBytes: 32 << 20, Received: 15, Refused: 1, Evicted: 2, Forward: "http://collector:4318", Forwarded: 3, ForwardDropped: 4}
	return resp, err
}

func (s *tracedShop) GetTrace(ctx context.Context, req *controlpb.GetTraceRequest) (*controlpb.GetTraceResponse, error) {
	s.ids = append(s.ids, req.GetId())
	if s.fail != nil {
		return nil, s.fail
	}
	data, err := s.file.get(ctx, req.GetId(), nil)
	if err != nil {
		return nil, control.Error(codes.NotFound, "no trace "+req.GetId(), "shopctl trace list", 1)
	}
	otlp, err := proto.Marshal(data)
	return &controlpb.GetTraceResponse{Otlp: otlp}, err
}

func (s *tracedShop) FollowTraces(_ *controlpb.FollowTracesRequest, stream grpc.ServerStreamingServer[controlpb.TraceSummary]) error {
	for _, t := range s.file.traces {
		if err := stream.Send(summarize(t)); err != nil {
			return err
		}
	}
	return nil
}

func TestTracesAreShownAsTheGoldensSay(t *testing.T) {
	for name, args := range map[string][]string{
		"trace-list.golden":          {"trace", "list"},
		"trace-list-json.golden":     {"trace", "list", "-o", "json"},
		"trace-list-name.golden":     {"trace", "list", "-o", "name"},
		"trace-show.golden":          {"trace", "show", "4bf92f"},
		"trace-show-json.golden":     {"trace", "show", "4bf92f", "-o", "json"},
		"trace-show-logs.golden":     {"trace", "show", "4bf92f", "--logs", "--ascii"},
		"trace-show-attr.golden":     {"trace", "show", "4bf92f", "--attributes", "rpc.response.status_code,server.address"},
		"trace-show-linear.golden":   {"trace", "show", "4bf92f", "--accessible"},
		"trace-sequence.golden":      {"trace", "sequence", "4bf92f"},
		"trace-sequence-json.golden": {"trace", "sequence", "4bf92f", "-o", "json"},
		"trace-diff.golden":          {"trace", "diff", "5cf92f", "4bf92f"},
		"trace-diff-json.golden":     {"trace", "diff", "5cf92f", "4bf92f", "-o", "json"},
		"trace-follow.golden":        {"trace", "follow"},
	} {
		t.Run(name, func(t *testing.T) {
			shop := newTracedShop(t)
			shop.lines = []*controlpb.LogLine{
				{Service: "payment", Level: "warn", Message: "call failed", TraceId: "4bf92f3577b34da6a3ce929d0e0e4736", SpanId: "0000000000000008", Raw: `{"message":"call failed","code":"UNAVAILABLE","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}`},
				{Service: "cart", Level: "info", Message: "elsewhere", TraceId: "4bf92f3577b34da6a3ce929d0e0e4736", SpanId: "00000000000000ff", Raw: `{"message":"elsewhere"}`},
			}
			w := newWorld(t).serve(shop)
			w.want(exitOK, args...)
			w.golden(name)
		})
	}
}

func TestTracesAreAskedForAsTheFlagsSay(t *testing.T) {
	shop := newTracedShop(t)
	w := newWorld(t).serve(shop)
	w.want(exitOK, "trace", "list", "--service", "catalog", "--operation", "Get", "--error", "--slower", "200ms", "--faster", "2s", "--since", "5m", "--limit", "7")
	want := &controlpb.ListTracesRequest{Limit: 7, Filter: &controlpb.TraceFilter{
		Service: "catalog", Operation: "Get", Error: true, MinDuration: durationpb.New(200 * time.Millisecond), MaxDuration: durationpb.New(2 * time.Second), Since: ago(5 * time.Minute),
	}}
	if d := cmp.Diff(want, shop.lists[0], protocmp.Transform()); d != "" {
		t.Errorf("request (-want +got):\n%s", d)
	}
	w.wantErr("next: shopctl trace show 4bf92f3577b3\n", "warning: 4 requests with spans were not forwarded to http://collector:4318")
	w.want(exitOK, "trace", "show", "last")
	w.wantErr("next: shopctl logs --trace 4bf92f3577b3\n", "next: shopctl trace sequence 4bf92f3577b3\n")
	if shop.ids[0] != "last" {
		t.Errorf("asked for %v", shop.ids)
	}
	w.want(exitOK, "logs", "--trace", "4bf9", "--span", "00", "--level", "warn", "--grep", "a.b")
	w.wantErr("next: shopctl trace show 4bf9\n")
	wantLogs := &controlpb.LogsRequest{TraceId: "4bf9", SpanId: "00", Level: "warn", Grep: "a.b"}
	if d := cmp.Diff(wantLogs, shop.logs[0], protocmp.Transform()); d != "" {
		t.Errorf("request (-want +got):\n%s", d)
	}
}

func TestTraceCommandsThatMakeNoSenseAreExplained(t *testing.T) {
	w := newWorld(t).serve(newTracedShop(t))
	empty := filepath.Join(t.TempDir(), "empty.json")
	if err := os.WriteFile(empty, []byte(`{"resourceSpans":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"trace", "show"},
		{"trace", "shw", "last"},
		{"trace", "diff", "last"},
		{"trace", "sequence", "a", "b"},
		{"trace", "list", "x"},
		{"trace", "list", "--limit", "0"},
		{"trace", "list", "--slower", "-1s"},
		{"trace", "list", "--slower", "2s", "--faster", "1s"},
		{"trace", "list", "--since", "yesterday"},
		{"trace", "list", "-o", "otlp"},
		{"trace", "open"},
		{"trace", "open", "nowhere.json"},
		{"trace", "open", "trace_test.go"},
		{"trace", "open", empty},
		{"trace", "open", tracesFile, "shw"},
		{"trace", "open", tracesFile, "diff", "a"},
		{"trace", "open", tracesFile, "show", ""},
		{"trace", "open", tracesFile, "-o", "otlp"},
		{"up", "--otlp-forward", "ftp://x"},
	} {
		w.want(exitUsage, args...)
		w.wantErr("shopctl: error: ", "shopctl: hint: ")
	}
	w.want(exitFailed, "trace", "show", "ffff")
	w.wantErr("no trace ffff", "hint: shopctl trace list")
	w.want(exitFailed, "trace", "open", tracesFile, "show", "ffff")
	w.wantErr("no trace ffff in "+tracesFile, "hint: shopctl trace open "+tracesFile)
}

func TestAFileIsOpenedWithTheShopDown(t *testing.T) {
	w := newWorld(t)
	for _, args := range [][]string{{"trace", "list"}, {"trace", "show", "last"}, {"trace", "follow"}, {"trace", "diff", "a", "b"}, {"trace", "sequence", "a"}} {
		w.want(exitNotRunning, args...)
		w.wantErr("hint: shopctl up")
	}
	w.want(exitOK, "trace", "open", tracesFile)
	w.wantOut("4bf92f3577b3", "5cf92f3577b3", "frontend POST /cart/checkout")
	w.want(exitOK, "trace", "open", tracesFile, "list", "--service", "redis-cart")
	w.wantErr("no traces found")
	w.want(exitOK, "trace", "open", tracesFile, "list", "--service", "payment", "--error", "-o", "name")
	if w.out.String() != "4bf92f3577b34da6a3ce929d0e0e4736\n" {
		t.Errorf("printed %q", w.out.String())
	}
	w.want(exitOK, "trace", "open", tracesFile, "show", "4bf9")
	w.wantOut("payment Charge", "fault f1 UNAVAILABLE", "try 2 of 2")
	w.want(exitOK, "trace", "open", tracesFile, "sequence", "5cf9", "--accessible")
	w.wantOut("frontend calls checkout: PlaceOrder")
	w.want(exitOK, "trace", "open", tracesFile, "diff", "5cf9", "4bf9")
	w.wantOut("where the difference lies: ")
	w.want(exitOK, "__complete", "trace", "open", tracesFile, "show", "")
	w.wantOut("last\n", "4bf92f3577b3\n")

	// What is written can be opened again, and one trace alone is shown.
	w.want(exitOK, "trace", "open", tracesFile, "show", "4bf9", "-o", "otlp")
	one := filepath.Join(t.TempDir(), "one.json")
	if err := os.WriteFile(one, w.out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	w.f.IO.In = bytes.NewReader(w.out.Bytes())
	w.want(exitOK, "trace", "open", "-")
	w.wantOut("trace 4bf92f3577b34da6a3ce929d0e0e4736")
	w.want(exitOK, "trace", "open", one, "-o", "json")
	var view traceView
	if err := json.Unmarshal(w.out.Bytes(), &view); err != nil || view.TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" || len(view.Spans) != 10 || view.Retries != 1 || view.Faults != 1 {
		t.Errorf("%v in %s", err, w.out.String())
	}
}

func TestTraceIDsComplete(t *testing.T) {
	w := newWorld(t).serve(newTracedShop(t))
	for _, args := range [][]string{{"trace", "show", ""}, {"trace", "sequence", ""}, {"trace", "diff", "a", ""}, {"logs", "--trace", ""}} {
		w.want(exitOK, append([]string{"__complete"}, args...)...)
		w.wantOut("last\tthe newest trace\n", "4bf92f3577b3\tfrontend POST /cart/checkout, 100ms, error\n")
	}
	w.want(exitOK, "__complete", "trace", "list", "--service", "")
	w.wantOut("payment\n")
	w.want(exitOK, "__complete", "trace", "show", "a", "")
	if strings.Contains(w.out.String(), "4bf9") {
		t.Errorf("a second trace is offered: %s", w.out.String())
	}
}

func TestSpansOfOneTraceAloneAreTaken(t *testing.T) {
	file, err := openTraces(tracesFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, tr := range file.traces {
		spans, _ := trace.Spans(only(file.data, tr.ID))
		for _, s := range spans {
			if s.Trace != tr.ID {
				t.Errorf("a span of %s in %s", s.Trace, tr.ID)
			}
		}
		total += len(spans)
	}
	if all, _ := trace.Spans(file.data); total != len(all) {
		t.Errorf("%d spans of %d", total, len(all))
	}
}
