package frontend

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "github.com/shopctl/shopctl/pkg/rpc/hipstershop"
)

// restRoot is the path of the REST interface.
const restRoot = "/api/v1/"

// restPatterns are the paths of pkg/rpc/proto/rest.yaml, as spans and metrics name them.
func restPatterns() []string {
	return []string{"GET /api/v1/products", "GET /api/v1/products/{id}", "GET /api/v1/products:search", "POST /api/v1/payments"}
}

// rest transcodes: a request in JSON over HTTP becomes a call of the service, whose response or status is returned as
// JSON. The mapping is generated from the contract. Without a payment client (nil), there is no path for payments.
func rest(catalog pb.ProductCatalogServiceClient, payment pb.PaymentServiceClient) (http.Handler, error) {
	// Responses have every field, and an unknown field in a request is an error, so that a typo does not go unnoticed.
	marshaler := compactJSON{&runtime.JSONPb{MarshalOptions: protojson.MarshalOptions{EmitUnpopulated: true}}}
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, marshaler),
		runtime.WithIncomingHeaderMatcher(restHeader),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithRoutingErrorHandler(restNoRoute),
		runtime.SetQueryParameterParser(strictQuery{}),
	)
	// The context would end connections that these open; they open none.
	patterns := restPatterns()
	err := pb.RegisterProductCatalogServiceHandlerClient(context.Background(), mux, catalog)
	if payment == nil {
		patterns = slices.DeleteFunc(patterns, func(p string) bool { return strings.HasPrefix(p, http.MethodPost) })
	} else {
		err = errors.Join(err, pb.RegisterPaymentServiceHandlerClient(context.Background(), mux, payment))
	}
	if err != nil {
		return nil, err
	}
	return &restGuard{mux: mux, marshaler: marshaler, patterns: patterns}, nil
}

// compactJSON removes the spaces that protojson adds at random, so that programs do not depend on its exact output.
// Lessons count the bytes.
type compactJSON struct{ *runtime.JSONPb }

// Marshal implements runtime.Marshaler.
func (c compactJSON) Marshal(v any) ([]byte, error) {
	text, err := c.JSONPb.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// restHeader passes on the headers of calls; the trace is propagated by the context.
func restHeader(name string) (string, bool) {
	switch name = strings.ToLower(name); name {
	case "idempotency-key", "x-request-id", "x-canary":
		return name, true
	}
	return "", false
}

// strictQuery reads the query into a request, and refuses what the request has no field for.
type strictQuery struct{ runtime.DefaultQueryParser }

func (q strictQuery) Parse(to proto.Message, query url.Values, filter *utilities.DoubleArray) error {
	fields := to.ProtoReflect().Descriptor().Fields()
	for key := range query {
		name, _, _ := strings.Cut(key, ".")
		if fields.ByJSONName(name) == nil && fields.ByTextName(name) == nil {
			return fmt.Errorf("unknown parameter %q", key)
		}
	}
	return q.DefaultQueryParser.Parse(to, query, filter)
}

// unreadParameter is a parameter of a request whose method takes none from the query: its handler does not look there.
func unreadParameter(r *http.Request) string {
	if r.URL.RawQuery == "" || strings.HasSuffix(r.URL.Path, ":search") {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(r.URL.Query())) {
		return key
	}
	return ""
}

// restGuard refuses requests that no method of the contract should see, each kind alike on every path.
type restGuard struct {
	mux       *runtime.ServeMux
	marshaler runtime.Marshaler
	// patterns are the methods and paths that there are, as in restPatterns.
	patterns []string
	origin   http.CrossOriginProtection
}

// ServeHTTP handles HEAD as GET, and OPTIONS by itself.
func (g *restGuard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Cache-Control"] = cacheNever
	allowed := restMethods(g.patterns, r.URL.Path)
	switch {
	case g.origin.Check(r) != nil:
		g.refuse(w, r, 0, codes.PermissionDenied, "requests from pages of another site are refused")
		return
	case len(allowed) == 0:
		restNoRoute(r.Context(), g.mux, g.marshaler, w, r, http.StatusNotFound)
		return
	case r.Method == http.MethodOptions:
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		w.WriteHeader(http.StatusNoContent)
		return
	case !slices.Contains(allowed, r.Method):
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		restNoRoute(r.Context(), g.mux, g.marshaler, w, r, http.StatusMethodNotAllowed)
		return
	case !acceptsJSON(r.Header.Values("Accept")):
		g.refuse(w, r, http.StatusNotAcceptable, codes.InvalidArgument, "this address answers in application/json only")
		return
	}
	if key := unreadParameter(r); key != "" {
		g.refuse(w, r, 0, codes.InvalidArgument, fmt.Sprintf("unknown parameter %q", key))
		return
	}
	if !g.readBody(w, r) {
		return
	}
	if r.Method == http.MethodHead {
		r = r.WithContext(r.Context())
		r.Method = http.MethodGet
	}
	g.mux.ServeHTTP(w, r)
}

// readBody bounds the body of a request, and reports whether it is one that the method may see: JSON, or without a type.
func (g *restGuard) readBody(w http.ResponseWriter, r *http.Request) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		g.refuse(w, r, http.StatusRequestEntityTooLarge, codes.InvalidArgument, fmt.Sprintf("the body is too large: at most %d bytes are read", maxForm))
		return false
	case err != nil:
		g.refuse(w, r, 0, codes.InvalidArgument, "the body cannot be read: "+err.Error())
		return false
	}
	if kind := r.Header.Get("Content-Type"); len(body) > 0 && kind != "" && !isJSON(kind) {
		w.Header().Set("Accept", jsonType)
		g.refuse(w, r, http.StatusUnsupportedMediaType, codes.InvalidArgument, fmt.Sprintf("the body must be application/json, not %s", kind))
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return true
}

