package frontend

import (
	"errors"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// checkout takes the order form. An order is sent with the form's token, which the checkout service
// knows again: the same form sent twice, by impatience or by a reload, is one order.
func (s *server) checkout(v *visit) error {
	form := readForm(v.r.PostForm)
	if !isSessionID(form.Token) {
		form.Token = s.newID()
		if key := v.r.Header.Get("Idempotency-Key"); isSessionID(key) {
			form.Token = key
		}
	}
	if found := form.check(); len(found) > 0 {
		return s.cartPage(v, http.StatusUnprocessableEntity, form.withoutCard(), found)
	}
	req := form.request(v.session, v.currency)
	// The key is the visitor's own: nobody else's order can be met by guessing a token.
	order, err := s.n.placeOrder(v.ctx(), v.session+"/"+form.Token, req)
	if err != nil {
		return s.notOrdered(v, form, err)
	}
	r := newReceipt(order, form)
	s.orders.keep(v.session, r, s.now())
	setReceiptCookie(v.w, r)
	return redirect(v, "/order/"+r.ID)
}

// ruleDeclined marks a card that the payment service refused.
const ruleDeclined = "declined"

// notOrdered tells a declined card, which the visitor can do something about, from a failing service.
func (s *server) notOrdered(v *visit, form orderForm, err error) error {
	var h *hopError
	if !errors.As(err, &h) {
		return err
	}
	message := status.Convert(h.err).Message()
	failing, said := failingStep(message), cause(message)
	switch code := h.code(); {
	case failing == hopPayment && strings.Contains(said, "used before"):
		return &pageError{
			code: http.StatusUnprocessableEntity, title: "An earlier attempt may have been charged",
			text: "Please try again with the card and the cart of the first time. Then nothing is charged twice.",
			link: "/cart?retry=" + form.Token, linkText: "Back to your cart",
		}
	case failing == hopPayment && refused(code, said):
		// The payment service said no for good, so that the next attempt is a new order.
		form.Token = s.newID()
		return s.cartPage(v, http.StatusUnprocessableEntity, form.withoutCard(), problems{{
			input: "credit_card_number", field: "CcNumber", rule: ruleDeclined, help: said,
		}})
	case failing == hopCatalog && code == codes.FailedPrecondition:
		return &pageError{
			code: http.StatusUnprocessableEntity, title: "Something in your cart is no longer sold",
			text: "Nothing was ordered or charged. Please empty your cart and fill it anew.", link: "/cart", linkText: "To your cart",
		}
	case failing == hopCheckout && code == codes.FailedPrecondition && strings.Contains(said, "empty"):
		return &pageError{code: http.StatusUnprocessableEntity, title: "Your cart is empty", text: "There is nothing to order. Nothing was charged."}
	case failing == hopCheckout && code == codes.InvalidArgument && strings.Contains(said, "used before"):
		return &pageError{
			code: http.StatusUnprocessableEntity, title: "This order was sent before",
			text: "The form came a second time, with other contents. Nothing was ordered or charged again.", link: "/cart", linkText: "To your cart",
		}
	}
	e := explain(&hopError{failing, h.err})
	e.link, e.linkText = "/cart", "Back to your cart"
	switch {
	case failing == hopShipping && strings.Contains(message, "was refunded"):
		e.text += " Your order was not placed, and the charge was taken back."
	case failing == hopShipping && strings.Contains(message, "refunded"):
		e.text += " Your card was charged, and that could not be taken back. Trying again from here does not charge it again."
		e.link += "?retry=" + form.Token
	case failing == hopPayment || failing == hopCheckout:
		// The order may have come through and only the answer been lost.
		e.text += " Trying again from here never charges or orders twice."
		e.link += "?retry=" + form.Token
	default:
		e.text += " Your order was not placed and nothing was charged."
	}
	return e
}

// failingStep finds out which service an order failed at: checkout's texts begin with the step, in the
// original's words.
func failingStep(message string) (hop string) {
	for _, step := range []struct{ text, hop string }{
		{"cart failure", hopCart},
		{"failed to prepare order: failed to get product", hopCatalog},
		{"failed to prepare order: failed to convert", hopCurrency},
		{"failed to convert shipping cost", hopCurrency},
		{"shipping quote failure", hopShipping},
		{"shipping error", hopShipping},
		{"failed to charge card", hopPayment},
	} {
		if strings.HasPrefix(message, step.text) {
			return step.hop
		}
	}
	return hopCheckout
}

// cause is what the failing service itself said: the text of the gRPC error at the message's end.
func cause(message string) string {
	if i := strings.LastIndex(message, "desc = "); i >= 0 {
		return message[i+len("desc = "):]
	}
	return message
}

// refused tells whether the payment service judged the card, rather than failed.
func refused(code codes.Code, said string) bool {
	if code == codes.InvalidArgument || code == codes.FailedPrecondition {
		return true
	}
	// The original's checkout hides the code behind INTERNAL; its texts are fixed.
	return strings.HasPrefix(said, "Credit card info is invalid") || strings.HasPrefix(said, "Sorry, we cannot process") || strings.HasPrefix(said, "Your credit card")
}
