package frontend

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/shoperr"
)

func goodOrder() url.Values {
	return url.Values{
		"email": {"someone@example.com"}, "street_address": {"1 Way"}, "zip_code": {"94043"}, "city": {"Mountain View"}, "state": {"CA"}, "country": {"United States"},
		"credit_card_number": {"4432-8015-6152-0454"}, "credit_card_expiration_month": {"1"}, "credit_card_expiration_year": {strconv.Itoa(time.Now().Year() + 1)},
		"credit_card_cvv": {"672"},
	}
}

func (b *browser) add(id, quantity string) {
	b.t.Helper()
	if to := b.submit("/cart", url.Values{"product_id": {id}, "quantity": {quantity}}); to != "/cart" {
		b.t.Fatalf("add leads to %q", to)
	}
}

// hidden is the value of a hidden field of a page.
func hidden(page, name string) string {
	_, rest, _ := strings.Cut(page, `name="`+name+`" value="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func TestTheCartAddsUpAndCanBeEmptied(t *testing.T) {
	b := open(t).visitor(t)
	b.contains(b.get("/cart", http.StatusOK), "Your cart is empty")
	b.add("OLJCESPC7Z", "2")
	b.add("6E92ZMYYFZ", "10")
	page := b.get("/cart", http.StatusOK)
	b.contains(page, "Quantity: 10", "$39.98", "$89.90", "$129.88", "$8.99", "$138.87", `<span class="badge">12<`, "You may also like")
	if to := b.submit("/cart/empty", nil); to != "/" {
		t.Errorf("leads to %q", to)
	}
	b.contains(b.get("/cart", http.StatusOK), "Your cart is empty")
}

func TestALineOfTheCartIsChangedAndRemovedByItself(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.add("OLJCESPC7Z", "2")
	b.add("6E92ZMYYFZ", "1")
	page := b.get("/cart", http.StatusOK)
	b.contains(page, `aria-label="One less: Sunglasses"`, `aria-label="One more: Mug"`, `aria-label="Remove: Mug"`)
	if strings.Contains(page, `aria-label="One less: Mug"`) {
		t.Error("one mug less than one is offered")
	}
	line := func(product, quantity string) url.Values {
		return url.Values{"product_id": {product}, "quantity": {quantity}}
	}
	for range 2 { // sent twice by a double click
		if to := b.submit("/cart/line", line("OLJCESPC7Z", "3")); to != "/cart" {
			t.Errorf("leads to %q", to)
		}
	}
	b.contains(b.get("/cart", http.StatusOK), "Quantity: 3", "$59.97", `<span class="badge">4<`)
	b.submit("/cart/line", line("OLJCESPC7Z", "0"))
	page = b.get("/cart", http.StatusOK)
	b.contains(page, "Mug", `<span class="badge">1<`)
	if strings.Contains(page, "Quantity: 3") {
		t.Error("the line is still there")
	}
	for _, bad := range []url.Values{nil, line("", "1"), line("6E92ZMYYFZ", ""), line("6E92ZMYYFZ", "-1"), line("6E92ZMYYFZ", "1001"), line("6E92ZMYYFZ", "many")} {
		b.contains(b.post("/cart/line", bad, http.StatusUnprocessableEntity), "The cart was not changed")
	}
	s.Break("Carts/SetItem", status.Error(codes.NotFound, "no product"))
	b.contains(b.post("/cart/line", line("NOPE", "1"), http.StatusNotFound), "No such product")
	s.Break("Carts/SetItem", status.Error(codes.Unimplemented, "unknown service shopctl.shop.v1.Carts"))
	b.contains(b.post("/cart/line", line("6E92ZMYYFZ", "0"), http.StatusNotImplemented), "You can empty the cart instead", `href="/cart"`)
	b.contains(b.get("/cart", http.StatusOK), `<span class="badge">1<`)
}

func TestAnOrderLeadsToAPageThatCanBeReloaded(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.add("6E92ZMYYFZ", "2")
	to := b.submit("/cart/checkout", goodOrder())
	if !strings.HasPrefix(to, "/order/") {
		t.Fatalf("leads to %q", to)
	}
	for range 2 {
		page := b.get(to, http.StatusOK)
		b.contains(page, "Your order is complete", "order-1", "AB-12345-678", "someone@example.com", "94043 Mountain View", "Mug", "$20.00", "$28.99", `<span class="badge">0<`)
		b.lacks(page, "4432")
	}
	if n := len(s.Placed()); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
	req := s.Placed()[0]
	if req.GetCreditCard().GetCreditCardNumber() != "4432801561520454" || req.GetAddress().GetZipCode() != 94043 || req.GetUserCurrency() != "USD" {
		t.Errorf("ordered %v", req)
	}
}

func TestAConfirmationBelongsToItsCustomerAndOutlivesTheReplica(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.add("6E92ZMYYFZ", "1")
	to := b.submit("/cart/checkout", goodOrder())
	s.visitor(t).get(to, http.StatusNotFound)

	other := open(t)
	b.store = other
	b.contains(b.get(to, http.StatusOK), "Your order is complete", "94043 Mountain View")

	// Who keeps no cookie but the session's is remembered by the replica.
	b.store = s
	delete(b.cookies, cookieReceipt+to)
	b.contains(b.get(to, http.StatusOK), "Your order is complete")
}

func TestTheSameFormSentTwiceIsOneOrder(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.add("6E92ZMYYFZ", "1")
	form := goodOrder()
	form.Set("order_token", hidden(b.get("/cart", http.StatusOK), "order_token"))
	first := b.submit("/cart/checkout", form)
	b.add("OLJCESPC7Z", "1")
	if second := b.submit("/cart/checkout", form); second != first {
		t.Errorf("the second time leads to %q, the first to %q", second, first)
	}
	if n := len(s.Placed()); n != 1 {
		t.Errorf("%d orders, want 1", n)
	}
	// A new page is a new order.
	form.Set("order_token", hidden(b.get("/cart", http.StatusOK), "order_token"))
	if third := b.submit("/cart/checkout", form); third == first {
		t.Error("a new form repeats the old order")
	}
}

func TestATokenIsWorthNothingToAnotherVisitor(t *testing.T) {
	s := open(t)
	form := goodOrder()
	form.Set("order_token", "same-token")
	var seen []string
	for range 2 {
		b := s.visitor(t)
		b.add("6E92ZMYYFZ", "1")
		seen = append(seen, b.submit("/cart/checkout", form))
	}
	if seen[0] == seen[1] {
		t.Errorf("both visitors got %s", seen[0])
	}
}

func TestTheOrderIsInTheCurrencyThatThePageShowed(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.add("6E92ZMYYFZ", "1")
	b.submit("/setCurrency", url.Values{"currency_code": {"EUR"}})
	form := goodOrder()
	form.Set("order_currency", hidden(b.get("/cart", http.StatusOK), "order_currency"))
	b.submit("/setCurrency", url.Values{"currency_code": {"JPY"}}) // in another tab
	b.submit("/cart/checkout", form)
	if got := s.Placed()[0].GetUserCurrency(); got != "EUR" {
		t.Errorf("ordered in %s", got)
	}
}

func TestADeclinedCardSaysWhyAndKeepsTheRest(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.add("6E92ZMYYFZ", "1")
	form := goodOrder()
	form.Set("credit_card_number", "4000000000000002")
	form.Set("order_token", "first")
	page := b.post("/cart/checkout", form, http.StatusUnprocessableEntity)
	b.contains(page, "Your credit card (ending 0002) expired on 1/2020", `value="1 Way"`, `aria-invalid="true"`)
	b.lacks(page, "4000000000000002", "rpc error", "desc =")
	if hidden(page, "order_token") == "first" {
		t.Error("the next attempt would be the declined order again")
	}
}

func TestAFailingPaymentServiceIsNamedAndTryingAgainIsTheSameOrder(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.add("6E92ZMYYFZ", "1")
	s.Kill("PaymentService")
	form := goodOrder()
	form.Set("order_token", "the-token")
	page := b.post("/cart/checkout", form, http.StatusServiceUnavailable)
	b.contains(page, "The payment service is not available", "<code>payment</code>", "/cart?retry=the-token")
	b.lacks(page, "10.1.2.3", "rpc error", "4432")

	s.Break("PaymentService", nil)
	again := b.get("/cart?retry=the-token", http.StatusOK)
	if got := hidden(again, "order_token"); got != "the-token" {
		t.Errorf("token %q", got)
	}
	b.submit("/cart/checkout", form)
}

func TestOrderFailuresAreAttributedToTheServiceThatFailed(t *testing.T) {
	const again, fresh = `href="/cart?retry=tok"`, `href="/cart"`
	for _, c := range []struct{ text, hop, says, link string }{
		{"cart failure: failed to get user cart during checkout: rpc error", "cart", "nothing was charged", fresh},
		{`failed to prepare order: failed to get product #"X"`, "catalog", "nothing was charged", fresh},
		{`failed to prepare order: failed to convert price of "X" to EUR`, "currency", "nothing was charged", fresh},
		{"shipping quote failure: failed to get shipping quote: rpc error", "shipping", "nothing was charged", fresh},
		{"failed to convert shipping cost to currency: failed to convert currency: rpc error", "currency", "nothing was charged", fresh},
		{"failed to charge card: could not charge the card: rpc error: code = Internal desc = broken", "payment", "Trying again may charge it once more", again},
		{"shipping error: shipment failed: rpc error", "shipping", "Your card was charged, nothing was shipped, and no refund was reported", fresh},
		{"shipping error: shipment failed: rpc error; the charge was refunded", "shipping", "the charge was refunded", fresh},
		{"shipping error: shipment failed: rpc error; the charge t could not be refunded: x", "shipping", "does not charge it again", again},
		{"something else", "checkout", "never charges or orders twice", again},
	} {
		s := open(t)
		b := s.visitor(t)
		b.add("6E92ZMYYFZ", "1")
		s.Break("CheckoutService", status.Error(codes.Internal, c.text))
		form := goodOrder()
		form.Set("order_token", "tok")
		page := b.post("/cart/checkout", form, http.StatusInternalServerError)
		b.contains(page, "The "+c.hop+" service failed", c.says, c.link)
		b.lacks(page, "rpc error")
	}
}

