package daemon

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/control"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func only(names ...string) func(*Config) {
	return func(c *Config) { c.Only = names }
}

// currency connects to the currency service at its stable address.
func currency(t *testing.T, c *control.Client) hipstershop.CurrencyServiceClient {
	t.Helper()
	st := await(t, c, "currency is ready", func(st *controlpb.StatusResponse) bool { return find(st, "currency").GetState() == "ok" })
	conn, err := grpc.NewClient(find(st, "currency").GetAddress(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return hipstershop.NewCurrencyServiceClient(conn)
}

func edit(t *testing.T, c *control.Client, req *controlpb.EditRequest) {
	t.Helper()
	if _, err := c.Edit(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

func TestARollingChangeOfTheEnvironmentLosesNoCall(t *testing.T) {
	c := open(t, home(t), only("currency"))
	client := currency(t, c)
	ctx, stop := context.WithCancel(t.Context())
	var calls, failures atomic.Int64
	done := make(chan error, 1)
	go func() {
		var first error
		for ctx.Err() == nil {
			_, err := client.GetSupportedCurrencies(context.WithoutCancel(ctx), &hipstershop.Empty{})
			calls.Add(1)
			if err != nil {
				failures.Add(1)
				first = err
			}
		}
		done <- first
	}()
	for i := range 3 {
		value := fmt.Sprint(i)
		edit(t, c, &controlpb.EditRequest{
			Services:  []string{"currency"},
			Operation: &controlpb.EditRequest_SetEnv{SetEnv: &controlpb.SetEnv{Set: map[string]string{"ROUND": value}}},
		})
		await(t, c, "the change is rolled out", func(st *controlpb.StatusResponse) bool {
			return find(st, "currency").GetState() == "ok" && len(find(st, "currency").GetInstances()) == 1
		})
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("%d of %d calls failed: %v", failures.Load(), calls.Load(), err)
	}
}

func TestAKilledInstanceComesBack(t *testing.T) {
	c := open(t, home(t), only("currency"))
	client := currency(t, c)
	st, err := c.Status(t.Context(), &controlpb.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(int(find(st, "currency").GetInstances()[0].GetPid()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, c, "currency is back", func(st *controlpb.StatusResponse) bool {
		return find(st, "currency").GetState() == "ok" && find(st, "currency").GetRestarts() == 1
	})
	if _, err := client.GetSupportedCurrencies(t.Context(), &hipstershop.Empty{}, grpc.WaitForReady(true)); err != nil {
		t.Error(err)
	}
	events := drain(t, func() (grpc.ServerStreamingClient[controlpb.Event], error) {
		return c.Events(t.Context(), &controlpb.EventsRequest{Service: "currency"})
	})
	var reasons []string
	for _, e := range events {
		reasons = append(reasons, e.GetReason())
	}
	for _, want := range []string{"Started", "Ready", "Exited", "BackOff"} {
		if !slices.Contains(reasons, want) {
			t.Errorf("no event %s in %v", want, reasons)
		}
	}
}

func drain[T any](t *testing.T, open func() (grpc.ServerStreamingClient[T], error)) []*T {
	t.Helper()
	stream, err := open()
	if err != nil {
		t.Fatal(err)
	}
	var all []*T
	for {
		m, err := stream.Recv()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
}

func TestDeploymentsAreScaledStoppedStartedAndRestarted(t *testing.T) {
	c := open(t, home(t), only("currency"))
	currency(t, c)
	count := func(n int, state string) func(*controlpb.StatusResponse) bool {
		return func(st *controlpb.StatusResponse) bool {
			s := find(st, "currency")
			return s.GetState() == state && int(s.GetReady()) == n && len(s.GetInstances()) == n
		}
	}
	edit(t, c, &controlpb.EditRequest{Services: []string{"currency"}, Operation: &controlpb.EditRequest_Replicas{Replicas: 3}})
	before := await(t, c, "three run", count(3, "ok"))
	edit(t, c, &controlpb.EditRequest{Services: []string{"currencyservice"}, Operation: &controlpb.EditRequest_Restart{Restart: true}})
	after := await(t, c, "three others run", func(st *controlpb.StatusResponse) bool {
		return count(3, "ok")(st) && st.GetServices() != nil && find(st, "currency").GetInstances()[0].GetName() != find(before, "currency").GetInstances()[0].GetName()
	})
	for _, in := range find(after, "currency").GetInstances() {
		for _, old := range find(before, "currency").GetInstances() {
			if in.GetPid() == old.GetPid() {
				t.Errorf("%s survived the restart", in.GetName())
			}
		}
	}
	edit(t, c, &controlpb.EditRequest{Services: []string{"currency"}, Operation: &controlpb.EditRequest_Stop{Stop: true}})
	await(t, c, "none runs", count(0, "stopped"))
	edit(t, c, &controlpb.EditRequest{Services: []string{"currency"}, Operation: &controlpb.EditRequest_Start{Start: true}})
	await(t, c, "three run again", count(3, "ok"))

	get, err := c.Get(t.Context(), &controlpb.GetRequest{Kind: "deploy", Names: []string{"currency"}})
	if err != nil || !strings.Contains(string(get.GetObjects()[0].GetJson()), `"replicas":3`) {
		t.Errorf("get: %v %v", get, err)
	}
	_, err = c.Edit(t.Context(), &controlpb.EditRequest{Services: []string{"curency"}, Operation: &controlpb.EditRequest_Stop{Stop: true}})
	if hint, _, _ := control.HintOf(err); status.Code(err) != codes.NotFound || !strings.Contains(hint, "did you mean currency?") {
		t.Errorf("misspelt: %v, hint %q", err, hint)
	}
}

func TestFaultsHoldUntilTheyAreCleared(t *testing.T) {
	c := open(t, home(t), only("currency"))
	client := currency(t, c)
	_, err := c.InjectFault(t.Context(), &controlpb.InjectFaultRequest{
		Fault: &controlpb.Fault{Service: "currency", Error: "UNAVAILABLE", Percent: 100, Owner: "test"}, For: durationpb.New(1e12),
	})
	if err != nil {
		t.Fatal(err)
	}
	call := func() codes.Code {
		_, err := client.GetSupportedCurrencies(t.Context(), &hipstershop.Empty{})
		return status.Code(err)
	}
	for call() != codes.Unavailable { // the instance learns of it over its lifeline
	}
	st, err := c.Status(t.Context(), &controlpb.StatusRequest{})
	if err != nil || len(st.GetFaults()) != 1 || len(find(st, "currency").GetFaults()) != 1 {
		t.Errorf("status shows %v %v", st.GetFaults(), err)
	}
	if _, err := c.ClearFaults(t.Context(), &controlpb.ClearFaultsRequest{Owner: "test"}); err != nil {
		t.Fatal(err)
	}
	for call() != codes.OK {
	}
	if _, err := c.InjectFault(t.Context(), &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Service: "currency", Pause: true}}); err != nil {
		t.Fatal(err)
	}
	await(t, c, "currency is paused", func(st *controlpb.StatusResponse) bool { return find(st, "currency").GetState() == "paused" })
	if _, err := c.ClearFaults(t.Context(), &controlpb.ClearFaultsRequest{Services: []string{"currency"}}); err != nil {
		t.Fatal(err)
	}
	await(t, c, "currency goes on", func(st *controlpb.StatusResponse) bool { return find(st, "currency").GetState() == "ok" })
	if code := call(); code != codes.OK {
		t.Errorf("after the pause: %s", code)
	}
	if _, err := c.InjectFault(t.Context(), &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Service: "currency", Crash: true}}); err != nil {
		t.Fatal(err)
	}
	await(t, c, "currency is back", func(st *controlpb.StatusResponse) bool {
		return find(st, "currency").GetState() == "ok" && find(st, "currency").GetRestarts() == 1
	})
}

const hello = `
apiVersion: v1
kind: ConfigMap
metadata: {name: words}
data: {greeting: %s}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: hello}
spec:
  selector: {matchLabels: {app: hello}}
  template:
    metadata: {labels: {app: hello}}
    spec:
      containers:
      - name: app
        image: example/hello:v1
        args: ["$(PORT)"]
        env:
        - {name: GREETING, valueFrom: {configMapKeyRef: {name: words, key: greeting}}}
        readinessProbe: {tcpSocket: {port: 9000}}
        ports: [{containerPort: 9000}]
---
apiVersion: v1
kind: Service
metadata: {name: hello}
spec:
  selector: {app: hello}
  ports: [{port: 80, targetPort: 9000}]
`

func TestLogsAreMergedAndFollowed(t *testing.T) {
	c := open(t, home(t), only("currency", "ad"))
	currency(t, c)
	stream, err := c.Logs(t.Context(), &controlpb.LogsRequest{Service: "currency", Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil { // services write what they log a moment later
		t.Fatal(err)
	}
	lines := drain(t, func() (grpc.ServerStreamingClient[controlpb.LogLine], error) {
		return c.Logs(t.Context(), &controlpb.LogsRequest{Tail: 100})
	})
	if !slices.IsSortedFunc(lines, func(a, b *controlpb.LogLine) int { return a.GetTime().AsTime().Compare(b.GetTime().AsTime()) }) || len(lines) == 0 {
		t.Errorf("%d lines, or not in order of time", len(lines))
	}
	edit(t, c, &controlpb.EditRequest{Services: []string{"currency"}, Operation: &controlpb.EditRequest_Stop{Stop: true}})
	for {
		line, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if line.GetService() != "currency" {
			t.Errorf("a line of %s", line.GetService())
		}
		if strings.Contains(line.GetMessage(), "drain") {
			break
		}
	}
}

func TestTheShopIsMeasuredWhileItIsWatched(t *testing.T) {
	c := open(t, home(t), only("currency"))
	client := currency(t, c)
	stream, err := c.Watch(t.Context(), &controlpb.WatchRequest{Stats: true, Interval: durationpb.New(1e8)})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := client.GetSupportedCurrencies(t.Context(), &hipstershop.Empty{}); err != nil {
			t.Fatal(err)
		}
		st, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		s := find(st, "currency")
		if s.GetStats().GetRequests() > 0 {
			if s.GetStats().GetP95Ms() <= 0 || s.GetStats().GetErrorRatio() != 0 || len(s.GetStats().GetP95History()) == 0 || s.GetInstances()[0].GetMemoryBytes() == 0 || s.GetInstances()[0].GetContainers()[0].GetMemoryBytes() == 0 {
				t.Errorf("stats %v, instance %v", s.GetStats(), s.GetInstances()[0])
			}
			return
		}
	}
}
