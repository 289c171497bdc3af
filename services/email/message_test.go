package email

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func amount(code string, units int64, nanos int32) *hipstershop.Money {
	return &hipstershop.Money{CurrencyCode: code, Units: units, Nanos: nanos}
}

func item(product string, quantity int32, cost *hipstershop.Money) *hipstershop.OrderItem {
	return &hipstershop.OrderItem{Item: &hipstershop.CartItem{ProductId: product, Quantity: quantity}, Cost: cost}
}

func anOrder(id string) *hipstershop.OrderResult {
	return &hipstershop.OrderResult{
		OrderId: id, ShippingTrackingId: "UT-44031-220429634",
		ShippingCost: amount("USD", 8, 990_000_000),
		ShippingAddress: &hipstershop.Address{
			StreetAddress: "1600 Amphitheatre Parkway", City: "Mountain View", State: "CA", Country: "United States", ZipCode: 94043,
		},
		Items: []*hipstershop.OrderItem{
			item("OLJCESPC7Z", 2, amount("USD", 19, 990_000_000)),
			item("6E92ZMYYFZ", 10, amount("USD", 8, 990_000_000)),
		},
	}
}

func TestTheTextListsTheOrderAndAddsItUp(t *testing.T) {
	got, err := confirmation(anOrder("1b4e28ba"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `Thank you for your order.

Order     1b4e28ba
Tracking  UT-44031-220429634

Ships to
  1600 Amphitheatre Parkway
  Mountain View, CA 94043
  United States

2 x OLJCESPC7Z at $19.99   $39.98
10 x 6E92ZMYYFZ at $8.99   $89.90
Shipping                    $8.99
Total                     $138.87

You get this mail because this address was given with an order in a demonstration shop. No money was taken and no parcel is on its way.
`
	if diff := cmp.Diff(want, got.text); diff != "" {
		t.Error(diff)
	}
	if want := "Your order 1b4e28ba"; got.subject != want {
		t.Errorf("subject %q, want %q", got.subject, want)
	}
}

func TestTheHTMLHoldsWhatTheTextHolds(t *testing.T) {
	got, err := confirmation(anOrder("1b4e28ba"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<!doctype html>", "<title>Your order 1b4e28ba</title>", "<h1", "Thank you for your order.", "<strong>UT-44031-220429634</strong>",
		"Ships to</span><br>1600 Amphitheatre Parkway<br>Mountain View, CA 94043<br>United States</p>",
		">2 x OLJCESPC7Z at $19.99</td>", ">$39.98</td>", ">$138.87</td>", "</html>\n",
	} {
		if !strings.Contains(got.html, want) {
			t.Errorf("%q is not in %s", want, got.html)
		}
	}
}

func TestNothingFromOutsideBecomesMarkup(t *testing.T) {
	const evil = `<script>alert("1")</script>&`
	order := anOrder(evil)
	order.ShippingTrackingId = evil
	order.ShippingAddress = &hipstershop.Address{StreetAddress: evil, City: evil, State: evil, Country: evil}
	order.Items = []*hipstershop.OrderItem{item(evil, 1, amount(evil, 1, 0))}
	order.ShippingCost = nil
	got, err := confirmation(order)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got.html, "<script") || strings.Contains(got.html, `"1"`) {
		t.Errorf("markup came through: %s", got.html)
	}
	if want := "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;&amp;"; strings.Count(got.html, want) < 6 {
		t.Errorf("%s is not escaped everywhere: %s", evil, got.html)
	}
}

func TestASubjectIsOneLine(t *testing.T) {
	got, err := confirmation(anOrder("1\r\nBcc: everybody@example.com"))
	if err != nil || strings.ContainsAny(got.subject, "\r\n") {
		t.Errorf("subject %q, %v", got.subject, err)
	}
}

func TestAmountsHaveTheDecimalsOfTheirCurrency(t *testing.T) {
	order := &hipstershop.OrderResult{OrderId: "1", ShippingCost: amount("JPY", 1005, 169_394_957), Items: []*hipstershop.OrderItem{item("MUG", 2, amount("JPY", 2235, 60_592_707))}}
	got, err := confirmation(order)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 x MUG at ¥2235  ¥4470\n", "Shipping          ¥1005\n", "Total             ¥5475\n"} {
		if !strings.Contains(got.text, want) {
			t.Errorf("%q is not in\n%s", want, got.text)
		}
	}
}

func TestUnknownAddressesAreLeftOut(t *testing.T) {
	for _, c := range []struct {
		address *hipstershop.Address
		want    string
	}{
		{nil, ""},
		{&hipstershop.Address{}, ""},
		{&hipstershop.Address{City: "Springfield", State: "MA", ZipCode: 1234, Country: "United States"}, "Springfield, MA 01234|United States"},
		{&hipstershop.Address{StreetAddress: "Domkloster 4", City: "Köln", ZipCode: 50667, Country: "Germany"}, "Domkloster 4|Köln 50667|Germany"},
		{&hipstershop.Address{State: "CA"}, "CA"},
		{&hipstershop.Address{ZipCode: 7}, "7"},
	} {
		if got := strings.Join(addressLines(c.address), "|"); got != c.want {
			t.Errorf("%v is %q, want %q", c.address, got, c.want)
		}
	}
}

func TestAnOrderThatCannotBeAddedUpSaysWhy(t *testing.T) {
	usd := amount("USD", 1, 0)
	for want, order := range map[string]*hipstershop.OrderResult{
		"order has neither items nor a shipping cost":           {},
		"add up item 1 of the order: invalid amount: it is":     {Items: []*hipstershop.OrderItem{item("A", 1, nil)}},
		"add up item 2 of the order: different currencies":      {Items: []*hipstershop.OrderItem{item("A", 1, usd), item("B", 1, amount("EUR", 1, 0))}},
		"add up the shipping of the order: different currenc":   {Items: []*hipstershop.OrderItem{item("A", 1, usd)}, ShippingCost: amount("EUR", 1, 0)},
		"add up the shipping of the order: invalid amount: na":  {ShippingCost: amount("EUR", 1, -2_000_000_000)},
		"add up item 1 of the order: multiply 922337203685477":  {Items: []*hipstershop.OrderItem{item("A", 2, amount("USD", math.MaxInt64, 0))}},
		"add up item 2 of the order: add 9223372036854775807 U": {Items: []*hipstershop.OrderItem{item("A", 1, amount("USD", math.MaxInt64, 0)), item("B", 1, usd)}},
	} {
		if _, err := confirmation(order); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func BenchmarkConfirmation(b *testing.B) {
	order := anOrder("1b4e28ba-2fa1-11d2-883f-0016d3cca427")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := confirmation(order); err != nil {
			b.Fatal(err)
		}
	}
}
