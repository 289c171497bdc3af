package frontend

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/services/frontend/html"
)

const (
	// maxQuantity is the maximum quantity of one product that is added at once.
	maxQuantity = 10
	// maxLine is the maximum quantity of one product in a cart, as the cart service has it.
	maxLine = 1000
)

// cartLine is one product in the cart. The product is nil if the catalog does not have it any more.
type cartLine struct {
	id       string
	product  *pb.Product
	quantity int
	sum      *pb.Money // nil if unknown
}

// cartPage is the content of the cart's page.
type cartPage struct {
	lines  []cartLine
	others []offer
	// shipping and total are nil while the shipping service is unavailable.
	shipping, total *pb.Money
	goods           *pb.Money // all lines
	currency        string
	form            orderForm
	problems        problems
}

// cart shows the cart and the order form. The link on an error page has the token of the order that failed, so that
// trying again cannot order twice.
func (s *server) cart(v *visit) error {
	form := defaultForm(s.now())
	form.Token = s.newID()
	if retry := v.r.URL.Query().Get("retry"); isSessionID(retry) {
		form.Token = retry
	}
	return s.cartPage(v, http.StatusOK, form, nil)
}

// cartPage shows the cart with a form. Three calls deep: the cart; shipping and recommendations for it; prices.
func (s *server) cartPage(v *visit, code int, form orderForm, found problems) error {
	h := head{title: "Cart", currency: v.currency, private: true}
	var (
		wg         sync.WaitGroup
		catalogErr error
		all        []*pb.Product
	)
	s.menu(v, &h, &wg)
	wg.Go(func() { all, catalogErr = s.n.products(v.ctx()) })
	items, err := s.n.items(v.ctx(), v.session, pageTimeout)
	wg.Wait()
	if err != nil {
		return err
	}
	if catalogErr != nil && len(items) > 0 {
		return catalogErr
	}
	h.count = quantityOf(items)
	p := cartPage{form: form, problems: found}
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.GetProductId()
		p.lines = append(p.lines, cartLine{id: ids[i], product: find(all, ids[i]), quantity: int(item.GetQuantity())})
	}
	var (
		suggested []string
		quote     *pb.Money
	)
	wg.Go(func() { suggested, _ = s.n.recommend(v.ctx(), v.session, ids) })
	if len(items) > 0 {
		if quote, err = s.n.quote(v.ctx(), items); err != nil {
			h.note("The shipping service is unavailable: the total is without shipping for now.")
		}
	}
	wg.Wait()
	s.price(v, &h, &p, quote, pick(all, suggested))
	return s.respond(v, code, h, func(w *html.Writer) { cartView(w, s.assets, s.now(), &p) })
}

// price fills in every amount of the page in one currency.
func (s *server) price(v *visit, h *head, p *cartPage, quote *pb.Money, others []*pb.Product) {
	amounts := pricesOf(others)
	for _, l := range p.lines {
		if l.product != nil {
			amounts = append(amounts, l.product.GetPriceUsd())
		}
	}
	if quote != nil {
		amounts = append(amounts, quote)
	}
	amounts, currency, failed := s.n.show(v.ctx(), amounts, v.currency)
	h.inCurrency(currency, failed)
	p.currency = currency
	p.others, amounts = offers(others, amounts[:len(others)]), amounts[len(others):]
	sum := money.Zero(currency)
	for i := range p.lines {
		l := &p.lines[i]
		if l.product == nil {
			continue
		}
		l.sum, _ = money.Multiply(amounts[0], int64(l.quantity))
		sum, amounts = plus(sum, l.sum), amounts[1:]
	}
	p.goods = sum
	if quote != nil {
		p.shipping = amounts[0]
		p.total = plus(sum, p.shipping)
	}
}

// plus adds amounts; the sum with nil, which is an unknown amount, is nil.
func plus(a, b *pb.Money) *pb.Money {
	if a == nil || b == nil {
		return nil
	}
	sum, err := money.Add(a, b)
	if err != nil {
		return nil
	}
	return sum
}

// addToCart handles the form of a product's page.
func (s *server) addToCart(v *visit) error {
	id := strings.TrimSpace(v.r.PostForm.Get("product_id"))
	if id == "" {
		return &pageError{code: http.StatusUnprocessableEntity, title: "Nothing to add", text: sentence("ProductID", "required") + "."}
	}
	// An invalid number counts as missing, as in the original.
	quantity, _ := strconv.Atoi(strings.TrimSpace(v.r.PostForm.Get("quantity")))
	switch {
	case quantity < 1:
		return s.productPage(v, http.StatusUnprocessableEntity, "required")
	case quantity > maxQuantity:
		return s.productPage(v, http.StatusUnprocessableEntity, "lte")
	}
	if _, err := s.n.product(v.ctx(), id); err != nil {
		return notFound(err)
	}
	if err := s.n.addItem(v.ctx(), v.session, id, quantity); err != nil {
		return err
	}
	return redirect(v, "/cart")
}

// changeLine handles the buttons of a line of the cart: each says how many there are to be, and none removes the line. Sent
// twice, it changes nothing more.
func (s *server) changeLine(v *visit) error {
	id := strings.TrimSpace(v.r.PostForm.Get("product_id"))
	quantity, err := strconv.Atoi(strings.TrimSpace(v.r.PostForm.Get("quantity")))
	if id == "" || err != nil || quantity < 0 || quantity > maxLine {
		return &pageError{code: http.StatusUnprocessableEntity, title: "The cart was not changed", text: "A line has a product and a quantity from 0 to " + strconv.Itoa(maxLine) + ".", link: "/cart", linkText: "Back to the cart"}
	}
	err = s.n.setItem(v.ctx(), v.session, id, quantity)
	var h *serviceError
	if errors.As(err, &h) && h.code() == codes.Unimplemented {
		return &pageError{code: http.StatusNotImplemented, title: "This cart cannot change a line", text: "The cart service has no method for it. You can empty the cart instead.", link: "/cart", linkText: "Back to the cart"}
	}
	if err != nil {
		return notFound(err)
	}
	return redirect(v, "/cart")
}

func (s *server) emptyCart(v *visit) error {
	if err := s.n.emptyCart(v.ctx(), v.session); err != nil {
		return err
	}
	return redirect(v, "/")
}
