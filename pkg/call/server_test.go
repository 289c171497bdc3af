package call_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen serves what register registers on a free port until the test ends.
func listen(t testing.TB, register func(*grpc.Server)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	register(s)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String()
}

func newCaller(t testing.TB) *call.Caller {
	t.Helper()
	c := call.New(call.Config{Now: time.Now, Rand: rand.NewChaCha8([32]byte{1})})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

func cartTarget(addr string) call.Target {
	return call.Target{Name: "cart", Addr: addr, GRPC: []string{"hipstershop.CartService"}}
}

// cart responds as the shop's does, and without reflection.
type cart struct {
	hipstershop.UnimplementedCartServiceServer
	header metadata.MD
	items  []*hipstershop.CartItem
}

func (c *cart) AddItem(ctx context.Context, r *hipstershop.AddItemRequest) (*hipstershop.Empty, error) {
	c.header, _ = metadata.FromIncomingContext(ctx)
	if r.GetItem().GetQuantity() <= 0 {
		st, err := status.New(codes.InvalidArgument, "quantity must be above zero").WithDetails(
			&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "item.quantity", Description: "is 0"}}},
		)
		if err != nil {
			return nil, err
		}
		return nil, st.Err()
	}
	c.items = append(c.items, r.GetItem())
	return &hipstershop.Empty{}, nil
}

func (c *cart) GetCart(ctx context.Context, r *hipstershop.GetCartRequest) (*hipstershop.Cart, error) {
	if err := grpc.SetHeader(ctx, metadata.Pairs("x-head", "1")); err != nil {
		return nil, err
	}
	if err := grpc.SetTrailer(ctx, metadata.Pairs("x-tail", "2")); err != nil {
		return nil, err
	}
	return &hipstershop.Cart{UserId: r.GetUserId(), Items: c.items}, nil
}

func (c *cart) EmptyCart(ctx context.Context, _ *hipstershop.EmptyCartRequest) (*hipstershop.Empty, error) {
	<-ctx.Done()
	return nil, status.FromContextError(ctx.Err()).Err()
}

// streams has a method of every kind. It is called by reflection alone.
type streams struct {
	grpc_testing.UnimplementedTestServiceServer
}

func payload(text string) *grpc_testing.Payload { return &grpc_testing.Payload{Body: []byte(text)} }

func (streams) UnaryCall(_ context.Context, r *grpc_testing.SimpleRequest) (*grpc_testing.SimpleResponse, error) {
	if r.GetResponseStatus().GetCode() != 0 {
		st := status.New(codes.Code(r.GetResponseStatus().GetCode()), r.GetResponseStatus().GetMessage()).Proto()
		st.Details = []*anypb.Any{{TypeUrl: "type.googleapis.com/unheard.Of", Value: []byte{1}}}
		return nil, status.FromProto(st).Err()
	}
	return &grpc_testing.SimpleResponse{Payload: r.GetPayload(), Username: "somebody"}, nil
}

func (streams) StreamingOutputCall(r *grpc_testing.StreamingOutputCallRequest, s grpc.ServerStreamingServer[grpc_testing.StreamingOutputCallResponse]) error {
	for _, p := range r.GetResponseParameters() {
		if err := s.Send(&grpc_testing.StreamingOutputCallResponse{Payload: payload(strings.Repeat("x", int(p.GetSize())))}); err != nil {
			return err
		}
	}
	if r.GetResponseStatus().GetCode() != 0 {
		return status.Error(codes.Code(r.GetResponseStatus().GetCode()), "after the last")
	}
	return nil
}

func (streams) StreamingInputCall(s grpc.ClientStreamingServer[grpc_testing.StreamingInputCallRequest, grpc_testing.StreamingInputCallResponse]) error {
	var size int32
	for {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return s.SendAndClose(&grpc_testing.StreamingInputCallResponse{AggregatedPayloadSize: size})
		}
		if err != nil {
			return err
		}
		size += int32(len(r.GetPayload().GetBody()))
		if size > 1000 {
			return status.Error(codes.ResourceExhausted, "too much")
		}
	}
}

func (streams) FullDuplexCall(s grpc.BidiStreamingServer[grpc_testing.StreamingOutputCallRequest, grpc_testing.StreamingOutputCallResponse]) error {
	for n := 1; ; n++ {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if r.GetResponseStatus().GetCode() != 0 {
			return status.Error(codes.Code(r.GetResponseStatus().GetCode()), "as asked")
		}
		if err := s.Send(&grpc_testing.StreamingOutputCallResponse{Payload: payload(fmt.Sprint(n))}); err != nil {
			return err
		}
	}
}

func streamsTarget(t testing.TB) call.Target {
	return call.Target{Name: "streams", Addr: listen(t, func(s *grpc.Server) {
		grpc_testing.RegisterTestServiceServer(s, streams{})
		healthpb.RegisterHealthServer(s, health.NewServer())
		reflection.Register(s)
	})}
}

func invoke(t *testing.T, c *call.Caller, r call.Request) *call.Result {
	t.Helper()
	result, err := c.Invoke(t.Context(), r)
	if err != nil {
		t.Fatalf("invoke %s: %v", r.Method, err)
	}
	return result
}

// compact is the responses without white space.
func compact(r *call.Result) []string {
	var texts []string
	for _, m := range r.Messages {
		texts = append(texts, strings.Join(strings.Fields(string(m)), ""))
	}
	return texts
}

func expectMessages(t *testing.T, r *call.Result, want ...string) {
	t.Helper()
	if got := compact(r); !slices.Equal(got, want) {
		t.Errorf("responses %q (%v), want %q", got, r.Status, want)
	}
}

func expectInvalid(t *testing.T, err error, text, hint string) {
	t.Helper()
	var invalid *call.Invalid
	if !errors.As(err, &invalid) {
		t.Errorf("err = %v, not an Invalid", err)
		return
	}
	if !strings.Contains(invalid.Text, text) || !strings.Contains(invalid.Hint, hint) {
		t.Errorf("text %q, want %q in it\nhint %q, want %q in it", invalid.Text, text, invalid.Hint, hint)
	}
}
