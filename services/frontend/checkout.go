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
	failing, said := failingStep(status.Convert(h.err).Message())
	switch code := h.code(); {
	case failing == hopPayment && refused(code, said):
		// The payment service said no for good, so that the next attempt is a new order.
		form.Token = s.newID()
		return s.cartPage(v, http.StatusUnprocessableEntity, form.withoutCard(), problems{{
			input: "credit_card_number", field: "CcNumber", rule: ruleDeclined, help: said,
		}})
	case code == codes.FailedPrecondition && strings.Contains(strings.ToLower(said), "empty"):
		return &pageError{code: http.StatusUnprocessableEntity, title: "Your cart is empty", text: "There is nothing to order. Nothing was charged."}
	}
	e := explain(&hopError{failing, h.err})
	e.text += " Your order was not placed"
	if strings.Contains(said, "refund") {
		e.text += " and a charge that was made is taken back"
	}
	e.text += "; your cart is as it was."
	if c := h.code(); c == codes.DeadlineExceeded || c == codes.Unavailable || c == codes.Canceled {
		// It may have come through and only the answer been lost.
		e.text = "It did not answer in time, so the shop does not know what became of your order. Trying again from here can never order twice."
		if failing != hopCheckout {
			e.text = "Your order could not be placed. Trying again from here can never order twice."
		}
	}
	e.link, e.linkText = "/cart?retry="+form.Token, "Back to your cart"
	return e
}

// failingStep finds out which service an order failed at. Checkout's texts name the step first and
// keep the cause, which is a gRPC error, at the end; said is that cause's own text.
func failingStep(message string) (hop, said string) {
	said = message
	if i := strings.LastIndex(said, "desc = "); i >= 0 {
		said = said[i+len("desc = "):]
	}
	for _, step := range []struct{ text, hop string }{
		{"charge card", hopPayment},
		{"charge the card", hopPayment},
		{"shipping cost to currency", hopCurrency},
		{"convert", hopCurrency},
		{"get product", hopCatalog},
		{"shipping", hopShipping},
		{"shipment", hopShipping},
		{"cart failure", hopCart},
		{"user cart", hopCart},
	} {
		if strings.Contains(message, step.text) {
			return step.hop, said
		}
	}
	return hopCheckout, said
}

// refused tells whether the payment service judged the card, rather than failed.
func refused(code codes.Code, said string) bool {
	if code == codes.InvalidArgument || code == codes.FailedPrecondition {
		return true
	}
	// The original's checkout hides the code behind INTERNAL; its texts are fixed.
	return strings.HasPrefix(said, "Credit card info is invalid") || strings.HasPrefix(said, "Sorry, we cannot process") || strings.HasPrefix(said, "Your credit card")
}
