package checkout

import (
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The steps of an order, as the texts of their errors, which are the original's.
const (
	stepCart            = "cart failure: failed to get user cart during checkout"
	stepQuote           = "shipping quote failure: failed to get shipping quote"
	stepConvertShipping = "failed to convert shipping cost to currency: failed to convert currency"
	stepCharge          = "failed to charge card: could not charge the card"
	stepShip            = "shipping error: shipment failed"
)

func stepProduct(id string) string {
	return "failed to prepare order: failed to get product #" + strconv.Quote(id)
}

func stepConvertPrice(id, currency string) string {
	return "failed to prepare order: failed to convert price of " + strconv.Quote(id) + " to " + currency
}

// fail returns the error of a step that failed because of err.
func fail(step string, err error) error {
	return status.Error(outcome(status.Code(err)), step+": "+err.Error())
}

// outcome is the code of PlaceOrder when a call that it made ended with a code. A caller can repeat what
// was UNAVAILABLE, RESOURCE_EXHAUSTED or late, and change what was INVALID_ARGUMENT: another card,
// currency or address. NOT_FOUND is a product that is in the cart and no longer sold: the cart must
// change first. Anything else is our affair, and INTERNAL.
func outcome(cause codes.Code) codes.Code {
	switch cause {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable, codes.ResourceExhausted, codes.InvalidArgument, codes.FailedPrecondition:
		return cause
	case codes.NotFound:
		return codes.FailedPrecondition
	case 400: // what the original's payment service says of a card it refuses
		return codes.InvalidArgument
	}
	return codes.Internal
}
