package frontend

import (
	"slices"
	"sync"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/services/frontend/html"
)

// unknownCount is the number on the cart while the cart service is unavailable.
const unknownCount = -1

// head is the data of the frame around every page.
type head struct {
	title string
	// currency is that of the prices shown; currencies are those to choose from, none if unknown.
	currency   string
	currencies []string
	count      int
	query      string
	// notes name what is missing on the page.
	notes []string
	// private pages are kept by no cache, not even the browser's.
	private bool
}

// head loads the content of the frame. It cannot fail: what is unavailable is not shown.
func (s *server) head(v *visit) head {
	h := head{currency: v.currency, count: unknownCount}
	var wg sync.WaitGroup
	s.menu(v, &h, &wg)
	if items, err := s.n.items(v.ctx(), v.session, badgeTimeout); err == nil {
		h.count = quantityOf(items)
	}
	wg.Wait()
	return h
}

// menu fills in which currencies there are: at once if that is known, else by the time wg is done.
func (s *server) menu(v *visit, h *head, wg *sync.WaitGroup) {
	if supported, ok := s.n.currencies.Peek(struct{}{}); ok {
		h.offer(supported, v.currency)
		return
	}
	wg.Go(func() {
		supported, err := s.n.supportedCurrencies(v.ctx())
		if err != nil {
			h.note(noteCurrency)
			return
		}
		h.offer(supported, v.currency)
	})
}

// offer fills the menu with what the shop offers of the supported currencies, and the visitor's own.
func (h *head) offer(supported []string, own string) {
	for _, code := range supported {
		if offered(code) || code == own {
			h.currencies = append(h.currencies, code)
		}
	}
}

const noteCurrency = "The currency service is unavailable: prices are in US dollars for now."

// inCurrency notes which currency the page is in, and why if it is not the visitor's.
func (h *head) inCurrency(currency string, failed error) {
	h.currency = currency
	if failed != nil {
		h.note(noteCurrency)
	}
}

func (h *head) note(text string) {
	if !slices.Contains(h.notes, text) {
		h.notes = append(h.notes, text)
	}
}

func quantityOf(items []*pb.CartItem) int {
	n := 0
	for _, item := range items {
		n += int(item.GetQuantity())
	}
	return n
}

// frame writes a whole page.
func (s *server) frame(w *html.Writer, v *visit, h head, body func(w *html.Writer)) {
	w.Lit(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>`).
		Text(h.title).Lit(` · The Boutique</title><link rel="stylesheet"`).Attr("href", s.assets.css).
		Lit(`><link rel="icon" type="image/svg+xml" href="/static/img/logo.svg"></head><body><a class="skip" href="#main">Skip to the content</a>`)
	header(w, h)
	w.Lit(`<main id="main" tabindex="-1">`)
	if len(h.notes) > 0 {
		w.Lit(`<div class="notes" role="status" aria-live="polite">`)
		for _, note := range h.notes {
			w.Lit(`<p>`).Text(note).Lit(`</p>`)
		}
		w.Lit(`</div>`)
	}
	body(w)
	w.Lit(`</main><footer><div class="wide"><p>A shop for learning how microservices work. Nothing here is for sale and no card is ever charged: <strong>do not enter a real one.</strong></p><p class="origin">served by <code>`).
		Text(s.pod).Lit(`</code> <code>`).Text(s.version).Lit(`</code>`)
	if id := traceID(v.ctx()); id != "" {
		w.Lit(` in trace <code>`).Text(id).Lit(`</code>`)
	}
	w.Lit(`</p></div></footer></body></html>`)
}

func header(w *html.Writer, h head) {
	w.Lit(`<header><div class="bar wide"><a class="brand" href="/"><img src="/static/img/logo.svg" alt="" width="40" height="40"><span>The Boutique</span></a><form class="search" role="search" action="/search"><label class="hidden" for="q">Search the shop</label><input id="q" type="search" name="q" maxlength="200" placeholder="Search"`).
		Attr("value", h.query).Lit(`><button>Search</button></form><div class="tools">`)
	currencyMenu(w, h)
	w.Lit(`<a class="cart-link" href="/cart"><svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><path d="M6 8h12l1.2 12H4.8zM9 10V7a3 3 0 0 1 6 0v3" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round"/></svg><span>Cart</span><span class="hidden">, </span><span class="badge">`)
	switch {
	case h.count == unknownCount:
		w.Lit(`<span aria-hidden="true">?</span><span class="hidden">contents unknown at the moment</span>`)
	case h.count == 1:
		w.Lit(`1<span class="hidden"> item</span>`)
	default:
		w.Int(h.count).Lit(`<span class="hidden"> items</span>`)
	}
	w.Lit(`</span></a></div></div></header>`)
}

// currencyMenu is a form with a button, because nothing here needs a script.
func currencyMenu(w *html.Writer, h head) {
	if len(h.currencies) == 0 {
		w.Lit(`<span class="only-currency">`).Text(h.currency).Lit(`</span>`)
		return
	}
	w.Lit(`<form class="currency" method="post" action="/setCurrency"><label class="hidden" for="currency">Currency</label><select id="currency" name="currency_code">`)
	for _, code := range h.currencies {
		w.Lit(`<option`).Attr("value", code).LitIf(code == h.currency, ` selected`).Lit(`>`).Text(code).Lit(`</option>`)
	}
	w.Lit(`</select><button>Change<span class="hidden"> currency</span></button></form>`)
}
