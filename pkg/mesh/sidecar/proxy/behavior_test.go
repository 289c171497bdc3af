package proxy_test

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/shopctl/shopctl/pkg/eventually"
	"github.com/shopctl/shopctl/pkg/mesh/translate"
)

// behavior is a rule of the mesh, as one caller's sidecar in front of programs shows it.
type behavior struct {
	name     string
	route    *networking.HTTPRoute
	policy   *networking.TrafficPolicy
	subsets  []*networking.Subset
	program  func(stream grpc.ServerStream) error // nil: echo
	dead     bool                                 // nothing listens at the only address
	calls    int                                  // before the one that counts
	code     codes.Code
	message  string
	flags    string
	attempts int
	reached  int32 // how often the program was called in all
	// timed: on a busy machine a request may take longer than it has time, and reach no program. Then another is tried: a rule
	// that does not hold never holds.
	timed bool
}

func fails(code codes.Code) func(grpc.ServerStream) error {
	return func(stream grpc.ServerStream) error {
		_ = stream.RecvMsg(new(wrapperspb.StringValue))
		return status.Error(code, "the program says so")
	}
}

// failsLate sends headers first, so that the status is in trailers.
func failsLate(stream grpc.ServerStream) error {
	_ = stream.RecvMsg(new(wrapperspb.StringValue))
	_ = stream.SendHeader(metadata.Pairs("x-early", "1"))
	return status.Error(codes.Unavailable, "late")
}

func hangs(stream grpc.ServerStream) error {
	<-stream.Context().Done()
	return stream.Context().Err()
}

func retries(n int32, on string) *networking.HTTPRoute {
	return &networking.HTTPRoute{Retries: &networking.HTTPRetry{Attempts: n, RetryOn: on, Backoff: durationpb.New(time.Millisecond)}}
}

func abort(percent float64, r *networking.HTTPRoute) *networking.HTTPRoute {
	r.Fault = &networking.HTTPFaultInjection{Abort: &networking.HTTPFaultInjection_Abort{
		ErrorType:  &networking.HTTPFaultInjection_Abort_GrpcStatus{GrpcStatus: "UNAVAILABLE"},
		Percentage: &networking.Percent{Value: percent},
	}}
	return r
}

func abortHTTP(s int32) *networking.HTTPRoute {
	return &networking.HTTPRoute{Fault: &networking.HTTPFaultInjection{Abort: &networking.HTTPFaultInjection_Abort{
		ErrorType: &networking.HTTPFaultInjection_Abort_HttpStatus{HttpStatus: s}, Percentage: &networking.Percent{Value: 100},
	}}}
}

func delay(d time.Duration, r *networking.HTTPRoute) *networking.HTTPRoute {
	if r.Fault == nil {
		r.Fault = &networking.HTTPFaultInjection{}
	}
	r.Fault.Delay = &networking.HTTPFaultInjection_Delay{
		HttpDelayType: &networking.HTTPFaultInjection_Delay_FixedDelay{FixedDelay: durationpb.New(d)},
		Percentage:    &networking.Percent{Value: 100},
	}
	return r
}

func timeout(d time.Duration, r *networking.HTTPRoute) *networking.HTTPRoute {
	r.Timeout = durationpb.New(d)
	return r
}

func perTry(d time.Duration, r *networking.HTTPRoute) *networking.HTTPRoute {
	r.Retries.PerTryTimeout = durationpb.New(d)
	return r
}

func onHeader(name, exact string) *networking.HTTPRoute {
	return &networking.HTTPRoute{Match: []*networking.HTTPMatchRequest{{Headers: map[string]*networking.StringMatch{
		name: {MatchType: &networking.StringMatch_Exact{Exact: exact}},
	}}}}
}

func ejectAfter(n uint32, percent int32) *networking.TrafficPolicy {
	return &networking.TrafficPolicy{OutlierDetection: &networking.OutlierDetection{
		Consecutive_5XxErrors: wrapperspb.UInt32(n), MaxEjectionPercent: percent,
	}}
}

func toSubset(name string) *networking.HTTPRoute {
	return &networking.HTTPRoute{Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: "payment", Subset: name}}}}
}

