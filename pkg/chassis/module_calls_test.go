package chassis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
)

// callee is a server whose behavior a test sets.
type callee struct {
	testpb.UnimplementedTestServiceServer
	unary  func(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error)
	output func(*testpb.StreamingOutputCallRequest, grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error
	input  func(grpc.ClientStreamingServer[testpb.StreamingInputCallRequest, testpb.StreamingInputCallResponse]) error
}

func (c callee) UnaryCall(ctx context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	return c.unary(ctx, r)
}

func (c callee) StreamingOutputCall(r *testpb.StreamingOutputCallRequest, s grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
	return c.output(r, s)
}

func (c callee) StreamingInputCall(s grpc.ClientStreamingServer[testpb.StreamingInputCallRequest, testpb.StreamingInputCallResponse]) error {
	return c.input(s)
}

// bothWays runs a test over the network, and again with caller and callee in one process: a caller
// should see no difference.
func bothWays(t *testing.T, c callee, test func(*testing.T, testpb.TestServiceClient, *chassistest.Service), options ...chassis.DialOption) {
	t.Helper()
	back := chassis.Module{Name: "back", Workload: "backservice", Setup: func(_ context.Context, rt *chassis.Runtime) error {
		testpb.RegisterTestServiceServer(rt.Server(), c)
		return nil
	}}
	caller := func(conns chan<- grpc.ClientConnInterface) chassis.Module {
		return chassis.Module{Name: "front", Workload: "frontservice", Setup: func(_ context.Context, rt *chassis.Runtime) error {
			conn, err := rt.Dial("BACK_SERVICE_ADDR", options...)
			conns <- conn
			return err
		}}
	}
	t.Run("apart", func(t *testing.T) {
		conns := make(chan grpc.ClientConnInterface, 1)
		s := chassistest.Start(t, back.Setup, nil)
		chassistest.Start(t, caller(conns).Setup, map[string]string{"BACK_SERVICE_ADDR": s.Addr})
		test(t, testpb.NewTestServiceClient(<-conns), s)
	})
	t.Run("together", func(t *testing.T) {
		conns := make(chan grpc.ClientConnInterface, 1)
		s := chassistest.StartModules(t, []chassis.Module{caller(conns), back}, map[string]string{"BACK_SERVICE_ADDR": "inproc://back"})
		test(t, testpb.NewTestServiceClient(<-conns), s)
	})
}

func TestADeadlineReachesTheCalleeAndEndsTheCallHoweverStubbornItIs(t *testing.T) {
	released := make(chan struct{})
	seen := make(chan error, 2)
	c := callee{unary: func(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		<-ctx.Done()
		seen <- ctx.Err()
		<-released
		return &testpb.SimpleResponse{}, nil
	}}
	bothWays(t, c, func(t *testing.T, client testpb.TestServiceClient, _ *chassistest.Service) {
		_, err := client.UnaryCall(t.Context(), &testpb.SimpleRequest{})
		if status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%v, want DEADLINE_EXCEEDED", err)
		}
		if err := <-seen; err == nil { // over the network, the caller's hanging up may come first
			t.Error("the callee's context goes on")
		}
		released <- struct{}{}
	}, chassis.WithTimeout(50*time.Millisecond))
}

func TestACallerThatLeavesCancelsTheCallee(t *testing.T) {
	begun, seen := make(chan struct{}, 2), make(chan error, 2)
	c := callee{unary: func(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		begun <- struct{}{}
		<-ctx.Done()
		seen <- ctx.Err()
		return nil, ctx.Err()
	}}
	bothWays(t, c, func(t *testing.T, client testpb.TestServiceClient, _ *chassistest.Service) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-begun; cancel() }()
		if _, err := client.UnaryCall(ctx, &testpb.SimpleRequest{}); status.Code(err) != codes.Canceled {
			t.Errorf("%v, want CANCELLED", err)
		}
		if err := <-seen; !errors.Is(err, context.Canceled) {
			t.Errorf("the callee saw %v, want the cancellation", err)
		}
	})
}

