package call_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	callcmd "github.com/shopctl/shopctl/pkg/cli/call"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// serveStorefront answers as a REST API does, until the test ends.
func serveStorefront(t *testing.T) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		switch r.Method + " " + r.URL.RequestURI() {
		case "GET /api/v1/products":
			fmt.Fprint(w, `{"products":[]}`)
		case "POST /api/v1/payments":
			fmt.Fprintf(w, `{"got":%s,"type":%q,"key":%q}`, body, r.Header.Get("Content-Type"), r.Header.Get("Idempotency-Key"))
		case "POST /cart":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"code":5,"message":"no product with ID NOPE"}`)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// withStorefront is a world that has such a storefront.
func withStorefront(t *testing.T) *clitest.World {
	t.Helper()
	st := clitest.ThreeServices()
	st.Url = serveStorefront(t) + "/"
	return clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st})
}

func TestAnHTTPRequestPrintsTheBodyAsItCame(t *testing.T) {
	w := withStorefront(t)
	w.Want(cmdutil.ExitOK, "http", "/api/v1/products")
	if w.Out.String() != "{\"products\":[]}\n" {
		t.Errorf("printed %q", w.Out.String())
	}
	w.WantErr("HTTP/1.1 200 OK, 15 bytes after")
	w.Want(cmdutil.ExitOK, "http", "/api/v1/payments", `{"a":1}`, "-H", "idempotency-key: k1")
	w.WantOut(`{"got":{"a":1},"type":"application/json","key":"k1"}`)
	w.F.IO.In = strings.NewReader("idempotency-key: k2\n")
	w.Want(cmdutil.ExitOK, "http", "/api/v1/payments", `{"a":1}`, "-H", "@-")
	w.WantOut(`"key":"k2"`)
	w.Want(cmdutil.ExitUsage, "http", "POST", "/api/v1/payments", "-", "-H", "@-")
	w.WantErr("-H @-: standard input holds the body already")
	w.F.IO.In = strings.NewReader(`{"b":2}`)
	w.Want(cmdutil.ExitOK, "http", "post", "/api/v1/payments", "-")
	w.WantOut(`{"got":{"b":2}`)
	w.Want(cmdutil.ExitOK, "http", "POST", "/cart", "-o", "json")
	var view callcmd.HttpView
	if err := json.Unmarshal(w.Out.Bytes(), &view); err != nil {
		t.Fatal(err)
	}
	if view.Status != http.StatusFound || view.Headers["Location"][0] != "/elsewhere" {
		t.Errorf("a redirect: %+v", view)
	}
}

func TestARefusalIsAFailureAndSaysWhy(t *testing.T) {
	w := withStorefront(t)
	w.Want(cmdutil.ExitFailed, "http", "/api/v1/products/NOPE")
	w.WantErr("GET /api/v1/products/NOPE: 404 Not Found: no product with ID NOPE", "shopctl trace list --service frontend")
	w.Want(cmdutil.ExitFailed, "http", "/api/v1/products/NOPE", "--repeat", "2")
	w.WantErr("2 of 2 requests failed: 404 Not Found: no product with ID NOPE")
}

func TestAWrongRequestIsNotSent(t *testing.T) {
	w := withStorefront(t)
	for want, args := range map[string][]string{
		`"api/v1/products" is not a path: want one that starts with /`: {"api/v1/products"},
		"want at most a method, a path and a body":                     {"/a", "b", "c"},
		"--repeat 10001: want 1 to 10000":                              {"/a", "--repeat", "10001"},
		"want a time above zero":                                       {"/a", "--deadline", "-1s"},
		"-o name is not for responses":                                 {"/a", "-o", "name"},
		`header "x" is not`:                                            {"/a", "-H", "x"},
		`invalid method "A B"`:                                         {"a b", "/a"},
	} {
		w.Want(cmdutil.ExitUsage, append([]string{"http"}, args...)...)
		w.WantErr(want)
	}
}

func TestWhatCallsCostIsMeasuredOnTheWire(t *testing.T) {
	w := withStorefront(t)
	w.Want(cmdutil.ExitOK, "http", "/api/v1/products", "--repeat", "3", "-o", "json")
	rest := measured(t, w)
	if rest.Calls != 3 || rest.Answer != 15 || rest.Request != 0 || rest.Received < 15+50 || rest.Sent < 50 {
		t.Errorf("over HTTP: %+v", rest)
	}
	w, _ = withCart(t)
	add := `{"user_id":"u","item":{"product_id":"P","quantity":2}}`
	w.Want(cmdutil.ExitOK, "call", "cart", "AddItem", add, "--repeat", "3", "-o", "json")
	// A user id and a nested item of an id and a number: 3 + 2 + 3 + 2 bytes.
	if got := measured(t, w); got.Calls != 3 || got.Request != 10 || got.Answer != 0 || got.Sent <= 10 || got.P50 > got.P99 {
		t.Errorf("over gRPC: %+v", got)
	}
	w.Want(64+3, "call", "cart", "AddItem", `{"item":{"quantity":0}}`, "--repeat", "2")
	w.WantErr("INVALID_ARGUMENT: quantity must be at least 1")
	w.Want(cmdutil.ExitUsage, "call", "cart", "AddItem", add, "--repeat", "-1")
	w.WantErr("--repeat -1: want 1 to 10000")
	w.Want(cmdutil.ExitUsage, "call", "cart", "--repeat", "2")
	w.WantErr("missing argument: the method for --repeat", "shopctl call cart")
	w.Want(cmdutil.ExitUsage, "call", "cart", "AddItem", add, "--repeat", "2", "--trace")
	w.WantErr("--repeat cannot be combined with", "shopctl call cart AddItem --repeat 100")
}

func measured(t *testing.T, w *clitest.World) callcmd.MeasureView {
	t.Helper()
	var v callcmd.MeasureView
	if err := json.Unmarshal(w.Out.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
