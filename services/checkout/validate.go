package checkout

import (
	"errors"
	"fmt"
	"net/mail"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
)

// maxEmail is RFC 5321's limit, in bytes.
const maxEmail = 254

// validate checks a request before any call is made; above all before a card is charged.
func validate(req *hipstershop.PlaceOrderRequest) error {
	switch {
	case req.GetUserId() == "":
		return errors.New("user_id is missing")
	case req.GetUserCurrency() == "":
		return errors.New("user_currency is missing: which currency to charge")
	case !isCurrencyCode(req.GetUserCurrency()):
		return fmt.Errorf("user_currency %.16q is not a code of three capital letters such as EUR", req.GetUserCurrency())
	case req.GetAddress() == nil || proto.Size(req.GetAddress()) == 0:
		return errors.New("address is missing: where to ship to")
	case req.GetEmail() == "":
		return errors.New("email is missing: where to send the confirmation to")
	case !isEmail(req.GetEmail()):
		return errors.New("email is not an address such as someone@example.com")
	case req.GetCreditCard() == nil || req.GetCreditCard().GetCreditCardNumber() == "":
		return errors.New("credit_card is missing, or has no number")
	}
	return nil
}

func isCurrencyCode(code string) bool {
	for _, c := range []byte(code) {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return len(code) == 3
}

func isEmail(address string) bool {
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Address == address && len(address) <= maxEmail
}

// validateCart refuses carts that cannot be ordered. Our cart service keeps none but empty ones; another's might.
func validateCart(cart *hipstershop.Cart) error {
	if len(cart.GetItems()) == 0 {
		return refuse(codes.FailedPrecondition, shoperr.CartEmpty, "cart is empty: there is nothing to order")
	}
	for _, item := range cart.GetItems() {
		if item.GetQuantity() < 1 {
			return refuse(codes.FailedPrecondition, shoperr.CartInvalid,
				fmt.Sprintf("cart contains %d of %q: want at least 1", item.GetQuantity(), item.GetProductId()))
		}
	}
	return nil
}