func TestAStatusComesBackWithItsDetailsAndNothingElse(t *testing.T) {
	cause := errors.New("inside")
	for name, failure := range map[string]error{
		"with details": func() error {
			s, err := status.New(codes.FailedPrecondition, "not now").WithDetails(&errdetails.ErrorInfo{Reason: "TOO_EARLY"})
			if err != nil {
				t.Fatal(err)
			}
			return s.Err()
		}(),
		"plain":   cause,
		"wrapped": fmt.Errorf("look up: %w", status.Error(codes.NotFound, "no such thing")),
	} {
		got := map[string]string{}
		c := callee{unary: func(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error) { return nil, failure }}
		t.Run(name, func(t *testing.T) {
			bothWays(t, c, func(t *testing.T, client testpb.TestServiceClient, _ *chassistest.Service) {
				_, err := client.UnaryCall(t.Context(), &testpb.SimpleRequest{})
				if errors.Is(err, cause) {
					t.Error("the caller got hold of the callee's own error")
				}
				got[t.Name()] = fmt.Sprint(status.Convert(err).Proto())
			})
			apart, together := got[t.Name()+"/apart"], got[t.Name()+"/together"]
			if strings.Join(strings.Fields(apart), " ") != strings.Join(strings.Fields(together), " ") {
				t.Errorf("over the network %s, in one process %s", apart, together)
			}
		})
	}
}

func TestMetadataGoesBothWaysAndNothingElseOfTheCallersContext(t *testing.T) {
	type secret struct{}
	c := callee{unary: func(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		if ctx.Value(secret{}) != nil {
			return nil, status.Error(codes.Internal, "a value of the caller's context came along")
		}
		word := strings.Join(metadata.ValueFromIncomingContext(ctx, "x-word"), ",")
		if err := errors.Join(grpc.SetHeader(ctx, metadata.Pairs("x-header", word)), grpc.SetTrailer(ctx, metadata.Pairs("x-trailer", word))); err != nil {
			return nil, err
		}
		return &testpb.SimpleResponse{Username: word}, nil
	}}
	bothWays(t, c, func(t *testing.T, client testpb.TestServiceClient, _ *chassistest.Service) {
		ctx := metadata.AppendToOutgoingContext(context.WithValue(t.Context(), secret{}, 1), "X-Word", "one", "x-word", "two")
		ctx = metadata.NewIncomingContext(ctx, metadata.Pairs("x-word", "of another call"))
		var header, trailer metadata.MD
		resp, err := client.UnaryCall(ctx, &testpb.SimpleRequest{}, grpc.Header(&header), grpc.Trailer(&trailer))
		if err != nil || resp.GetUsername() != "one,two" {
			t.Fatalf("%v, %v, want both words", resp, err)
		}
		if header.Get("x-header")[0] != "one,two" || trailer.Get("x-trailer")[0] != "one,two" {
			t.Errorf("header %v, trailer %v", header, trailer)
		}
	})
}

func TestAPanicOfTheCalleeIsInternalToItsCaller(t *testing.T) {
	c := callee{unary: func(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error) { panic("secret detail") }}
	bothWays(t, c, func(t *testing.T, client testpb.TestServiceClient, s *chassistest.Service) {
		_, err := client.UnaryCall(t.Context(), &testpb.SimpleRequest{})
		if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "secret") {
			t.Errorf("error %v, want INTERNAL without the panic's text", err)
		}
		if !strings.Contains(s.Logs(), "secret detail") {
			t.Errorf("the log misses the panic:\n%s", s.Logs())
		}
	})
}

