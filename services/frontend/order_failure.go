package frontend

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
)

// orderFailure is why an order failed.
type orderFailure struct {
	// service is the one that failed, reason one of package shoperr's; empty if none fits.
	service, reason string
	// cause is the message of that service.
	cause string
	// charge is the state of the charge after a later step failed: see shoperr.Charge.
	charge string
	// unknown is whether the card may have been charged, or the order placed.
	unknown bool
	// order is the id of the order that the form has placed before.
	order string
	// foreign is whether the checkout is not ours: it forgets which forms it was sent, and refunds nothing.
	foreign bool
}

// chargeStands is the charge of an order that a foreign checkout could not ship.
const chargeStands = "stands"

// orderFailureOf reads the details of checkout's error. The original's checkout sends none; then its texts, which
// are fixed, have to do.
func orderFailureOf(err error) orderFailure {
	reason, metadata, found := shoperr.Find(err, shoperr.Checkout)
	if !found {
		return orderFailureFromText(status.Code(err), status.Convert(err).Message())
	}
	f := orderFailure{
		reason: reason, cause: metadata[shoperr.Cause], charge: metadata[shoperr.Charge],
		unknown: metadata[shoperr.Outcome] == shoperr.OutcomeUnknown, order: metadata[shoperr.Order],
	}
	switch metadata[shoperr.Step] {
	case shoperr.StepCart:
		f.service = nameCart
	case shoperr.StepProduct:
		f.service = nameCatalog
	case shoperr.StepConvert:
		f.service = nameCurrency
	case shoperr.StepQuote, shoperr.StepShip:
		f.service = nameShipping
	case shoperr.StepCharge:
		f.service = namePayment
	default:
		f.service = nameCheckout
	}
	return f
}

// orderFailureFromText reads a message that begins with the step and ends with the cause.
func orderFailureFromText(code codes.Code, message string) orderFailure {
	f := orderFailure{service: failingStep(message), cause: message}
	f.foreign = f.service != nameCheckout                             // ours sends details with the failure of a step
	f.unknown = f.service == namePayment || f.service == nameCheckout // only the response may have been lost
	if i := strings.LastIndex(message, "desc = "); i >= 0 {
		f.cause = message[i+len("desc = "):]
	}
	reused := strings.Contains(f.cause, "used before")
	switch {
	case f.service == namePayment && reused, f.service == nameCheckout && code == codes.InvalidArgument && reused:
		f.reason = shoperr.IdempotencyKeyReused
	case f.service == namePayment && refused(code, f.cause):
		f.reason = shoperr.PaymentDeclined
	case f.service == nameCatalog && code == codes.FailedPrecondition:
		f.reason = shoperr.ProductNotFound
	case f.service == nameCheckout && code == codes.FailedPrecondition && strings.Contains(f.cause, "empty"):
		f.reason = shoperr.CartEmpty
	}
	switch {
	case strings.Contains(message, "was refunded"):
		f.charge = shoperr.ChargeRefunded
	case strings.Contains(message, "refunded"):
		f.charge = shoperr.ChargeKept
	case strings.HasPrefix(message, stepShipped):
		f.charge = chargeStands
	}
	return f
}

// stepShipped is the step after the charge, in the original's words.
const stepShipped = "shipping error"

// failingStep returns the service that an order failed at, by the step in the original's words.
func failingStep(message string) string {
	for _, step := range []struct{ text, service string }{
		{"cart failure", nameCart},
		{"failed to prepare order: failed to get product", nameCatalog},
		{"failed to prepare order: failed to convert", nameCurrency},
		{"failed to convert shipping cost", nameCurrency},
		{"shipping quote failure", nameShipping},
		{stepShipped, nameShipping},
		{"failed to charge card", namePayment},
	} {
		if strings.HasPrefix(message, step.text) {
			return step.service
		}
	}
	return nameCheckout
}

// refused reports whether the payment service rejected the card, rather than failed.
func refused(code codes.Code, cause string) bool {
	if code == codes.InvalidArgument || code == codes.FailedPrecondition {
		return true
	}
	// The original's checkout replaces the code by INTERNAL; the texts of its payment service are fixed.
	for _, text := range []string{"Credit card info is invalid", "Sorry, we cannot process", "Your credit card"} {
		if strings.HasPrefix(cause, text) {
			return true
		}
	}
	return false
}
