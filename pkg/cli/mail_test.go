package cli

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"

	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	shopv1 "github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// outbox is an email service that wrote one mail.
type outbox struct {
	shopv1.UnimplementedOutboxServer
}

func (outbox) ListMails(context.Context, *shopv1.ListMailsRequest) (*shopv1.ListMailsResponse, error) {
	return &shopv1.ListMailsResponse{Mails: []*shopv1.Mail{{
		Id: "m1", To: "someone@example.com", Subject: "Your order", Text: "Thank you.", OrderId: "o-1", Time: "2026-03-01T11:59:00Z",
	}}}, nil
}

// withEmail adds an email service at addr to the shop.
func withEmail(addr string) *fakeShop {
	st := threeServices()
	st.Services = append(st.Services, &controlpb.Service{Name: "email", Workload: "emailservice", State: "ok", Address: addr})
	return &fakeShop{status: st}
}

func TestMailReadsTheOutbox(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	shopv1.RegisterOutboxServer(server, outbox{})
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		server.Stop()
		<-served
	}()
	w := newWorld(t).serve(withEmail(l.Addr().String()))
	w.want(exitOK, "mail")
	wantEqual(t, w.out.String(), "TIME                   TO                    ORDER   SUBJECT\n2026-03-01T11:59:00Z   someone@example.com   o-1     Your order\n")
	w.want(exitOK, "mail", "--text")
	w.wantOut("Your order\n", "Thank you.\n")
	w.want(exitOK, "mail", "-o", "name")
	wantEqual(t, w.out.String(), "m1\n")
	w.want(exitUsage, "mail", "--limit", "0")
}

func TestMailOfAnEmailServiceThatIsGoneIsAnErrorWithAHint(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	w := newWorld(t).serve(withEmail(l.Addr().String()))
	w.want(exitFailed, "mail")
	w.wantErr("shopctl: error: read outbox: ", "hint: shopctl logs email")
}
