package frontend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// api asks for JSON and returns it decoded, with the status.
func (s *store) api(t *testing.T, method, path, body string, header http.Header) (code int, value map[string]any) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for name, values := range header {
		req.Header[name] = values
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	resp := rec.Result()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s %s: content type %q", method, path, got)
	}
	if resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s may be kept", method, path)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s %s: %v\n%s", method, path, err, text)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil || !bytes.Equal(compact.Bytes(), bytes.TrimSuffix(text, []byte("\n"))) {
		t.Errorf("%s %s: spaces that depend on the build: %v\n%s", method, path, err, text)
	}
	return resp.StatusCode, value
}

func TestTheCatalogAnswersREST(t *testing.T) {
	s := open(t)
	code, list := s.api(t, "GET", "/api/v1/products", "", nil)
	if products, _ := list["products"].([]any); code != 200 || len(products) != 9 {
		t.Errorf("status %d, %d products", code, len(products))
	}
	code, product := s.api(t, "GET", "/api/v1/products/OLJCESPC7Z", "", nil)
	want := map[string]any{"currencyCode": "USD", "units": "19", "nanos": 990000000.0}
	if diff := cmp.Diff(want, product["priceUsd"]); code != 200 || product["name"] != "Sunglasses" || diff != "" {
		t.Errorf("status %d, product %v\n%s", code, product, diff)
	}
	code, found := s.api(t, "GET", "/api/v1/products:search?query=mug", "", nil)
	if results, _ := found["results"].([]any); code != 200 || len(results) != 1 {
		t.Errorf("status %d, found %v", code, found)
	}
}

func TestAPaymentIsChargedOverREST(t *testing.T) {
	s := open(t)
	const card = `{"amount":{"currencyCode":"USD","units":"19"},"credit_card":{"creditCardNumber":"4432801561520454"}}`
	code, answer := s.api(t, "POST", "/api/v1/payments", card, http.Header{"Idempotency-Key": {"k1"}, "X-Else": {"no"}})
	if diff := cmp.Diff(map[string]any{"transactionId": "charged k1"}, answer); code != 200 || diff != "" {
		t.Errorf("status %d %s", code, diff)
	}
	code, answer = s.api(t, "POST", "/api/v1/payments", strings.Replace(card, "0454", "0002", 1), nil)
	if code != 400 || answer["code"] != 3.0 || answer["message"] != "Your credit card (ending 0002) expired on 1/2020" {
		t.Errorf("status %d, %v", code, answer)
	}
}

func TestWhatRESTCannotDoIsReportedInJSON(t *testing.T) {
	s := open(t)
	s.Break("GetProduct", status.Error(codes.NotFound, "no product with ID NOPE"))
	s.Break("SearchProducts", status.Error(codes.Unavailable, "away"))
	for _, c := range []struct {
		method, path, body string
		header             http.Header
		code               int
		grpc               codes.Code
		message            string
	}{
		{"GET", "/api/v1/products/NOPE", "", nil, 404, codes.NotFound, "no product with ID NOPE"},
		{"GET", "/api/v1/products:search?query=x", "", nil, 503, codes.Unavailable, "away"},
		{"GET", "/api/v1/products:search?color=x", "", nil, 400, codes.InvalidArgument, "color"},
		{"GET", "/api/v1/products?foo=1", "", nil, 400, codes.InvalidArgument, `unknown parameter "foo"`},
		{"GET", "/api/v1/products/OLJCESPC7Z?id=x", "", nil, 400, codes.InvalidArgument, `unknown parameter "id"`},
		{"GET", "/api/v1/orders", "", nil, 404, codes.NotFound, "no route for GET /api/v1/orders"},
		{"DELETE", "/api/v1/products", "", nil, 405, codes.Unimplemented, "does not accept DELETE"},
		{"POST", "/api/v1/payments", `{"amount":`, nil, 400, codes.InvalidArgument, ""},
		{"POST", "/api/v1/payments", `{"amuont":{}}`, nil, 400, codes.InvalidArgument, "amuont"},
		{"POST", "/api/v1/payments", `{"amount":{"units":"many"}}`, nil, 400, codes.InvalidArgument, "many"},
		{"POST", "/api/v1/payments", `{"amount":{"currencyCode":"` + strings.Repeat("x", maxForm) + `"}}`, nil, 413, codes.InvalidArgument, "too large"},
		{"POST", "/api/v1/payments?foo=1", "{}", nil, 400, codes.InvalidArgument, `unknown parameter "foo"`},
		{"GET", "/api/v1/orders?foo=1", "", nil, 404, codes.NotFound, "no route"},
		{"GET", "/api/v1/products/a/b", "", nil, 404, codes.NotFound, "no route"},
		{"GET", "/api/v1/products/", "", nil, 404, codes.NotFound, "no route"},
		{"DELETE", "/api/v1/products?foo=1", "", nil, 405, codes.Unimplemented, "does not accept DELETE"},
		{"POST", "/api/v1/products", "a=b", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, 405, codes.Unimplemented, "does not accept POST"},
		{"POST", "/api/v1/payments", "amount=1", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, 415, codes.InvalidArgument, "must be application/json"},
		{"POST", "/api/v1/payments", "{}", http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, 415, codes.InvalidArgument, "not text/plain"},
		{"POST", "/api/v1/payments", "{}", http.Header{"Accept": {"application/xml"}}, 406, codes.InvalidArgument, "application/json only"},
		{"GET", "/api/v1/products", "", http.Header{"Accept": {"text/html, application/json;q=0"}}, 406, codes.InvalidArgument, "application/json only"},
		{"GET", "/api/v1/products/OLJCESPC7Z", "", http.Header{"Accept": {"image/png"}}, 406, codes.InvalidArgument, "application/json only"},
		{"POST", "/api/v1/payments", `{}`, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, codes.PermissionDenied, "another site"},
	} {
		code, answer := s.api(t, c.method, c.path, c.body, c.header)
		message, _ := answer["message"].(string)
		if code != c.code || answer["code"] != float64(c.grpc) || !strings.Contains(message, c.message) {
			t.Errorf("%s %s: status %d, %v; want %d, %v %q", c.method, c.path, code, answer, c.code, c.grpc, c.message)
		}
	}
}

