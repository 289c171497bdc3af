package shop_test

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
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
func withEmail(addr string) *clitest.FakeShop {
	st := clitest.ThreeServices()
	st.Services = append(st.Services, &controlpb.Service{Name: "email", Workload: "emailservice", Namespace: "production", State: "ok", Address: addr})
	return &clitest.FakeShop{Current: st}
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
	w := clitest.NewWorld(t).Serve(withEmail(l.Addr().String()))
	w.Want(cmdutil.ExitOK, "mail")
	clitest.WantEqual(t, w.Out.String(), "TIME                   TO                    ORDER   SUBJECT\n2026-03-01T11:59:00Z   someone@example.com   o-1     Your order\n")
	w.Want(cmdutil.ExitOK, "mail", "--text")
	w.WantOut("Your order\n", "Thank you.\n")
	w.Want(cmdutil.ExitOK, "mail", "-o", "name")
	clitest.WantEqual(t, w.Out.String(), "m1\n")
	w.Want(cmdutil.ExitUsage, "mail", "--limit", "0")
}

func TestMailOfAnEmailServiceThatIsGoneIsAnErrorWithAHint(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	w := clitest.NewWorld(t).Serve(withEmail(l.Addr().String()))
	w.Want(cmdutil.ExitFailed, "mail")
	w.WantErr("shopctl: error: read outbox: ", "hint: shopctl logs email")
}
