package proxy_test

import (
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
	security "istio.io/api/security/v1beta1"
)

const charge = "/shop.Payment/Charge"

func TestACallGoesThroughTwoSidecarsWithMutualTLS(t *testing.T) {
	m := mesh()
	mtls(m, security.PeerAuthentication_MutualTLS_STRICT)
	allowPrincipal(m, "cluster.local/ns/shop/sa/checkout")
	root := newAuthority(t)
	later := time.Now().Add(time.Hour)
	in, inLog := newProxy(t, root.identity(t, "payment", later), inbound(t, m, app(t, echo)))
	out, outLog := newProxy(t, root.identity(t, "checkout", later), outbound(t, m, true, in.Listeners()["inbound_50051"]))
	conn := dial(t, out.Listeners()[outer])
	if err := call(t, conn, charge); err != nil {
		t.Fatal(err)
	}
	e := outLog.wait(t, 1)
	if e.Flags != 0 || e.Status != 200 || e.GRPCStatus != "0" || e.Attempts != 1 || !e.MutualTLS || e.Principal != "spiffe://cluster.local/ns/shop/sa/payment" {
		t.Errorf("the caller's sidecar records %+v", e)
	}
	e = inLog.wait(t, 1)
	if !e.Inbound || !e.MutualTLS || e.Principal != "spiffe://cluster.local/ns/shop/sa/checkout" || e.Path != charge {
		t.Errorf("the callee's sidecar records %+v", e)
	}
	stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, charge)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		var got wrapperspb.StringValue
		if err := stream.SendMsg(wrapperspb.String("ping")); err != nil {
			t.Fatal(err)
		}
		if err := stream.RecvMsg(&got); err != nil || got.GetValue() != "ping" {
			t.Fatalf("%q, %v", got.GetValue(), err)
		}
	}
	_ = stream.CloseSend()
	err = call(t, conn, "/shop.Payment/Refund")
	if status.Code(err) != codes.PermissionDenied || status.Convert(err).Message() != "RBAC: access denied" {
		t.Errorf("a method that is not allowed ends with %v", err)
	}
}

func TestCallersThatCannotProveWhoTheyAreAreRefused(t *testing.T) {
	m := mesh()
	mtls(m, security.PeerAuthentication_MutualTLS_STRICT)
	allowPrincipal(m, "cluster.local/ns/shop/sa/checkout")
	root, later := newAuthority(t), time.Now().Add(time.Hour)
	in, _ := newProxy(t, root.identity(t, "payment", later), inbound(t, m, app(t, echo)))
	address := in.Listeners()["inbound_50051"]
	otherRoot := newAuthority(t).identity(t, "checkout", later)
	otherRoot.roots = root.pool
	for name, c := range map[string]struct {
		id   *identity
		want codes.Code
	}{
		"another identity":  {root.identity(t, "email", later), codes.PermissionDenied},
		"another authority": {otherRoot, codes.Unavailable},
		"expired":           {root.identity(t, "checkout", time.Now().Add(-time.Minute)), codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			out, _ := newProxy(t, c.id, outbound(t, m, true, address))
			if err := call(t, dial(t, out.Listeners()[outer]), charge); status.Code(err) != c.want {
				t.Errorf("the call ends with %v", err)
			}
		})
	}
	t.Run("plain text", func(t *testing.T) {
		if err := call(t, dial(t, address), charge); status.Code(err) != codes.Unavailable {
			t.Errorf("the call ends with %v", err)
		}
	})
}

func TestAConnectionInPlainTextDoesNotOutliveSTRICT(t *testing.T) {
	m := mesh()
	mtls(m, security.PeerAuthentication_MutualTLS_PERMISSIVE)
	program := app(t, echo)
	in, _ := newProxy(t, newAuthority(t).identity(t, "payment", time.Now().Add(time.Hour)), inbound(t, m, program))
	conn := dial(t, in.Listeners()["inbound_50051"])
	if err := call(t, conn, charge); err != nil {
		t.Fatal(err)
	}
	mtls(m, security.PeerAuthentication_MutualTLS_STRICT)
	if err := in.Update(inbound(t, m, program)); err != nil {
		t.Fatal(err)
	}
	if err := call(t, conn, charge); status.Code(err) != codes.Unavailable {
		t.Errorf("the call ends with %v", err)
	}
}
