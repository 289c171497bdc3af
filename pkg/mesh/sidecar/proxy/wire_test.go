package proxy_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/proxy"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/wire"
)

func TestInAPartitionCallsHangAndAnOpenStreamGoesOnAfterwards(t *testing.T) {
	m := mesh()
	mtls(m, security.PeerAuthentication_MutualTLS_STRICT)
	root, later := newAuthority(t), time.Now().Add(time.Hour)
	in, _ := newProxy(t, root.identity(t, "payment", later), inbound(t, m, app(t, echo)))
	faults := new(wire.Wire)
	out := proxy.New(proxy.Options{Identity: root.identity(t, "checkout", later), Wire: faults})
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		out.Drain(ctx)
	})
	if err := out.Update(outbound(t, m, true, in.Listeners()["inbound_50051"])); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, out.Listeners()[outer])
	stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, charge)
	if err != nil {
		t.Fatal(err)
	}
	ping := func() error {
		if err := stream.SendMsg(wrapperspb.String("ping")); err != nil {
			return err
		}
		return stream.RecvMsg(new(wrapperspb.StringValue))
	}
	if err := ping(); err != nil {
		t.Fatal(err)
	}
	faults.Set([]wire.Rule{{Host: "payment.shop.svc.cluster.local", Drop: 1}})
	ponged := make(chan error, 1)
	go func() { ponged <- ping() }()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	// The caller and its sidecar keep the same time: one of them is the first to end the call.
	ended := conn.Invoke(ctx, charge, wrapperspb.String("x"), new(wrapperspb.StringValue))
	if code := status.Code(ended); code != codes.DeadlineExceeded && (code != codes.Unavailable || status.Convert(ended).Message() != tooLong) {
		t.Errorf("a call in the partition ends with %v", ended)
	}
	if len(ponged) > 0 {
		t.Errorf("the stream goes on in the partition: %v", <-ponged)
	}
	faults.Set([]wire.Rule{{Host: "another.shop.svc.cluster.local", Drop: 1}})
	if err := <-ponged; err != nil {
		t.Errorf("the stream ends with the partition: %v", err)
	}
	if err := call(t, conn, charge); err != nil {
		t.Errorf("a call after the partition: %v", err)
	}
}
