// Package promapi serves Prometheus' HTTP API over the shop's metrics, so that Grafana, promtool and another
// Prometheus can be pointed at a shop. It serves what they use: queries, labels, series, metadata, rules,
// alerts, targets, and federation.
//
// It is for programs on this machine. A page in a browser could otherwise read it, by a name of its own that
// it lets point here (DNS rebinding): so a request that was sent to another host than this, or by a page of
// another origin, is refused. There is nothing here that changes anything.
package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/shopctl/shopctl/pkg/observe/alert"
	"github.com/shopctl/shopctl/pkg/observe/loopback"
	"github.com/shopctl/shopctl/pkg/observe/query"
	"github.com/shopctl/shopctl/pkg/observe/scrape"
	"github.com/shopctl/shopctl/pkg/observe/tsdb"
)

const (
	// maxForm bounds the body of a POST.
	maxForm = 1 << 20
	// maxRequests is how many requests are served at the same time; more are refused.
	maxRequests = 16
	// requestTimeout bounds the work for one request.
	requestTimeout = 20 * time.Second
	// engineVersion is reported to clients, which derive the server's features from it.
	engineVersion = "3.15.0"
)

// Config configures an API. All of it is required.
type Config struct {
	Query *query.Engine
	DB    *tsdb.DB
	Rules *alert.Manager
	// Targets returns how scrapes went.
	Targets func() []scrape.Status
	// Own are the metrics of this process.
	Own prometheus.Gatherer
	Now func() time.Time
	// Version of shopctl.
	Version string
}

type api struct {
	Config
	slots chan struct{}
}

// New makes a handler of the whole API.
func New(cfg Config) http.Handler {
	a := &api{Config: cfg, slots: make(chan struct{}, maxRequests)}
	mux := http.NewServeMux()
	for path, f := range map[string]func(*http.Request) (any, error){
		"query": a.query, "query_range": a.queryRange, "labels": a.labels, "series": a.series,
	} {
		mux.Handle("GET /api/v1/"+path, a.handle(f))
		mux.Handle("POST /api/v1/"+path, a.handle(f))
	}
	for path, f := range map[string]func(*http.Request) (any, error){
		"label/{name}/values": a.labelValues, "metadata": a.metadata, "rules": a.rules, "alerts": a.alerts,
		"targets": a.targets, "status/buildinfo": a.buildInfo, "query_exemplars": a.exemplars, "status/config": a.config, "status/flags": a.flags,
	} {
		mux.Handle("GET /api/v1/"+path, a.handle(f))
	}
	mux.HandleFunc("POST /api/v1/query_exemplars", a.handle(a.exemplars))
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { noRoute(w, r, mux) })
	mux.HandleFunc("GET /federate", a.federate)
	mux.Handle("GET /metrics", promhttp.HandlerFor(cfg.Own, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	for _, probe := range []string{"ready", "healthy"} {
		mux.HandleFunc("GET /-/"+probe, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("shopctl is " + probe + ".\n"))
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("Prometheus' HTTP API over the metrics of the shop: /api/v1/query, /api/v1/query_range, /federate, ...\n"))
	})
	return a.guard(mux)
}

// noRoute responds to a path that does not exist, or does not have the method.
func noRoute(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		if _, pattern := mux.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host}); pattern != "/api/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		fail(w, &apiError{http.StatusNotFound, "not_found", "there is no " + r.Method + " " + r.URL.Path + " here"})
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
}

// guard refuses what does not come from a program on this machine, and what is too much.
func (a *api) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !loopback.IsHost(r.Host) {
			http.Error(w, "the host "+clip(r.Host)+" is not this one; use 127.0.0.1", http.StatusForbidden)
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && !sameOrigin(origin, r.Host) || r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			http.Error(w, "requests from pages of other origins are refused", http.StatusForbidden)
			return
		}
		select {
		case a.slots <- struct{}{}:
			defer func() { <-a.slots }()
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many requests at the same time", http.StatusServiceUnavailable)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// sameOrigin is stricter than package loopback is: a page of another port of this machine reads nothing here.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Scheme == "http" && strings.EqualFold(u.Host, host)
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}

// apiError is an error in Prometheus' format.
type apiError struct {
	status int
	kind   string
	text   string
}

func (e *apiError) Error() string { return e.text }

func badData(text string) error { return &apiError{http.StatusBadRequest, "bad_data", text} }

// response is the envelope of all responses.
type response struct {
	Status    string   `json:"status"`
	Data      any      `json:"data,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Infos     []string `json:"infos,omitempty"`
}

// handle makes a handler of a function that returns data, or a response with warnings.
func (a *api) handle(f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			fail(w, badData("error parsing form values: "+err.Error()))
			return
		}
		data, err := f(r)
		if err != nil {
			fail(w, err)
			return
		}
		resp, ok := data.(response)
		if !ok {
			resp = response{Data: data}
		}
		resp.Status = "success"
		write(w, http.StatusOK, resp)
	}
}

func write(w http.ResponseWriter, status int, resp response) {
	body, err := json.Marshal(resp)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func fail(w http.ResponseWriter, err error) {
	e := &apiError{http.StatusInternalServerError, "internal", err.Error()}
	var wrong *query.Error
	var own *apiError
	switch {
	case errors.As(err, &own):
		e = own
	case errors.As(err, &wrong):
		switch wrong.Kind {
		case query.Invalid:
			e.status, e.kind = http.StatusBadRequest, "bad_data"
		case query.TimedOut:
			e.status, e.kind = http.StatusServiceUnavailable, "timeout"
		default:
			e.status, e.kind = http.StatusUnprocessableEntity, "execution"
		}
	case errors.Is(err, context.DeadlineExceeded):
		e.status, e.kind = http.StatusServiceUnavailable, "timeout"
	case errors.Is(err, context.Canceled):
		e.status, e.kind = 499, "canceled"
	}
	write(w, e.status, response{Status: "error", ErrorType: e.kind, Error: e.text})
}
