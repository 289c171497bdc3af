package court

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

const (
	// readTimeout bounds the reading of one service's records.
	readTimeout = 5 * time.Second
	// newestMails is how many mails are read at a time: the outbox keeps some two hundred.
	newestMails = 200
	// newestOrders is how many orders are read, the most that a list has.
	newestOrders = 500
)

// books are what the services have recorded since the first order of the run.
type books struct {
	refunds   shopv1.RefundsClient
	shipments shopv1.ShipmentsClient
	outbox    shopv1.OutboxClient
	orders    shopv1.OrdersClient
	carts     hipstershop.CartServiceClient
	// afterCharge and afterParcel are the ids of those before.
	afterCharge, afterParcel string
	// silent: the checkout has no shopctl.shop.v1.Orders.
	silent bool

	charges map[string][]*shopv1.Transaction // by the card's last four digits, of the court's currency
	parcels map[string][]*shopv1.Parcel      // by the digest of the request
	// mails are kept from reading to reading: by address and id.
	mails  map[string]map[string]*shopv1.Mail
	states map[string]*shopv1.Order // by trace
}

func newBooks(checkout, payment, shipping, email, cart grpc.ClientConnInterface) *books {
	return &books{
		refunds: shopv1.NewRefundsClient(payment), shipments: shopv1.NewShipmentsClient(shipping), outbox: shopv1.NewOutboxClient(email),
		orders: shopv1.NewOrdersClient(checkout), carts: hipstershop.NewCartServiceClient(cart),
		mails: map[string]map[string]*shopv1.Mail{}, states: map[string]*shopv1.Order{},
	}
}

// read reads all records. Each service may be restarting: the error says which cannot be read.
func (b *books) read(ctx context.Context) error {
	for _, part := range []struct {
		service string
		read    func(context.Context) error
	}{{"payment", b.readCharges}, {"shipping", b.readParcels}, {"email", b.readMails}, {"checkout", b.readOrders}} {
		if err := within(ctx, readTimeout, part.read); err != nil {
			return fmt.Errorf("read the records of %s: %w", part.service, err)
		}
	}
	return nil
}

func within(ctx context.Context, d time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return do(ctx)
}

func (b *books) readCharges(ctx context.Context) error {
	found := map[string][]*shopv1.Transaction{}
	for after, more := b.afterCharge, true; more; {
		list, err := b.refunds.ListTransactions(ctx, &shopv1.ListTransactionsRequest{After: after})
		if err != nil {
			return err
		}
		for _, t := range list.GetTransactions() {
			after = t.GetTransactionId()
			if t.GetAmount().GetCurrencyCode() == currency {
				found[t.GetCardLastFour()] = append(found[t.GetCardLastFour()], t)
			}
		}
		more = list.GetMore()
	}
	b.charges = found
	return nil
}

func (b *books) readParcels(ctx context.Context) error {
	found := map[string][]*shopv1.Parcel{}
	for after, more := b.afterParcel, true; more; {
		list, err := b.shipments.ListParcels(ctx, &shopv1.ListParcelsRequest{After: after})
		if err != nil {
			return err
		}
		for _, p := range list.GetParcels() {
			after = p.GetTrackingId()
			found[string(p.GetRequestDigest())] = append(found[string(p.GetRequestDigest())], p)
		}
		more = list.GetMore()
	}
	b.parcels = found
	return nil
}

func (b *books) readMails(ctx context.Context) error {
	list, err := b.outbox.ListMails(ctx, &shopv1.ListMailsRequest{Limit: newestMails})
	for _, m := range list.GetMails() {
		if b.mails[m.GetTo()] == nil {
			b.mails[m.GetTo()] = map[string]*shopv1.Mail{}
		}
		b.mails[m.GetTo()][m.GetId()] = m
	}
	return err
}

func (b *books) readOrders(ctx context.Context) error {
	if b.silent {
		return nil
	}
	list, err := b.orders.ListOrders(ctx, &shopv1.ListOrdersRequest{Limit: newestOrders})
	if status.Code(err) == codes.Unimplemented {
		b.silent = true
		return nil
	}
	for _, o := range list.GetOrders() {
		b.states[o.GetTraceId()] = o
	}
	return err
}

// Facts are what the services hold of one order.
type Facts struct {
	// Charged are the amounts of the charges that stand, Refunded the number of those that do not.
	Charged  []string
	Refunded int
	Parcels  int // that are not canceled
	Mails    int
	// InCart is whether the cart still holds what was ordered.
	InCart bool
	// Told is whether the customer got the order as an answer.
	Told bool
	// Order is its id, as far as anything names one, State what checkout says of it; empty where it says nothing.
	Order, State string
}

// facts collects what is known of an order.
func (b *books) facts(ctx context.Context, o *order) (f Facts, err error) {
	for _, t := range b.charges[o.lastFour] {
		if t.GetRefundId() != "" {
			f.Refunded++
		} else {
			f.Charged = append(f.Charged, money.Rounded(t.GetAmount()))
		}
	}
	for _, p := range b.parcels[o.digest()] {
		if !p.GetCanceled() {
			f.Parcels++
		}
	}
	for _, m := range b.mails[o.email] {
		f.Mails++
		f.Order = m.GetOrderId()
	}
	if s := b.states[o.trace]; s != nil {
		f.Order, f.State = s.GetOrderId(), s.GetState().String()
	}
	if o.answer != nil {
		f.Told, f.Order = true, o.answer.GetOrderId()
	}
	err = within(ctx, readTimeout, func(ctx context.Context) error {
		cart, err := b.carts.GetCart(ctx, &hipstershop.GetCartRequest{UserId: o.user})
		f.InCart = len(cart.GetItems()) > 0
		return err
	})
	if err != nil {
		err = fmt.Errorf("read the cart of %s: %w", o.user, err)
	}
	return f, err
}

// Wrong returns which invariant does not hold for an order of an amount; empty if all do: what is charged and not refunded is
// what was ordered, an order that is paid has one parcel and one mail and has left the cart, one that is not has neither, and
// each has ended.
func (f Facts) Wrong(amount string) string {
	placed := f.Parcels > 0
	switch {
	case len(f.Charged) > 1:
		return fmt.Sprintf("charged %d times", len(f.Charged))
	case len(f.Charged) == 1 && !placed:
		return "charged " + f.Charged[0] + " and not shipped: the money is lost"
	case len(f.Charged) == 0 && placed:
		return "shipped and not charged"
	case f.Parcels > 1:
		return fmt.Sprintf("%d parcels", f.Parcels)
	case placed && f.Charged[0] != amount:
		return "charged " + f.Charged[0] + ", the order is " + amount
	case f.Told && !placed:
		return "the customer got an order that does not exist"
	case f.Mails > 1:
		return fmt.Sprintf("%d mails", f.Mails)
	case placed && f.Mails == 0:
		return "no mail"
	case !placed && f.Mails > 0:
		return "a mail about an order that does not exist"
	case placed && f.InCart:
		return "placed, and still in the cart"
	}
	switch shopv1.OrderState(shopv1.OrderState_value[f.State]) {
	case shopv1.OrderState_RUNNING, shopv1.OrderState_IN_DOUBT, shopv1.OrderState_COMPENSATING, shopv1.OrderState_PLACED, shopv1.OrderState_STUCK:
		return "not ended: " + f.State
	case shopv1.OrderState_FAILED:
		if placed {
			return "placed, and FAILED in the journal"
		}
	}
	return ""
}
