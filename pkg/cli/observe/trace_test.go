package observe_test

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

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/cli/observe"
	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// tracedShop keeps the traces of testdata/traces.json.
type tracedShop struct {
	clitest.FakeShop
	file  *observe.FileTraces
	lists []*controlpb.ListTracesRequest
	ids   []string
}

const tracesFile = "testdata/traces.json"

func newTracedShop(t *testing.T) *tracedShop {
	t.Helper()
	file, err := observe.OpenTraces(tracesFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &tracedShop{file: file}
	s.Current = clitest.ThreeServices()
	return s
}

func (s *tracedShop) ListTraces(ctx context.Context, req *controlpb.ListTracesRequest) (*controlpb.ListTracesResponse, error) {
	s.lists = append(s.lists, req)
	if s.Fail != nil {
		return nil, s.Fail
	}
	resp, err := s.file.List(ctx, nil, 20)
	resp.Store = &controlpb.TraceStore{Traces: 2, Spans: 13, Bytes: 5000, MaxBytes: 32 << 20, Received: 15, Refused: 1, Evicted: 2, Forward: "http://collector:4318", Forwarded: 3, ForwardDropped: 4}
	return resp, err
}

func (s *tracedShop) GetTrace(ctx context.Context, req *controlpb.GetTraceRequest) (*controlpb.GetTraceResponse, error) {
	s.ids = append(s.ids, req.GetId())
	if s.Fail != nil {
		return nil, s.Fail
	}
	data, err := s.file.Get(ctx, req.GetId(), nil)
	if err != nil {
		return nil, control.Error(codes.NotFound, "no trace "+req.GetId(), "shopctl trace list", 1)
	}
	otlp, err := proto.Marshal(data)
	return &controlpb.GetTraceResponse{Otlp: otlp}, err
}

func (s *tracedShop) FollowTraces(_ *controlpb.FollowTracesRequest, stream grpc.ServerStreamingServer[controlpb.TraceSummary]) error {
	for _, t := range s.file.Traces {
		if err := stream.Send(observe.Summarize(t)); err != nil {
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
			shop.Lines = []*controlpb.LogLine{
				{Service: "payment", Level: "warn", Message: "call failed", TraceId: "4bf92f3577b34da6a3ce929d0e0e4736", SpanId: "0000000000000008", Raw: `{"message":"call failed","code":"UNAVAILABLE","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}`},
				{Service: "cart", Level: "info", Message: "elsewhere", TraceId: "4bf92f3577b34da6a3ce929d0e0e4736", SpanId: "00000000000000ff", Raw: `{"message":"elsewhere"}`},
			}
			w := clitest.NewWorld(t).Serve(shop)
			w.Want(cmdutil.ExitOK, args...)
			w.Golden(name)
		})
	}
}

func TestTracesAreRequestedByTheFlags(t *testing.T) {
	shop := newTracedShop(t)
	w := clitest.NewWorld(t).Serve(shop)
	w.Want(cmdutil.ExitOK, "trace", "list", "--service", "catalog", "--operation", "Get", "--error", "--slower", "200ms", "--faster", "2s", "--since", "5m", "--limit", "7")
	want := &controlpb.ListTracesRequest{Limit: 7, Settle: true, Filter: &controlpb.TraceFilter{
		Service: "catalog", Operation: "Get", Error: true, MinDuration: durationpb.New(200 * time.Millisecond), MaxDuration: durationpb.New(2 * time.Second), Since: clitest.Ago(5 * time.Minute),
	}}
	if d := cmp.Diff(want, shop.lists[0], protocmp.Transform()); d != "" {
		t.Errorf("request (-want +got):\n%s", d)
	}
	w.WantErr("next: shopctl trace show 4bf92f35\n", "warning: 4 spans were not forwarded to http://collector:4318")
	w.Want(cmdutil.ExitOK, "trace", "show", "last")
	w.WantErr("next: shopctl logs --trace 4bf92f35\n", "next: shopctl trace sequence 4bf92f35\n")
	if shop.ids[0] != "last" {
		t.Errorf("asked for %v", shop.ids)
	}
	w.Want(cmdutil.ExitOK, "logs", "--trace", "4bf9", "--span", "00", "--level", "warn", "--grep", "a.b")
	w.WantErr("next: shopctl trace show 4bf9\n")
	wantLogs := &controlpb.LogsRequest{TraceId: "4bf9", SpanId: "00", Level: "warn", Grep: "a.b"}
	if d := cmp.Diff(wantLogs, shop.LogRequests[0], protocmp.Transform()); d != "" {
		t.Errorf("request (-want +got):\n%s", d)
	}
}