// refuse responds with an error; httpStatus 0 is the status that belongs to the code.
func (g *restGuard) refuse(w http.ResponseWriter, r *http.Request, httpStatus int, code codes.Code, text string) {
	err := status.Error(code, text)
	if httpStatus != 0 {
		err = &runtime.HTTPStatusError{HTTPStatus: httpStatus, Err: err}
	}
	runtime.DefaultHTTPErrorHandler(r.Context(), g.mux, g.marshaler, w, r, err)
}

const jsonType = "application/json"

// isJSON reports whether a media type is JSON's, or one that is written in JSON.
func isJSON(mediaType string) bool {
	kind, _, err := mime.ParseMediaType(mediaType)
	return err == nil && (kind == jsonType || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}

// acceptsJSON reports whether values of Accept allow a response in JSON: without any, everything is allowed. A range with
// q=0 refuses what it means, and the most specific one counts (RFC 9110, 12.5.1).
func acceptsJSON(accept []string) bool {
	if len(accept) == 0 {
		return true
	}
	best, accepted := -1, false
	for _, item := range strings.Split(strings.Join(accept, ","), ",") {
		kind, params, err := mime.ParseMediaType(item)
		specific := slices.Index([]string{"*/*", "application/*", jsonType}, kind)
		if err != nil || specific <= best {
			continue
		}
		q, err := strconv.ParseFloat(cmp.Or(params["q"], "1"), 64)
		best, accepted = specific, err == nil && q > 0
	}
	return accepted
}

// restMethods are those of a path, HEAD and OPTIONS among them; none: there is no such path.
func restMethods(patterns []string, path string) []string {
	for _, pattern := range patterns {
		method, own, _ := strings.Cut(pattern, " ")
		prefix, isVariable := strings.CutSuffix(own, "{id}")
		rest, below := strings.CutPrefix(path, prefix)
		if path != own && (!isVariable || !below || rest == "" || strings.Contains(rest, "/")) {
			continue
		}
		if method == http.MethodGet {
			return []string{http.MethodGet, http.MethodHead, http.MethodOptions}
		}
		return []string{method, http.MethodOptions}
	}
	return nil
}

// restNoRoute responds to an unknown path with 404, and to a method that a path does not have with 405; the library
// would respond to the latter with UNIMPLEMENTED.
func restNoRoute(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	err := &runtime.HTTPStatusError{HTTPStatus: code, Err: status.Errorf(codes.NotFound, "no route for %s %s", r.Method, r.URL.Path)}
	switch code {
	case http.StatusMethodNotAllowed:
		err.Err = status.Errorf(codes.Unimplemented, "%s does not accept %s", r.URL.Path, r.Method)
	case http.StatusBadRequest:
		err.Err = status.Errorf(codes.InvalidArgument, "the path %s cannot be read", r.URL.Path)
	}
	runtime.DefaultHTTPErrorHandler(ctx, mux, m, w, r, err)
}
