package frontend

import (
	"errors"
	"fmt"
	"net/http"

	"google.golang.org/grpc/codes"

	"github.com/shopctl/shopctl/services/frontend/html"
)

// pageError is a response other than the requested page. Its texts are for the visitor.
type pageError struct {
	code  int
	title string
	text  string
	// service is the one that failed, grpc its status; empty if the storefront itself refuses.
	service string
	grpc    string
	// link is where to continue; the first page if empty.
	link, linkText string
}

func (e *pageError) Error() string { return e.title }

// fail shows an error page. The message of the service goes only to the log: it may hold addresses.
func (s *server) fail(v *visit, err error) {
	var e *pageError
	if !errors.As(err, &e) {
		e = explain(err)
	}
	if e.code >= http.StatusInternalServerError {
		s.log.WarnContext(v.ctx(), "page failed", "path", v.r.URL.Path, "code", e.code, "upstream", e.service, "error", err.Error())
	}
	h := head{currency: v.currency, count: unknownCount}
	if e.service != nameCart { // whose call would only fail again
		h = s.head(v)
	}
	h.title, h.private = e.title, true
	_ = s.respond(v, e.code, h, func(w *html.Writer) { errorView(w, e, traceID(v.ctx())) })
}

// explain describes the failure of a service.
func explain(err error) *pageError {
	var h *serviceError
	if !errors.As(err, &h) {
		return &pageError{code: http.StatusInternalServerError, title: "Something went wrong", text: "The storefront failed. The reason is in its log."}
	}
	e := &pageError{service: h.service, grpc: statusName(h.code())}
	switch h.code() {
	case codes.Unavailable:
		e.code, e.title = http.StatusServiceUnavailable, fmt.Sprintf("The %s service is not available", h.service)
		e.text = "It is not responding at the moment. Please try again shortly."
	case codes.DeadlineExceeded:
		e.code, e.title = http.StatusGatewayTimeout, fmt.Sprintf("The %s service takes too long", h.service)
		e.text = "It did not respond in time. Please try again shortly."
	case codes.ResourceExhausted:
		e.code, e.title = http.StatusServiceUnavailable, fmt.Sprintf("The %s service is overloaded", h.service)
		e.text = "It has too many requests at the moment. Please try again shortly."
	case codes.InvalidArgument, codes.OutOfRange:
		e.code, e.title = http.StatusUnprocessableEntity, fmt.Sprintf("The %s service rejected the request", h.service)
		e.text = "The request is not valid. Nothing was changed."
	default:
		e.code, e.title = http.StatusInternalServerError, fmt.Sprintf("The %s service failed", h.service)
		e.text = "It could not complete the request. Please try again shortly."
	}
	return e
}

// statusName is a status code as the gRPC specification writes it: "UNAVAILABLE".
func statusName(c codes.Code) string {
	names := [...]string{
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
		"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
	}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("CODE(%d)", c)
}

func errorView(w *html.Writer, e *pageError, trace string) {
	w.Lit(`<section class="failure" role="alert"><p class="eyebrow">`).Int(e.code).Lit(` `).Text(http.StatusText(e.code)).Lit(`</p><h1>`).Text(e.title).Lit(`</h1><p>`).Text(e.text).Lit(`</p>`)
	w.Lit(`<dl class="facts">`)
	if e.service != "" {
		w.Lit(`<div><dt>Failing service</dt><dd><code>`).Text(e.service).Lit(`</code></dd></div><div><dt>Status</dt><dd><code>`).Text(e.grpc).Lit(`</code></dd></div>`)
	}
	if trace != "" {
		w.Lit(`<div><dt>Trace id</dt><dd><code>`).Text(trace).Lit(`</code></dd></div>`)
	}
	link, text := e.link, e.linkText
	if link == "" {
		link, text = "/", "To the first page"
	}
	w.Lit(`</dl><p><a class="button"`).Attr("href", link).Lit(`>`).Text(text).Lit(`</a></p></section>`)
}