func TestAnOrderFailureIsReadFromTheDetailsAndNotFromTheText(t *testing.T) {
	reworded := func(code codes.Code, reason string, metadata map[string]string) error {
		return shoperr.New(code, "reworded", shoperr.Checkout, reason, metadata)
	}
	for _, c := range []struct {
		err        error
		says, link string
		code       int
	}{
		{reworded(codes.Internal, shoperr.CurrencyUnavailable, map[string]string{shoperr.Step: shoperr.StepConvert}), "The currency service failed", `href="/cart"`, 500},
		{reworded(codes.Unavailable, shoperr.ShippingUnavailable, map[string]string{shoperr.Step: shoperr.StepShip, shoperr.Charge: shoperr.ChargeRefunded}), "the charge was refunded", `href="/cart"`, 503},
		{reworded(codes.Unavailable, shoperr.ShippingUnavailable, map[string]string{shoperr.Step: shoperr.StepShip, shoperr.Charge: shoperr.ChargeKept}), "could not be refunded", `href="/cart?retry=tok"`, 503},
		{reworded(codes.InvalidArgument, shoperr.PaymentDeclined, map[string]string{shoperr.Step: shoperr.StepCharge, shoperr.Cause: "Only VISA."}), "Only VISA.", "", 422},
		{reworded(codes.InvalidArgument, shoperr.IdempotencyKeyReused, map[string]string{shoperr.Step: shoperr.StepCharge}), "earlier attempt", `href="/cart?retry=tok"`, 422},
		{reworded(codes.InvalidArgument, shoperr.IdempotencyKeyReused, nil), "sent already", `href="/cart"`, 422},
		{reworded(codes.FailedPrecondition, shoperr.ProductNotFound, map[string]string{shoperr.Step: shoperr.StepProduct}), "no longer sold", `href="/cart"`, 422},
		{reworded(codes.FailedPrecondition, shoperr.CartEmpty, nil), "Your cart is empty", "", 422},
		{reworded(codes.AlreadyExists, shoperr.OrderExists, map[string]string{shoperr.Order: "1b4e28ba"}), "It placed order 1b4e28ba, once. Your cart has something new", `href="/cart"`, 409},
		{reworded(codes.Unavailable, shoperr.PaymentUnavailable, map[string]string{shoperr.Step: shoperr.StepCharge, shoperr.Outcome: shoperr.OutcomeUnknown}), "It is not known whether your order was placed", `href="/cart?retry=tok"`, 503},
		{reworded(codes.Unavailable, shoperr.OrderUnderWay, map[string]string{shoperr.Outcome: shoperr.OutcomeUnknown}), "It is not known whether your order was placed", `href="/cart?retry=tok"`, 503},
		{reworded(codes.Unavailable, shoperr.JournalUnavailable, nil), "nothing was charged", `href="/cart"`, 503},
	} {
		s := open(t)
		b := s.visitor(t)
		b.add("6E92ZMYYFZ", "1")
		s.Break("CheckoutService", c.err)
		form := goodOrder()
		form.Set("order_token", "tok")
		b.contains(b.post("/cart/checkout", form, c.code), c.says, c.link)
	}
}

