package topology

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// faulty is the map of a shop in which payment fails, with a cycle, services without callers and hostile names.
func faulty() Map {
	now := shop(edge("checkout", "payment", sample(66, 32, ms4, "UNAVAILABLE")), node("checkout", sample(66, 32, ms40, "UNAVAILABLE")),
		edge("frontend", "checkout", sample(66, 32, ms40, "UNAVAILABLE")), operation(order, sample(66, 31, ms40, "503")),
		edge("checkout", "email", sample(0, 0, 0, "")))
	now.Edges = append(now.Edges,
		servicegraph.Edge{Caller: "payment", Callee: "checkout", Protocol: "grpc", Traffic: sample(3, 0, ms4, "")},
		servicegraph.Edge{Caller: servicegraph.User, Callee: "frontend", Protocol: "http", Traffic: sample(1, 0, 90*time.Millisecond, "")},
		servicegraph.Edge{Caller: "frontend", Callee: `ra"ting<b>#;\`, Protocol: "http", Traffic: sample(900, 0, ms4, "")},
		servicegraph.Edge{Caller: "checkout", Callee: "warehouse", Protocol: "nats", Asynchronous: true, Traffic: sample(12, 3, ms40, "other")},
		servicegraph.Edge{Caller: "hen", Callee: "egg", Traffic: sample(30, 0, ms4, "")},
		servicegraph.Edge{Caller: "egg", Callee: "hen", Traffic: sample(30, 0, ms4, "")},
	)
	m := NewMap(now)
	for i := range m.Nodes {
		switch n := &m.Nodes[i]; n.Service {
		case "payment":
			n.Faults = []string{"UNAVAILABLE 50%, 1m59s left"}
		case "ad":
			n.State = "degraded"
		}
	}
	m.Nodes = append(m.Nodes, Node{Service: "shipping", State: "ok"}, Node{Service: "wishlist", State: "crashloop", Faults: []string{"paused"}})
	m.Blast = []Blast{{Service: "payment", Sentence: "payment UNAVAILABLE 50% -> checkout errors 48% -> 47% of orders fail (31 of 66)"}}
	return m
}

func TestMapsAreDrawnAsTheGoldensSay(t *testing.T) {
	text := func(s Style) string { return strings.Join(Text(faulty(), s), "\n") + "\n" }
	for name, got := range map[string]string{
		"map.golden":            text(Style{}),
		"map-ascii.golden":      text(Style{ASCII: true}),
		"map-accessible.golden": text(Style{Linear: true}),
		"map-painted.golden": text(Style{Paint: func(tone Tone, s string) string {
			return "<" + map[Tone]string{Good: "good", Bad: "bad", Warn: "warn", Faint: "faint"}[tone] + ":" + s + ">"
		}}),
		"map-dot.golden":     DOT(faulty()),
		"map-mermaid.golden": Mermaid(faulty()),
	} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s differs (-want +got); -update rewrites it:\n%s", path, d)
		}
	}
}

func TestAnEdgeCanBePointedAt(t *testing.T) {
	here := func(caller, callee string) bool { return caller == "checkout" && callee == "payment" }
	for name, s := range map[string]Style{"a tree": {Here: here}, "sentences": {Here: here, Linear: true}} {
		text := strings.Join(Text(faulty(), s), "\n")
		if n := strings.Count(text, HereMark); n != 1 {
			t.Errorf("%s: the mark stands %d times in\n%s", name, n, text)
		}
		for line := range strings.Lines(text) {
			if strings.Contains(line, HereMark) && !strings.Contains(line, "payment") {
				t.Errorf("%s: the mark stands in %q", name, line)
			}
		}
	}
}

func TestAnEmptyMapHasNoLines(t *testing.T) {
	if lines := Text(Map{}, Style{}); len(lines) != 0 {
		t.Errorf("drew %q", lines)
	}
}

func TestNamesFromSpansStayInTheirLine(t *testing.T) {
	const name = "mine\nfault on payment: none"
	m := Map{
		Nodes: []Node{{Service: "checkout"}, {Service: name, State: "degraded", Faults: []string{"a\nb"}}, {Service: "idle\none"}},
		Edges: []Edge{{Caller: "checkout", Callee: name, Failures: []string{"BAD\nSTATUS"}, Traffic: Traffic{Requests: 1, Rate: 1, ErrorRatio: 1}}},
		Blast: []Blast{{Sentence: name + " -> no caller feels it"}},
	}
	for _, style := range []Style{{}, {Linear: true}} {
		text := strings.Join(Text(m, style), "|")
		if strings.Contains(text, "\n") || !strings.Contains(text, `mine\nfault on payment: none`) {
			t.Errorf("drew %q", text)
		}
	}
	if m.Nodes[1].Service != name {
		t.Error("the map itself was changed")
	}
}

func TestAMapWithoutBeyondASCIIHasNone(t *testing.T) {
	for _, line := range Text(faulty(), Style{ASCII: true}) {
		for _, r := range line {
			if r > 126 {
				t.Errorf("%q in %q", r, line)
			}
		}
	}
}

// BenchmarkMap makes the map of a graph that is as large as it gets, finds the blast radius of a fault in it,
// and draws it.
func BenchmarkMap(b *testing.B) {
	s := servicegraph.Snapshot{From: time.Unix(0, 0), To: time.Unix(30, 0)}
	for i := range 256 {
		callee := fmt.Sprint("service ", i/2)
		s.Edges = append(s.Edges, servicegraph.Edge{Caller: fmt.Sprint("service ", i*7%128), Callee: callee, Protocol: "grpc", Traffic: sample(100, 50, ms4, "UNAVAILABLE")})
		if i%2 == 0 {
			s.Nodes = append(s.Nodes, servicegraph.Node{Service: callee, Traffic: sample(200, 100, ms4, "UNAVAILABLE")})
		}
	}
	for b.Loop() {
		m := NewMap(s)
		m.Blast = []Blast{BlastOf(Fault{Service: "service 1", Phrase: "UNAVAILABLE 50%"}, Seen{})}
		Text(m, Style{})
	}
}
