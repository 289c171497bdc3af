package frontend

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/shopctl/shopctl/services/frontend/html"
)

// maxForm bounds the body of a POST; the largest form has ten fields.
const maxForm = 64 << 10

// server serves requests. It has no state but caches.
type server struct {
	n       *clients
	assets  *assets
	log     *slog.Logger
	now     func() time.Time
	newID   func() string
	version string
	pod     string
	// session is shared by all visitors, if not empty.
	session string
	orders  *receipts
	rest    http.Handler
	writers sync.Pool // of *html.Writer
}

// page handles one visit; its error becomes an error page.
type page func(v *visit) error

// visit is one request of a browser.
type visit struct {
	w        http.ResponseWriter
	r        *http.Request
	session  string
	currency string
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// handler routes requests. Patterns become span names and metric labels, so there are few of them.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, p := range map[string]page{
		"GET /{$}":            s.home,
		"GET /product/{id}":   s.product,
		"GET /search":         s.search,
		"GET /cart":           s.cart,
		"POST /cart":          s.addToCart,
		"POST /cart/line":     s.changeLine,
		"POST /cart/empty":    s.emptyCart,
		"POST /cart/checkout": s.checkout,
		"GET /order/{id}":     s.order,
		"POST /setCurrency":   s.setCurrency,
		"GET /logout":         s.logout,
	} {
		mux.HandleFunc(pattern, s.visit(p))
	}
	mux.HandleFunc("GET /product-meta/{id}", s.productMeta)
	mux.Handle("GET /static/{path...}", s.assets)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { s.assets.serve(w, r, "img/logo.svg") })
	for _, pattern := range append(restPatterns(), restRoot) {
		mux.Handle(pattern, s.rest)
	}
	mux.HandleFunc("/robots.txt", plain("User-agent: *\nDisallow: /\n"))
	mux.HandleFunc("/_healthz", plain("ok"))
	mux.HandleFunc("/", s.visit(func(v *visit) error { return s.noRoute(v, mux) }))
	return secure(mux)
}

func plain(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}
}

// visit identifies the visitor, refuses forms from other sites, and turns errors into pages.
func (s *server) visit(p page) http.HandlerFunc {
	var origin http.CrossOriginProtection
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Pattern == "GET /{$}" {
			r.Pattern = "GET /" // what people call it, in spans and metrics too
		}
		v := s.identify(w, r)
		if err := origin.Check(r); err != nil {
			s.fail(v, &pageError{
				code: http.StatusForbidden, title: "This form came from another site",
				text: "For your safety, the shop only accepts forms from its own pages. Nothing was changed.",
			})
			return
		}
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			if err := r.ParseForm(); err != nil {
				s.fail(v, &pageError{code: http.StatusBadRequest, title: "This form cannot be read", text: "It is not a form, or it is far too long. Nothing was changed."})
				return
			}
		}
		if err := p(v); err != nil {
			s.fail(v, err)
		}
	}
}

// noRoute handles requests that match no other pattern: an unknown page or method.
func (s *server) noRoute(v *visit, mux *http.ServeMux) error {
	allowed := ""
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		probe := &http.Request{Method: method, URL: v.r.URL, Host: v.r.Host}
		if _, pattern := mux.Handler(probe); pattern != "/" {
			if allowed != "" {
				allowed += ", "
			}
			if allowed += method; method == http.MethodGet {
				allowed += ", " + http.MethodHead
			}
		}
	}
	v.r.Pattern = ""
	if allowed == "" {
		return &pageError{code: http.StatusNotFound, title: "There is no such page", text: "Nothing is at this address. All products are on the home page."}
	}
	v.w.Header().Set("Allow", allowed)
	return &pageError{code: http.StatusMethodNotAllowed, title: "This page cannot be used that way", text: "This address accepts only " + allowed + "."}
}

// respond writes a page with the shop's frame around it.
func (s *server) respond(v *visit, code int, h head, body func(w *html.Writer)) error {
	w, ok := s.writers.Get().(*html.Writer)
	if !ok {
		w = new(html.Writer)
	}
	defer func() { w.Reset(); s.writers.Put(w) }()
	s.frame(w, v, h, body)

	header := v.w.Header()
	header["Content-Type"] = contentHTML
	header["Cache-Control"] = cachePage
	if h.private {
		header["Cache-Control"] = cacheNever
	}
	header.Set("Content-Length", strconv.Itoa(len(w.Bytes())))
	v.w.WriteHeader(code)
	_, _ = v.w.Write(w.Bytes()) // the visitor may have left
	return nil
}

// redirect redirects the browser after a form, so that reloading never sends the form again.
func redirect(v *visit, to string) error {
	v.w.Header().Set("Location", to)
	v.w.WriteHeader(http.StatusFound)
	return nil
}

// traceID is the id of the trace that this request belongs to; empty if there is none.
func traceID(ctx context.Context) string {
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		return sc.TraceID().String()
	}
	return ""
}
