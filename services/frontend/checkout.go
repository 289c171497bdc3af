package frontend

import (
	"errors"
	"net/http"

	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
)

// checkout handles the order form. An order is sent with the form's token, which makes the
// call idempotent: the same form sent twice, by a double click or a reload, is one order.
func (s *server) checkout(v *visit) error {
	form := readForm(v.r.PostForm)
	if !isSessionID(form.Token) {
		form.Token = s.newID()
		if key := v.r.Header.Get("Idempotency-Key"); isSessionID(key) {
			form.Token = key
		}
	}
	if found := form.check(); len(found) > 0 {
		return s.cartPage(v, http.StatusUnprocessableEntity, form, found)
	}
	req := form.request(v.session, v.currency)
	// The key contains the session, so that guessing a token cannot match another visitor's order.
	order, err := s.n.placeOrder(v.ctx(), v.session+"/"+form.Token, req)
	if err != nil {
		return s.notOrdered(v, form, err)
	}
	r := newReceipt(order, form)
	s.orders.keep(v.session, r, s.now())
	setReceiptCookie(v.w, r)
	return redirect(v, "/order/"+r.ID)
}

// ruleDeclined marks a card that the payment service declined.
const ruleDeclined = "declined"

// notOrdered shows why an order failed: a declined card, which the visitor can do something about, or a failing
// service.
func (s *server) notOrdered(v *visit, form orderForm, err error) error {
	var h *serviceError
	if !errors.As(err, &h) {
		return err
	}
	f := orderFailureOf(h.err)
	switch {
	case f.reason == shoperr.IdempotencyKeyReused && f.service == namePayment:
		return &pageError{
			code: http.StatusUnprocessableEntity, title: "An earlier attempt may have been charged",
			text: "Please try again with the same card and cart as the first time. Then nothing is charged twice.",
			link: "/cart?retry=" + form.Token, linkText: "Back to your cart",
		}
	case f.reason == shoperr.PaymentDeclined:
		// The payment service has decided, so the next attempt is a new order.
		form.Token = s.newID()
		return s.cartPage(v, http.StatusUnprocessableEntity, form.withoutCard(), problems{{
			input: "credit_card_number", field: "CcNumber", rule: ruleDeclined, help: f.cause,
		}})
	case f.reason == shoperr.ProductNotFound:
		return &pageError{
			code: http.StatusUnprocessableEntity, title: "Something in your cart is no longer sold",
			text: "Nothing was ordered or charged. Please empty your cart and start again.", link: "/cart", linkText: "To your cart",
		}
	case f.reason == shoperr.CartEmpty:
		return &pageError{code: http.StatusUnprocessableEntity, title: "Your cart is empty", text: "There is nothing to order. Nothing was charged for this form."}
	case f.reason == shoperr.OrderExists:
		return &pageError{
			code: http.StatusConflict, title: "This form was sent before",
			text: "It placed order " + f.order + ", once. Your cart has something new, which is not ordered and not charged yet.",
			link: "/cart", linkText: "Order what is in your cart",
		}
	case f.reason == shoperr.IdempotencyKeyReused:
		return &pageError{
			code: http.StatusUnprocessableEntity, title: "This order was sent already",
			text: "The form was sent a second time with different contents. Nothing was ordered or charged again.", link: "/cart", linkText: "To your cart",
		}
	}
	return orderError(f, h.err, form.Token)
}

// orderError is the page of an order that failed because a service did. It says what happened to the money, and
// links to a form that cannot charge twice, unless the checkout is not ours.
func orderError(f orderFailure, err error, token string) *pageError {
	e := explain(&serviceError{f.service, err})
	e.link, e.linkText = "/cart", "Back to your cart"
	switch {
	case f.charge == shoperr.ChargeRefunded:
		e.text += " Your order was not placed, and the charge was refunded."
	case f.charge == shoperr.ChargeKept:
		e.text += " Your card was charged, and the charge could not be refunded yet; that is tried again. Trying again from here does not charge it again."
		e.link += "?retry=" + token
	case f.charge == chargeStands:
		e.text += " Your card was charged, nothing was shipped, and no refund was reported. Trying again charges the card once more."
	case f.unknown && f.foreign:
		e.text += " It is not known whether your card was charged. Trying again may charge it once more."
		e.link += "?retry=" + token
	case f.unknown:
		e.text += " It is not known whether your order was placed. Trying again from here never charges or orders twice. If you do not try again, a charge without an order is refunded."
		e.link += "?retry=" + token
	default:
		e.text += " Your order was not placed and nothing was charged."
	}
	return e
}
