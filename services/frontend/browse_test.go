package frontend

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

func TestTheFirstPageShowsEveryProductWithItsPriceAndPicture(t *testing.T) {
	b := open(t).visitor(t)
	page := b.get("/", http.StatusOK)
	b.contains(page, "Sunglasses", "$19.99", "Salt &amp; Pepper Shakers", "$18.49", "/static/img/products/mug.svg", "Mug for sale.", "/search?q=kitchen")
}

func TestPricesAreInTheVisitorsCurrencyWithItsMinorUnits(t *testing.T) {
	b := open(t).visitor(t)
	b.submit("/setCurrency", url.Values{"currency_code": {"JPY"}})
	b.contains(b.get("/", http.StatusOK), "¥1999<", "¥899<", `<option value="JPY" selected>`)
	b.submit("/setCurrency", url.Values{"currency_code": {"EUR"}})
	b.contains(b.get("/product/6E92ZMYYFZ", http.StatusOK), "€17.98", "€39.98")
}

func TestTheMenuOffersWhatTheOriginalDoesAndTheVisitorsOwn(t *testing.T) {
	b := open(t).visitor(t)
	b.lacks(b.get("/", http.StatusOK), `value="CHF"`)
	b.submit("/setCurrency", url.Values{"currency_code": {"CHF"}})
	b.contains(b.get("/", http.StatusOK), `<option value="CHF" selected>`, "CHF 59.97")
}

func TestCurrenciesThatTheServiceDoesNotSupportAreRefused(t *testing.T) {
	b := open(t).visitor(t)
	for code, rule := range map[string]string{"AED": "oneof", "XXX": "oneof", "": "required", "usd": "iso4217", "<b>": "iso4217"} {
		page := b.post("/setCurrency", url.Values{"currency_code": {code}}, http.StatusUnprocessableEntity)
		b.contains(page, "Field &#39;Currency&#39; is invalid: "+rule)
	}
	b.contains(b.get("/", http.StatusOK), "$19.99")
}

func TestAForgedCurrencyCookieCannotMakeThingsFree(t *testing.T) {
	b := open(t).visitor(t)
	for _, code := range []string{"AED", "XXX", "nonsense"} {
		b.cookies["c"] = &http.Cookie{Name: cookieCurrency, Value: code, Path: "/"}
		b.contains(b.get("/", http.StatusOK), "$19.99")
	}
}

func TestAfterChangingTheCurrencyTheVisitorIsBackOnTheSamePageOfThisShop(t *testing.T) {
	b := open(t).visitor(t)
	for referer, want := range map[string]string{
		"":                                   "/",
		"http://example.com/product/1?x=y":   "/product/1?x=y",
		"http://example.com/search?q=a%20b":  "/search?q=a%20b",
		"http://elsewhere.example/":          "/",
		"http://example.com//elsewhere/":     "/",
		"http://example.com/cart/checkout":   "/",
		"javascript:alert(1)":                "/",
		"http://example.com/%5celsewhere/%2": "/",
	} {
		b.header.Set("Referer", referer)
		if got := b.submit("/setCurrency", url.Values{"currency_code": {"USD"}}); got != want {
			t.Errorf("from %q: to %q, want %q", referer, got, want)
		}
	}
}

func TestSearchFindsByNameAndCategoryAndSaysWhenThereIsNothing(t *testing.T) {
	b := open(t).visitor(t)
	page := b.get("/search?q=KITCHEN", http.StatusOK)
	b.contains(page, "3 products.", "Mug", `value="KITCHEN"`)
	b.lacks(mainOf(page), "Loafers")
	b.contains(b.get("/search?q=loafer", http.StatusOK), "One product.")
	b.contains(b.get("/search", http.StatusOK), "9 products.")
	b.contains(b.get("/search?q="+url.QueryEscape(`"><script>x</script>`), http.StatusOK), "Nothing matches", "&lt;script&gt;")
	b.get("/search?q="+strings.Repeat("%C3%A4", 500)+"%ff", http.StatusOK)
}

func TestAnUnknownProductIsNotFound(t *testing.T) {
	b := open(t).visitor(t)
	b.contains(b.get("/product/NOPE", http.StatusNotFound), "No such product")
	resp := b.do(http.MethodGet, "/product-meta/NOPE", nil)
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("product-meta: status %d", resp.StatusCode)
	}
}

