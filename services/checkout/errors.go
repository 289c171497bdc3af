package checkout

import (
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
)

// step is a step of an order: its name for programs, the reason that its failure has, and the original's text of it.
type step struct{ name, reason, text string }

func stepCart() step {
	return step{shoperr.StepCart, shoperr.CartUnavailable, "cart failure: failed to get user cart during checkout"}
}

func stepProduct(id string) step {
	return step{shoperr.StepProduct, shoperr.ProductUnavailable, "failed to prepare order: failed to get product #" + strconv.Quote(id)}
}

func stepConvertPrice(id, currency string) step {
	return step{shoperr.StepConvert, shoperr.CurrencyUnavailable, "failed to prepare order: failed to convert price of " + strconv.Quote(id) + " to " + currency}
}

func stepQuote() step {
	return step{shoperr.StepQuote, shoperr.ShippingUnavailable, "shipping quote failure: failed to get shipping quote"}
}

func stepConvertShipping() step {
	return step{shoperr.StepConvert, shoperr.CurrencyUnavailable, "failed to convert shipping cost to currency: failed to convert currency"}
}

func stepCharge() step {
	return step{shoperr.StepCharge, shoperr.PaymentUnavailable, "failed to charge card: could not charge the card"}
}

func stepShip() step {
	return step{shoperr.StepShip, shoperr.ShippingUnavailable, "shipping error: shipment failed"}
}

// fail returns the error of a step that failed because of err.
func (s step) fail(err error) error { return s.failWith(err, "", nil) }

// failWith adds to the message and to the metadata of the error.
func (s step) failWith(err error, addition string, metadata map[string]string) error {
	all := map[string]string{shoperr.Step: s.name, shoperr.Cause: status.Convert(err).Message()}
	for key, value := range metadata {
		all[key] = value
	}
	return shoperr.New(outcome(status.Code(err)), s.text+": "+err.Error()+addition, shoperr.Checkout, s.reasonFor(err), all)
}

// reasonFor is the reason of the step, or a nearer one if the cause has it.
func (s step) reasonFor(err error) string {
	code := outcome(status.Code(err))
	switch s.name {
	case shoperr.StepProduct:
		if status.Code(err) == codes.NotFound {
			return shoperr.ProductNotFound
		}
	case shoperr.StepCharge:
		switch reason, _, _ := shoperr.Find(err, shoperr.Payment); reason {
		case shoperr.IdempotencyKeyReused, shoperr.IdempotencyKeyVoided:
			return shoperr.IdempotencyKeyReused
		}
		if code == codes.InvalidArgument || code == codes.FailedPrecondition {
			return shoperr.PaymentDeclined
		}
	}
	return s.reason
}

// refuse returns the error of a request that cannot succeed as it is.
func refuse(code codes.Code, reason, message string) error {
	return shoperr.New(code, message, shoperr.Checkout, reason, nil)
}

// outcome is the code of PlaceOrder when a call that it made ended with a code. A caller can repeat what was
// UNAVAILABLE, RESOURCE_EXHAUSTED or late, and change what was INVALID_ARGUMENT: another card, currency or
// address. NOT_FOUND is a product that is in the cart and no longer sold: the cart must change first. Anything
// else is this service's problem, and INTERNAL.
func outcome(cause codes.Code) codes.Code {
	switch cause {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable, codes.ResourceExhausted, codes.InvalidArgument, codes.FailedPrecondition:
		return cause
	case codes.NotFound:
		return codes.FailedPrecondition
	case 400: // the original's payment service, for a card that it refuses
		return codes.InvalidArgument
	}
	return codes.Internal
}