func TestWhatTheVisitorCanChangeIsNotAServerError(t *testing.T) {
	for _, c := range []struct {
		err  error
		says string
	}{
		{status.Error(codes.FailedPrecondition, `failed to prepare order: failed to get product #"X": rpc error: code = NotFound desc = no product with ID X`), "no longer sold"},
		{status.Error(codes.InvalidArgument, "idempotency-key was used before, for another order"), "sent already"},
		{status.Error(codes.InvalidArgument, "failed to charge card: could not charge the card: rpc error: code = InvalidArgument desc = idempotency-key was used before, for another charge"), "earlier attempt"},
		{status.Error(codes.Internal, "failed to charge card: could not charge the card: rpc error: code = Code(400) desc = Credit card info is invalid"), "Credit card info is invalid"},
	} {
		s := open(t)
		b := s.visitor(t)
		b.add("6E92ZMYYFZ", "1")
		s.Break("CheckoutService", c.err)
		b.contains(b.post("/cart/checkout", goodOrder(), http.StatusUnprocessableEntity), c.says)
	}
}

func TestAnEmptyCartCannotBeOrdered(t *testing.T) {
	b := open(t).visitor(t)
	b.contains(b.post("/cart/checkout", goodOrder(), http.StatusUnprocessableEntity), "Your cart is empty", "Nothing was charged")
}

