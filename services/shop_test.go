package services_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/services"
	"github.com/shopctl/shopctl/services/setup"
)

// version is what the whole shop under test calls itself.
const version = "v7"

// shop is all twelve workloads, joined as the manifests join them.
type shop struct {
	sink    *chassistest.Sink
	running map[string]*chassistest.Service // by workload
	browser *http.Client
	url     string
}

func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{sink: chassistest.NewSink(t), running: map[string]*chassistest.Service{}}
	env := map[string]string{"SERVICE_VERSION": version, "REDIS_SERVER": "embedded"}
	for _, start := range []struct{ workload, addr string }{
		{"productcatalogservice", "PRODUCT_CATALOG_SERVICE_ADDR"},
		{"currencyservice", "CURRENCY_SERVICE_ADDR"},
		{"shippingservice", "SHIPPING_SERVICE_ADDR"},
		{"paymentservice", "PAYMENT_SERVICE_ADDR"},
		{"emailservice", "EMAIL_SERVICE_ADDR"},
		{"adservice", "AD_SERVICE_ADDR"},
		{"redis-cart", "REDIS_ADDR"},
		{"cartservice", "CART_SERVICE_ADDR"},
		{"recommendationservice", "RECOMMENDATION_SERVICE_ADDR"},
		{"checkoutservice", "CHECKOUT_SERVICE_ADDR"},
		{"frontend", "FRONTEND_ADDR"},
		{"loadgenerator", ""},
	} {
		builtin, ok := services.Lookup(start.workload)
		if !ok {
			t.Fatalf("no workload %s", start.workload)
		}
		running := chassistest.Start(t, setup.Of(builtin.Name), env, chassistest.WithName(start.workload), chassistest.WithSink(s.sink))
		s.running[start.workload] = running
		env[start.addr] = running.Addr
	}
	if len(s.running) != len(services.All()) {
		t.Fatalf("%d of %d workloads run", len(s.running), len(services.All()))
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s.browser = &http.Client{Jar: jar, Transport: transport}
	s.url = "http://" + s.running["frontend"].Addr
	return s
}

// visit gets a page, or posts a form to it, and wants to end on a page that is fine.
func (s *shop) visit(t *testing.T, path string, form url.Values) (page string) {
	t.Helper()
	var resp *http.Response
	var err error
	if form == nil {
		resp, err = s.browser.Get(s.url + path)
	} else {
		resp, err = s.browser.PostForm(s.url+path, form)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", path, resp.Status, err, body)
	}
	return string(body)
}

// session is the value of the visitor's session cookie.
func (s *shop) session(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.browser.Jar.Cookies(u) {
		if c.Name == "shop_session-id" {
			return c.Value
		}
	}
	t.Fatal("the visitor has no session")
	return ""
}