func TestAMethodThatAPathOfRESTDoesNotHaveIsNamedWithThoseThatItHas(t *testing.T) {
	s := open(t)
	for request, want := range map[string]string{
		"POST /api/v1/products": "405 GET, HEAD, OPTIONS", "PUT /api/v1/products/OLJCESPC7Z": "405 GET, HEAD, OPTIONS", "PATCH /api/v1/products:search?query=x": "405 GET, HEAD, OPTIONS",
		"GET /api/v1/payments": "405 POST, OPTIONS", "HEAD /api/v1/payments": "405 POST, OPTIONS", "TRACE /api/v1/payments": "405 POST, OPTIONS",
		"OPTIONS /api/v1/products": "204 GET, HEAD, OPTIONS", "OPTIONS /api/v1/payments": "204 POST, OPTIONS", "OPTIONS /api/v1/orders": "404 ",
	} {
		method, path, _ := strings.Cut(request, " ")
		rec := httptest.NewRecorder()
		s.handler.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		if got := fmt.Sprintf("%d %s", rec.Code, rec.Header().Get("Allow")); got != want {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
}

func TestJSONIsAcceptedUnderItsNames(t *testing.T) {
	s := open(t)
	const card = `{"amount":{"currencyCode":"USD","units":"19"},"creditCard":{"creditCardNumber":"4432801561520454"}}`
	for _, header := range []http.Header{
		nil,
		{"Content-Type": {"application/json; charset=utf-8"}},
		{"Content-Type": {"application/problem+json"}},
		{"Accept": {"*/*"}},
		{"Accept": {"text/html", "application/*;q=0.1"}},
		{"Accept": {"text/html;q=0.9,*/*;q=0.8"}},
		{"Accept": {"*/*;q=0, application/json"}},
	} {
		if code, answer := s.api(t, "POST", "/api/v1/payments", card, header); code != 200 {
			t.Errorf("%v: status %d, %v", header, code, answer)
		}
	}
}

func TestHEADIsServedAsGET(t *testing.T) {
	s := open(t)
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "HEAD", "/api/v1/products/OLJCESPC7Z", nil))
	if rec.Code != 200 {
		t.Errorf("status %d", rec.Code)
	}
}

func TestWithoutAPaymentServiceThereIsNoPathForPayments(t *testing.T) {
	s := open(t)
	handler, err := rest(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.handler = handler
	if code, answer := s.api(t, "POST", "/api/v1/payments", `{}`, nil); code != 404 {
		t.Errorf("status %d, %v", code, answer)
	}
}

func TestSpansAndMetricsNameThePathsOfTheMapping(t *testing.T) {
	text, err := os.ReadFile("../../pkg/rpc/proto/rest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var mapping struct {
		HTTP struct {
			Rules []map[string]string
		}
	}
	if err := yaml.Unmarshal(text, &mapping); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, rule := range mapping.HTTP.Rules {
		for _, method := range []string{"get", "post"} {
			if path, ok := rule[method]; ok {
				want = append(want, strings.ToUpper(method)+" "+path)
			}
		}
	}
	if got := restPatterns(); !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("patterns %v, and the mapping has %v", got, want)
	}
}
