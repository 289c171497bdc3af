// Package tracetest builds traces from a short notation, for tests.
package tracetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

// start is when every trace begins.
func start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// Spans reads a span a line, in milliseconds since the start:
//
//	ID PARENT KIND SERVICE NAME FROM TO [error] [message=TEXT] [key=value]...
//
// A parent "-" is none. NAME and TEXT hold no space; an underscore is read as one.
func Spans(t testing.TB, text string) []*trace.Span {
	t.Helper()
	kinds := map[string]trace.Kind{"internal": trace.Internal, "server": trace.Server, "client": trace.Client, "producer": trace.Producer, "consumer": trace.Consumer}
	var spans []*trace.Span
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		var id, parent byte
		var from, to float64
		if f[1] == "-" {
			f[1] = "0"
		}
		if _, err := fmt.Sscan(f[0]+" "+f[1]+" "+f[5]+" "+f[6], &id, &parent, &from, &to); err != nil {
			t.Fatalf("read span %q: %v", line, err)
		}
		s := &trace.Span{Record: trace.Record{
			Trace: trace.ID{1}, Span: trace.SpanID{id}, Parent: trace.SpanID{parent}, Kind: kinds[f[2]],
			Service: f[3], Name: strings.ReplaceAll(f[4], "_", " "), Start: at(from), End: at(to),
		}}
		for _, word := range f[7:] {
			key, value, ok := strings.Cut(word, "=")
			if ok && key == "message" {
				s.Message = strings.ReplaceAll(value, "_", " ")
				continue
			}
			if ok {
				s.Attributes = append(s.Attributes, trace.Attribute{Key: key, Value: value})
				s.Describe(key, value)
				continue
			}
			s.Error = word == "error"
		}
		spans = append(spans, s)
	}
	return spans
}

// Read assembles what Spans reads; it must be one trace.
func Read(t testing.TB, text string) *trace.Trace {
	t.Helper()
	traces := trace.Assemble(Spans(t, text))
	if len(traces) != 1 {
		t.Fatalf("%d traces, want one", len(traces))
	}
	return traces[0]
}

func at(ms float64) time.Time { return start().Add(time.Duration(ms * float64(time.Millisecond))) }

// Order is a trace of an order whose payment failed once, by a fault, and was tried again.
const Order = `
1 - server   frontend        POST_/cart/checkout                     0  100
2 1 client   frontend        hipstershop.CheckoutService/PlaceOrder  5  95  rpc.system.name=grpc server.address=127.0.0.1
3 2 server   checkoutservice hipstershop.CheckoutService/PlaceOrder  6  94  rpc.system.name=grpc
4 3 client   checkoutservice hipstershop.CartService/GetCart         8  20  rpc.system.name=grpc
5 4 server   cartservice     hipstershop.CartService/GetCart         9  19  rpc.system.name=grpc
6 5 client   cartservice     hgetall                                 10 18  db.system.name=redis
7 3 client   checkoutservice hipstershop.PaymentService/Charge       25 40  error rpc.system.name=grpc rpc.response.status_code=UNAVAILABLE
8 7 server   paymentservice  hipstershop.PaymentService/Charge       26 39  error rpc.system.name=grpc rpc.response.status_code=UNAVAILABLE shopctl.fault=f1 shopctl.fault.effect=UNAVAILABLE
9 3 client   checkoutservice hipstershop.PaymentService/Charge       45 85  rpc.system.name=grpc
10 9 server  paymentservice  hipstershop.PaymentService/Charge       46 84  rpc.system.name=grpc
`
