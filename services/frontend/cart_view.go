package frontend

import (
	"strconv"
	"time"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/services/frontend/html"
)

func cartView(w *html.Writer, a *assets, now time.Time, p *cartPage) {
	problemsView(w, p.problems)
	if len(p.lines) == 0 {
		w.Lit(`<section class="nothing"><h1>Your cart is empty</h1><p>Products that you add appear here.</p><p><a class="button" href="/">Look around</a></p></section>`)
		recommendedView(w, a, p.others)
		return
	}
	w.Lit(`<div class="cart"><section aria-labelledby="cart-title"><div class="row"><h1 id="cart-title">Your cart</h1><form method="post" action="/cart/empty"><button class="quiet">Empty cart</button></form></div><ul class="lines">`)
	for _, l := range p.lines {
		line(w, a, l)
	}
	w.Lit(`</ul>`)
	sums(w, p.goods, p.shipping, p.total)
	w.Lit(`<p><a href="/">Keep browsing</a></p></section>`)
	orderFormView(w, now, p)
	w.Lit(`</div>`)
	recommendedView(w, a, p.others)
}

func line(w *html.Writer, a *assets, l cartLine) {
	if l.product == nil {
		w.Lit(`<li><img src="/static/img/products/parcel.svg" alt="" width="80" height="80"><div><h2>`).Text(l.id).Lit(`</h2><p class="quiet-text">The shop no longer has it.</p>`)
		changeView(w, l, l.id)
		w.Lit(`</div><p class="price">`).Int(l.quantity).Lit(` ×</p></li>`)
		return
	}
	w.Lit(`<li><img`).Attr("src", a.picture(l.product.GetPicture())).Lit(` alt="" width="80" height="80"><div><h2><a href="/product/`).Path(l.id).Lit(`">`).Text(l.product.GetName()).
		Lit(`</a></h2><p class="quiet-text">Quantity: `).Int(l.quantity).Lit(`</p>`)
	changeView(w, l, l.product.GetName())
	w.Lit(`</div><p class="price">`).Text(shown(l.sum)).Lit(`</p></li>`)
}

// changeView is the buttons of a line. Each has the quantity that it leads to; what the shop no longer has can only be removed.
func changeView(w *html.Writer, l cartLine, name string) {
	w.Lit(`<form class="change" method="post" action="/cart/line"><input type="hidden" name="product_id"`).Attr("value", l.id).Lit(`>`)
	button := func(quantity int, sign, means string) {
		w.Lit(`<button name="quantity"`).Attr("value", strconv.Itoa(quantity)).Attr("aria-label", means+": "+name).Lit(`>`).Text(sign).Lit(`</button>`)
	}
	if l.product != nil && l.quantity > 1 {
		button(l.quantity-1, "−", "One less")
	}
	if l.product != nil && l.quantity < maxLine {
		button(l.quantity+1, "+", "One more")
	}
	button(0, "Remove", "Remove")
	w.Lit(`</form>`)
}

// shown formats an amount, or a dash for an unknown one.
func shown(m *pb.Money) string {
	if m == nil {
		return "–"
	}
	return money.Format(m)
}

func sums(w *html.Writer, goods, shipping, total *pb.Money) {
	w.Lit(`<dl class="sums"><div><dt>Products</dt><dd>`).Text(shown(goods)).Lit(`</dd></div><div><dt>Shipping</dt><dd>`)
	if shipping == nil {
		w.Lit(`not known at the moment</dd></div><div class="total"><dt>Total without shipping</dt><dd>`).Text(shown(goods))
	} else {
		w.Text(shown(shipping)).Lit(`</dd></div><div class="total"><dt>Total</dt><dd>`).Text(shown(total))
	}
	w.Lit(`</dd></div></dl>`)
}

// problemsView lists the problems at the top, with links to the fields.
func problemsView(w *html.Writer, found problems) {
	if len(found) == 0 {
		return
	}
	w.Lit(`<section class="problems" role="alert" aria-labelledby="problems"><h2 id="problems">Your order was not placed</h2><ul>`)
	for _, p := range found {
		w.Lit(`<li><a`).Attr("href", "#"+p.input)
		if p.rule != ruleDeclined {
			w.Attr("data-error", invalid(p.field, p.rule))
		}
		w.Lit(`>`)
		if p.rule == ruleDeclined {
			w.Lit(`The card was not accepted: `).Text(p.help)
		} else {
			w.Text(sentence(p.field, p.rule)).Lit(`: `).Text(p.help)
		}
		w.Lit(`</a></li>`)
	}
	w.Lit(`</ul></section>`)
}

