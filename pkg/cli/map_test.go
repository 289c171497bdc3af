package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
)

// mappedShop answers with a map.
type mappedShop struct {
	faultyShop
	m    *controlpb.GetMapResponse
	asks []*controlpb.GetMapRequest
}

func (s *mappedShop) GetMap(_ context.Context, r *controlpb.GetMapRequest) (*controlpb.GetMapResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks = append(s.asks, r)
	return s.m, s.fail
}

const sentence = "payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail (31 of 66)"

// smallMap is a map of two calls, of which one fails.
func smallMap() *controlpb.GetMapResponse {
	bad := &controlpb.Traffic{RequestsPerSecond: 2.2, ErrorRatio: 32.0 / 66, P50Ms: 2, P95Ms: 4, P99Ms: 5, Requests: 66}
	good := &controlpb.Traffic{RequestsPerSecond: 20, P50Ms: 12, P95Ms: 38, P99Ms: 60, Requests: 600}
	return &controlpb.GetMapResponse{
		Time: timestamppb.New(testNow()), Window: durationpb.New(30 * time.Second),
		Nodes: []*controlpb.MapNode{
			{Service: "checkout", State: "ok", Traffic: bad, CpuCores: 0.021, MemoryBytes: 7_300_000, InFlight: 0.4},
			{Service: "payment", State: "ok", Traffic: bad, CpuCores: 0.004, MemoryBytes: 9_100_000, InFlight: 0.1, Faults: []string{"UNAVAILABLE 50%"}},
			{Service: "shipping", State: "crashloop", Traffic: &controlpb.Traffic{}},
			{Service: "user", Traffic: &controlpb.Traffic{}},
		},
		Edges: []*controlpb.MapEdge{
			{Caller: "checkout", Callee: "payment", Protocol: "grpc", Traffic: bad, Failures: []string{"UNAVAILABLE"}},
			{Caller: "user", Callee: "checkout", Protocol: "grpc", Traffic: good},
		},
		Blast: []*controlpb.BlastRadius{{Service: "payment", FaultId: "f1", Sentence: sentence, Steps: []*controlpb.BlastStep{
			{Service: "checkout", Effect: "errors 48%", Traffic: bad, Before: good}, {Service: "orders", Effect: "47% of orders fail (31 of 66)", Traffic: bad},
		}}},
	}
}

func TestMapAndTopPrintWhatTheGoldensSay(t *testing.T) {
	for golden, args := range map[string][]string{
		"map.golden":            {"map"},
		"map-ascii.golden":      {"map", "--ascii"},
		"map-accessible.golden": {"map", "--accessible"},
		"map-color.golden":      {"map", "--color", "always"},
		"map-json.golden":       {"map", "-o", "json"},
		"map-dot.golden":        {"map", "-o", "dot"},
		"map-mermaid.golden":    {"map", "-o", "mermaid"},
		"top.golden":            {"top"},
		"top-memory.golden":     {"top", "--sort", "memory"},
		"top-name.golden":       {"top", "--sort", "name", "-o", "name"},
		"top-json.golden":       {"top", "-o", "json"},
	} {
		t.Run(golden, func(t *testing.T) {
			w := newWorld(t).serve(&mappedShop{m: smallMap()})
			w.want(exitOK, args...)
			w.golden(golden)
		})
	}
}

func TestAMapLooksBackOverTheWindowThatIsAskedFor(t *testing.T) {
	shop := &mappedShop{m: &controlpb.GetMapResponse{}}
	w := newWorld(t).serve(shop)
	w.want(exitOK, "map", "--window", "2m")
	w.wantErr("nobody calls anybody\n", "next: shopctl load start --rate 20 --seed 42\n")
	w.want(exitOK, "top")
	if a, b := shop.asks[0].GetWindow().AsDuration(), shop.asks[1].GetWindow().AsDuration(); a != 2*time.Minute || b != 30*time.Second {
		t.Errorf("asked for %s and %s", a, b)
	}
	shop.fail = control.Error(codes.InvalidArgument, "read map: a window of 1h0m0s", "use one from 1s to 5m0s, such as 30s", exitUsage)
	w.want(exitUsage, "map", "--window", "1h")
	w.wantErr("error: read map: a window of 1h0m0s", "hint: use one from 1s to 5m0s")
}

