package trace_test

import (
	"slices"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
	"github.com/shopctl/shopctl/pkg/trace/tracetest"
)

// meshed is a call of payment by checkout through both sidecars, tried twice by the caller's.
const meshed = `
1 - server checkoutservice hipstershop.CheckoutService/PlaceOrder 0 100
2 1 client checkoutservice hipstershop.PaymentService/Charge 10 90
3 2 client checkoutservice paymentservice.production.svc.cluster.local:50051/* 11 89 component=proxy response_flags=-
4 3 server paymentservice  paymentservice.production.svc.cluster.local:50051/* 12 40 component=proxy error response_flags=UC
5 4 server paymentservice  hipstershop.PaymentService/Charge 13 39 error rpc.response.status_code=UNAVAILABLE
6 3 server paymentservice  paymentservice.production.svc.cluster.local:50051/* 50 88 component=proxy response_flags=-
7 6 server paymentservice  hipstershop.PaymentService/Charge 51 87
`

// parents gives a trace's spans as ID:PARENT.
func parents(t *trace.Trace) (list []byte) {
	for _, s := range t.Spans {
		list = append(list, s.Span[0], s.Parent[0])
	}
	return list
}

func TestSpansOfSidecarsAreFolded(t *testing.T) {
	tr := tracetest.Read(t, meshed)
	if got, want := parents(tr), []byte{1, 0, 2, 1, 5, 2, 7, 2}; !slices.Equal(got, want) {
		t.Fatalf("spans with parents %v, want %v", got, want)
	}
	if tr.Folded != 3 || tr.Errors != 1 || len(tr.Services) != 2 || tr.Duration() != 100*time.Millisecond {
		t.Errorf("folded %d, errors %d, services %v, took %s", tr.Folded, tr.Errors, tr.Services, tr.Duration())
	}
	charge := tr.Spans[1]
	if !slices.Equal(charge.Flags, []string{"UC"}) {
		t.Errorf("flags %v", charge.Flags)
	}
	if last := tr.Spans[3]; last.Attempt != 2 || last.Attempts != 2 {
		t.Errorf("try %d of %d: the sidecar's retry is not seen", last.Attempt, last.Attempts)
	}
	if tr.Count(trace.Orphan) != 0 {
		t.Error("a folded parent made an orphan")
	}
}

func TestSpansOfSidecarsAreThereWhereTheyAreAskedFor(t *testing.T) {
	spans := tracetest.Spans(t, meshed)
	trace.Assemble(spans) // changes nothing of what it gets
	all := trace.AssembleAll(spans)
	if len(all) != 1 || len(all[0].Spans) != 7 || all[0].Folded != 0 || all[0].Spans[6].Parent[0] != 6 {
		t.Errorf("%v", parents(all[0]))
	}
}

func TestAGatewayIsFoldedAndLeavesTheStorefrontAsTheRoot(t *testing.T) {
	tr := tracetest.Read(t, `
1 - server gateway  frontend.production.svc.cluster.local:80/* 0 50 component=proxy node_id=router~127.0.0.1~gateway~x
2 1 client gateway  frontend.production.svc.cluster.local:80/* 1 49 component=proxy node_id=router~127.0.0.1~gateway~x
3 2 server frontend frontend.production.svc.cluster.local:80/* 2 48 component=proxy
4 3 server frontend GET_/ 3 47
`)
	if got, want := parents(tr), []byte{4, 0}; !slices.Equal(got, want) {
		t.Errorf("spans with parents %v, want %v", got, want)
	}
	if tr.Entered() {
		t.Error("the storefront is said to have an unknown caller")
	}
}

func TestTheSidecarOfAProgramWithoutSpansStandsInForIt(t *testing.T) {
	tr := tracetest.Read(t, `
1 - client checkoutservice pay.Pay/Do 0 100
2 1 client checkoutservice foreign:80/* 1 99 component=proxy
3 2 server foreign foreign:80/* 2 98 component=proxy
4 3 client foreign emailservice:80/* 10 90 component=proxy
5 4 server emailservice emailservice:80/* 11 89 component=proxy
6 5 server emailservice hipstershop.EmailService/Send 12 88
7 3 client foreign cartservice:80/* 91 97 component=proxy
`)
	if got, want := parents(tr), []byte{1, 0, 3, 1, 4, 3, 6, 4, 7, 3}; !slices.Equal(got, want) {
		t.Errorf("spans with parents %v, want %v", got, want)
	}
}

func TestATraceOfSidecarsAloneIsNotFoldedAway(t *testing.T) {
	tr := tracetest.Read(t, `
1 - client a b:80/* 0 10 component=proxy
2 1 server b b:80/* 1 9 component=proxy
`)
	if len(tr.Spans) != 2 || tr.Folded != 0 {
		t.Errorf("%d spans, folded %d", len(tr.Spans), tr.Folded)
	}
}

func TestProxiesWhoseParentsFormACircleAreFolded(t *testing.T) {
	tr := tracetest.Read(t, `
1 2 client a b:80/* 0 10 component=proxy
2 1 client a b:80/* 1 9 component=proxy
3 2 server b b.B/C 2 8
`)
	if got, want := parents(tr), []byte{3, 0}; !slices.Equal(got, want) {
		t.Errorf("spans with parents %v, want %v", got, want)
	}
}
