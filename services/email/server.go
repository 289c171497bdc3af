package email

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/chassis/idempotent"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

const (
	// rememberOrders is for how many orders a second mail is prevented.
	rememberOrders = 8192
	// listByDefault is how many mails are listed if the request does not say.
	listByDefault = 50
	// listBytes keeps a list below gRPC's 4 MB for a message.
	listBytes = 3 << 20
	// maxOrderID, in bytes, is three times what a UUID needs: ids are remembered.
	maxOrderID = 128
	// maxAddress is RFC 5321's limit, in bytes.
	maxAddress = 254
)

// letter is one mail as it is kept.
type letter struct {
	ID      string `json:"id"`
	Time    string `json:"time"` // RFC 3339 with nanoseconds, UTC
	OrderID string `json:"order_id"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

// outbox keeps the latest letters.
type outbox interface {
	add(l letter) error
	// newest returns at most n letters, the newest first.
	newest(n int) ([]letter, error)
}

type server struct {
	hipstershop.UnimplementedEmailServiceServer
	outbox    outbox
	confirmed *idempotent.Group[struct{}] // by order id
	postman   *postman                    // nil if letters stay in the outbox
	now       func() time.Time
	log       *slog.Logger
}

// SendOrderConfirmation writes the mail of an order, once.
func (s *server) SendOrderConfirmation(ctx context.Context, in *hipstershop.SendOrderConfirmationRequest) (*hipstershop.Empty, error) {
	if err := checkAddress(in.GetEmail()); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	order := in.GetOrder()
	switch id := order.GetOrderId(); {
	case id == "":
		return nil, status.Error(codes.InvalidArgument, "order is missing, or has no order_id")
	case len(id) > maxOrderID:
		return nil, status.Errorf(codes.InvalidArgument, "order_id is longer than %d bytes", maxOrderID)
	}
	_, repeated, err := s.confirmed.Do(ctx, order.GetOrderId(), 0, func() (struct{}, error) {
		return struct{}{}, s.confirm(ctx, in.GetEmail(), order)
	})
	if err != nil {
		return nil, err
	}
	if repeated {
		s.log.InfoContext(ctx, "order confirmed before, no second mail", "order_id", order.GetOrderId())
	}
	return &hipstershop.Empty{}, nil
}

func (s *server) confirm(ctx context.Context, to string, order *hipstershop.OrderResult) error {
	content, err := confirmation(order)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return status.Errorf(codes.Internal, "make mail id: %v", err)
	}
	at := s.now().UTC()
	l := letter{
		ID: id.String(), Time: at.Format(time.RFC3339Nano), OrderID: order.GetOrderId(), To: to,
		Subject: content.subject, Text: content.text, HTML: content.html,
	}
	if s.postman != nil {
		if err := s.postman.send(ctx, l, at); err != nil {
			s.log.ErrorContext(ctx, "mail not sent", "order_id", l.OrderID, "error", err.Error())
			return sendError(ctx, err)
		}
	}
	if err := s.outbox.add(l); err != nil {
		s.log.ErrorContext(ctx, "mail not stored in the outbox", "order_id", l.OrderID, "sent", s.postman != nil, "error", err.Error())
		if s.postman == nil {
			return status.Error(codes.Unavailable, err.Error())
		}
	}
	s.log.InfoContext(ctx, "order confirmed by mail", "order_id", l.OrderID, "mail_id", l.ID)
	return nil
}

// checkAddress accepts a bare address, and nothing that could add a line to a header.
func checkAddress(address string) error {
	parsed, err := mail.ParseAddress(address)
	switch {
	case address == "":
		return errors.New("email is missing: where to send the confirmation to")
	case err != nil || parsed.Address != address || len(address) > maxAddress:
		return errors.New("email is not an address such as someone@example.com")
	}
	return nil
}

// outboxServer lists the outbox.
type outboxServer struct {
	shopv1.UnimplementedOutboxServer
	outbox outbox
}

// ListMails returns the newest mails first.
func (o outboxServer) ListMails(_ context.Context, in *shopv1.ListMailsRequest) (*shopv1.ListMailsResponse, error) {
	limit := int(in.GetLimit())
	switch {
	case limit < 0:
		return nil, status.Errorf(codes.InvalidArgument, "limit is %d: how many mails to list, 0 for %d", limit, listByDefault)
	case limit == 0:
		limit = listByDefault
	}
	letters, err := o.outbox.newest(limit)
	if err != nil {
		return nil, status.Error(codes.Unavailable, fmt.Sprintf("read outbox: %v", err))
	}
	out := &shopv1.ListMailsResponse{}
	bytes := 0
	for _, l := range letters {
		if bytes += l.size(); bytes > listBytes && len(out.Mails) > 0 {
			break
		}
		out.Mails = append(out.Mails, &shopv1.Mail{
			Id: l.ID, To: l.To, Subject: l.Subject, Text: l.Text, Html: l.HTML, OrderId: l.OrderID, Time: l.Time,
		})
	}
	return out, nil
}

func (l letter) size() int {
	return len(l.ID) + len(l.Time) + len(l.OrderID) + len(l.To) + len(l.Subject) + len(l.Text) + len(l.HTML)
}
