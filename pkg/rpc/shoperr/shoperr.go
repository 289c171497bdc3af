// Package shoperr defines the error details of the shop's contract: a google.rpc.ErrorInfo with the reason of a failed
// call. A caller branches on the reason, never on the message, which is for people.
//
// The services of the original send no details; Find reports that.
package shoperr

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Domains: which service gives the reason.
const (
	Checkout = "checkout.shop"
	Payment  = "payment.shop"
)

// Reasons of both domains.
const (
	// InvalidRequest is a request that can never succeed as it is.
	InvalidRequest = "INVALID_REQUEST"
	// IdempotencyKeyReused is a key that came before with another request. With StepCharge, it is the payment
	// service that knows the key: an earlier attempt may have been charged.
	IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED"
)

// Reasons of the payment service.
const (
	// CardDeclined is a card that is not accepted. The message says why, in words for the customer.
	CardDeclined = "CARD_DECLINED"
	// IdempotencyKeyVoided is a key that was voided because its caller did not know whether it had charged.
	IdempotencyKeyVoided = "IDEMPOTENCY_KEY_VOIDED"
)

// Reasons of the checkout service.
const (
	CartUnavailable     = "CART_UNAVAILABLE"
	CartEmpty           = "CART_EMPTY"
	CartInvalid         = "CART_INVALID"
	ProductUnavailable  = "PRODUCT_UNAVAILABLE" // the catalog did not return it
	ProductNotFound     = "PRODUCT_NOT_FOUND"   // it is in the cart and no longer sold
	CurrencyUnavailable = "CURRENCY_UNAVAILABLE"
	ShippingUnavailable = "SHIPPING_UNAVAILABLE"
	PaymentDeclined     = "PAYMENT_DECLINED"
	PaymentUnavailable  = "PAYMENT_UNAVAILABLE"
	// JournalUnavailable is a checkout that cannot record orders; it charges nothing then.
	JournalUnavailable = "JOURNAL_UNAVAILABLE"
	// OrderUnderWay is an order whose earlier call has not ended: it may still be placed.
	OrderUnderWay = "ORDER_UNDER_WAY"
	// OrderExists is a key that has placed an order, while the cart has something new since.
	OrderExists = "ORDER_EXISTS"
)

// Keys of the metadata of checkout's errors.
const (
	// Step is where the order failed: one of the steps below.
	Step = "step"
	// Cause is the message of the service that the step called.
	Cause = "cause"
	// Charge is the state of the charge after a later step failed: ChargeRefunded or ChargeKept.
	Charge = "charge"
	// Outcome is OutcomeUnknown where the card may have been charged, or the order placed. If the call is not repeated
	// with its idempotency-key, such a charge is voided.
	Outcome = "outcome"
	// Order is the id of the order that exists.
	Order = "order"
)

// Steps of an order.
const (
	StepCart    = "cart"
	StepProduct = "product"
	StepConvert = "convert"
	StepQuote   = "quote"
	StepCharge  = "charge"
	StepShip    = "ship"
)

// Values of the metadata's charge.
const (
	ChargeRefunded = "refunded"
	ChargeKept     = "kept" // and could not be refunded yet
)

// OutcomeUnknown is the value of the metadata's outcome.
const OutcomeUnknown = "unknown"

// New returns an error with a code, a message for people and the reason for programs. The metadata may be nil.
func New(code codes.Code, message, domain, reason string, metadata map[string]string) error {
	s := status.New(code, message)
	detailed, err := s.WithDetails(&errdetails.ErrorInfo{Domain: domain, Reason: reason, Metadata: metadata})
	if err != nil { // the code is OK, or text is not UTF-8
		return s.Err()
	}
	return detailed.Err()
}

// Find returns the reason that a domain gave for an error, and its metadata; found is false if it gave none.
func Find(err error, domain string) (reason string, metadata map[string]string, found bool) {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
			return info.GetReason(), info.GetMetadata(), true
		}
	}
	return "", nil, false
}
