package court

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// mark is something that only one order has.
type mark struct{ kind, value string }

const (
	byUser        = "user"
	byEmail       = "email"
	byStreet      = "street"
	byCard        = "card"
	byTransaction = "transaction"
	byKey         = "idempotency-key"
)

func (o *order) marks() []mark {
	return []mark{{byUser, o.user}, {byEmail, o.email}, {byStreet, o.street}, {byCard, o.card}}
}

// read returns the step that a moment is of, and by what its order is recognized. The step is empty for a call that is none.
func read(m lifeline.Moment) (Step, mark) {
	switch m.Method {
	case "":
		return "", mark{byUser, m.Subject}
	case hipstershop.CartService_GetCart_FullMethodName:
		return ReadCart, mark{byUser, decoded[hipstershop.GetCartRequest](m.Request).GetUserId()}
	case hipstershop.CartService_EmptyCart_FullMethodName:
		return Empty, mark{byUser, decoded[hipstershop.EmptyCartRequest](m.Request).GetUserId()}
	case hipstershop.PaymentService_Charge_FullMethodName:
		number := decoded[hipstershop.ChargeRequest](m.Request).GetCreditCard().GetCreditCardNumber()
		return Charge, mark{byCard, strings.NewReplacer("-", "", " ", "").Replace(number)}
	case hipstershop.ShippingService_GetQuote_FullMethodName:
		return "", mark{byStreet, decoded[hipstershop.GetQuoteRequest](m.Request).GetAddress().GetStreetAddress()}
	case hipstershop.ShippingService_ShipOrder_FullMethodName:
		return Ship, mark{byStreet, decoded[hipstershop.ShipOrderRequest](m.Request).GetAddress().GetStreetAddress()}
	case hipstershop.EmailService_SendOrderConfirmation_FullMethodName:
		return Confirm, mark{byEmail, decoded[hipstershop.SendOrderConfirmationRequest](m.Request).GetEmail()}
	case shopv1.Refunds_Refund_FullMethodName:
		return Refund, mark{byTransaction, decoded[shopv1.RefundRequest](m.Request).GetTransactionId()}
	case shopv1.Refunds_Void_FullMethodName:
		req := decoded[shopv1.VoidRequest](m.Request)
		if req.GetKeepCharge() {
			return "", mark{byKey, req.GetIdempotencyKey()} // it asks only whether there is a charge
		}
		return Refund, mark{byKey, req.GetIdempotencyKey()}
	case shopv1.Shipments_CancelShipment_FullMethodName:
		return Cancel, mark{byKey, decoded[shopv1.CancelShipmentRequest](m.Request).GetIdempotencyKey()}
	}
	return "", mark{}
}

// decoded reads a message; what cannot be read is empty.
func decoded[T any, P interface {
	*T
	proto.Message
}](wire []byte) P {
	m := P(new(T))
	_ = proto.Unmarshal(wire, m)
	return m
}
