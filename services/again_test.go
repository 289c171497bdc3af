package services_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/rpc/shopv1"
)

// A form has a token, which makes it one order however often it is sent.
func TestAFormThatWasSentBeforeDoesNotOrderWhatIsNewInTheCart(t *testing.T) {
	s := openShop(t)
	add := func() { s.visit(t, "/cart", url.Values{"product_id": {"OLJCESPC7Z"}, "quantity": {"1"}}) }
	add()
	form := orderForm()
	form.Set("order_token", regexp.MustCompile(`name="order_token" value="(.*?)"`).FindStringSubmatch(s.visit(t, "/cart", nil))[1])
	id := orderID(s.visit(t, "/cart/checkout", form))
	if again := orderID(s.visit(t, "/cart/checkout", form)); id == "" || again != id {
		t.Errorf("the same form again is order %q, not %q", again, id)
	}
	add() // the same product
	resp, err := s.browser.PostForm(s.url+"/cart/checkout", form)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil || resp.StatusCode != http.StatusConflict || !strings.Contains(string(page), "This form was sent before") || !strings.Contains(string(page), id) {
		t.Errorf("the form again, with a new cart: %s, %v\n%s", resp.Status, err, page)
	}
	if cart := s.visit(t, "/cart", nil); !strings.Contains(cart, "Sunglasses") {
		t.Error("what was new in the cart is gone")
	}
	list, err := shopv1.NewRefundsClient(s.running["paymentservice"].Conn()).ListTransactions(t.Context(), &shopv1.ListTransactionsRequest{})
	if err != nil || len(list.GetTransactions()) != 1 {
		t.Errorf("got %v, %v, want one charge", list, err)
	}
}

func orderID(receipt string) string {
	return regexp.MustCompile(`<dt>Order confirmation</dt><dd><code>(.*?)</code>|$`).FindStringSubmatch(receipt)[1]
}