func TestProductMetaIsTheProductInTheContractsNames(t *testing.T) {
	resp := open(t).visitor(t).do(http.MethodGet, "/product-meta/66VCHSJNUP", nil)
	var got struct {
		ID, Name, Picture string
		PriceUSD          struct {
			CurrencyCode string `json:"currency_code"`
			Units, Nanos int64
		} `json:"price_usd"`
		Categories []string
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.ID != "66VCHSJNUP" || got.PriceUSD.CurrencyCode != "USD" || got.PriceUSD.Units != 18 || got.PriceUSD.Nanos != 990_000_000 ||
		!slices.Equal(got.Categories, []string{"clothing", "tops"}) || got.Picture != "/static/img/products/tank-top.jpg" {
		t.Errorf("got %+v", got)
	}
	if resp.Header.Get("Content-Type") != "application/json" || len(resp.Cookies()) != 0 {
		t.Errorf("headers %v", resp.Header)
	}
}

func TestDataFromTheCatalogCannotBecomeMarkup(t *testing.T) {
	s := open(t)
	evil := `"><script>alert(1)</script>`
	s.AddProduct(&pb.Product{
		Id: "EVIL/../x?" + evil, Name: evil, Description: evil, Picture: "javascript:" + evil, Categories: []string{evil},
		PriceUsd: &pb.Money{CurrencyCode: "USD", Units: 1},
	})
	b := s.visitor(t)
	page := b.get("/", http.StatusOK)
	b.contains(page, "&lt;script&gt;", noPicture)
	b.get("/product/"+url.PathEscape("EVIL/../x?"+evil), http.StatusOK)
}

func TestAPageRecommendsFourOthersThatExist(t *testing.T) {
	b := open(t).visitor(t)
	page := b.get("/product/1YMWWN1N4O", http.StatusOK)
	_, also, _ := strings.Cut(page, "You may also like")
	if n := strings.Count(also, `class="card"`); n != 4 {
		t.Errorf("%d recommendations, want 4", n)
	}
	b.lacks(also, "1YMWWN1N4O")
}

func TestOptionalServicesAreLeftOutWhenTheyFail(t *testing.T) {
	s := open(t)
	s.Kill("AdService")
	s.Break("RecommendationService", status.Error(codes.Unknown, "Traceback"))
	b := s.visitor(t)
	b.lacks(b.get("/", http.StatusOK), `class="ad"`)
	b.lacks(b.get("/product/1YMWWN1N4O", http.StatusOK), "You may also like", "Traceback", `class="ad"`)
}

func TestWithoutTheCurrencyServicePricesAreInDollarsAndSaySo(t *testing.T) {
	s := open(t)
	b := s.visitor(t)
	b.submit("/setCurrency", url.Values{"currency_code": {"EUR"}})
	s.Kill("CurrencyService")
	page := b.get("/", http.StatusOK)
	b.contains(page, "$19.99", "currency service is unavailable", `role="status"`)
	b.lacks(page, "€")
	b.contains(b.get("/product/6E92ZMYYFZ", http.StatusOK), "$8.99", "currency service is unavailable")
	b.contains(b.get("/search?q=mug", http.StatusOK), "$8.99")
	// What the service last said about currencies still holds.
	b.submit("/setCurrency", url.Values{"currency_code": {"GBP"}})
}

func TestWithoutTheCatalogAPageNamesIt(t *testing.T) {
	s := open(t)
	s.Kill("ProductCatalogService")
	b := s.visitor(t)
	for _, path := range []string{"/", "/product/6E92ZMYYFZ", "/search?q=x"} {
		page := b.get(path, http.StatusServiceUnavailable)
		b.contains(page, "The catalog service is not available", "<code>catalog</code>", "UNAVAILABLE", `role="alert"`)
		b.lacks(page, "10.1.2.3", "goroutine", "desc =")
	}
}

func TestWithoutTheCartServiceOneCanStillBrowse(t *testing.T) {
	s := open(t)
	s.Kill("CartService")
	b := s.visitor(t)
	b.contains(b.get("/", http.StatusOK), "Sunglasses", `<span aria-hidden="true">?</span>`)
	b.contains(b.get("/product/6E92ZMYYFZ", http.StatusOK), "Mug")
	b.contains(b.get("/cart", http.StatusServiceUnavailable), "The cart service is not available")
	b.contains(b.post("/cart", url.Values{"product_id": {"6E92ZMYYFZ"}, "quantity": {"1"}}, http.StatusServiceUnavailable), "The cart service")
	b.contains(b.post("/cart/empty", nil, http.StatusServiceUnavailable), "The cart service")
}

func TestAnAdThatLeadsOutOfTheShopIsNotShown(t *testing.T) {
	for url, want := range map[string]bool{
		"/product/1": true, "https://elsewhere.example": false, "//elsewhere.example": false, `/\elsewhere.example`: false, "": false, "javascript:x": false, "/\t/x": false,
	} {
		if isLocal(url) != want {
			t.Errorf("isLocal(%q) = %v", url, !want)
		}
	}
}

func TestFilesHaveTagsAndOldPictureNamesStillWork(t *testing.T) {
	b := open(t).visitor(t)
	svg := b.do(http.MethodGet, "/static/img/products/mug.svg", nil)
	jpg := b.do(http.MethodGet, "/static/img/products/mug.jpg", nil)
	one, _ := io.ReadAll(svg.Body)
	two, _ := io.ReadAll(jpg.Body)
	if string(one) != string(two) || !strings.HasPrefix(string(one), "<svg") || jpg.Header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("mug.jpg: %v", jpg.Header)
	}
	b.header.Set("If-None-Match", svg.Header.Get("Etag"))
	if again := b.do(http.MethodGet, "/static/img/products/mug.svg", nil); again.StatusCode != http.StatusNotModified {
		t.Errorf("second fetch: status %d", again.StatusCode)
	}
	for _, path := range []string{"/static/", "/static/img/", "/static/../frontend.go", "/static/none.css"} {
		if resp := b.do(http.MethodGet, path, nil); resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusTemporaryRedirect && resp.StatusCode != http.StatusMovedPermanently {
			t.Errorf("%s: status %d", path, resp.StatusCode)
		}
	}
	if len(svg.Cookies()) != 0 {
		t.Errorf("a file set cookies %v", svg.Cookies())
	}
}

func TestEveryProductOfTheOriginalHasAPicture(t *testing.T) {
	a, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sunglasses", "tank-top", "watch", "loafers", "hairdryer", "candle-holder", "salt-and-pepper-shakers", "bamboo-glass-jar", "mug"} {
		if got, want := a.picture("/static/img/products/"+name+".jpg"), "/static/img/products/"+name+".svg"; got != want {
			t.Errorf("%s: picture %s", name, got)
		}
	}
}