const (
	refused = "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote connection failure, " +
		"transport failure reason: delayed connect error: Connection refused"
	refusedOnce = "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, " +
		"transport failure reason: delayed connect error: Connection refused"
	overflowed = "upstream connect error or disconnect/reset before headers. reset reason: overflow"
	tooLong    = "upstream request timeout"
	soon       = 20 * time.Millisecond
)

func behaviors() []behavior {
	ok, un := codes.OK, codes.Unavailable
	return []behavior{
		{name: "no VS: default route", code: ok, flags: "-", attempts: 1, reached: 1},
		{name: "VS exists but no rule matches", route: onHeader("x-canary", "yes"), code: codes.Unimplemented, flags: "NR"},
		{name: "headers exact", route: onHeader("x-here", "yes"), code: ok, flags: "-", attempts: 1, reached: 1},
		{name: "subset unknown", route: toSubset("ghost"), code: un, flags: "NC"},
		{
			name: "subset known, no endpoints", route: toSubset("v2"), subsets: []*networking.Subset{{Name: "v2", Labels: map[string]string{"version": "v2"}}},
			code: un, message: "no healthy upstream", flags: "UH",
		},
		{name: "retries absent: connect-failure", dead: true, code: un, message: refused, flags: "UF,URX", attempts: 3},
		{name: "retries absent: unavailable", program: fails(un), code: un, message: "the program says so", flags: "URX", attempts: 3, reached: 3},
		{name: "retries absent: cancelled", program: fails(codes.Canceled), code: codes.Canceled, message: "the program says so", flags: "URX", attempts: 3, reached: 3},
		{name: "retries absent: internal is final", program: fails(codes.Internal), code: codes.Internal, message: "the program says so", flags: "-", attempts: 1, reached: 1},
		{name: "retries.attempts 0", route: &networking.HTTPRoute{Retries: &networking.HTTPRetry{}}, program: fails(un), code: un, message: "the program says so", flags: "-", attempts: 1, reached: 1},
		{name: "retries.attempts 0: connect-failure", route: &networking.HTTPRoute{Retries: &networking.HTTPRetry{}}, dead: true, code: un, message: refusedOnce, flags: "UF", attempts: 1},
		{name: "retries.attempts 4", route: retries(4, ""), program: fails(un), code: un, message: "the program says so", flags: "URX", attempts: 5, reached: 5},
		{name: "retryOn gateway-error looks at :status", route: retries(2, "gateway-error"), program: fails(un), code: un, message: "the program says so", flags: "-", attempts: 1, reached: 1},
		{name: "retryOn 5xx looks at :status", route: retries(2, "5xx"), program: fails(codes.Internal), code: codes.Internal, message: "the program says so", flags: "-", attempts: 1, reached: 1},
		{name: "retryOn internal", route: retries(1, "internal"), program: fails(codes.Internal), code: codes.Internal, message: "the program says so", flags: "URX", attempts: 2, reached: 2},
		{name: "retryOn resource-exhausted", route: retries(1, "resource-exhausted"), program: fails(codes.ResourceExhausted), code: codes.ResourceExhausted, message: "the program says so", flags: "URX", attempts: 2, reached: 2},
		{name: "retryOn deadline-exceeded", route: retries(1, "deadline-exceeded"), program: fails(codes.DeadlineExceeded), code: codes.DeadlineExceeded, message: "the program says so", flags: "URX", attempts: 2, reached: 2},
		{name: "gRPC status in trailers is not retried", program: failsLate, code: un, message: "late", flags: "-", attempts: 1, reached: 1},
		{name: "timeout", route: timeout(soon, &networking.HTTPRoute{}), program: hangs, code: un, message: tooLong, flags: "UT", attempts: 1, timed: true, reached: 1},
		{name: "timeout is never retried", route: timeout(soon, retries(2, "5xx,reset")), program: hangs, code: un, message: tooLong, flags: "UT", attempts: 1, timed: true, reached: 1},
		{name: "timeout excludes fault delay", route: timeout(soon, delay(3*soon, &networking.HTTPRoute{})), code: ok, flags: "DI", attempts: 1, timed: true, reached: 1},
		{name: "perTryTimeout with reset", route: perTry(soon, retries(2, "reset")), program: hangs, code: un, message: tooLong, flags: "UT,URX", attempts: 3, timed: true, reached: 3},
		{name: "perTryTimeout with gateway-error", route: perTry(soon, retries(1, "gateway-error")), program: hangs, code: un, message: tooLong, flags: "UT,URX", attempts: 2, timed: true, reached: 2},
		{name: "perTryTimeout with the default retryOn", route: perTry(soon, retries(2, "")), program: hangs, code: un, message: tooLong, flags: "UT", attempts: 1, timed: true, reached: 1},
		{name: "perTryTimeout at the timeout is ignored", route: timeout(soon, perTry(soon, retries(2, "reset"))), program: hangs, code: un, message: tooLong, flags: "UT", attempts: 1, timed: true, reached: 1},
		{name: "fault.abort grpcStatus", route: abort(100, &networking.HTTPRoute{}), code: un, message: "fault filter abort", flags: "FI"},
		{name: "fault.abort is not retried", route: abort(100, retries(3, "unavailable,5xx")), code: un, message: "fault filter abort", flags: "FI"},
		{name: "fault.abort 0 percent", route: abort(0, &networking.HTTPRoute{}), code: ok, flags: "-", attempts: 1, reached: 1},
		{name: "fault.abort httpStatus 503", route: abortHTTP(503), code: un, message: "fault filter abort", flags: "FI"},
		{name: "fault.abort httpStatus 500", route: abortHTTP(500), code: codes.Unknown, message: "fault filter abort", flags: "FI"},
		{name: "fault.abort httpStatus 400", route: abortHTTP(400), code: codes.Internal, message: "fault filter abort", flags: "FI"},
		{name: "fault.abort httpStatus 404", route: abortHTTP(404), code: codes.Unimplemented, message: "fault filter abort", flags: "FI"},
		{name: "fault.abort httpStatus 401", route: abortHTTP(401), code: codes.Unauthenticated, message: "fault filter abort", flags: "FI"},
		{name: "fault.abort httpStatus 403", route: abortHTTP(403), code: codes.PermissionDenied, message: "fault filter abort", flags: "FI"},
		{name: "fault.abort httpStatus 429", route: abortHTTP(429), code: un, message: "fault filter abort", flags: "FI"},
		{name: "fault.delay", route: delay(soon, &networking.HTTPRoute{}), code: ok, flags: "DI", attempts: 1, reached: 1},
		{name: "fault order: delay, then abort", route: delay(soon, abort(100, &networking.HTTPRoute{})), code: un, message: "fault filter abort", flags: "DI,FI"},
		{name: "fault.abort does not count for outlierDetection", route: abort(100, &networking.HTTPRoute{}), policy: ejectAfter(1, 100), calls: 3, code: un, message: "fault filter abort", flags: "FI"},
		{name: "consecutive5xxErrors ejects at once", policy: ejectAfter(1, 100), route: retries(0, ""), program: fails(un), calls: 1, code: un, message: "no healthy upstream", flags: "UH", reached: 1},
		{name: "consecutive5xxErrors counts each attempt", policy: ejectAfter(3, 100), program: fails(un), calls: 1, code: un, message: "no healthy upstream", flags: "UH", reached: 3},
		{name: "consecutive5xxErrors does not see trailers", policy: ejectAfter(1, 100), program: failsLate, calls: 2, code: un, message: "late", flags: "-", attempts: 1, reached: 3},
		{name: "consecutive5xxErrors counts connect failures", policy: ejectAfter(1, 100), route: retries(0, ""), dead: true, calls: 1, code: un, message: "no healthy upstream", flags: "UH"},
		{name: "maxEjectionPercent 50 needs two endpoints", policy: ejectAfter(1, 50), route: retries(0, ""), program: fails(un), calls: 2, code: un, message: "the program says so", flags: "-", attempts: 1, reached: 3},
		{name: "outlierDetection: PERMISSION_DENIED is a success", policy: ejectAfter(1, 100), program: fails(codes.PermissionDenied), calls: 2, code: codes.PermissionDenied, message: "the program says so", flags: "-", attempts: 1, reached: 3},
	}
}

