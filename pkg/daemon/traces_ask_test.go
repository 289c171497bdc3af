package daemon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func TestTheLastTraceIsThatOfTheRequestThatEndedAMomentAgo(t *testing.T) {
	c := open(t, home(t), only("currency"))
	client := currency(t, c)
	// A busy machine may send the spans later than that: what holds is that it is so again and again.
	for met, n := 0, 0; met < 2; n++ {
		id := fmt.Sprintf("4bf92f3577b34da6a3ce929d0e0e%04x", n)
		if _, err := client.GetSupportedCurrencies(traced(t.Context(), id), &hipstershop.Empty{}); err != nil {
			t.Fatal(err)
		}
		resp, err := c.GetTrace(t.Context(), &controlpb.GetTraceRequest{Id: "last"})
		switch {
		case err == nil && resp.GetSummary().GetTraceId() == id:
			met++
		case n > 20:
			t.Fatalf("after a request of trace %s the last one is %v, %v", id, resp.GetSummary().GetTraceId(), err)
		}
	}
}

func TestTheFirstTraceThatFitsIsWaitedFor(t *testing.T) {
	c := open(t, home(t), only("currency"))
	st := await(t, c, "currency is ready", func(st *controlpb.StatusResponse) bool { return find(st, "currency").GetState() == "ok" })
	const id = "ab0102030405060708090a0b0c0d0e0f"
	got := make(chan *controlpb.GetTraceResponse, 1)
	go func() {
		resp, err := c.GetTrace(t.Context(), &controlpb.GetTraceRequest{Id: "last", Wait: durationpb.New(time.Minute)})
		if err != nil {
			t.Errorf("the trace that is waited for: %v", err)
		}
		got <- resp
	}()
	// Without a wait, the same question is answered at once; only then is the trace sent.
	if _, err := c.GetTrace(t.Context(), &controlpb.GetTraceRequest{Id: "last"}); status.Code(err) != codes.NotFound {
		t.Errorf("no trace is stored: %v, want NOT_FOUND", err)
	}
	postSpan(t, st.GetOtlpHttpEndpoint(), id, "billing")
	if resp := <-got; resp.GetSummary().GetTraceId() != id {
		t.Errorf("got %v, want trace %s", resp.GetSummary(), id)
	}
}

func TestAnInvalidTraceIDIsExplained(t *testing.T) {
	c := open(t, home(t), only("currency"))
	st := await(t, c, "currency is ready", func(st *controlpb.StatusResponse) bool { return find(st, "currency").GetState() == "ok" })
	for _, id := range []string{"ab0102030405060708090a0b0c0d0e0f", "ab0102030405060708090a0b0c0d0e10"} {
		postSpan(t, st.GetOtlpHttpEndpoint(), id, "billing")
	}
	for _, tt := range []struct {
		id, service string
		code        codes.Code
		says, hint  string
	}{
		{"xyz", "", codes.InvalidArgument, "not a trace id", "shopctl trace list"},
		{strings.Repeat("a", 33), "", codes.InvalidArgument, "not a trace id", "shopctl trace list"},
		{"", "", codes.InvalidArgument, "not a trace id", "shopctl trace list"},
		{"ffff", "", codes.NotFound, "no trace ffff", "shopctl trace list"},
		{strings.Repeat("f", 32), "", codes.NotFound, "no trace", "shopctl trace list"},
		{"ab01", "", codes.InvalidArgument, "several trace ids", "ab0102030405060708090a0b0c0d0e0f"},
		{"last", "biling", codes.NotFound, `no service "biling"`, "did you mean billing?"},
		{"last", "ad", codes.NotFound, "no trace found", "shopctl call"},
	} {
		_, err := c.GetTrace(t.Context(), &controlpb.GetTraceRequest{Id: tt.id, Filter: &controlpb.TraceFilter{Service: tt.service}})
		if hint, _, _ := control.HintOf(err); status.Code(err) != tt.code || !strings.Contains(status.Convert(err).Message(), tt.says) || !strings.Contains(hint, tt.hint) {
			t.Errorf("trace %q of %q: %v, hint %q", tt.id, tt.service, err, hint)
		}
	}
	if resp, err := c.GetTrace(t.Context(), &controlpb.GetTraceRequest{Id: "AB0102030405060708090a0b0c0d0e0"}); status.Code(err) != codes.NotFound && resp.GetSummary().GetRootService() != "billing" {
		t.Errorf("by its beginning: %v, %v", resp, err)
	}
	if _, err := c.ListTraces(t.Context(), &controlpb.ListTracesRequest{Limit: -1}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a limit below zero: %v", err)
	}
	if resp, err := c.ListTraces(t.Context(), &controlpb.ListTracesRequest{Filter: &controlpb.TraceFilter{Service: "billing", MinDuration: durationpb.New(time.Second), MaxDuration: durationpb.New(time.Minute)}}); err != nil || len(resp.GetTraces()) != 2 {
		t.Errorf("by duration: %v, %v", resp, err)
	}
}
