package frontend

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
	"github.com/shopctl/shopctl/services/frontend/html"
)

// maxQuery is the maximum length of a search, as in the search box.
const maxQuery = 200

// shownRecommendations is how many products a page recommends, as in the original.
const shownRecommendations = 4

// offer is a product at the price that the page shows.
type offer struct {
	*pb.Product
	price *pb.Money
}

// offers pairs products with prices, which may be fewer.
func offers(products []*pb.Product, prices []*pb.Money) []offer {
	out := make([]offer, len(prices))
	for i := range prices {
		out[i] = offer{products[i], prices[i]}
	}
	return out
}

func pricesOf(products []*pb.Product) []*pb.Money {
	out := make([]*pb.Money, len(products))
	for i, p := range products {
		out[i] = p.GetPriceUsd()
	}
	return out
}

// home shows all products. Two calls deep: products, then prices.
func (s *server) home(v *visit) error {
	var (
		wg sync.WaitGroup
		h  head
		ad *pb.Ad
	)
	wg.Go(func() { h = s.head(v) })
	wg.Go(func() { ad = s.advertisement(v.ctx(), nil) })
	goods, currency, priced, err := s.priced(v, s.n.products)
	wg.Wait()
	if err != nil {
		return err
	}
	h.title = "Everything"
	h.inCurrency(currency, priced)
	return s.respond(v, http.StatusOK, h, func(w *html.Writer) { homeView(w, s.assets, goods, ad) })
}

// search shows the products that the catalog finds; all for an empty query.
func (s *server) search(v *visit) error {
	query := strings.ToValidUTF8(strings.TrimSpace(v.r.URL.Query().Get("q")), "")
	if len(query) > maxQuery {
		query = strings.ToValidUTF8(query[:maxQuery], "")
	}
	var (
		wg sync.WaitGroup
		h  head
	)
	wg.Go(func() { h = s.head(v) })
	goods, currency, priced, err := s.priced(v, func(ctx context.Context) ([]*pb.Product, error) { return s.n.search(ctx, query) })
	wg.Wait()
	if err != nil {
		return err
	}
	h.title, h.query = "Search", query
	h.inCurrency(currency, priced)
	return s.respond(v, http.StatusOK, h, func(w *html.Writer) { searchView(w, s.assets, query, goods) })
}

// priced lists products at prices in the visitor's currency; notPriced is why they are in another.
func (s *server) priced(v *visit, list func(context.Context) ([]*pb.Product, error)) (goods []offer, currency string, notPriced, err error) {
	products, err := list(v.ctx())
	if err != nil {
		return nil, "", nil, err
	}
	prices, currency, notPriced := s.n.show(v.ctx(), pricesOf(products), v.currency)
	return offers(products, prices), currency, notPriced, nil
}

// product shows a product. Two calls deep: the product, the frame and the recommendations; then prices, and an ad for
// the product's categories.
func (s *server) product(v *visit) error { return s.productPage(v, http.StatusOK, "") }

// productPage shows a product, with the problem of the quantity if code is not 200.
func (s *server) productPage(v *visit, code int, problem string) error {
	id := v.r.PathValue("id")
	if id == "" {
		id = v.r.PostForm.Get("product_id")
	}
	var (
		wg     sync.WaitGroup
		h      head
		others []*pb.Product
	)
	wg.Go(func() { h = s.head(v) })
	wg.Go(func() { others = s.recommended(v, []string{id}) })
	p, err := s.n.product(v.ctx(), id)
	wg.Wait()
	if err != nil {
		return notFound(err)
	}
	var ad *pb.Ad
	wg.Go(func() { ad = s.advertisement(v.ctx(), p.GetCategories()) })
	all := append([]*pb.Product{p}, others...)
	prices, currency, priced := s.n.show(v.ctx(), pricesOf(all), v.currency)
	wg.Wait()
	h.title = p.GetName()
	h.inCurrency(currency, priced)
	goods := offers(all, prices)
	return s.respond(v, code, h, func(w *html.Writer) { productView(w, s.assets, goods[0], goods[1:], ad, problem) })
}

// notFound turns the catalog's NOT_FOUND into a 404.
func notFound(err error) error {
	var h *serviceError
	if errors.As(err, &h) && h.code() == codes.NotFound {
		return &pageError{code: http.StatusNotFound, title: "No such product", text: "The shop does not have this product, or no longer has it."}
	}
	return err
}

// recommended returns products that go with those given; none if a service fails. It fetches the whole catalog
// concurrently: one small response is cheaper than a call for each product.
func (s *server) recommended(v *visit, ids []string) []*pb.Product {
	var (
		wg  sync.WaitGroup
		all []*pb.Product
	)
	wg.Go(func() { all, _ = s.n.products(v.ctx()) })
	suggested, err := s.n.recommend(v.ctx(), v.session, ids)
	wg.Wait()
	if err != nil {
		return nil
	}
	return pick(all, suggested)
}

// pick returns the products with these ids that exist, in the order of the ids, at most four.
func pick(all []*pb.Product, ids []string) []*pb.Product {
	var out []*pb.Product
	for _, id := range ids {
		if p := find(all, id); p != nil && len(out) < shownRecommendations {
			out = append(out, p)
		}
	}
	return out
}

func find(all []*pb.Product, id string) *pb.Product {
	for _, p := range all {
		if p.GetId() == id {
			return p
		}
	}
	return nil
}

// advertisement returns the first ad that links to a page of this shop, or none.
func (s *server) advertisement(ctx context.Context, keys []string) *pb.Ad {
	ads, err := s.n.ads(ctx, keys)
	if err != nil {
		return nil
	}
	for _, ad := range ads {
		if isLocal(ad.GetRedirectUrl()) {
			return ad
		}
	}
	return nil
}

// isLocal reports whether an address is a path of this shop ("//host/" and "/\host/" are not).
func isLocal(url string) bool {
	return strings.HasPrefix(url, "/") && !strings.HasPrefix(url, "//") && !strings.ContainsAny(url, "\\\r\n\t")
}

// productMeta returns a product as JSON, with the field names of the contract.
func (s *server) productMeta(w http.ResponseWriter, r *http.Request) {
	type price struct {
		CurrencyCode string `json:"currency_code"`
		Units        int64  `json:"units"`
		Nanos        int32  `json:"nanos"`
	}
	type meta struct {
		ID          string   `json:"id"`
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Picture     string   `json:"picture"`
		PriceUSD    price    `json:"price_usd"`
		Categories  []string `json:"categories"`
	}
	respond := func(code int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(v) // the caller may have left
	}
	p, err := s.n.product(r.Context(), r.PathValue("id"))
	if err != nil {
		e := &pageError{}
		if !errors.As(notFound(err), &e) {
			e = explain(err)
		}
		respond(e.code, map[string]string{"error": e.title, "trace_id": traceID(r.Context())})
		return
	}
	usd := p.GetPriceUsd()
	respond(http.StatusOK, meta{p.GetId(), p.GetName(), p.GetDescription(), p.GetPicture(), price{usd.GetCurrencyCode(), usd.GetUnits(), usd.GetNanos()}, p.GetCategories()})
}
