package e2e

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/services/frontend"
	"github.com/shopctl/shopctl/services/frontend/internal/fakeshop"
)

// site is the real storefront over dependencies that can be broken.
type site struct {
	*fakeshop.Shop
	url  string
	sink *chassistest.Sink
}

func openSite(t *testing.T) site {
	t.Helper()
	s := site{Shop: fakeshop.New(), sink: chassistest.NewSink(t)}
	dependencies := s.Serve(t)
	env := map[string]string{}
	for _, name := range fakeshop.Addresses() {
		env[name] = dependencies
	}
	s.url = "http://" + chassistest.Start(t, frontend.Setup, env, chassistest.WithName("frontend"), chassistest.WithSink(s.sink)).Addr
	return s
}

// walker is a visitor without a browser: it keeps cookies and follows where forms lead.
type walker struct {
	t      *testing.T
	site   site
	client *http.Client
}

func walk(t *testing.T, s site) *walker {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &walker{t, s, &http.Client{Jar: jar, Transport: transport}}
}

func (w *walker) get(path string, code int, texts ...string) {
	w.t.Helper()
	resp, err := w.client.Get(w.site.url + path)
	w.check(resp, err, code, texts)
}

func (w *walker) post(path string, form url.Values, code int, texts ...string) {
	w.t.Helper()
	resp, err := w.client.PostForm(w.site.url+path, form)
	w.check(resp, err, code, texts)
}

func (w *walker) check(resp *http.Response, err error, code int, texts []string) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.StatusCode != code {
		w.t.Fatalf("%s: status %d, want %d", resp.Request.URL, resp.StatusCode, code)
	}
	for _, text := range texts {
		if !strings.Contains(string(page), text) {
			w.t.Errorf("%s lacks %q", resp.Request.URL, text)
		}
	}
}

func orderForm() url.Values {
	return url.Values{
		"email": {"someone@example.com"}, "street_address": {"1 Way"}, "zip_code": {"SW1A 1AA"}, "city": {"London"}, "state": {"England"}, "country": {"United Kingdom"},
		"credit_card_number": {"4432801561520454"}, "credit_card_expiration_month": {"1"}, "credit_card_expiration_year": {"2999"}, "credit_card_cvv": {"672"},
	}
}

func TestAJourneyOverPlainHTTP(t *testing.T) {
	s := openSite(t)
	w := walk(t, s)
	w.get("/", 200, "Sunglasses", "$19.99")
	w.get("/search?q=kitchen", 200, "Mug")
	w.post("/setCurrency", url.Values{"currency_code": {"EUR"}}, 200, "€39.98")
	w.post("/cart", url.Values{"product_id": {"6E92ZMYYFZ"}, "quantity": {"2"}}, 200, "Your cart", "€35.96")
	w.post("/cart/empty", nil, 200, "Sunglasses")
	w.post("/cart", url.Values{"product_id": {"6E92ZMYYFZ"}, "quantity": {"2"}}, 200, "Your cart")
	bad := orderForm()
	bad.Set("credit_card_number", "1234")
	w.post("/cart/checkout", bad, 422, "Field &#39;CcNumber&#39; is invalid: credit_card")
	s.Kill("PaymentService")
	w.post("/cart/checkout", orderForm(), 503, "The payment service is not available")
	s.Break("PaymentService", nil)
	w.post("/cart/checkout", orderForm(), 200, "Your order is complete", "SW1A 1AA London")
}

func TestSpansAreNamedByRouteAndErrorPagesShowTheirTrace(t *testing.T) {
	s := openSite(t)
	s.Kill("ProductCatalogService/GetProduct")
	resp, err := walk(t, s).client.Get(s.url + "/product/6E92ZMYYFZ")
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	isRoot := func(span chassistest.Span) bool { return span.Parent() == "" && span.Name == "GET /product/{id}" }
	spans := s.sink.Wait(t, func(spans []chassistest.Span) bool { return slices.ContainsFunc(spans, isRoot) })
	root := spans[slices.IndexFunc(spans, isRoot)]
	if !strings.Contains(string(page), root.Trace()) {
		t.Errorf("page lacks its trace %s:\n%s", root.Trace(), page)
	}
}
