package topology

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnEdgeSaysWhatItsCallersSidecarsKnow(t *testing.T) {
	traffic := Traffic{Requests: 30, Rate: 1, P95: ms4}
	m := Map{Edges: []Edge{
		{Caller: "frontend", Callee: "checkout", Traffic: traffic, Mesh: &Mesh{MutualTLS: 30, Versions: []Count{{"v1", 30}}}},
		{Caller: "checkout", Callee: "payment", Traffic: traffic, Mesh: &Mesh{
			MutualTLS: 27, Plaintext: 3, Versions: []Count{{"v1", 27}, {"v2", 3}}, Retries: 2, Denied: 4, Flags: []Count{{"UT", 3}, {"URX", 2}, {"UH", 1}}, Ejected: []string{"payment-2"},
		}},
		{Caller: "checkout", Callee: "redis", Traffic: traffic},
		{Caller: "checkout", Callee: "email", Traffic: traffic, Mesh: &Mesh{Plaintext: 30}},
	}, Nodes: []Node{{Service: "payment", Faults: []string{"UNAVAILABLE 50%"}}}}
	want := []string{
		"frontend",
		"`- checkout     1.0/s   no errors   p95 4.0ms   mTLS; v1",
		"   |- email     1.0/s   no errors   p95 4.0ms   plaintext",
		"   |- payment   1.0/s   no errors   p95 4.0ms   mTLS 90%; v1 90%, v2 10%; 2 retries; 4 denied; UT 3; URX 2; ejected payment-2   fault: UNAVAILABLE 50%",
		"   `- redis     1.0/s   no errors   p95 4.0ms",
	}
	if d := cmp.Diff(want, Text(m, Style{ASCII: true})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	spoken := strings.Join(Text(m, Style{Linear: true}), "\n")
	if !strings.Contains(spoken, "frontend calls checkout: 1.0/s, no errors, p95 4.0ms; mTLS; v1\n") {
		t.Errorf("without drawing:\n%s", spoken)
	}
}

func TestWhatSeveralCallersKnowAddsUp(t *testing.T) {
	sum := &Mesh{}
	for _, m := range []Mesh{
		{MutualTLS: 1, Versions: []Count{{"v1", 1}}, Ejected: []string{"b"}, Retries: 1},
		{Plaintext: 2, Versions: []Count{{"v2", 2}}, Ejected: []string{"a", "b"}, Denied: 1, Flags: []Count{{"UT", 1}}},
	} {
		sum.Add(&m)
	}
	want := &Mesh{MutualTLS: 1, Plaintext: 2, Versions: []Count{{"v2", 2}, {"v1", 1}}, Retries: 1, Denied: 1, Flags: []Count{{"UT", 1}}, Ejected: []string{"a", "b"}}
	if d := cmp.Diff(want, sum); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