func orderFormView(w *html.Writer, now time.Time, p *cartPage) {
	f := p.form
	w.Lit(`<form class="order" method="post" action="/cart/checkout" aria-labelledby="order-title"><h2 id="order-title">Order</h2><input type="hidden" name="order_token"`).
		Attr("value", f.Token).Lit(`><input type="hidden" name="order_currency"`).Attr("value", p.currency).Lit(`><fieldset><legend>Delivery</legend>`)
	in := func(class, name, label, value, kind, complete string, limit int) {
		input(w, p.problems, inputField{class, name, label, value, kind, complete, limit})
	}
	in("full", "email", "E-mail address", f.Email, "email", "email", maxEmail)
	in("full", "street_address", "Street address", f.Street, "text", "street-address", maxStreet)
	in("third", "zip_code", "Postal code", f.Zip, "text", "postal-code", maxPostcode)
	in("two-thirds", "city", "City", f.City, "text", "address-level2", maxPlace)
	in("third", "state", "State or region", f.State, "text", "address-level1", maxPlace)
	in("two-thirds", "country", "Country", f.Country, "text", "country-name", maxPlace)
	w.Lit(`</fieldset><fieldset><legend>Payment</legend>`)
	in("full", "credit_card_number", "Card number", f.Number, "text", "off", 23)
	monthSelect(w, p.problems, f.Month)
	yearSelect(w, p.problems, f.Year, now)
	in("third", "credit_card_cvv", "Security code", f.CVV, "text", "off", 3)
	w.Lit(`</fieldset><p class="quiet-text">Test cards of Visa and Mastercard are accepted, such as 4432 8015 6152 0454. Do not enter a real card.</p><button class="button wide-button">Place order</button></form>`)
}

type inputField struct {
	class, name, label, value, kind, complete string
	limit                                     int
}

func input(w *html.Writer, found problems, f inputField) {
	w.Lit(`<div`).Attr("class", "field "+f.class).Lit(`><label`).Attr("for", f.name).Lit(`>`).Text(f.label).Lit(`</label><input`).
		Attr("id", f.name).Attr("name", f.name).Attr("type", f.kind).Attr("value", f.value).Attr("autocomplete", f.complete).
		Attr("maxlength", strconv.Itoa(f.limit)).Lit(` required`).
		LitIf(f.complete == "off", ` inputmode="numeric"`)
	described(w, found, f.name)
	w.Lit(`>`)
	message(w, found, f.name)
	w.Lit(`</div>`)
}

func monthSelect(w *html.Writer, found problems, chosen string) {
	const name = "credit_card_expiration_month"
	w.Lit(`<div class="field third"><label for="credit_card_expiration_month">Month</label><select id="credit_card_expiration_month" name="credit_card_expiration_month" autocomplete="off"`)
	described(w, found, name)
	w.Lit(`>`)
	for m := time.January; m <= time.December; m++ {
		w.Lit(`<option value="`).Int(int(m)).Lit(`"`).LitIf(strconv.Itoa(int(m)) == chosen, ` selected`).Lit(`>`).Text(m.String()).Lit(`</option>`)
	}
	w.Lit(`</select>`)
	message(w, found, name)
	w.Lit(`</div>`)
}

// yearsOffered is how many years the menu offers; cards are usually valid for five.
const yearsOffered = 10

func yearSelect(w *html.Writer, found problems, chosen string, now time.Time) {
	const name = "credit_card_expiration_year"
	w.Lit(`<div class="field third"><label for="credit_card_expiration_year">Year</label><select id="credit_card_expiration_year" name="credit_card_expiration_year" autocomplete="off"`)
	described(w, found, name)
	w.Lit(`>`)
	for y := now.Year(); y < now.Year()+yearsOffered; y++ {
		w.Lit(`<option value="`).Int(y).Lit(`"`).LitIf(strconv.Itoa(y) == chosen, ` selected`).Lit(`>`).Int(y).Lit(`</option>`)
	}
	w.Lit(`</select>`)
	message(w, found, name)
	w.Lit(`</div>`)
}

// described links a field to its message.
func described(w *html.Writer, found problems, name string) {
	if found.of(name) != nil {
		w.Lit(` aria-invalid="true"`).Attr("aria-describedby", name+"-error")
	}
}

// message is shown next to its field.
func message(w *html.Writer, found problems, name string) {
	p := found.of(name)
	if p == nil {
		return
	}
	w.Lit(`<p class="error"`).Attr("id", name+"-error").Lit(`>`).Text(p.help).Lit(`</p>`)
}

func receiptView(w *html.Writer, a *assets, r *receipt, products map[string]*pb.Product) {
	w.Lit(`<section class="receipt"><p class="eyebrow">Thank you</p><h1>Your order is complete</h1><p>A confirmation goes to <strong>`).Text(r.Email).
		Lit(`</strong>.</p><dl class="facts"><div><dt>Order confirmation</dt><dd><code>`).Text(r.ID).Lit(`</code></dd></div><div><dt>Shipping tracking</dt><dd><code>`).Text(r.Tracking).
		Lit(`</code></dd></div><div><dt>Delivered to</dt><dd><address>`)
	for _, part := range []string{r.Street, r.Zip + " " + r.City, r.State, r.Country} {
		w.Text(part).Lit(`<br>`)
	}
	w.Lit(`</address></dd></div></dl><h2>What you ordered</h2><ul class="lines">`)
	goods := r.money(amount{})
	for _, l := range r.Lines {
		sum, _ := money.Multiply(r.money(l.Cost), int64(l.Quantity))
		goods = plus(goods, sum)
		line(w, a, cartLine{id: l.Product, product: named(products, l.Product), quantity: int(l.Quantity), sum: sum})
	}
	w.Lit(`</ul>`)
	sums(w, goods, r.money(r.Shipping), r.total())
	w.Lit(`<p><a class="button" href="/">Keep browsing</a></p></section>`)
}

// named is the name of an ordered product, or its id if the catalog is unavailable.
func named(products map[string]*pb.Product, id string) *pb.Product {
	if p, ok := products[id]; ok {
		return p
	}
	return &pb.Product{Id: id, Name: id}
}