func (s *shop) metrics(t *testing.T, workload string) string {
	t.Helper()
	resp, err := http.Get("http://" + s.running[workload].Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

const (
	cardNumber = "4111111111111111"
	cardCVV    = "917"
)

// order buys two things in euros, having viewed and searched for some.
func (s *shop) order(t *testing.T) {
	t.Helper()
	s.visit(t, "/", nil)
	s.visit(t, "/search?q=kitchen", nil)
	s.visit(t, "/setCurrency", url.Values{"currency_code": {"EUR"}})
	s.visit(t, "/product/OLJCESPC7Z", nil)
	s.visit(t, "/cart", url.Values{"product_id": {"OLJCESPC7Z"}, "quantity": {"2"}})
	page := s.visit(t, "/cart/checkout", url.Values{
		"email": {"someone@example.com"}, "street_address": {"1 Way"}, "zip_code": {"94043"}, "city": {"Mountain View"}, "state": {"CA"}, "country": {"United States"},
		"credit_card_number": {cardNumber}, "credit_card_expiration_month": {"1"}, "credit_card_expiration_year": {"2999"}, "credit_card_cvv": {cardCVV},
	})
	if !strings.Contains(page, "Your order is complete") {
		t.Fatalf("not ordered:\n%s", page)
	}
}

// trace waits until all spans of the trace that began with the named one are there: every parent is
// known and every given service has its part.
func (s *shop) trace(t *testing.T, root string, parts []string) (all, trace []chassistest.Span) {
	t.Helper()
	all = s.sink.Wait(t, func(spans []chassistest.Span) bool {
		i := slices.IndexFunc(spans, func(span chassistest.Span) bool { return span.Name == root })
		if i < 0 {
			return false
		}
		trace = slices.DeleteFunc(slices.Clone(spans), func(span chassistest.Span) bool { return span.Trace() != spans[i].Trace() })
		for _, part := range parts {
			if !slices.ContainsFunc(trace, func(span chassistest.Span) bool { return span.Service == part }) {
				return false
			}
		}
		return len(orphans(trace)) == 0
	})
	return all, trace
}

// orphans are spans whose parent is not among them.
func orphans(trace []chassistest.Span) []chassistest.Span {
	known := map[string]bool{"": true}
	for _, span := range trace {
		known[span.ID()] = true
	}
	return slices.DeleteFunc(slices.Clone(trace), func(span chassistest.Span) bool { return known[span.Parent()] })
}

func TestOneOrderIsOneTraceThroughAllServicesItNeeds(t *testing.T) {
	s := openShop(t)
	s.order(t)
	all, trace := s.trace(t, "POST /cart/checkout", []string{
		"frontend", "checkoutservice", "cartservice", "productcatalogservice", "currencyservice", "shippingservice", "paymentservice", "emailservice",
	})
	roots := 0
	for _, span := range trace {
		if span.Parent() == "" {
			roots++
		}
	}
	if roots != 1 {
		t.Errorf("the order's trace has %d roots", roots)
	}
	traces := map[string]string{}
	for _, span := range all {
		if span.Version != version || span.Service == "" {
			t.Errorf("span %s is of %q in version %q", span.Name, span.Service, span.Version)
		}
		if strings.Contains(span.Name, "opentelemetry") || strings.Contains(span.Name, "Export") || strings.Contains(span.Name, "Health") {
			t.Errorf("%s traces its own machinery: %s", span.Service, span.Name)
		}
		if span.Parent() == "" {
			traces[span.Trace()] = span.Service + " " + span.Name
		}
	}
	for trace, root := range traces {
		if !strings.HasPrefix(root, "frontend ") {
			t.Errorf("trace %s begins at %s: its caller's trace was lost", trace, root)
		}
	}
}

func TestNoSecretReachesASpanALogOrAMetric(t *testing.T) {
	s := openShop(t)
	s.order(t)
	all, _ := s.trace(t, "POST /cart/checkout", []string{"paymentservice"})
	secrets := []string{cardNumber, cardNumber[:12], s.session(t)}
	find := func(where, text string) {
		t.Helper()
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q: %s", where, secret, text)
			}
		}
	}
	for _, span := range all {
		where := span.Service + "'s span " + span.Name
		find(where, span.Span.String())
		for _, attribute := range span.Attributes {
			if value := attribute.Value.GetStringValue(); value == cardCVV {
				t.Errorf("%s holds the CVV in %s", where, attribute.Key)
			}
		}
	}
	cvv := regexp.MustCompile(`\b` + cardCVV + `\b`)
	for workload, running := range s.running {
		find("the log of "+workload, running.Logs())
		for line := range strings.Lines(running.Logs()) {
			for key, value := range logFields(t, line) {
				if key != "time" && key != "timestamp" && cvv.MatchString(fmt.Sprint(value)) {
					t.Errorf("the log of %s holds the CVV in %s: %s", workload, key, line)
				}
			}
		}
		find("the metrics of "+workload, s.metrics(t, workload))
	}
}

func logFields(t *testing.T, line string) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		t.Fatalf("a log line is no JSON: %v: %s", err, line)
	}
	return fields
}

func TestEveryServiceMeasuresWhatItDoes(t *testing.T) {
	s := openShop(t)
	s.order(t)
	for _, b := range services.All() {
		metrics := s.metrics(t, b.Workload)
		for _, service := range b.GRPC {
			if strings.HasPrefix(service, "hipstershop.") {
				wantMetric(t, b.Workload, metrics, `grpc_server_handled_total{`, `grpc_code="OK"`, `grpc_service="`+service+`"`)
				wantMetric(t, b.Workload, metrics, `grpc_server_handling_seconds_count{`, `grpc_service="`+service+`"`)
			}
		}
	}
	for workload, names := range map[string][]string{
		"frontend":              {`http_requests_total{code="302",method="POST",route="/cart/checkout"}`, `http_request_duration_seconds_count{method="GET",route="/"}`},
		"productcatalogservice": {`shop_search_duration_seconds_count`},
		"paymentservice":        {`shop_payments_total{result="success"}`},
		"shippingservice":       {`shop_shipping_quote_duration_seconds_count`},
		"checkoutservice":       {`shop_price_reads_total{result="miss"}`},
		"cartservice":           {`shop_cart_reads_total{result="hit"}`, `shop_cart_reads_total{result="miss"}`},
	} {
		metrics := s.metrics(t, workload)
		for _, name := range names {
			wantMetric(t, workload, metrics, name)
		}
	}
}

// wantMetric wants a line that begins with name, holds all labels, and counts something.
func wantMetric(t *testing.T, workload, metrics, name string, labels ...string) {
	t.Helper()
	for line := range strings.Lines(metrics) {
		if !strings.HasPrefix(line, name) || strings.HasSuffix(strings.TrimSpace(line), " 0") {
			continue
		}
		if !slices.ContainsFunc(labels, func(label string) bool { return !strings.Contains(line, label) }) {
			return
		}
	}
	t.Errorf("%s has no %s %v above 0:\n%s", workload, name, labels, metrics)
}