func TestBehavior(t *testing.T) {
	for _, b := range behaviors() {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			b.run(t)
		})
	}
}

// run holds the rule against a sidecar.
func (b *behavior) run(t *testing.T) {
	if !b.timed {
		if wrong := b.try(t); wrong != "" {
			t.Error(wrong)
		}
		return
	}
	var wrong string
	defer func() {
		if t.Failed() {
			t.Log(wrong)
		}
	}()
	eventually.True(t, "the rule holds", func() bool {
		wrong = b.try(t)
		return wrong == ""
	})
}

// try calls a program through a sidecar, and returns what is not as the rule has it.
func (b *behavior) try(t *testing.T) (wrong string) {
	var reached atomic.Int32
	address := closedPort(t)
	if !b.dead {
		program := b.program
		if program == nil {
			program = echo
		}
		address = app(t, func(s grpc.ServerStream) error {
			reached.Add(1)
			return program(s)
		})
	}
	out, log := newProxy(t, nil, outbound(t, b.mesh(), false, address))
	conn := dial(t, out.Listeners()[outer])
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-here", "yes")
	var err error
	for range b.calls + 1 {
		err = conn.Invoke(ctx, charge, wrapperspb.String("hello"), new(wrapperspb.StringValue))
	}
	e := log.wait(t, b.calls+1)
	if s := status.Convert(err); s.Code() != b.code || s.Message() != b.message {
		wrong += fmt.Sprintf("the call ends with %v, %q; ", s.Code(), s.Message())
	}
	if e.Flags.String() != b.flags || e.Attempts != b.attempts {
		wrong += fmt.Sprintf("recorded are flags %s and %d attempts (%s); ", e.Flags, e.Attempts, e.Details)
	}
	if reached.Load() != b.reached {
		wrong += fmt.Sprintf("the program was called %d times", reached.Load())
	}
	return wrong
}

