package observe_test

import (
	"fmt"
	"testing"

	"github.com/shopctl/shopctl/pkg/observe"
	"github.com/shopctl/shopctl/pkg/trace"
)

func TestRequestsAreThoseOfSidecars(t *testing.T) {
	var q observe.Requests
	q.Add([]trace.Record{{Service: "app", Kind: trace.Server}})
	none, more := q.After(0)
	if len(none) != 0 {
		t.Fatalf("%+v", none)
	}
	q.Add([]trace.Record{{
		Service: "checkoutservice", Kind: trace.Client, Proxy: true,
		Sidecar: &trace.Sidecar{Node: "sidecar~127.0.0.1~checkoutservice-7b9f.production~x", Flags: "UT", GRPC: "UNAVAILABLE"},
	}})
	<-more
	got, _ := q.After(0)
	if len(got) != 1 || got[0].Instance() != "checkoutservice-7b9f" || !got[0].Outbound() || !got[0].Failed() {
		t.Errorf("%+v", got)
	}
	if left, _ := q.After(got[0].Sequence); len(left) != 0 {
		t.Errorf("%+v", left)
	}
}

func TestOnlyTheNewestRequestsAreKept(t *testing.T) {
	var q observe.Requests
	for i := range 5000 {
		q.Add([]trace.Record{{Name: fmt.Sprint(i), Proxy: true, Sidecar: &trace.Sidecar{Flags: "-"}}})
	}
	got, _ := q.After(0)
	if len(got) > 2000 || len(got) < 1000 || got[len(got)-1].Name != "4999" || got[0].Failed() {
		t.Errorf("%d requests", len(got))
	}
}

func TestASidecarsIDNamesItsInstance(t *testing.T) {
	for _, node := range []string{"sidecar~paymentservice-1.production", "sidecar~127.0.0.1~paymentservice-1.production~cluster.local"} {
		if got := (observe.Request{Sidecar: trace.Sidecar{Node: node}}).Instance(); got != "paymentservice-1" {
			t.Errorf("%q: %q", node, got)
		}
	}
}

func TestANodeThatIsNoneHasNoInstance(t *testing.T) {
	for _, node := range []string{"", "a~b", "a~b~c", "sidecar~a~nodot~d"} {
		if got := (observe.Request{Sidecar: trace.Sidecar{Node: node}}).Instance(); got != "" {
			t.Errorf("%q: %q", node, got)
		}
	}
}
