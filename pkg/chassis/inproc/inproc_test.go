package inproc_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/inproc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type callee struct {
	testpb.UnimplementedTestServiceServer
	call func(context.Context) error
}

func (c callee) EmptyCall(ctx context.Context, _ *testpb.Empty) (*testpb.Empty, error) {
	return &testpb.Empty{}, c.call(ctx)
}

// ends counts the attempts that have ended.
type ends struct{ n atomic.Int32 }

func (*ends) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (*ends) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (*ends) HandleConn(context.Context, stats.ConnStats)                       {}
func (e *ends) HandleRPC(_ context.Context, event stats.RPCStats) {
	if _, ok := event.(*stats.End); ok {
		e.n.Add(1)
	}
}

func start(call func(context.Context) error) (*inproc.Server, testpb.TestServiceClient, *ends) {
	s, attempts := inproc.New(&ends{}), &ends{}
	testpb.RegisterTestServiceServer(s, callee{call: call})
	direct := func(ctx context.Context, method string, req, resp any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return invoke(ctx, method, req, resp, cc, opts...)
	}
	return s, testpb.NewTestServiceClient(s.Conn(inproc.ConnConfig{Spans: attempts, Unary: direct, Retry: inproc.RetryPolicy{
		Methods: []string{testpb.TestService_EmptyCall_FullMethodName}, MaxAttempts: 3, FirstPause: time.Millisecond, MaxPause: time.Millisecond,
		MaxTokens: 10, TokenRatio: 0.5,
	}})), attempts
}

func TestCallsAreRefusedBeforeOpenAndAfterClose(t *testing.T) {
	s, client, _ := start(func(context.Context) error { return nil })
	call := func() codes.Code {
		_, err := client.EmptyCall(t.Context(), &testpb.Empty{})
		return status.Code(err)
	}
	if got := call(); got != codes.Unavailable {
		t.Errorf("before Open: %v", got)
	}
	s.Open()
	if got := call(); got != codes.OK {
		t.Errorf("while open: %v", got)
	}
	s.Close(t.Context())
	if got := call(); got != codes.Unavailable {
		t.Errorf("after Close: %v", got)
	}
}

func TestCloseWaitsForTheCalleeEvenIfTheCallerHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, client, _ := start(func(context.Context) error { <-release; return nil })
		s.Open()
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error)
		go func() {
			_, err := client.EmptyCall(ctx, &testpb.Empty{})
			left <- err
		}()
		synctest.Wait()
		leave()
		if err := <-left; status.Code(err) != codes.Canceled {
			t.Errorf("the caller got %v", err)
		}
		closed := make(chan struct{})
		go func() { defer close(closed); s.Close(context.Background()) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("closed while a call was in flight")
		default:
		}
		close(release)
		<-closed
	})
}

func TestRetriesStopWhenTheBudgetIsSpent(t *testing.T) {
	s, client, attempts := start(func(context.Context) error { return status.Error(codes.Unavailable, "away") })
	s.Open()
	for range 10 {
		if _, err := client.EmptyCall(t.Context(), &testpb.Empty{}); status.Code(err) != codes.Unavailable {
			t.Fatal(err)
		}
	}
	// Three attempts for the first call, two for the second, whose second failure leaves half of the ten tokens.
	if n := attempts.n.Load(); n != 3+2+8 {
		t.Errorf("%d attempts in all, each with a span; want %d", n, 3+2+8)
	}
}
