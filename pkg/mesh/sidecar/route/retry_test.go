package route_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/route"
)

func policy(t *testing.T, json string) *route.RetryPolicy {
	t.Helper()
	return only(t, `"route": {"cluster": "c", "retryPolicy": `+json+`}`).Retry
}

func response(status, grpc string) field.Fields {
	f := field.Fields{{Name: ":status", Value: status}}
	if grpc != "" {
		f.Add("grpc-status", grpc)
	}
	return f
}

func TestAResponseIsRetriedByItsStatus(t *testing.T) {
	const standard = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
	for _, c := range []struct {
		name, on, status, grpc string
		want                   bool
	}{
		{"5xx", "5xx", "500", "", true},
		{"5xx is not 4xx", "5xx", "499", "", false},
		{"gateway-error is 502, 503 and 504", "gateway-error", "503", "", true},
		{"gateway-error is not 500", "gateway-error", "500", "", false},
		{"gateway-error does not see a status of gRPC", "gateway-error", "200", "14", false},
		{"retriable-4xx is 409", "retriable-4xx", "409", "", true},
		{"retriable-4xx is not 404", "retriable-4xx", "404", "", false},
		{"retriable-status-codes", "retriable-status-codes", "418", "", true},
		{"other codes", "retriable-status-codes", "419", "", false},
		{"codes without the condition", "reset", "418", "", false},
		{"unavailable", "unavailable", "200", "14", true},
		{"cancelled", "cancelled", "200", "1", true},
		{"deadline-exceeded", "deadline-exceeded", "200", "4", true},
		{"resource-exhausted", "resource-exhausted", "200", "8", true},
		{"internal", "internal", "200", "13", true},
		{"another status of gRPC", "unavailable", "200", "13", false},
		{"OK is never retried", "unavailable,cancelled,internal", "200", "0", false},
		{"a status in trailers is not seen", "unavailable", "200", "", false},
		{"the standard: UNAVAILABLE", standard, "200", "14", true},
		{"the standard: a plain 503 is not retried", standard, "503", "", false},
		{"a list that begins with a comma", ",retriable-status-codes", "418", "", true},
	} {
		p := policy(t, `{"retryOn": "`+c.on+`", "retriableStatusCodes": [418]}`)
		if got := p.OnResponse(response(c.status, c.grpc)); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	if none := (*route.RetryPolicy)(nil); none.OnResponse(response("503", "")) || none.OnReset(route.ConnectFailure) {
		t.Error("without a policy it is retried")
	}
	headers := policy(t, `{"retryOn": "retriable-headers", "retriableHeaders": [{"name": "x-again", "presentMatch": true}]}`)
	f := response("200", "")
	f.Add("x-again", "")
	if !headers.OnResponse(f) || headers.OnResponse(response("200", "")) {
		t.Error("headers do not decide")
	}
}

func TestAFailureIsRetriedByItsKind(t *testing.T) {
	all := []route.Failure{
		route.ConnectFailure, route.RefusedStream, route.Reset, route.ResetBeforeRequest, route.PerTryTimeout, route.Overflow,
	}
	wide := map[route.Failure]bool{
		route.ConnectFailure: true, route.RefusedStream: true, route.Reset: true, route.ResetBeforeRequest: true, route.PerTryTimeout: true,
	}
	for on, want := range map[string]map[route.Failure]bool{
		"connect-failure":      {route.ConnectFailure: true},
		"refused-stream":       {route.RefusedStream: true},
		"reset-before-request": {route.ResetBeforeRequest: true},
		"reset":                wide,
		"5xx":                  wide,
		"gateway-error":        wide,
		"unavailable":          {},
		"connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes": {route.ConnectFailure: true, route.RefusedStream: true},
	} {
		p := policy(t, `{"retryOn": "`+on+`"}`)
		for _, f := range all {
			if got := p.OnReset(f); got != want[f] {
				t.Errorf("%s retries failure %d: %t", on, f, got)
			}
		}
	}
}

func TestWaitsGrowUpToTenTimesTheBase(t *testing.T) {
	longest := func(n uint64) uint64 { return n - 1 }
	p := policy(t, `{"retryOn": "5xx", "numRetries": 2}`)
	for n, want := range map[int]time.Duration{1: 25, 2: 75, 3: 175, 4: 250, 5: 250, 60: 250} {
		if got := p.Backoff(n, longest); got != want*time.Millisecond-1 {
			t.Errorf("retry %d waits up to %s", n, got)
		}
	}
	if got := p.Backoff(1, func(uint64) uint64 { return 0 }); got != 0 {
		t.Errorf("retry 1 waits at least %s", got)
	}
	own := policy(t, `{"retryOn": "5xx", "retryBackOff": {"baseInterval": "0.1s"}}`)
	if got := own.Backoff(9, longest); got != time.Second-1 {
		t.Errorf("with a base of its own it waits up to %s", got)
	}
	if p.Retries != 2 || p.AvoidPrevious {
		t.Errorf("the policy is %+v", p)
	}
	avoiding := policy(t, `{"retryOn": "5xx", "retryHostPredicate": [{"name": "envoy.retry_host_predicates.previous_hosts"}], "hostSelectionRetryMaxAttempts": "5"}`)
	if !avoiding.AvoidPrevious || avoiding.Reselect != 5 || avoiding.Retries != 1 {
		t.Errorf("the policy is %+v", avoiding)
	}
}

// fault is the fault of a route.
func fault(t *testing.T, json string) *route.Fault {
	t.Helper()
	return only(t, `"route": {"cluster": "c"}, "typedPerFilterConfig": {"envoy.filters.http.fault": {
		"@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault", `+json+`}}`).Fault
}

func TestDelayAndAbortHaveDiceOfTheirOwn(t *testing.T) {
	f := fault(t, `"delay": {"fixedDelay": "2s", "percentage": {"numerator": 500000, "denominator": "MILLION"}},
		"abort": {"grpcStatus": 14, "percentage": {"numerator": 10}}`)
	var dice []uint64
	roll := func(n uint64) uint64 {
		next := dice[0]
		dice = dice[1:]
		return next % n
	}
	for _, c := range []struct {
		dice  []uint64
		delay time.Duration
		abort bool
	}{
		{[]uint64{499999, 9}, 2 * time.Second, true},
		{[]uint64{499999, 10}, 2 * time.Second, false},
		{[]uint64{500000, 9}, 0, true},
		{[]uint64{500000, 10}, 0, false},
	} {
		dice = c.dice
		delay, abort := f.Roll(request(), roll)
		if delay != c.delay || (abort != nil) != c.abort || abort != nil && (abort.GRPC != codes.Unavailable || abort.HTTP != 0) {
			t.Errorf("%v: %s, %v", c.dice, delay, abort)
		}
	}
}

func TestAFaultWithoutAPercentageHasNoEffect(t *testing.T) {
	f := fault(t, `"delay": {"fixedDelay": "2s", "percentage": {}}, "abort": {"httpStatus": 503}`)
	if delay, abort := f.Roll(request(), nil); delay != 0 || abort != nil {
		t.Errorf("it waits %s and aborts with %v", delay, abort)
	}
	if delay, abort := (*route.Fault)(nil).Roll(request(), nil); delay != 0 || abort != nil {
		t.Error("no fault has an effect")
	}
}

func TestAFaultOfSomeHeadersLeavesOtherRequestsAlone(t *testing.T) {
	f := fault(t, `"abort": {"httpStatus": 503, "percentage": {"numerator": 100}}, "headers": [{"name": "x-user", "stringMatch": {"exact": "alice"}}]`)
	if _, abort := f.Roll(request("x-user", "alice"), nil); abort == nil || abort.HTTP != 503 {
		t.Error("it does not abort")
	}
	if _, abort := f.Roll(request(), nil); abort != nil {
		t.Error("it aborts another request")
	}
}

func TestCORSLetsSomeOriginsIn(t *testing.T) {
	r := only(t, `"route": {"cluster": "c"}, "typedPerFilterConfig": {"envoy.filters.http.cors": {
		"@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
		"allowOriginStringMatch": [{"exact": "https://shop.example"}], "allowMethods": "GET,POST", "maxAge": "60", "allowCredentials": true,
		"exposeHeaders": "x-id"}}`)
	ask := request(":method", "OPTIONS", "origin", "https://shop.example", "access-control-request-method", "POST")
	f, ok := r.CORS.Preflight(ask)
	if !ok || f.Get("access-control-allow-methods") != "GET,POST" || f.Get("access-control-allow-origin") != "https://shop.example" ||
		f.Get("access-control-max-age") != "60" || f.Get("access-control-allow-credentials") != "true" {
		t.Errorf("the response is %v", f)
	}
	if _, ok := r.CORS.Preflight(request(":method", "OPTIONS", "origin", "https://evil.example", "access-control-request-method", "POST")); ok {
		t.Error("another origin is let in")
	}
	if _, ok := r.CORS.Preflight(request("origin", "https://shop.example")); ok {
		t.Error("a request is taken for a question")
	}
	response := response("200", "")
	r.CORS.ChangeResponse(request("origin", "https://shop.example"), &response)
	if response.Get("access-control-allow-origin") != "https://shop.example" || response.Get("access-control-expose-headers") != "x-id" {
		t.Errorf("the response has %v", response)
	}
}