func TestMapAndTopRefuseWhatMakesNoSense(t *testing.T) {
	w := newWorld(t).serve(&mappedShop{m: smallMap()})
	for _, args := range [][]string{
		{"map", "payment"},
		{"map", "--watch", "-o", "dot"},
		{"map", "--watch", "-o", "yaml"},
		{"map", "--window", "soon"},
		{"top", "--watch", "--every", "10ms"},
		{"top", "--sort", "colour"},
		{"top", "-o", "name", "--watch"},
		{"top", "payment"},
	} {
		w.want(exitUsage, args...)
		w.wantErr("shopctl: error: ", "shopctl: hint: ")
	}
	w = newWorld(t)
	for _, args := range [][]string{{"map"}, {"top"}} {
		w.want(exitNotRunning, args...)
		w.wantErr("hint: shopctl up")
	}
}

func TestWatchingTopIsAnObjectALine(t *testing.T) {
	w := newWorld(t).serve(&mappedShop{m: smallMap()})
	r, out := io.Pipe()
	w.f.IO.Out = out
	ctx, cancel := context.WithCancelCause(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- Execute(ctx, w.f, []string{"top", "--watch", "-o", "json", "--every", "1s"})
		out.Close()
	}()
	line, err := bufio.NewReader(r).ReadBytes('\n')
	var view topView
	if err != nil || json.Unmarshal(line, &view) != nil || len(view.Services) != 3 || view.Services[0].Service != "checkout" {
		t.Errorf("%v: %s", err, line)
	}
	cancel(errInterrupted)
	if got := <-code; got != exitInterrupted {
		t.Errorf("exit %d", got)
	}
}

func TestWatchingDrawsInPlaceOnATerminalAndBelowElsewhere(t *testing.T) {
	w := newWorld(t)
	o := &watchOptions{f: w.f, format: formatTable}
	two := frame{text: func(w io.Writer) { io.WriteString(w, "one\ntwo\nthree\n") }}
	for range 2 {
		if err := o.print(two, w.out.Len() == 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.out.String(); strings.Count(got, "one\ntwo\nthree\n") != 2 || strings.Contains(got, "\x1b") {
		t.Errorf("printed %q", got)
	}
	w.out.Reset()
	w.f.IO.OutTTY, w.f.IO.Width, w.f.IO.Height = true, 3, 3
	if err := o.print(two, true); err != nil {
		t.Fatal(err)
	}
	if got, want := w.out.String(), "\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J"; got != want {
		t.Errorf("drew %q, want %q", got, want)
	}
	w.out.Reset()
	w.f.IO.Accessible = true
	if err := o.print(two, true); err != nil || bytes.ContainsRune(w.out.Bytes(), '\x1b') {
		t.Errorf("drew %q, %v", w.out.String(), err)
	}
}

func TestListedFaultsSayHowFarTheyReach(t *testing.T) {
	shop := &mappedShop{m: smallMap()}
	shop.faults = []*controlpb.Fault{{Id: "f1", Service: "payment", Phrase: "UNAVAILABLE 50%"}, {Id: "f2", Service: "cart", Phrase: "paused"}}
	w := newWorld(t).serve(shop)
	w.want(exitOK, "fault", "list")
	w.wantOut("\n\n" + sentence + "\n")
	w.want(exitOK, "fault", "list", "-o", "json")
	var view faultsView
	if err := json.Unmarshal(w.out.Bytes(), &view); err != nil || view.Faults[0].Blast != sentence || view.Faults[1].Blast != "" {
		t.Errorf("%v in %s", err, w.out.String())
	}
	shop.fail = errors.New("no map")
	w.want(exitOK, "fault", "list")
	if strings.Contains(w.out.String(), "->") {
		t.Errorf("printed %s", w.out.String())
	}
}

func TestPsAndStatusSayHowFarFaultsReach(t *testing.T) {
	shop := &mappedShop{m: smallMap()}
	shop.status = threeServices()
	w := newWorld(t).serve(shop)
	for _, command := range []string{"ps", "status"} {
		w.want(exitOK, command)
		w.wantOut("fault on payment: UNAVAILABLE 50% Charge, 1m59s left\n" + sentence + "\n")
	}
	w.want(exitOK, "ps", "-o", "json")
	if len(shop.asks) != 2 {
		t.Errorf("asked for %d maps", len(shop.asks))
	}
}
