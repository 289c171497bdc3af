package trace_test

import (
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/shopctl/shopctl/pkg/trace"
)

// An order with one call, as an OTLP exporter writes it to a file.
const order = `{"resourceSpans": [
  {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]}, "scopeSpans": [{"spans": [
    {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "PlaceOrder", "kind": 2,
     "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000100000000"}]}]},
  {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "payment"}}]}, "scopeSpans": [{"spans": [
    {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b175", "parentSpanId": "eee19b7ec3c1b174",
     "name": "Charge", "kind": 2, "startTimeUnixNano": "1700000000020000000", "endTimeUnixNano": "1700000000090000000",
     "status": {"code": 2, "message": "the bank does not respond"}}]}]}]}`

// Reading a file of spans and assembling them shows the tree of calls, its errors, and where the time went.
func Example() {
	data, err := trace.ReadFile(strings.NewReader(order))
	if err != nil {
		log.Fatal(err)
	}
	spans, refused := trace.Spans(data)
	fmt.Println(len(spans), "spans,", refused, "refused")
	for _, t := range trace.Assemble(spans) {
		for _, s := range t.Spans {
			fmt.Printf("%s%s %s %s\n", strings.Repeat("  ", s.Depth), s.Service, s.Name, s.Duration())
			if s.Message != "" {
				fmt.Println("error:", s.Message)
			}
		}
		for _, step := range t.CriticalPath() {
			fmt.Printf("waited %s for %s\n", step.To.Sub(step.From).Round(time.Millisecond), step.Span.Name)
		}
	}
	// Output:
	// 2 spans, 0 refused
	// checkout PlaceOrder 100ms
	//   payment Charge 70ms
	// error: the bank does not respond
	// waited 20ms for PlaceOrder
	// waited 70ms for Charge
	// waited 10ms for PlaceOrder
}
