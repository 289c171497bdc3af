package chassis_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis"
	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
)

// streamer streams as many messages as it is asked for; relayer reads them from it for a unary caller.
type streamer struct {
	testpb.UnimplementedTestServiceServer
	fail error
}

func (s streamer) StreamingOutputCall(req *testpb.StreamingOutputCallRequest, out grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
	for range req.ResponseParameters {
		if err := out.Send(&testpb.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
	return s.fail
}

type relayer struct {
	testpb.UnimplementedTestServiceServer
	next testpb.TestServiceClient
}

func (r relayer) UnaryCall(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	in, err := r.next.StreamingOutputCall(ctx, &testpb.StreamingOutputCallRequest{ResponseParameters: []*testpb.ResponseParameters{{}, {}}})
	for err == nil {
		_, err = in.Recv()
	}
	if errors.Is(err, io.EOF) {
		return &testpb.SimpleResponse{}, nil
	}
	return nil, err
}

func TestAStreamIsOneSpanOnEachSideAndEndsWithItsStatus(t *testing.T) {
	for name, tt := range map[string]struct {
		fail   error
		status string
	}{
		"that succeeds": {nil, "OK"},
		"that fails":    {status.Error(codes.DataLoss, "torn"), "DATA_LOSS"},
	} {
		t.Run(name, func(t *testing.T) {
			sink := chassistest.NewSink(t)
			back := chassistest.Start(t, func(_ context.Context, rt *chassis.Runtime) error {
				testpb.RegisterTestServiceServer(rt.Server(), streamer{fail: tt.fail})
				return nil
			}, nil, chassistest.WithSink(sink), chassistest.WithName("back"))
			front := chassistest.Start(t, func(_ context.Context, rt *chassis.Runtime) error {
				conn, err := rt.Dial("BACK_ADDR")
				if err != nil {
					return err
				}
				testpb.RegisterTestServiceServer(rt.Server(), relayer{next: testpb.NewTestServiceClient(conn)})
				return nil
			}, map[string]string{"BACK_ADDR": back.Addr}, chassistest.WithSink(sink), chassistest.WithName("front"))
			_, err := testpb.NewTestServiceClient(front.Conn()).UnaryCall(t.Context(), &testpb.SimpleRequest{})
			if status.Code(err) != status.Code(tt.fail) {
				t.Fatalf("call: %v, want %v", err, tt.fail)
			}
			spans := sink.Wait(t, func(s []chassistest.Span) bool { return len(s) >= 3 })
			byID := map[string]chassistest.Span{}
			for _, s := range spans {
				byID[s.ID()] = s
			}
			for _, s := range spans {
				if s.Attr("rpc.response.status_code") != tt.status {
					t.Errorf("%s %s ended with %q, want %s", s.Service, s.Name, s.Attr("rpc.response.status_code"), tt.status)
				}
				if s.Service == "back" {
					parent := byID[s.Parent()]
					if s.Name != "grpc.testing.TestService/StreamingOutputCall" || parent.Name != s.Name || parent.Service != "front" || parent.Attr("server.address") != "127.0.0.1" {
						t.Errorf("server span %q under %q of %q", s.Name, parent.Name, parent.Service)
					}
				}
			}
			if len(spans) != 3 {
				t.Errorf("%d spans, want 3", len(spans))
			}
		})
	}
}

func TestWhatOperatorsAskForMakesNoSpans(t *testing.T) {
	sink := chassistest.NewSink(t)
	s := chassistest.Start(t, func(_ context.Context, rt *chassis.Runtime) error {
		mux := http.NewServeMux()
		for _, path := range []string{"GET /-/status", "GET /_healthz", "GET /page"} {
			mux.HandleFunc(path, func(http.ResponseWriter, *http.Request) {})
		}
		rt.ServeHTTP(mux)
		return nil
	}, nil, chassistest.WithSink(sink))
	for _, path := range []string{"/-/status", "/_healthz", "/page"} {
		res, err := http.Get("http://" + s.Addr + path)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if spans := sink.Wait(t, func(s []chassistest.Span) bool { return len(s) > 0 }); len(spans) != 1 || spans[0].Name != "GET /page" {
		t.Errorf("spans %v", spans)
	}
}