func (b *behavior) mesh() *translate.Mesh {
	m := mesh()
	meta := translate.Meta{Name: "payment", Namespace: "shop"}
	if b.route != nil {
		if b.route.Route == nil {
			b.route.Route = []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: "payment"}}}
		}
		m.VirtualServices = []translate.VirtualService{{Meta: meta, Spec: &networking.VirtualService{
			Hosts: []string{"payment"}, Http: []*networking.HTTPRoute{b.route},
		}}}
	}
	if b.policy != nil || b.subsets != nil {
		m.DestinationRules = []translate.DestinationRule{{Meta: meta, Spec: &networking.DestinationRule{
			Host: "payment", TrafficPolicy: b.policy, Subsets: b.subsets,
		}}}
	}
	return m
}

// closedPort is an address at which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

func TestHTTP2MaxRequestsOverflow(t *testing.T) {
	b := behavior{policy: &networking.TrafficPolicy{ConnectionPool: &networking.ConnectionPoolSettings{
		Http: &networking.ConnectionPoolSettings_HTTPSettings{Http2MaxRequests: 1},
	}}}
	began := make(chan struct{})
	out, log := newProxy(t, nil, outbound(t, b.mesh(), false, app(t, func(s grpc.ServerStream) error {
		close(began)
		return hangs(s)
	})))
	conn := dial(t, out.Listeners()[outer])
	ctx, cancel := contextOf(t)
	var wg sync.WaitGroup
	wg.Go(func() { _ = conn.Invoke(ctx, charge, wrapperspb.String("x"), new(wrapperspb.StringValue)) })
	<-began
	err := call(t, conn, charge)
	if s := status.Convert(err); s.Code() != codes.Unavailable || s.Message() != overflowed {
		t.Errorf("the second call ends with %v", err)
	}
	if e := log.wait(t, 1); e.Flags.String() != "UO" || e.Attempts != 1 {
		t.Errorf("recorded is %+v", e)
	}
	cancel()
	wg.Wait()
	if e := log.wait(t, 2); e.Flags.String() != "DC" {
		t.Errorf("recorded of the first call is %s", e.Flags)
	}
}
