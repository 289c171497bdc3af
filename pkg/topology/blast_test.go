package topology

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/observe/impact"
	"github.com/shopctl/shopctl/pkg/observe/servicegraph"
	"github.com/shopctl/shopctl/pkg/trace/tracetest"
)

// Traces as the shop sends them. %s is what is wrong with the span.
const (
	http  = " http.request.method=GET "
	grpc  = " rpc.system.name=grpc "
	ok200 = http + "http.response.status_code=200"
	s503  = " error" + http + "http.response.status_code=503"
	s504  = " error" + http + "http.response.status_code=504"
	down  = " error" + grpc + "rpc.response.status_code=UNAVAILABLE "
	late  = " error" + grpc + "rpc.response.status_code=DEADLINE_EXCEEDED "
)

func mark(faults ...string) string { return " shopctl.fault=" + strings.Join(faults, ",") + " " }

// orderWithMail waits 900 ms for the mail and, at the same time, 400 ms for the cart to be emptied.
func orderWithMail(mail, cart string) string {
	return `
1 - server frontend POST_/cart/checkout 0 923` + ok200 + `
2 1 client frontend hipstershop.CheckoutService/PlaceOrder 2 921` + grpc + `
3 2 server checkout hipstershop.CheckoutService/PlaceOrder 3 920` + grpc + `
4 3 client checkout hipstershop.EmailService/SendOrderConfirmation 15 918` + grpc + `
5 4 server email hipstershop.EmailService/SendOrderConfirmation 16 917` + grpc + mail + `
6 3 client checkout hipstershop.CartService/EmptyCart 15 418` + grpc + `
7 6 server cart hipstershop.CartService/EmptyCart 16 417` + grpc + cart
}

// orderPaid is an order: each span has what is said of it, from the storefront to payment.
func orderPaid(front, call, checkout, charge, payment string, ms int) string {
	return fmt.Sprintf(`
1 - server frontend POST_/cart/checkout 0 %[1]d%[2]s
2 1 client frontend hipstershop.CheckoutService/PlaceOrder 1 %[1]d%[3]s
3 2 server checkout hipstershop.CheckoutService/PlaceOrder 2 %[1]d%[4]s
4 3 client checkout hipstershop.PaymentService/Charge 3 %[1]d%[5]s
5 4 server payment hipstershop.PaymentService/Charge 4 %[1]d%[6]s`, ms, front, call, checkout, charge, payment)
}

// page is a page of the storefront that calls a service twice, as a retry does.
func page(front, first, firstServed, second, secondServed string) string {
	return `
1 - server frontend GET_/product/{id} 0 40` + front + `
2 1 client frontend hipstershop.ProductCatalogService/GetProduct 1 10` + first + `
3 2 server catalog hipstershop.ProductCatalogService/GetProduct 2 9` + firstServed + `
4 1 client frontend hipstershop.ProductCatalogService/GetProduct 15 35` + second + `
5 4 server catalog hipstershop.ProductCatalogService/GetProduct 16 34` + secondServed
}

func direct(service, method, said string) string {
	return "1 - server " + service + " " + method + " 0 310" + said
}

// times repeats traces.
func times(n int, traces ...string) (all []string) {
	for range n {
		all = append(all, traces...)
	}
	return all
}

