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

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

const (
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

type server struct {
	hipstershop.UnimplementedEmailServiceServer
	outbox  *outbox
	postman *postman // nil if letters stay in the outbox
	// repeats is whether an order that is confirmed again gets another mail, as a consumer sends that remembers nothing.
	repeats bool
	now     func() time.Time
	log     *slog.Logger
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
	l, err := s.compose(in.GetEmail(), order)
	if err != nil {
		return nil, err
	}
	first := true
	if s.postman != nil {
		first, err = s.sendOnce(ctx, l)
	} else if first, err = s.outbox.add(l); err != nil {
		s.log.ErrorContext(ctx, "mail not stored in the outbox", "order_id", l.OrderID, "error", err.Error())
		err = status.Error(codes.Unavailable, err.Error())
	}
	if err == nil && !first && s.repeats {
		first, err = true, s.sendAgain(ctx, l)
	}
	switch {
	case err != nil:
		return nil, err
	case first:
		s.log.InfoContext(ctx, "order confirmed by mail", "order_id", l.OrderID, "mail_id", l.ID)
	default:
		s.log.InfoContext(ctx, "order confirmed before, no second mail", "order_id", l.OrderID)
	}
	return &hipstershop.Empty{}, nil
}

// sendAgain sends another letter of an order.
func (s *server) sendAgain(ctx context.Context, l letter) error {
	if s.postman != nil {
		if err := s.postman.send(ctx, l, s.now().UTC()); err != nil {
			return sendError(ctx, err)
		}
	}
	if err := s.outbox.addAgain(l); err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	return nil
}

// compose writes the letter of an order.
func (s *server) compose(to string, order *hipstershop.OrderResult) (letter, error) {
	content, err := confirmation(order)
	if err != nil {
		return letter{}, status.Error(codes.InvalidArgument, err.Error())
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return letter{}, status.Errorf(codes.Internal, "make mail id: %v", err)
	}
	return letter{
		ID: id.String(), Time: s.now().UTC().Format(time.RFC3339Nano), OrderID: order.GetOrderId(), To: to,
		Subject: content.subject, Text: content.text, HTML: content.html,
	}, nil
}

// pollOther is how often a call looks whether another has sent the mail.
const pollOther = 20 * time.Millisecond

// sendOnce sends a letter to the mail server, unless that was done, and stores it. A process that ends after the mail
// server has accepted a letter, and before it has stored it, has it sent a second time: nothing can prevent that.
func (s *server) sendOnce(ctx context.Context, l letter) (first bool, err error) {
	for {
		token, sent, err := s.outbox.claim(l.OrderID)
		switch {
		case err != nil:
			return false, status.Error(codes.Unavailable, err.Error())
		case sent:
			return false, nil
		case token != 0:
			return true, s.send(ctx, l, token)
		}
		select {
		case <-ctx.Done():
			return false, status.FromContextError(ctx.Err()).Err()
		case <-time.After(pollOther):
		}
	}
}

func (s *server) send(ctx context.Context, l letter, token int64) error {
	if err := s.postman.send(ctx, l, s.now().UTC()); err != nil {
		s.log.ErrorContext(ctx, "mail not sent", "order_id", l.OrderID, "error", err.Error())
		if err := s.outbox.release(l.OrderID, token); err != nil {
			s.log.WarnContext(ctx, "mail can be sent again only later", "order_id", l.OrderID, "after", sendLease.String(), "error", err.Error())
		}
		return sendError(ctx, err)
	}
	if _, err := s.outbox.add(l); err != nil {
		s.log.ErrorContext(ctx, "mail not stored in the outbox", "order_id", l.OrderID, "sent", true, "error", err.Error())
	}
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
	outbox *outbox
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