func TestWithoutShippingOrCurrencyTheCartIsStillThere(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.add("OLJCESPC7Z", "2")
	b.submit("/setCurrency", url.Values{"currency_code": {"EUR"}})
	s.Kill("ShippingService")
	b.contains(b.get("/cart", http.StatusOK), "€79.96", "Total without shipping", "shipping service is unavailable")
	s.Break("ShippingService", nil)
	s.Kill("CurrencyService")
	page := b.get("/cart", http.StatusOK)
	b.contains(page, "currency service is unavailable", "$39.98", "$48.97")
	b.lacks(page, "€")
}

func TestAnEmptyCartShowsWithoutTheCatalogButAFullOneDoesNot(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	s.Kill("ProductCatalogService/ListProducts")
	b.contains(b.get("/cart", http.StatusOK), "Your cart is empty")
	b.add("OLJCESPC7Z", "2")
	b.contains(b.get("/cart", http.StatusServiceUnavailable), "catalog")
}

func TestAProductThatIsGoneFromTheCatalogDoesNotBreakTheCart(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.add("OLJCESPC7Z", "2")
	_, err := s.AddItem(t.Context(), &pb.AddItemRequest{
		UserId: b.cookies[cookieSession+"/"].Value, Item: &pb.CartItem{ProductId: "GONE", Quantity: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.contains(b.get("/cart", http.StatusOK), "GONE", "no longer has it", "$39.98")
}

func TestReceiptsAreBoundedAndEnd(t *testing.T) {
	rs, now := newReceipts(), time.Now()
	for i := range maxReceipts + 10 {
		rs.keep("s", &receipt{ID: strconv.Itoa(i)}, now)
	}
	if len(rs.kept) != maxReceipts || rs.find("s", "9", now) != nil || rs.find("s", "10", now) == nil {
		t.Errorf("%d receipts are kept", len(rs.kept))
	}
	if rs.find("s", "10", now.Add(receiptAge)) != nil || rs.find("other", "10", now) != nil {
		t.Error("a receipt outlives its time, or belongs to another session")
	}
}
