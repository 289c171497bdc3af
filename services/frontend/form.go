package frontend

import (
	"cmp"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// Limits of the original's form, and more for its number fields.
const (
	maxStreet   = 512
	maxPlace    = 128
	maxEmail    = 254
	maxPostcode = 16
)

// orderForm is the content of the order form.
type orderForm struct {
	Email, Street, Zip, City, State, Country string
	Number, Month, Year, CVV                 string
	Token                                    string // makes an order sent twice one order
	Currency                                 string // that the page showed; empty: the visitor's
}

// problem is one invalid field.
type problem struct {
	input string // name of the input: "zip_code"
	field string // name in messages: "ZipCode"
	rule  string
	help  string // what would be right
}

type problems []problem

func (p problems) of(input string) *problem {
	for i := range p {
		if p[i].input == input {
			return &p[i]
		}
	}
	return nil
}

// invalid is the original's message. Programs find it in data-error; people read sentence.
func invalid(field, rule string) string { return fmt.Sprintf("Field '%s' is invalid: %s", field, rule) }

// fieldNames are the fields as the form calls them, where that is another name.
var fieldNames = map[string]string{
	"Email": "E-mail address", "StreetAddress": "Street address", "ZipCode": "Postal code", "State": "State or region",
	"CcNumber": "Card number", "CcMonth": "Month", "CcYear": "Year", "CcCVV": "Security code", "ProductID": "Product",
}

// sentence is invalid for people: "Card number is not valid".
func sentence(field, rule string) string {
	what := "is not valid"
	switch rule {
	case "required":
		what = "is missing"
	case "max":
		what = "is too long"
	case "lte":
		what = "is too large"
	case "gte":
		what = "is too small"
	}
	return cmp.Or(fieldNames[field], field) + " " + what
}

// defaultForm is the order of an invented person with a test card, as in the original.
func defaultForm(now time.Time) orderForm {
	return orderForm{
		Email: "someone@example.com", Street: "1600 Amphitheatre Parkway", Zip: "94043", City: "Mountain View", State: "CA", Country: "United States",
		Number: "4432801561520454", Month: "1", Year: strconv.Itoa(now.Year() + 1), CVV: "672",
	}
}

func readForm(f url.Values) orderForm {
	get := func(name string) string { return strings.TrimSpace(strings.ToValidUTF8(f.Get(name), "\uFFFD")) }
	return orderForm{
		Email: get("email"), Street: get("street_address"), Zip: get("zip_code"), City: get("city"), State: get("state"), Country: get("country"),
		Number: digitsOnly(get("credit_card_number")), Month: get("credit_card_expiration_month"), Year: get("credit_card_expiration_year"),
		CVV: get("credit_card_cvv"), Token: get("order_token"), Currency: get("order_currency"),
	}
}

// withoutCard is the form after its card was declined: that number is not written into a page, as another one is needed.
func (f orderForm) withoutCard() orderForm {
	f.Number, f.CVV = "", ""
	return f
}

// check returns the problems, in the order of the form. The payment service decides whether a card is accepted; here it
// only has to be a card number.
func (f orderForm) check() problems {
	var found problems
	wrong := func(input, field, rule, help string) {
		found = append(found, problem{input, field, rule, help})
	}
	text := func(value, input, field string, limit int, help string) {
		switch {
		case value == "":
			wrong(input, field, "required", help)
		case utf8.RuneCountInString(value) > limit:
			wrong(input, field, "max", fmt.Sprintf("At most %d characters.", limit))
		}
	}
	switch {
	case f.Email == "":
		wrong("email", "Email", "required", "Where the confirmation goes, such as name@example.com.")
	case !isEmail(f.Email):
		wrong("email", "Email", "email", "An address such as name@example.com.")
	}
	text(f.Street, "street_address", "StreetAddress", maxStreet, "Street and number.")
	text(f.Zip, "zip_code", "ZipCode", maxPostcode, "The postal code of any country, such as 94043 or SW1A 1AA.")
	text(f.City, "city", "City", maxPlace, "The town.")
	text(f.State, "state", "State", maxPlace, "State, region or county.")
	text(f.Country, "country", "Country", maxPlace, "The country.")
	switch {
	case f.Number == "":
		wrong("credit_card_number", "CcNumber", "required", "The number on the front of the card.")
	case !isCardNumber(f.Number):
		wrong("credit_card_number", "CcNumber", "credit_card", "A digit is missing or wrong.")
	}
	f.checkNumber(f.Month, 12, func(rule string) { wrong("credit_card_expiration_month", "CcMonth", rule, "A month from 1 to 12.") })
	f.checkNumber(f.Year, 9999, func(rule string) { wrong("credit_card_expiration_year", "CcYear", rule, "A year such as 2030.") })
	f.checkNumber(f.CVV, 999, func(rule string) {
		wrong("credit_card_cvv", "CcCVV", rule, "The three digits on the back of the card.")
	})
	return found
}

// checkNumber accepts positive numbers, and names the rule as the original, where no number and zero are both
// missing.
func (orderForm) checkNumber(value string, most int, wrong func(rule string)) {
	n, err := strconv.Atoi(value)
	switch {
	case err != nil || n == 0:
		wrong("required")
	case n < 0:
		wrong("gte")
	case n > most:
		wrong("lte")
	}
}

// request is the order on the wire. The contract's postal code is a 32-bit number; a code that such a number cannot
// represent ("01067", "SW1A 1AA") follows the city instead, where labels, mails and people find it.
func (f orderForm) request(user, currency string) *pb.PlaceOrderRequest {
	if isCurrencyCode(f.Currency) {
		currency = f.Currency
	}
	address := &pb.Address{StreetAddress: f.Street, City: f.City, State: f.State, Country: f.Country}
	if n, err := strconv.ParseInt(f.Zip, 10, 32); err == nil && n > 0 && strconv.FormatInt(n, 10) == f.Zip {
		address.ZipCode = int32(n)
	} else {
		address.City = f.City + " " + f.Zip
	}
	// check has ensured that these are numbers.
	month, _ := strconv.Atoi(f.Month)
	year, _ := strconv.Atoi(f.Year)
	cvv, _ := strconv.Atoi(f.CVV)
	return &pb.PlaceOrderRequest{
		UserId: user, UserCurrency: currency, Address: address, Email: f.Email,
		CreditCard: &pb.CreditCardInfo{
			CreditCardNumber: f.Number, CreditCardCvv: int32(cvv), CreditCardExpirationYear: int32(year), CreditCardExpirationMonth: int32(month),
		},
	}
}

// isEmail reports whether a text is an address that mail can be sent to, without looking up the domain.
func isEmail(s string) bool {
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s || len(s) > maxEmail {
		return false
	}
	_, domain, _ := strings.Cut(s, "@")
	return strings.Contains(strings.Trim(domain, "."), ".")
}

// digitsOnly removes what people type between the digits of a card number.
func digitsOnly(s string) string { return strings.NewReplacer(" ", "", "-", "").Replace(s) }

// isCardNumber reports whether a number has the length and the check digit of a card (ISO/IEC 7812, Luhn).
func isCardNumber(s string) bool {
	if len(s) < 12 || len(s) > 19 {
		return false
	}
	sum := 0
	for i := range len(s) {
		c := s[len(s)-1-i]
		if c < '0' || c > '9' {
			return false
		}
		d := int(c - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
