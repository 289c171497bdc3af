package services_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// bill is what one page, mail or record shows of an order: amounts in the currency's minor units.
type bill struct {
	lines           []int64
	shipping, total int64
}

// adds reports whether the lines and the shipping are the total.
func (b bill) adds() bool {
	sum := b.shipping
	for _, l := range b.lines {
		sum += l
	}
	return len(b.lines) > 0 && sum == b.total
}

// minor reads the digits of an amount as it is shown: "CHF 264.08" is 26408.
func minor(t *testing.T, shown string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(regexp.MustCompile(`[^0-9]`).ReplaceAllString(shown, ""), 10, 64)
	if err != nil {
		t.Fatalf("%q is not an amount: %v", shown, err)
	}
	return n
}

// billOf reads the sums of a cart or a receipt.
func billOf(t *testing.T, page string) bill {
	t.Helper()
	var b bill
	list := regexp.MustCompile(`(?s)<ul class="lines">(.*?)</ul>`).FindStringSubmatch(page)
	sums := regexp.MustCompile(`(?s)<dt>Products</dt><dd>(.*?)</dd>.*<dt>Shipping</dt><dd>(.*?)</dd>.*<dt>Total</dt><dd>(.*?)</dd>`).FindStringSubmatch(page)
	if list == nil || sums == nil {
		t.Fatalf("no sums on the page:\n%s", page)
	}
	var goods int64
	for _, price := range regexp.MustCompile(`<p class="price">(.*?)</p>`).FindAllStringSubmatch(list[1], -1) {
		b.lines = append(b.lines, minor(t, price[1]))
		goods += minor(t, price[1])
	}
	if goods != minor(t, sums[1]) {
		t.Errorf("the lines are %v and the products %s", b.lines, sums[1])
	}
	b.shipping, b.total = minor(t, sums[2]), minor(t, sums[3])
	return b
}

// billOfMail reads the mail: each of its lines is the quantity at the price that it shows.
func billOfMail(t *testing.T, text string) bill {
	t.Helper()
	var b bill
	line := regexp.MustCompile(`(?m)^(?:(\d+) x \w+ at (.*?)|Shipping|Total)  +(\S.*)$`)
	for _, m := range line.FindAllStringSubmatch(text, -1) {
		switch amount := minor(t, m[3]); {
		case strings.HasPrefix(m[0], "Shipping"):
			b.shipping = amount
		case strings.HasPrefix(m[0], "Total"):
			b.total = amount
		default:
			if quantity, _ := strconv.ParseInt(m[1], 10, 64); quantity*minor(t, m[2]) != amount {
				t.Errorf("the mail has %q", m[0])
			}
			b.lines = append(b.lines, amount)
		}
	}
	return b
}

// basket fills the cart with up to five products.
func (s *shop) basket(t *testing.T, r *rand.Rand) {
	t.Helper()
	ids := []string{"OLJCESPC7Z", "66VCHSJNUP", "1YMWWN1N4O", "L9ECAV7KIM", "2ZYFJ3GM2N", "0PUK6V6EV0", "LS4PSXUNUM", "9SIQT8TOJO", "6E92ZMYYFZ"}
	r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	for _, id := range ids[:1+r.IntN(5)] {
		s.visit(t, "/cart", url.Values{"product_id": {id}, "quantity": {strconv.Itoa(1 + r.IntN(10))}})
	}
}

func orderForm() url.Values {
	return url.Values{
		"email": {"someone@example.com"}, "street_address": {"1 Way"}, "zip_code": {"94043"}, "city": {"Mountain View"}, "state": {"CA"}, "country": {"United States"},
		"credit_card_number": {cardNumber}, "credit_card_expiration_month": {"1"}, "credit_card_expiration_year": {"2999"}, "credit_card_cvv": {cardCVV},
	}
}

func TestWhatIsShownAddsUpAndIsChargedInEveryCurrency(t *testing.T) {
	s := openShop(t)
	r := rand.New(rand.NewPCG(5, 6))
	currencies, err := pb.NewCurrencyServiceClient(s.running["currencyservice"].Conn()).GetSupportedCurrencies(t.Context(), &pb.Empty{})
	if err != nil || len(currencies.GetCurrencyCodes()) != 33 {
		t.Fatalf("got %v, %v", currencies, err)
	}
	charged := map[string]string{} // as shown in the ledger, by transaction
	for _, code := range currencies.GetCurrencyCodes() {
		s.visit(t, "/setCurrency", url.Values{"currency_code": {code}})
		for range 3 {
			s.basket(t, r)
			cart := billOf(t, s.visit(t, "/cart", nil))
			receipt := billOf(t, s.visit(t, "/cart/checkout", orderForm()))
			mail := billOfMail(t, s.newestMail(t))
			id, amount := s.newestCharge(t)
			exact, err := money.Round(amount)
			if err != nil || money.Decimal(exact) != money.Decimal(amount) || amount.GetCurrencyCode() != code {
				t.Errorf("charged %s, which no card can pay in %s", money.Decimal(amount), code)
			}
			charged[id] = money.Rounded(amount)
			if paid := minor(t, money.Rounded(amount)); !cart.adds() || paid != cart.total || fmt.Sprint(receipt) != fmt.Sprint(cart) || fmt.Sprint(mail) != fmt.Sprint(cart) {
				t.Errorf("%s: cart %v, receipt %v, mail %v, charged %d", code, cart, receipt, mail, paid)
			}
		}
	}
	s.wantOnSpans(t, charged)
}

// wantOnSpans wants the same amounts on the spans of the charges and of the orders.
func (s *shop) wantOnSpans(t *testing.T, charged map[string]string) {
	t.Helper()
	audited := func(spans []chassistest.Span) map[string]int {
		seen := map[string]int{}
		for _, span := range spans {
			if id := span.Attr(shopv1.AttrTransaction); id != "" && span.Attr(shopv1.AttrAmount) == charged[id] {
				seen[span.Attr(shopv1.AttrAudit)]++
			}
		}
		return seen
	}
	s.sink.Wait(t, func(spans []chassistest.Span) bool {
		seen := audited(spans)
		return seen[shopv1.AuditCharged] == len(charged) && seen[shopv1.AuditPlaced] == len(charged)
	})
}

func (s *shop) newestMail(t *testing.T) string {
	t.Helper()
	mails, err := shopv1.NewOutboxClient(s.running["emailservice"].Conn()).ListMails(t.Context(), &shopv1.ListMailsRequest{Limit: 1})
	if err != nil || len(mails.GetMails()) != 1 {
		t.Fatalf("got %v, %v", mails, err)
	}
	return mails.GetMails()[0].GetText()
}

func (s *shop) newestCharge(t *testing.T) (id string, amount *pb.Money) {
	t.Helper()
	list, err := shopv1.NewRefundsClient(s.running["paymentservice"].Conn()).ListTransactions(t.Context(), &shopv1.ListTransactionsRequest{})
	if err != nil || len(list.GetTransactions()) == 0 {
		t.Fatalf("got %v, %v", list, err)
	}
	newest := list.GetTransactions()[len(list.GetTransactions())-1]
	return newest.GetTransactionId(), newest.GetAmount()
}
