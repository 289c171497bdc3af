package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/shopctl/shopctl/pkg/control"
	"github.com/shopctl/shopctl/pkg/daemon/names"
	"github.com/shopctl/shopctl/pkg/fault"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
	"github.com/shopctl/shopctl/pkg/orchestrator"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/trace"
)

func TestAFaultUnderLoadIsOnTheMapAndInItsSentence(t *testing.T) {
	c := open(t, home(t), nil)
	await(t, c, "the shop is ready", ready)
	edit(t, c, &controlpb.EditRequest{
		Services:  []string{"loadgenerator"},
		Operation: &controlpb.EditRequest_SetEnv{SetEnv: &controlpb.SetEnv{Set: map[string]string{"RATE": "40", "SEED": "42"}}},
	})
	ordered := func(m *controlpb.GetMapResponse) bool {
		return edgeOf(m, "checkout", "payment").GetTraffic().GetRequests() > 2 && edgeOf(m, "cart", "redis-cart").GetTraffic().GetRequests() > 0
	}
	m := awaitMap(t, c, "orders are paid", ordered)
	for _, e := range m.GetEdges() {
		if e.GetTraffic().GetRequests() > 0 && e.GetTraffic().GetP95Ms() <= 0 {
			t.Errorf("edge %v", e)
		}
	}
	if e := edgeOf(m, "loadgenerator", "frontend"); e.GetProtocol() != "http" || edgeOf(m, "cart", "redis-cart").GetProtocol() != "redis" || len(m.GetBlast()) != 0 {
		t.Errorf("map %v", m)
	}
	inject := &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Service: "payment", Error: "UNAVAILABLE"}}
	if _, err := c.InjectFault(t.Context(), inject); err != nil {
		t.Fatal(err)
	}
	// It reports a share of the orders once there are enough of them, and before that how many.
	m = awaitMap(t, c, "orders fail", func(m *controlpb.GetMapResponse) bool {
		return len(m.GetBlast()) == 1 && strings.Contains(m.GetBlast()[0].GetSentence(), "order")
	})
	e, sentence := edgeOf(m, "checkout", "payment"), m.GetBlast()[0].GetSentence()
	if e.GetTraffic().GetErrorRatio() == 0 || len(e.GetFailures()) == 0 || e.GetFailures()[0] != "UNAVAILABLE" {
		t.Errorf("edge %v", e)
	}
	if !strings.HasPrefix(sentence, "payment UNAVAILABLE 100% -> ") || !strings.Contains(sentence, "fail") {
		t.Errorf("sentence %q", sentence)
	}
	for _, n := range m.GetNodes() {
		if n.GetService() == "payment" && (n.GetState() != "ok" || n.GetMemoryBytes() == 0 || len(n.GetFaults()) != 1) {
			t.Errorf("node %v", n)
		}
	}
	viewsAgree(t, c)
	counted, err := c.QueryMetrics(t.Context(), &controlpb.QueryMetricsRequest{Expr: `traces_service_graph_request_total{client="checkout", server="payment"}`})
	if err != nil || len(counted.GetSeries()) == 0 {
		t.Errorf("the metrics do not count calls: %v %v", counted, err)
	}
}

// viewsAgree compares what the status, the map and the metrics show of a service that is always delayed by 300 ms.
func viewsAgree(t *testing.T, c *control.Client) {
	t.Helper()
	inject := &controlpb.InjectFaultRequest{Fault: &controlpb.Fault{Service: "currency", Delay: durationpb.New(300 * time.Millisecond)}}
	if _, err := c.InjectFault(t.Context(), inject); err != nil {
		t.Fatal(err)
	}
	const query = `shopctl_latency_seconds{service="currency", quantile="0.95"} * 1000`
	// Whole seconds are compared, of which one may end between two looks: so all are within a percent, not equal.
	awaitMap(t, c, "all views show the delay", func(m *controlpb.GetMapResponse) bool {
		st, err := c.Status(t.Context(), &controlpb.StatusRequest{Stats: true})
		if err != nil {
			t.Fatal(err)
		}
		shown := []float64{0, 0, 0}
		for _, s := range st.GetServices() {
			if s.GetName() == "currency" {
				shown[0] = s.GetStats().GetP95Ms()
			}
		}
		for _, n := range m.GetNodes() {
			if n.GetService() == "currency" {
				shown[1] = n.GetTraffic().GetP95Ms()
			}
		}
		resp, err := c.QueryMetrics(t.Context(), &controlpb.QueryMetricsRequest{Expr: query})
		if err != nil {
			t.Fatal(err)
		}
		for _, series := range resp.GetSeries() {
			shown[2] = series.GetSamples()[0].GetValue()
		}
		return slices.Min(shown) >= 300 && slices.Max(shown) < 1.01*slices.Min(shown)
	})
}

func edgeOf(m *controlpb.GetMapResponse, caller, callee string) *controlpb.MapEdge {
	for _, e := range m.GetEdges() {
		if e.GetCaller() == caller && e.GetCallee() == callee {
			return e
		}
	}
	return nil
}

