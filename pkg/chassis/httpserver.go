package chassis

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
)

// httpHandler wraps the service's own handler: trace, metrics, panics, faults, from the outside in.
func (rt *Runtime) httpHandler() http.Handler {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "http_requests_total",
		Help: "HTTP requests served, by method, route pattern and status code.",
	}, []string{"method", "route", "code"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "http_request_duration_seconds",
		Help:    "Time to serve an HTTP request, by method and route pattern.",
		Buckets: latencyBuckets,
	}, []string{"method", "route"})
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "http_requests_in_flight",
		Help: "HTTP requests in flight.",
	})
	rt.registry.MustRegister(requests, seconds, inFlight)

	inner := rt.faults.handler(rt.http)
	measured := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		inFlight.Inc()
		defer inFlight.Dec()
		if rt.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		rec := &recorder{ResponseWriter: w, code: http.StatusOK}
		defer func() {
			rt.recoverHTTP(rec, r, recover())
			route, method := routeOf(r), methodOf(r)
			trace.SpanFromContext(r.Context()).SetName(method + " " + route)
			requests.WithLabelValues(method, route, strconv.Itoa(rec.code)).Inc()
			seconds.WithLabelValues(method, route).Observe(time.Since(start).Seconds())
		}()
		inner.ServeHTTP(rec, r)
	})
	return otelhttp.NewHandler(measured, rt.o.Workload,
		otelhttp.WithTracerProvider(rt.provider),
		otelhttp.WithPropagators(rt.propagate),
		otelhttp.WithFilter(func(r *http.Request) bool { return !isInfrastructure(r.URL.Path) }),
	)
}

func (rt *Runtime) recoverHTTP(w *recorder, r *http.Request, panicked any) {
	if panicked == nil {
		return
	}
	if panicked == http.ErrAbortHandler {
		// A handler aborts a response with it (net/http).
		w.code = 499
		return
	}
	rt.log.ErrorContext(r.Context(), "panic", "path", r.URL.Path, "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	if !w.wrote {
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
	w.code = http.StatusInternalServerError
}

// routeOf is the pattern that served r ("/product/{id}"), so that names are few whatever paths are requested.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "other"
	}
	for i, c := range r.Pattern {
		if c == '/' {
			return r.Pattern[i:]
		}
	}
	return r.Pattern
}

// methodOf keeps the label's values few: a client may send any method.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	default:
		return "OTHER"
	}
}

// recorder records the status code of a response.
type recorder struct {
	http.ResponseWriter
	code  int
	wrote bool
}

func (w *recorder) WriteHeader(code int) {
	if !w.wrote {
		w.code, w.wrote = code, true
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *recorder) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
