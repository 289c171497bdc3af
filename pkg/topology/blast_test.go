package topology

import (
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
)

// sample is the traffic of 30 s.
func sample(requests, failed int64, p95 time.Duration, status string) servicegraph.Traffic {
	t := servicegraph.Traffic{
		Requests: requests, Failed: failed, Over: 30 * time.Second, Busy: time.Duration(requests) * p95 / 2,
		P50: p95 / 2, P95: p95, P99: p95 * 6 / 5,
	}
	if failed > 0 {
		t.Failures = []servicegraph.Failure{{Status: status, Count: failed}}
	}
	return t
}

const ms4, ms40 = 4 * time.Millisecond, 40 * time.Millisecond

// shop is thirty seconds in which nothing is amiss; the changes make something.
func shop(changes ...func(*servicegraph.Snapshot)) servicegraph.Snapshot {
	from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := servicegraph.Snapshot{From: from, To: from.Add(30 * time.Second)}
	s.Edges = []servicegraph.Edge{
		{Caller: "cart", Callee: "redis-cart", Protocol: "redis", Traffic: sample(500, 0, time.Millisecond, "")},
		{Caller: "checkout", Callee: "cart", Protocol: "grpc", Traffic: sample(132, 0, ms4, "")},
		{Caller: "checkout", Callee: "email", Protocol: "grpc", Traffic: sample(66, 0, ms4, "")},
		{Caller: "checkout", Callee: "payment", Protocol: "grpc", Traffic: sample(66, 0, ms4, "")},
		{Caller: "frontend", Callee: "ad", Protocol: "grpc", Traffic: sample(400, 0, ms4, "")},
		{Caller: "frontend", Callee: "cart", Protocol: "grpc", Traffic: sample(600, 0, ms4, "")},
		{Caller: "frontend", Callee: "checkout", Protocol: "grpc", Traffic: sample(66, 0, ms40, "")},
		{Caller: "loadgenerator", Callee: "frontend", Protocol: "http", Traffic: sample(600, 0, ms40, "")},
	}
	for name, t := range map[string]servicegraph.Traffic{
		"ad": sample(400, 0, ms4, ""), "cart": sample(732, 0, ms4, ""), "checkout": sample(66, 0, ms40, ""), "email": sample(66, 0, ms4, ""),
		"frontend": sample(600, 0, ms40, ""), "payment": sample(66, 0, ms4, ""),
	} {
		s.Nodes = append(s.Nodes, servicegraph.Node{Service: name, Traffic: t})
	}
	s.Operations = []servicegraph.Operation{
		{Service: "frontend", Name: "GET /", Traffic: sample(534, 0, ms40, "")},
		{Service: "frontend", Name: "POST /cart/checkout", Traffic: sample(66, 0, ms40, "")},
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func edge(caller, callee string, t servicegraph.Traffic) func(*servicegraph.Snapshot) {
	return func(s *servicegraph.Snapshot) {
		for i, e := range s.Edges {
			if e.Caller == caller && e.Callee == callee {
				s.Edges[i].Traffic = t
			}
		}
	}
}

func node(service string, t servicegraph.Traffic) func(*servicegraph.Snapshot) {
	return func(s *servicegraph.Snapshot) {
		for i, n := range s.Nodes {
			if n.Service == service {
				s.Nodes[i].Traffic = t
			}
		}
	}
}

func operation(name string, t servicegraph.Traffic) func(*servicegraph.Snapshot) {
	return func(s *servicegraph.Snapshot) {
		for i, o := range s.Operations {
			if o.Name == name {
				s.Operations[i].Traffic = t
			}
		}
	}
}

// quiet is a time without any request.
func quiet() servicegraph.Snapshot {
	return servicegraph.Snapshot{From: time.Unix(0, 0), To: time.Unix(30, 0)}
}

const order = "POST /cart/checkout"

// sentenceCase is a fault, the traffic, and the expected sentence.
type sentenceCase struct {
	name        string
	fault       Fault
	now, before servicegraph.Snapshot
	want        string
}

func checkSentences(t *testing.T, cases []sentenceCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := BlastOf(c.fault, c.now, c.before).Sentence; got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAFaultIsDescribedInOneSentenceFromTheServiceToTheUser(t *testing.T) {
	slowOrders := []func(*servicegraph.Snapshot){
		edge("checkout", "payment", sample(66, 0, 910*time.Millisecond, "")),
		node("checkout", sample(66, 12, 2900*time.Millisecond, "DEADLINE_EXCEEDED")),
		edge("frontend", "checkout", sample(66, 12, 2900*time.Millisecond, "DEADLINE_EXCEEDED")),
		node("frontend", sample(600, 12, 300*time.Millisecond, "504")),
	}
	checkSentences(t, []sentenceCase{
		{
			"errors up to the order",
			Fault{Service: "payment", Phrase: "UNAVAILABLE 50%"},
			shop(edge("checkout", "payment", sample(66, 32, ms4, "UNAVAILABLE")), node("checkout", sample(66, 32, ms40, "UNAVAILABLE")),
				edge("frontend", "checkout", sample(66, 32, ms40, "UNAVAILABLE")), node("frontend", sample(600, 31, ms40, "503")),
				operation(order, sample(66, 31, ms40, "503"))),
			shop(),
			"payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail (31 of 66)",
		},
		{
			"a delay that ends in deadlines",
			Fault{Service: "payment", Phrase: "+900ms 100%", Delay: 900 * time.Millisecond},
			shop(append(slowOrders, operation(order, sample(66, 12, 3*time.Second, "504")))...),
			shop(),
			"payment +900ms 100% -> checkout p95 2.9s -> 18% of orders time out (12 of 66)",
		},
		{
			"pages that do not come by there are left out",
			Fault{Service: "payment", Phrase: "+900ms 100%", Delay: 900 * time.Millisecond},
			shop(edge("checkout", "payment", sample(66, 0, 910*time.Millisecond, "")), node("checkout", sample(66, 0, time.Second, "")),
				edge("frontend", "checkout", sample(66, 0, time.Second, "")), operation(order, sample(66, 0, 1100*time.Millisecond, "")),
				operation("GET /", sample(534, 0, 5*ms40, ""))),
			shop(),
			"payment +900ms 100% -> checkout p95 1.0s -> orders take 1.1s at p95",
		},
		{
			"a delay that is only felt",
			Fault{Service: "payment", Phrase: "+900ms 100%", Delay: 900 * time.Millisecond},
			shop(edge("checkout", "payment", sample(66, 0, 910*time.Millisecond, "")), node("checkout", sample(66, 0, time.Second, "")),
				edge("frontend", "checkout", sample(66, 0, time.Second, "")), operation(order, sample(66, 0, 1100*time.Millisecond, ""))),
			shop(),
			"payment +900ms 100% -> checkout p95 1.0s -> orders take 1.1s at p95",
		},
	})
}

func TestASentenceBeginsWhereItBreaksAndCountsWhatIsFew(t *testing.T) {
	checkSentences(t, []sentenceCase{
		{
			"a store that sends no spans",
			Fault{Service: "redis-cart", Phrase: "paused"},
			shop(edge("cart", "redis-cart", sample(500, 500, 300*time.Millisecond, "")), node("cart", sample(732, 732, 300*time.Millisecond, "UNAVAILABLE")),
				edge("frontend", "cart", sample(600, 600, 300*time.Millisecond, "UNAVAILABLE")), edge("checkout", "cart", sample(132, 132, 300*time.Millisecond, "UNAVAILABLE")),
				node("checkout", sample(66, 66, 300*time.Millisecond, "UNAVAILABLE")), node("frontend", sample(600, 200, 300*time.Millisecond, "503")),
				operation("GET /", sample(534, 134, 300*time.Millisecond, "503")), operation(order, sample(66, 66, 300*time.Millisecond, "503"))),
			shop(),
			"redis-cart paused -> cart errors 100% -> checkout errors 100% -> 100% of orders fail (66 of 66), 25% of pages fail (134 of 534)",
		},
		{
			"the service in front",
			Fault{Service: "frontend", Phrase: "INTERNAL 10%"},
			shop(edge("loadgenerator", "frontend", sample(600, 60, ms40, "500")), node("frontend", sample(600, 60, ms40, "500")),
				operation("GET /", sample(534, 53, ms40, "500")), operation(order, sample(66, 7, ms40, "500"))),
			shop(),
			"frontend INTERNAL 10% -> 11% of orders fail (7 of 66), 9.9% of pages fail (53 of 534)",
		},
		{
			"few orders are counted, not shared out",
			Fault{Service: "payment", Phrase: "UNAVAILABLE 50%"},
			shop(edge("checkout", "payment", sample(4, 3, ms4, "UNAVAILABLE")), node("checkout", sample(4, 3, ms40, "UNAVAILABLE")),
				edge("frontend", "checkout", sample(4, 3, ms40, "UNAVAILABLE")), operation(order, sample(4, 3, ms40, "503"))),
			quiet(),
			"payment UNAVAILABLE 50% -> checkout errors 75% -> 3 of 4 orders fail",
		},
		{
			"one order is one",
			Fault{Service: "payment", Phrase: "+6s 50%", Delay: 6 * time.Second},
			shop(edge("checkout", "payment", sample(2, 1, ms4, "DEADLINE_EXCEEDED")), node("checkout", sample(2, 1, ms40, "DEADLINE_EXCEEDED")),
				edge("frontend", "checkout", sample(2, 1, ms40, "DEADLINE_EXCEEDED")), operation(order, sample(2, 1, ms40, "504"))),
			shop(),
			"payment +6s 50% -> checkout errors 50% -> 1 of 2 orders times out",
		},
	})
}

func TestWhoKeepsAFaultFromUsersIsNamed(t *testing.T) {
	checkSentences(t, []sentenceCase{
		{
			"a caller that copes",
			Fault{Service: "ad", Phrase: "UNAVAILABLE 100%"},
			shop(edge("frontend", "ad", sample(400, 400, ms4, "UNAVAILABLE"))),
			shop(),
			"ad UNAVAILABLE 100% -> frontend degrades: 100% of its calls to ad fail (400 of 400), its pages do not",
		},
		{
			"a caller that copes with waiting",
			Fault{Service: "ad", Phrase: "+500ms 100%", Delay: 500 * time.Millisecond},
			shop(edge("frontend", "ad", sample(400, 0, 510*time.Millisecond, ""))),
			shop(),
			"ad +500ms 100% -> frontend degrades: its calls to ad take 510ms at p95, its pages do not",
		},
		{
			"a caller in the middle that copes",
			Fault{Service: "email", Phrase: "UNAVAILABLE 50%"},
			shop(edge("checkout", "email", sample(66, 30, ms4, "UNAVAILABLE"))),
			shop(),
			"email UNAVAILABLE 50% -> checkout degrades: 45% of its calls to email fail (30 of 66), its responses do not",
		},
	})
}

func TestAFaultWithoutImpactIsDescribedToo(t *testing.T) {
	checkSentences(t, []sentenceCase{
		{
			"what fails as often as before is not the fault's",
			Fault{Service: "payment", Phrase: "UNAVAILABLE 1%"},
			shop(edge("checkout", "payment", sample(66, 10, ms4, "INVALID_ARGUMENT"))),
			shop(edge("checkout", "payment", sample(66, 9, ms4, "INVALID_ARGUMENT"))),
			"payment UNAVAILABLE 1% -> no caller was affected in 66 calls",
		},
		{
			"nobody calls",
			Fault{Service: "shipping", Phrase: "paused"},
			shop(), shop(),
			"shipping paused -> no calls to shipping in 30s",
		},
		{
			"no traffic at all",
			Fault{Service: "payment", Phrase: "UNAVAILABLE 50%"},
			quiet(), quiet(),
			"payment UNAVAILABLE 50% -> no traffic to measure it by: shopctl load start",
		},
	})
}

func TestTheStepsOfABlastTellBeforeAndAfter(t *testing.T) {
	now := shop(edge("checkout", "payment", sample(66, 32, ms4, "UNAVAILABLE")), node("checkout", sample(66, 32, ms40, "UNAVAILABLE")),
		edge("frontend", "checkout", sample(66, 32, ms40, "UNAVAILABLE")), operation(order, sample(66, 31, ms40, "503")))
	b := BlastOf(Fault{ID: "f1", Service: "payment", Phrase: "UNAVAILABLE 50%"}, now, shop())
	steps := b.Steps
	if b.FaultID != "f1" || len(steps) != 3 || steps[0].Service != "checkout" || steps[0].Effect != "errors 48%" ||
		steps[0].Before.Requests != 66 || steps[0].Before.ErrorRatio != 0 || steps[2].Service != "orders" {
		t.Errorf("%v", b)
	}
	if b := BlastOf(Fault{Service: "payment"}, now, quiet()); b.Steps[0].Before != nil {
		t.Errorf("before what was not measured: %v", b.Steps[0])
	}
}

func TestACircleOfCallsEndsTheWalk(t *testing.T) {
	bad := sample(100, 50, ms4, "UNAVAILABLE")
	now := servicegraph.Snapshot{
		From: time.Unix(0, 0), To: time.Unix(30, 0),
		Edges: []servicegraph.Edge{{Caller: "a", Callee: "b", Traffic: bad}, {Caller: "b", Callee: "a", Traffic: bad}, {Caller: "b", Callee: "b", Traffic: bad}},
		Nodes: []servicegraph.Node{{Service: "a", Traffic: bad}, {Service: "b", Traffic: bad}},
	}
	if got, want := BlastOf(Fault{Service: "b", Phrase: "INTERNAL 50%"}, now, quiet()).Sentence, "b INTERNAL 50% -> a errors 50% -> users are not affected"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