func TestCallerAndCalleeShareNoMessage(t *testing.T) {
	kept := &testpb.SimpleResponse{Payload: &testpb.Payload{Body: []byte("kept")}}
	seen := make(chan *testpb.SimpleRequest, 2)
	c := callee{unary: func(_ context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		r.Payload.Body[0] = 'X'
		seen <- r
		return kept, nil
	}}
	bothWays(t, c, func(t *testing.T, client testpb.TestServiceClient, _ *chassistest.Service) {
		req := &testpb.SimpleRequest{Payload: &testpb.Payload{Body: []byte("sent")}}
		resp, err := client.UnaryCall(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if string(req.Payload.Body) != "sent" {
			t.Errorf("the callee changed the caller's request: %s", req.Payload.Body)
		}
		resp.Payload.Body[0] = 'X'
		if string(kept.Payload.Body) != "kept" {
			t.Errorf("the caller changed what the callee keeps: %s", kept.Payload.Body)
		}
		if got := <-seen; string(got.Payload.Body) != "Xent" {
			t.Errorf("the callee got %s", got.Payload.Body)
		}
	})
}

func TestAMethodThatMayBeRepeatedIsTriedThreeTimes(t *testing.T) {
	var calls atomic.Int32
	c := callee{unary: func(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		if calls.Add(1)%3 != 0 {
			return nil, status.Error(codes.Unavailable, "no")
		}
		return &testpb.SimpleResponse{}, nil
	}}
	repeated := func(t *testing.T, client testpb.TestServiceClient, _ *chassistest.Service) {
		before := calls.Load()
		if _, err := client.UnaryCall(t.Context(), &testpb.SimpleRequest{}); err != nil || calls.Load() != before+3 {
			t.Errorf("%v after %d calls, want success after 3", err, calls.Load()-before)
		}
	}
	bothWays(t, c, repeated, chassis.WithRetry(testpb.TestService_UnaryCall_FullMethodName))
}

func TestAStreamCarriesItsMessagesAndThenItsStatus(t *testing.T) {
	c := callee{output: func(r *testpb.StreamingOutputCallRequest, s grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
		s.SetTrailer(metadata.Pairs("x-trailer", "end"))
		for _, p := range r.GetResponseParameters() {
			if err := s.Send(&testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: make([]byte, p.GetSize())}}); err != nil {
				return err
			}
		}
		return status.Error(codes.ResourceExhausted, "no more")
	}}
	bothWays(t, c, func(t *testing.T, client testpb.TestServiceClient, _ *chassistest.Service) {
		req := &testpb.StreamingOutputCallRequest{}
		for range 40 {
			req.ResponseParameters = append(req.ResponseParameters, &testpb.ResponseParameters{Size: 3})
		}
		stream, err := client.StreamingOutputCall(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for ; err == nil; n++ {
			_, err = stream.Recv()
		}
		if n != 41 || status.Code(err) != codes.ResourceExhausted || stream.Trailer().Get("x-trailer")[0] != "end" {
			t.Errorf("%d messages, then %v with %v", n-1, err, stream.Trailer())
		}
	})
}

func TestAStreamOfRequestsHasOneAnswer(t *testing.T) {
	c := callee{input: func(s grpc.ClientStreamingServer[testpb.StreamingInputCallRequest, testpb.StreamingInputCallResponse]) error {
		var sum int32
		for {
			r, err := s.Recv()
			if errors.Is(err, io.EOF) {
				return s.SendAndClose(&testpb.StreamingInputCallResponse{AggregatedPayloadSize: sum})
			}
			if err != nil {
				return err
			}
			sum += int32(len(r.GetPayload().GetBody()))
		}
	}}
	bothWays(t, c, func(t *testing.T, client testpb.TestServiceClient, _ *chassistest.Service) {
		stream, err := client.StreamingInputCall(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			if err := stream.Send(&testpb.StreamingInputCallRequest{Payload: &testpb.Payload{Body: []byte("abc")}}); err != nil {
				t.Fatal(err)
			}
		}
		if resp, err := stream.CloseAndRecv(); err != nil || resp.GetAggregatedPayloadSize() != 120 {
			t.Errorf("%v, %v, want 120 bytes", resp, err)
		}
	})
}

func TestLeavingAStreamCancelsTheCallee(t *testing.T) {
	seen := make(chan error, 2)
	c := callee{output: func(_ *testpb.StreamingOutputCallRequest, s grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
		for {
			if err := s.Send(&testpb.StreamingOutputCallResponse{}); err != nil {
				seen <- s.Context().Err()
				return err
			}
		}
	}}
	bothWays(t, c, func(t *testing.T, client testpb.TestServiceClient, _ *chassistest.Service) {
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := client.StreamingOutputCall(ctx, &testpb.StreamingOutputCallRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		cancel()
		for err == nil {
			_, err = stream.Recv()
		}
		if status.Code(err) != codes.Canceled {
			t.Errorf("%v, want CANCELLED", err)
		}
		if err := <-seen; !errors.Is(err, context.Canceled) {
			t.Errorf("the callee saw %v, want the cancellation", err)
		}
	})
}