func concat(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// requests are those of traces, with what faults did to them.
func requests(t *testing.T, faults []impact.Fault, traces []string) (all []impact.Request) {
	t.Helper()
	n := impact.Namer{Name: func(s string) string { return s }, Resolve: func(peer string) string {
		return map[string]string{"127.0.0.1:6379": "redis-cart"}[peer]
	}}
	for i, text := range traces {
		all = append(all, n.Requests(tracetest.Read(t, text), faults, time.Unix(int64(i), 0))...)
	}
	return all
}

var (
	mailSlow    = impact.Fault{ID: "f1", Service: "email", Delay: 900 * time.Millisecond}
	cartSlow    = impact.Fault{ID: "f2", Service: "cart", Method: "EmptyCart", Delay: 400 * time.Millisecond}
	paySlow     = impact.Fault{ID: "f3", Service: "payment", Method: "Charge", Delay: 3 * time.Second}
	payDown     = impact.Fault{ID: "f4", Service: "payment", Fails: true}
	catalogDown = impact.Fault{ID: "f5", Service: "catalog", Fails: true}
	catalogSlow = impact.Fault{ID: "f6", Service: "catalog", Delay: 300 * time.Millisecond}
	adDown      = impact.Fault{ID: "f7", Service: "ad", Fails: true}
	adSlow      = impact.Fault{ID: "f9", Service: "ad", Delay: 300 * time.Millisecond}
	redisPaused = impact.Fault{ID: "f8", Service: "redis-cart", Paused: true}
)

// adPage is a page that does without its advertisement.
func adPage(front, catalog, catalogServed string) string {
	return `
1 - server frontend GET_/ 0 40` + front + `
2 1 client frontend hipstershop.AdService/GetAds 1 5` + down + `
3 2 server ad hipstershop.AdService/GetAds 2 4` + down + mark("f7") + `message=injected_fault_f7
4 1 client frontend hipstershop.ProductCatalogService/ListProducts 6 30` + catalog + `
5 4 server catalog hipstershop.ProductCatalogService/ListProducts 7 29` + catalogServed
}

// slowAdPage is a page that waits 100 ms for its advertisement, and longer for its products if they take more.
func slowAdPage(took, products string) string {
	return `
1 - server frontend GET_/ 0 ` + took + ok200 + `
2 1 client frontend hipstershop.AdService/GetAds 1 101` + late + `
3 2 server ad hipstershop.AdService/GetAds 2 301` + late + mark("f9") + `
4 1 client frontend hipstershop.ProductCatalogService/ListProducts 1 ` + products + grpc
}

func TestASentenceIsTrueToTheTraces(t *testing.T) {
	mails := times(4, orderWithMail(mark("f1"), mark("f2")))
	failedOrder := orderPaid(s503, down, down, down, down+mark("f4")+"message=injected", 30)
	goodOrder := orderPaid(ok200, grpc, grpc, grpc, grpc, 30)
	timedOut := orderPaid(s504, late, late, late, late+mark("f3"), 500)
	both := `
1 - server frontend POST_/cart/checkout 0 340` + s503 + `
2 1 client frontend hipstershop.CheckoutService/PlaceOrder 311 339` + down + `
3 2 server checkout hipstershop.CheckoutService/PlaceOrder 312 338` + down + `
4 3 client checkout hipstershop.PaymentService/Charge 313 337` + down + `
5 4 server payment hipstershop.PaymentService/Charge 314 336` + down + mark("f4") + `
6 1 client frontend hipstershop.ProductCatalogService/GetProduct 1 310` + grpc + `
7 6 server catalog hipstershop.ProductCatalogService/GetProduct 2 309` + grpc + mark("f6")
	for _, c := range []struct {
		name   string
		fault  impact.Fault
		phrase string
		traces []string
		want   string
	}{
		{"a delay on the critical path", mailSlow, "+900ms 100%", mails, "-> checkout p95 915ms -> orders take 925ms at p95 (4 of 4 late)"},
		{"one beside it", cartSlow, "+400ms 100% EmptyCart", mails, "-> hidden: off the critical path of 4 of 4 orders"},
		{"a deadline that passes", paySlow, "+3s 100% Charge", []string{timedOut}, "-> checkout errors 100% -> 1 of 1 order times out"},
		{"some late, some too late", paySlow, "+3s 100% Charge", []string{timedOut, orderPaid(ok200, grpc, grpc, grpc, grpc+mark("f3"), 3010)}, "-> checkout errors 50% -> 1 of 2 orders times out, 1 late"},
		{"errors up to the order", payDown, "UNAVAILABLE 50%", concat(times(31, failedOrder), times(35, goodOrder)), "-> checkout errors 47% -> 47% of orders fail (31 of 66)"},
		{"one failure is known", payDown, "UNAVAILABLE 50%", concat(times(1, failedOrder), times(2, goodOrder)), "-> checkout errors 33% -> 1 of 3 orders fails"},
		{"no failure of few calls", payDown, "UNAVAILABLE 50%", times(3, goodOrder), "-> too few calls to tell (3 of 10)"},
		{"no failure of many calls", payDown, "UNAVAILABLE 1%", times(85, goodOrder), "-> none of 85 calls was affected"},
		{"nobody calls", payDown, "UNAVAILABLE 50%", times(12, page(ok200, grpc, grpc, grpc, grpc)), "-> no calls to payment in 12 requests"},
		{"nobody calls yet", payDown, "UNAVAILABLE 50%", times(3, page(ok200, grpc, grpc, grpc, grpc)), "-> too few calls to tell (0 of 10)"},
		{"of two faults, the one that fails orders", payDown, "UNAVAILABLE 100%", times(8, both), "-> checkout errors 100% -> 8 of 8 orders fail"},
		{"of two faults, the one that does not", catalogSlow, "+300ms 100% GetProduct", times(8, both), "-> orders take 340ms at p95 (8 of 8 late)"},
		{"a retry that fails too", catalogDown, "UNAVAILABLE 100%", times(2, page(s503, down, down+mark("f5"), down, down+mark("f5"))), "-> 2 of 2 pages fail"},
		{"a retry that hides it", catalogDown, "UNAVAILABLE 50%", times(20, page(ok200, down, down+mark("f5"), grpc, grpc)), "-> hidden: frontend tries again, and 20 of 20 affected calls succeed then"},
		{"direct calls", catalogDown, "UNAVAILABLE 50%", concat(times(3, direct("catalog", "hipstershop.ProductCatalogService/ListProducts", down+mark("f5"))), times(3, direct("catalog", "hipstershop.ProductCatalogService/ListProducts", grpc))), "-> 3 of 6 calls to catalog fail"},
		{"a caller that copes", adDown, "UNAVAILABLE 100%", times(3, adPage(ok200, grpc, grpc)), "-> frontend degrades: 3 of its calls to ad fail, its pages do not"},
		{"a caller that waits and copes", adSlow, "+300ms 100%", times(4, slowAdPage("110", "30")), "-> frontend degrades: 4 of its calls to ad fail -> pages take 110ms at p95 (4 of 4 late)"},
		{"one that waits for something else", adSlow, "+300ms 100%", times(4, slowAdPage("400", "390")), "-> frontend degrades: 4 of its calls to ad fail, its pages do not"},
		{"a page that fails for another reason", adDown, "UNAVAILABLE 100%", times(3, adPage(s503, down, down+mark("f5"))), "-> hidden: frontend fails for another reason (3 calls)"},
		{"the reason", catalogDown, "UNAVAILABLE 100%", times(3, adPage(s503, down, down+mark("f5"))), "-> 3 of 3 pages fail"},
		{"a store that is paused", redisPaused, "paused", times(2, `
1 - server frontend GET_/cart 0 400`+s503+`
2 1 client frontend hipstershop.CartService/GetCart 1 390`+down+`
3 2 server cart hipstershop.CartService/GetCart 2 389`+down+`
4 3 client cart hgetall 3 388 error db.system=redis server.address=127.0.0.1 server.port=6379`), "-> cart errors 100% -> 2 of 2 pages fail"},
		{"a store that resumes in time", redisPaused, "paused", times(2, `
1 - server frontend GET_/cart 0 400`+ok200+`
2 1 client frontend hipstershop.CartService/GetCart 1 390`+grpc+`
3 2 server cart hipstershop.CartService/GetCart 2 389`+grpc+`
4 3 client cart hgetall 3 388 db.system=redis server.address=127.0.0.1 server.port=6379`), "-> cart p95 387ms -> pages take 400ms at p95 (2 of 2 late)"},
		{"an own failure of a slow call", catalogSlow, "+300ms 100%", times(2, direct("catalog", "hipstershop.ProductCatalogService/GetProduct", grpc+"rpc.response.status_code=NOT_FOUND"+mark("f6"))), "-> calls to catalog take 310ms at p95 (2 of 2 late)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := requests(t, []impact.Fault{mailSlow, cartSlow, paySlow, payDown, catalogDown, catalogSlow, adDown, adSlow, redisPaused}, c.traces)
			f := Fault{ID: c.fault.ID, Service: c.fault.Service, Method: c.fault.Method, Phrase: c.phrase}
			got := BlastOf(f, Seen{Requests: all, Traffic: true})
			if want := c.fault.Service + " " + c.phrase + " " + c.want; got.Sentence != want {
				t.Errorf("got  %s\nwant %s", got.Sentence, want)
			}
		})
	}
}

