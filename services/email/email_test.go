package email

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

func testServer(t *testing.T) (*server, outboxServer) {
	t.Helper()
	return replica(t, "")
}

// replica is a server over the outbox in a directory.
func replica(t *testing.T, dir string) (*server, outboxServer) {
	t.Helper()
	o := open(t, dir)
	at := time.Date(2030, time.June, 1, 12, 0, 0, 5, time.FixedZone("", 7200))
	return &server{outbox: o, now: func() time.Time { return at }, log: slog.New(slog.DiscardHandler)}, outboxServer{outbox: o}
}

func confirm(id string) *hipstershop.SendOrderConfirmationRequest {
	return &hipstershop.SendOrderConfirmationRequest{Email: "someone@example.com", Order: anOrder(id)}
}

func list(t *testing.T, o outboxServer, limit int32) []*shopv1.Mail {
	t.Helper()
	out, err := o.ListMails(t.Context(), &shopv1.ListMailsRequest{Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return out.GetMails()
}

func TestAConfirmedOrderIsInTheOutbox(t *testing.T) {
	s, o := testServer(t)
	if _, err := s.SendOrderConfirmation(t.Context(), confirm("A")); err != nil {
		t.Fatal(err)
	}
	mails := list(t, o, 0)
	if len(mails) != 1 {
		t.Fatalf("got %v", mails)
	}
	m := mails[0]
	if m.GetTo() != "someone@example.com" || m.GetOrderId() != "A" || m.GetTime() != "2030-06-01T10:00:00.000000005Z" || m.GetId() == "" {
		t.Errorf("got %v", m)
	}
	if !strings.Contains(m.GetText(), "Total") || !strings.Contains(m.GetHtml(), "<h1") || m.GetSubject() != "Your order A" {
		t.Errorf("got %v", m)
	}
}

func TestAnOrderGetsOneMailHoweverOftenItIsConfirmed(t *testing.T) {
	s, o := testServer(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.SendOrderConfirmation(t.Context(), confirm("A")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(list(t, o, 0)); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
}

func TestReplicasSendOneMailForAnOrder(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	servers := make([]*server, 3)
	var outboxes outboxServer
	for i := range servers {
		servers[i], outboxes = replica(t, dir)
	}
	for i := range 12 {
		wg.Go(func() {
			if _, err := servers[i%3].SendOrderConfirmation(t.Context(), confirm("A")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(list(t, outboxes, 0)); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
}

func TestWhatCannotBeConfirmedIsAnInvalidArgument(t *testing.T) {
	for name, change := range map[string]func(*hipstershop.SendOrderConfirmationRequest){
		"no address":       func(r *hipstershop.SendOrderConfirmationRequest) { r.Email = "" },
		"no @":             func(r *hipstershop.SendOrderConfirmationRequest) { r.Email = "someone" },
		"another header":   func(r *hipstershop.SendOrderConfirmationRequest) { r.Email = "a@example.com\r\nBcc: b@example.com" },
		"a name":           func(r *hipstershop.SendOrderConfirmationRequest) { r.Email = "Some One <someone@example.com>" },
		"two addresses":    func(r *hipstershop.SendOrderConfirmationRequest) { r.Email = "a@example.com,b@example.com" },
		"a long address":   func(r *hipstershop.SendOrderConfirmationRequest) { r.Email = strings.Repeat("a", 300) + "@example.com" },
		"no order":         func(r *hipstershop.SendOrderConfirmationRequest) { r.Order = nil },
		"no order id":      func(r *hipstershop.SendOrderConfirmationRequest) { r.Order.OrderId = "" },
		"a long order id":  func(r *hipstershop.SendOrderConfirmationRequest) { r.Order.OrderId = strings.Repeat("1", 129) },
		"an empty order":   func(r *hipstershop.SendOrderConfirmationRequest) { r.Order = &hipstershop.OrderResult{OrderId: "1"} },
		"an odd item cost": func(r *hipstershop.SendOrderConfirmationRequest) { r.Order.Items[0].Cost.Nanos = -1 },
	} {
		s, o := testServer(t)
		in := confirm("A")
		change(in)
		if _, err := s.SendOrderConfirmation(t.Context(), in); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, want InvalidArgument", name, err)
		}
		if n := len(list(t, o, 0)); n != 0 {
			t.Errorf("%s: %d mails", name, n)
		}
	}
}

func TestListsAreAsLongAsRequested(t *testing.T) {
	s, o := testServer(t)
	for i := range 60 {
		if _, err := s.SendOrderConfirmation(t.Context(), confirm(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	for limit, want := range map[int32]int{0: 50, 1: 1, 55: 55, 1000: 60} {
		if mails := list(t, o, limit); len(mails) != want || mails[0].GetOrderId() != "59" {
			t.Errorf("limit %d: %d mails, want %d", limit, len(mails), want)
		}
	}
	if _, err := o.ListMails(t.Context(), &shopv1.ListMailsRequest{Limit: -1}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("limit -1: %v", err)
	}
	for i := range 3 {
		if _, err := o.outbox.add(letter{ID: "large", OrderID: fmt.Sprint("large-", i), Text: strings.Repeat("x", listBytes/2)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(list(t, o, 0)); n != 1 {
		t.Errorf("%d large mails fit into one answer", n)
	}
}

func TestMailsAndTheirOrdersOutliveARestart(t *testing.T) {
	env := map[string]string{"DATA_DIR": t.TempDir()}
	for range 2 {
		service := chassistest.Start(t, Setup, env)
		if _, err := hipstershop.NewEmailServiceClient(service.Conn()).SendOrderConfirmation(t.Context(), confirm("A")); err != nil {
			t.Fatal(err)
		}
		out, err := shopv1.NewOutboxClient(service.Conn()).ListMails(t.Context(), &shopv1.ListMailsRequest{})
		if err != nil || len(out.GetMails()) != 1 {
			t.Errorf("%d mails, %v, want 1", len(out.GetMails()), err)
		}
		if strings.Contains(service.Logs(), "someone@example.com") {
			t.Error("the log names the recipient")
		}
		if err := service.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHealthFailsWhenTheOutboxIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	service := chassistest.Start(t, Setup, map[string]string{"DATA_DIR": dir})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	watch, err := healthpb.NewHealthClient(service.Conn()).Watch(ctx, &healthpb.HealthCheckRequest{Service: "hipstershop.EmailService"})
	if err != nil {
		t.Fatal(err)
	}
	await := func(want healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for {
			got, err := watch.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if got.GetStatus() == want {
				return
			}
		}
	}
	await(healthpb.HealthCheckResponse_SERVING)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	await(healthpb.HealthCheckResponse_NOT_SERVING)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	await(healthpb.HealthCheckResponse_SERVING)
}

func TestAnOrderGetsAnotherMailOnlyIfEmailIsToldToForget(t *testing.T) {
	dir := t.TempDir()
	mailsAfter := func(once string, confirmations int) int {
		s := chassistest.Start(t, Setup, map[string]string{"DATA_DIR": dir, "ONE_MAIL_PER_ORDER": once}, chassistest.WithName("email"))
		for range confirmations {
			if _, err := hipstershop.NewEmailServiceClient(s.Conn()).SendOrderConfirmation(t.Context(), confirm("A")); err != nil {
				t.Fatal(err)
			}
		}
		resp, err := shopv1.NewOutboxClient(s.Conn()).ListMails(t.Context(), &shopv1.ListMailsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return len(resp.GetMails())
	}
	if got := mailsAfter("false", 3); got != 3 {
		t.Errorf("%d mails after three confirmations, want 3", got)
	}
	if got := mailsAfter("true", 2); got != 3 {
		t.Errorf("%d mails after email remembers again, want 3: it knows the order from before", got)
	}
}
