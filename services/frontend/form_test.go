package frontend

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestQuantitiesOutOfRangeAreRefusedNextToTheField(t *testing.T) {
	b := open(t).visitor(t)
	for quantity, rule := range map[string]string{"": "required", "0": "required", "-1": "required", "many": "required", "11": "lte", "1e3": "required"} {
		page := b.post("/cart", url.Values{"product_id": {"6E92ZMYYFZ"}, "quantity": {quantity}}, http.StatusUnprocessableEntity)
		b.contains(page, "Field &#39;Quantity&#39; is invalid: "+rule, `aria-describedby="quantity-error"`)
	}
	b.post("/cart", url.Values{"quantity": {"1"}}, http.StatusUnprocessableEntity)
	b.post("/cart", url.Values{"product_id": {"NOPE"}, "quantity": {"1"}}, http.StatusNotFound)
	b.contains(b.get("/cart", http.StatusOK), "Your cart is empty")
}

func TestPostalCodesOfAnyCountryReachTheLabelAndTheConfirmation(t *testing.T) {
	for code, want := range map[string]struct {
		zip  int32
		city string
	}{
		"94043":      {94043, "Town"},
		"01067":      {0, "Town 01067"},
		"00000":      {0, "Town 00000"},
		"SW1A 1AA":   {0, "Town SW1A 1AA"},
		"9999999999": {0, "Town 9999999999"},
	} {
		s := open(t)
		b := s.visitor(t)
		b.add("6E92ZMYYFZ", "1")
		form := goodOrder()
		form.Set("zip_code", code)
		form.Set("city", "Town")
		b.contains(b.get(b.submit("/cart/checkout", form), http.StatusOK), code+" Town<")
		if a := s.Placed()[0].GetAddress(); a.GetZipCode() != want.zip || a.GetCity() != want.city {
			t.Errorf("%s: address %v", code, a)
		}
	}
}

func TestEachWrongFieldIsNamedAndTheRestIsKept(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.add("6E92ZMYYFZ", "1")
	for _, c := range []struct{ input, value, want string }{
		{"email", "", "'Email' is invalid: required"},
		{"email", "nobody", "'Email' is invalid: email"},
		{"email", "a@b@c.example", "'Email' is invalid: email"},
		{"email", "Somebody <a@b.example>", "'Email' is invalid: email"},
		{"email", "a@localhost", "'Email' is invalid: email"},
		{"email", "a..b@c.example", "'Email' is invalid: email"},
		{"street_address", "", "'StreetAddress' is invalid: required"},
		{"street_address", strings.Repeat("ß", 513), "'StreetAddress' is invalid: max"},
		{"zip_code", " ", "'ZipCode' is invalid: required"},
		{"city", strings.Repeat("x", 129), "'City' is invalid: max"},
		{"state", "", "'State' is invalid: required"},
		{"country", "", "'Country' is invalid: required"},
		{"credit_card_number", "", "'CcNumber' is invalid: required"},
		{"credit_card_number", "4432801561520455", "'CcNumber' is invalid: credit_card"},
		{"credit_card_number", "letters", "'CcNumber' is invalid: credit_card"},
		{"credit_card_expiration_month", "0", "'CcMonth' is invalid: required"},
		{"credit_card_expiration_month", "13", "'CcMonth' is invalid: lte"},
		{"credit_card_expiration_month", "-1", "'CcMonth' is invalid: gte"},
		{"credit_card_expiration_year", "soon", "'CcYear' is invalid: required"},
		{"credit_card_cvv", "", "'CcCVV' is invalid: required"},
		{"credit_card_cvv", "000", "'CcCVV' is invalid: required"},
		{"credit_card_cvv", "1234", "'CcCVV' is invalid: lte"},
	} {
		form := goodOrder()
		form.Set(c.input, c.value)
		page := b.post("/cart/checkout", form, http.StatusUnprocessableEntity)
		b.contains(page, "Field "+strings.ReplaceAll(c.want, "'", "&#39;"), `aria-describedby="`+c.input+`-error"`, `role="alert"`)
		if n := strings.Count(page, `aria-invalid="true"`); n != 1 {
			t.Errorf("%s=%q: %d fields marked, want 1", c.input, c.value, n)
		}
		b.lacks(page, ">Field &#39;")
		if c.input != "credit_card_number" {
			b.contains(page, `value="4432801561520454"`) // a wrong postal code does not cost a whole card
		}
		if c.input != "street_address" {
			b.contains(page, `value="1 Way"`)
		}
	}
	if n := len(s.Placed()); n != 0 {
		t.Errorf("%d orders", n)
	}
}

func TestTheFormStartsWithACardThatIsGoodForNothingElse(t *testing.T) {
	b := open(t).visitor(t)
	b.add("6E92ZMYYFZ", "1")
	page := b.get("/cart", http.StatusOK)
	next := strconv.Itoa(time.Now().Year() + 1)
	b.contains(page, `value="4432801561520454"`, `value="`+next+`" selected`, `<option value="1" selected>January</option>`, `<option value="12">December</option>`)
}

// Whatever is typed, a form that is accepted makes an order that holds all of it.
func FuzzAnAcceptedFormLosesNothing(f *testing.F) {
	f.Add("someone@example.com", "94043", "Mountain View", "4432-8015-6152-0454", "1", "2030", "672")
	f.Add("a@b.example", "SW1A 1AA", "London", "4432801561520454", "12", "9999", "0000")
	f.Add("a@b.example", "01067", "Dresden\x00", "5555 5555 5555 4444", "012", "+30", "-1")
	f.Fuzz(func(t *testing.T, email, zip, city, number, month, year, cvv string) {
		form := readForm(url.Values{
			"email": {email}, "street_address": {"1 Way"}, "zip_code": {zip}, "city": {city}, "state": {"X"}, "country": {"Y"}, "credit_card_number": {number},
			"credit_card_expiration_month": {month}, "credit_card_expiration_year": {year}, "credit_card_cvv": {cvv},
		})
		if len(form.check()) > 0 {
			return
		}
		req := form.request("user", "USD")
		a, card := req.GetAddress(), req.GetCreditCard()
		if got := strings.TrimSpace(a.GetCity()); !strings.HasPrefix(got, form.City) || (strconv.Itoa(int(a.GetZipCode())) != form.Zip && !strings.HasSuffix(got, form.Zip)) {
			t.Errorf("%q in %q became %v", zip, city, a)
		}
		if m := card.GetCreditCardExpirationMonth(); m < 1 || m > 12 || card.GetCreditCardCvv() < 1 || !isCardNumber(card.GetCreditCardNumber()) {
			t.Errorf("card %v", card)
		}
	})
}

func TestABrowserIsNotInvitedToFillInARealCard(t *testing.T) {
	b := open(t).visitor(t)
	b.add("6E92ZMYYFZ", "1")
	page := b.get("/cart", http.StatusOK)
	b.lacks(page, `autocomplete="cc-`)
	b.contains(page, `name="credit_card_number" type="text" value="4432801561520454" autocomplete="off"`)
}

func TestMessagesNameFieldsAsTheFormDoes(t *testing.T) {
	b := open(t).visitor(t)
	b.add("6E92ZMYYFZ", "1")
	for input, want := range map[string]string{
		"credit_card_number": "Card number is missing: The number on the front of the card.",
		"zip_code":           "Postal code is missing", "credit_card_cvv": "Security code is missing", "email": "E-mail address is missing",
	} {
		form := goodOrder()
		form.Set(input, "")
		b.contains(b.post("/cart/checkout", form, http.StatusUnprocessableEntity), want)
	}
}