func TestTraceCommandsThatMakeNoSenseAreExplained(t *testing.T) {
	w := clitest.NewWorld(t).Serve(newTracedShop(t))
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
		{"trace", "list", "--min-duration", "-1s"},
		{"trace", "list", "--min-duration", "2s", "--max-duration", "1s"},
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
		w.Want(cmdutil.ExitUsage, args...)
		w.WantErr("shopctl: error: ", "shopctl: hint: ")
	}
	w.Want(cmdutil.ExitFailed, "trace", "show", "ffff")
	w.WantErr("no trace ffff", "hint: shopctl trace list")
	w.Want(cmdutil.ExitFailed, "trace", "open", tracesFile, "show", "ffff")
	w.WantErr("no trace ffff in "+tracesFile, "hint: shopctl trace open "+tracesFile)
}

func TestAFileIsOpenedWithTheShopDown(t *testing.T) {
	w := clitest.NewWorld(t)
	for _, args := range [][]string{{"trace", "list"}, {"trace", "show", "last"}, {"trace", "follow"}, {"trace", "diff", "a", "b"}, {"trace", "sequence", "a"}} {
		w.Want(cmdutil.ExitNotRunning, args...)
		w.WantErr("hint: shopctl up")
	}
	w.Want(cmdutil.ExitOK, "trace", "open", tracesFile)
	w.WantOut("4bf92f35", "5cf92f35", "frontend POST /cart/checkout")
	w.Want(cmdutil.ExitOK, "trace", "open", tracesFile, "list", "--service", "redis-cart")
	w.WantErr("no traces found")
	w.Want(cmdutil.ExitOK, "trace", "open", tracesFile, "list", "--service", "payment", "--error", "-o", "name")
	if w.Out.String() != "4bf92f3577b34da6a3ce929d0e0e4736\n" {
		t.Errorf("printed %q", w.Out.String())
	}
	w.Want(cmdutil.ExitOK, "trace", "open", tracesFile, "show", "4bf9")
	w.WantOut("payment Charge", "fault f1 UNAVAILABLE", "try 2 of 2")
	w.Want(cmdutil.ExitOK, "trace", "open", tracesFile, "sequence", "5cf9", "--accessible")
	w.WantOut("frontend calls checkout: PlaceOrder")
	w.Want(cmdutil.ExitOK, "trace", "open", tracesFile, "diff", "5cf9", "4bf9")
	w.WantOut("where the difference lies: ")
	w.Want(cmdutil.ExitOK, "__complete", "trace", "open", tracesFile, "show", "")
	w.WantOut("last\n", "4bf92f35\n")

	// What is written can be opened again, and one trace alone is shown.
	w.Want(cmdutil.ExitOK, "trace", "open", tracesFile, "show", "4bf9", "-o", "otlp")
	one := filepath.Join(t.TempDir(), "one.json")
	if err := os.WriteFile(one, w.Out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	w.F.IO.In = bytes.NewReader(w.Out.Bytes())
	w.Want(cmdutil.ExitOK, "trace", "open", "-")
	w.WantOut("trace 4bf92f3577b34da6a3ce929d0e0e4736")
	w.Want(cmdutil.ExitOK, "trace", "open", one, "-o", "json")
	var view observe.TraceView
	if err := json.Unmarshal(w.Out.Bytes(), &view); err != nil || view.TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" || len(view.Spans) != 10 || view.Retries != 1 || view.Faults != 1 {
		t.Errorf("%v in %s", err, w.Out.String())
	}
}

func TestTraceIDsComplete(t *testing.T) {
	w := clitest.NewWorld(t).Serve(newTracedShop(t))
	for _, args := range [][]string{{"trace", "show", ""}, {"trace", "sequence", ""}, {"trace", "diff", "a", ""}, {"logs", "--trace", ""}} {
		w.Want(cmdutil.ExitOK, append([]string{"__complete"}, args...)...)
		w.WantOut("last\tthe newest trace\n", "4bf92f35\tfrontend POST /cart/checkout, 100ms, error\n")
	}
	w.Want(cmdutil.ExitOK, "__complete", "trace", "list", "--service", "")
	w.WantOut("payment\n")
	w.Want(cmdutil.ExitOK, "__complete", "trace", "show", "a", "")
	if strings.Contains(w.Out.String(), "4bf9") {
		t.Errorf("a second trace is offered: %s", w.Out.String())
	}
}
