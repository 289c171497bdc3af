package frontend

import (
	"slices"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/pkg/rpc/money"
	"github.com/shopctl/shopctl/services/frontend/html"
)

func homeView(w *html.Writer, a *assets, goods []offer, ad *pb.Ad) {
	w.Lit(`<section class="hero"><div><p class="eyebrow">Good things for every day</p><h1>Well made, and worth keeping.</h1><p>A small shop with a short list: for the beach, the kitchen and the evening at home.</p></div></section>`)
	var categories []string
	for _, g := range goods {
		for _, c := range g.GetCategories() {
			if !slices.Contains(categories, c) {
				categories = append(categories, c)
			}
		}
	}
	w.Lit(`<nav class="chips" aria-label="Categories">`)
	chips(w, categories)
	w.Lit(`</nav><section aria-labelledby="goods"><h2 id="goods" class="hidden">Products</h2>`)
	grid(w, a, goods, 3)
	w.Lit(`</section>`)
	adView(w, ad)
}

func chips(w *html.Writer, categories []string) {
	w.Lit(`<ul>`)
	for _, c := range categories {
		w.Lit(`<li><a href="/search?q=`).Query(c).Lit(`">`).Text(c).Lit(`</a></li>`)
	}
	w.Lit(`</ul>`)
}

// grid shows products as cards; the first few pictures are loaded eagerly.
func grid(w *html.Writer, a *assets, goods []offer, eager int) {
	w.Lit(`<ul class="grid">`)
	for i, g := range goods {
		w.Lit(`<li class="card"><img`).Attr("src", a.picture(g.GetPicture())).Lit(` alt="" width="400" height="400"`).LitIf(i >= eager, ` loading="lazy"`).
			Lit(`><h3><a href="/product/`).Path(g.GetId()).Lit(`">`).Text(g.GetName()).Lit(`</a></h3><p class="price">`).Text(money.Format(g.price)).Lit(`</p></li>`)
	}
	w.Lit(`</ul>`)
}

func adView(w *html.Writer, ad *pb.Ad) {
	if ad == nil {
		return
	}
	w.Lit(`<aside class="ad" aria-label="Advertisement"><span class="eyebrow">Ad</span> <a`).Attr("href", ad.GetRedirectUrl()).Lit(`>`).Text(ad.GetText()).Lit(`</a></aside>`)
}

func searchView(w *html.Writer, a *assets, query string, goods []offer) {
	w.Lit(`<h1>`)
	switch {
	case query == "":
		w.Lit(`Everything`)
	default:
		w.Lit(`Results for “`).Text(query).Lit(`”`)
	}
	w.Lit(`</h1><p role="status" aria-live="polite">`)
	switch len(goods) {
	case 0:
		w.Lit(`Nothing matches. Names, descriptions and categories are searched; try a shorter word, or `).Lit(`<a href="/">look around</a>.`)
	case 1:
		w.Lit(`One product.`)
	default:
		w.Int(len(goods)).Lit(` products.`)
	}
	w.Lit(`</p>`)
	if len(goods) > 0 {
		grid(w, a, goods, 6)
	}
}

func productView(w *html.Writer, a *assets, p offer, others []offer, ad *pb.Ad, problem string) {
	w.Lit(`<article class="product"><img`).Attr("src", a.picture(p.GetPicture())).Attr("alt", "Drawing: "+p.GetName()).
		Lit(` width="400" height="400"><div><h1>`).Text(p.GetName()).Lit(`</h1><p class="price">`).Text(money.Format(p.price)).Lit(`</p><p class="lead">`).Text(p.GetDescription()).
		Lit(`</p><form class="add" method="post" action="/cart"><input type="hidden" name="product_id"`).Attr("value", p.GetId()).
		Lit(`><label for="quantity">Quantity</label><select id="quantity" name="quantity"`).LitIf(problem != "", ` aria-invalid="true" aria-describedby="quantity-error"`).Lit(`>`)
	for _, n := range []int{1, 2, 3, 4, 5, 10} {
		w.Lit(`<option value="`).Int(n).Lit(`">`).Int(n).Lit(`</option>`)
	}
	w.Lit(`</select><button class="button">Add to cart</button>`)
	if problem != "" {
		w.Lit(`<p class="error" id="quantity-error" role="alert"`).Attr("data-error", invalid("Quantity", problem)).Lit(`>Please choose a quantity from 1 to `).Int(maxQuantity).Lit(`.</p>`)
	}
	w.Lit(`</form><nav class="chips" aria-label="Categories of this product">`)
	chips(w, p.GetCategories())
	w.Lit(`</nav></div></article>`)
	recommendedView(w, a, others)
	adView(w, ad)
}

func recommendedView(w *html.Writer, a *assets, others []offer) {
	if len(others) == 0 {
		return
	}
	w.Lit(`<section class="also" aria-labelledby="also"><h2 id="also">You may also like</h2>`)
	grid(w, a, others, 0)
	w.Lit(`</section>`)
}