// awaitMap looks at the map, once with each new measurement, until ok holds.
func awaitMap(t *testing.T, c *control.Client, what string, ok func(*controlpb.GetMapResponse) bool) *controlpb.GetMapResponse {
	t.Helper()
	stream, err := c.Watch(t.Context(), &controlpb.WatchRequest{Stats: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		m, err := c.GetMap(t.Context(), &controlpb.GetMapRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if ok(m) {
			return m
		}
	}
	t.Fatalf("waited until %s", what)
	return nil
}

func TestAWindowThatIsNotKeptIsRefused(t *testing.T) {
	c := open(t, home(t), only("currency"))
	for _, d := range []time.Duration{0, -time.Second, time.Hour} {
		_, err := c.GetMap(t.Context(), &controlpb.GetMapRequest{Window: durationpb.New(d)})
		if hint, exit, _ := control.HintOf(err); status.Code(err) != codes.InvalidArgument || exit != 2 || !strings.Contains(hint, "30s") {
			t.Errorf("window %s: %v, hint %q", d, err, hint)
		}
	}
	await(t, c, "currency is ready", ready)
	m, err := c.GetMap(t.Context(), &controlpb.GetMapRequest{Window: durationpb.New(servicegraph.Kept)})
	named := func(n *controlpb.MapNode) bool { return n.GetService() == "currency" && n.GetState() == "ok" }
	if err != nil || !slices.ContainsFunc(m.GetNodes(), named) {
		t.Errorf("%v %v", m, err)
	}
}

// steady is a graph with one request a second.
type steady struct {
	*calls
	at time.Time
}

func newSteady() *steady {
	s := &steady{at: time.Date(2026, 3, 1, 12, 0, 0, 5e8, time.UTC)}
	s.calls = &calls{baselines: map[string]baseline{}}
	s.Graph = servicegraph.New(servicegraph.Config{Now: func() time.Time { return s.at }})
	return s
}

func (s *steady) forward(seconds int) {
	for range seconds {
		s.Add([]trace.Record{{Kind: trace.Server, Service: "payment", Start: s.at, End: s.at}})
		s.at = s.at.Add(time.Second)
	}
}

// requests is how many there were before the fault.
func (s *steady) requests(id string) (n int64) {
	for _, node := range s.Baseline(id).Nodes {
		n += node.Requests
	}
	return n
}

func TestTheTimeBeforeAFaultIsKeptAsLongAsTheFault(t *testing.T) {
	s := newSteady()
	s.forward(100)
	one, two := fault.Fault{ID: "f1", Workload: "payment"}, fault.Fault{ID: "f2", Workload: "payment"}
	s.onFault(fault.Change{Fault: one, Kind: fault.Injected}, []fault.Fault{one}, s.at)
	if n := s.requests("f1"); n < 58 || n > 60 {
		t.Errorf("%d requests in the minute before", n)
	}
	s.forward(400)
	if n := s.requests("f1"); n < 58 {
		t.Errorf("%d requests long after", n)
	}
	s.onFault(fault.Change{Fault: two, Kind: fault.Injected}, []fault.Fault{two}, s.at)
	if before := s.Baseline("f2"); !before.To.Equal(s.last.To) || s.at.Sub(before.To) < 5*time.Minute || s.requests("f1") != 0 {
		t.Errorf("a fault in the place of another is compared with %s to %s", before.From, before.To)
	}
	s.onFault(fault.Change{Fault: two, Kind: fault.Cleared}, nil, s.at)
	if s.requests("f2") != 0 {
		t.Error("kept beyond the fault")
	}
}

func TestWhatAnEarlierFaultLeftIsNotTheTimeBefore(t *testing.T) {
	s := newSteady()
	s.forward(100)
	f := func(id string) fault.Fault { return fault.Fault{ID: id, Workload: "payment"} }
	s.onFault(fault.Change{Fault: f("f1"), Kind: fault.Injected}, []fault.Fault{f("f1")}, s.at)
	first := s.last.To
	s.forward(20)
	s.onFault(fault.Change{Fault: f("f1"), Kind: fault.Expired}, nil, s.at)
	s.forward(2)
	s.onFault(fault.Change{Fault: f("f2"), Kind: fault.Injected}, []fault.Fault{f("f2")}, s.at)
	if got := s.Baseline("f2").To; !got.Equal(first) {
		t.Errorf("right after a fault the time before is that until %s, want %s", got, first)
	}
	s.onFault(fault.Change{Fault: f("f2"), Kind: fault.Cleared}, nil, s.at)
	s.forward(20)
	s.onFault(fault.Change{Fault: f("f3"), Kind: fault.Injected}, []fault.Fault{f("f3")}, s.at)
	if n := s.requests("f3"); n < 14 || n > 18 {
		t.Errorf("%d requests since the last fault was over", n)
	}
}

func TestAnAddressIsWhoseServiceListensThere(t *testing.T) {
	all := []orchestrator.Workload{
		{Key: orchestrator.Key{Namespace: "staging", Name: "hello"}, Address: "127.0.0.1:41009"},
		{Key: orchestrator.Key{Namespace: "production", Name: "paymentservice"}, Address: "127.0.0.1:41000"},
		{Key: orchestrator.Key{Namespace: "production", Name: "hello"}},
		{Key: orchestrator.Key{Namespace: "production", Name: "monolith"}, Builtin: "monolith", Fronts: []orchestrator.FrontService{
			{Service: "cartservice", Address: "127.0.0.1:42000"}, {Service: "monolith", Address: "127.0.0.1:42001"},
		}},
	}
	for peer, want := range map[string]string{
		"127.0.0.1:42000": "cartservice", "127.0.0.1:42001": "",
		"127.0.0.1:41000": "paymentservice", "127.0.0.1:41001": "", "paymentservice": "paymentservice", "hello:80": "hello",
		"127.0.0.1:41009": "staging/hello", "hello.staging:80": "staging/hello", "hello.production.svc": "hello", "hello.elsewhere.svc": "",
		"paymentservice.production.svc.cluster.local:50051": "paymentservice", "elsewhere.example:443": "", "127.0.0.1": "", "[::1]:80": "", "": "",
	} {
		if got := listener(&names.Directory{Namespace: "production"}, all, peer); got != want {
			t.Errorf("%q is %q, want %q", peer, got, want)
		}
	}
}