func TestASentenceWithoutRequestsAsksForSomeOnlyIfThereAreNone(t *testing.T) {
	f := Fault{ID: "f4", Service: "payment", Phrase: "UNAVAILABLE 50%"}
	for seen, want := range map[string]string{
		BlastOf(f, Seen{}).Sentence:              "payment UNAVAILABLE 50% -> no requests yet: shopctl load start",
		BlastOf(f, Seen{Traffic: true}).Sentence: "payment UNAVAILABLE 50% -> too few calls to tell (0 of 10)",
	} {
		if seen != want {
			t.Errorf("got %s, want %s", seen, want)
		}
	}
	f.Pending, f.Phrase = true, "crash in 5s"
	if got := BlastOf(f, Seen{}).Sentence; got != "payment crash in 5s -> nothing yet" {
		t.Error(got)
	}
}

func TestTheStepsOfABlastTellBeforeAndAfter(t *testing.T) {
	all := requests(t, []impact.Fault{payDown}, times(4, orderPaid(s503, down, down, down, down+mark("f4"), 30)))
	before := servicegraph.Snapshot{Nodes: []servicegraph.Node{{Service: "checkout", Traffic: servicegraph.Traffic{Requests: 66, P95: time.Millisecond}}}}
	b := BlastOf(Fault{ID: "f4", Service: "payment", Phrase: "UNAVAILABLE 100%"}, Seen{Requests: all, Before: before})
	if len(b.Steps) != 3 || b.Steps[0].Service != "checkout" || b.Steps[0].Effect != "errors 100%" || b.Steps[0].Traffic.ErrorRatio != 1 ||
		b.Steps[0].Before == nil || b.Steps[0].Before.Requests != 66 || b.Steps[1].Before != nil || b.Steps[2].Service != "orders" || b.FaultID != "f4" {
		t.Errorf("%+v", b)
	}
}

func TestTheLatestRequestsReachBackUntilTheyAreEnough(t *testing.T) {
	all := requests(t, []impact.Fault{payDown}, times(100, orderPaid(ok200, grpc, grpc, grpc, grpc, 30))) // one a second
	if n := len(Latest(all, "f4", time.Unix(70, 0))); n != 30 {
		t.Errorf("%d of the last 30 seconds", n)
	}
	if n := len(Latest(all, "f4", time.Unix(98, 0))); n != Enough {
		t.Errorf("%d where two seconds are too few", n)
	}
}
