package frontend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
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
	err := pb.RegisterProductCatalogServiceHandlerClient(context.Background(), mux, catalog)
	if payment != nil {
		err = errors.Join(err, pb.RegisterPaymentServiceHandlerClient(context.Background(), mux, payment))
	}
	if err != nil {
		return nil, err
	}
	return guardREST(mux, marshaler), nil
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

// guardREST refuses requests from pages of other sites, bounds the body, and handles HEAD as GET.
func guardREST(mux *runtime.ServeMux, marshaler runtime.Marshaler) http.Handler {
	var origin http.CrossOriginProtection
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Cache-Control"] = cacheNever
		if origin.Check(r) != nil {
			refusal := status.Error(codes.PermissionDenied, "requests from pages of another site are refused")
			runtime.DefaultHTTPErrorHandler(r.Context(), mux, marshaler, w, r, refusal)
			return
		}
		if key := unreadParameter(r); key != "" {
			refusal := status.Errorf(codes.InvalidArgument, "unknown parameter %q", key)
			runtime.DefaultHTTPErrorHandler(r.Context(), mux, marshaler, w, r, refusal)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if r.Method == http.MethodHead {
			r = r.WithContext(r.Context())
			r.Method = http.MethodGet
		}
		mux.ServeHTTP(w, r)
	})
}

// restMethods are those of a path that has some.
func restMethods(path string) string {
	if path == restRoot+"payments" {
		return http.MethodPost
	}
	return http.MethodGet + ", " + http.MethodHead
}

// restNoRoute responds to an unknown path with 404, and to a method that a path does not have with 405; the library
// would respond to the latter with UNIMPLEMENTED.
func restNoRoute(ctx context.Context, mux *runtime.ServeMux, m runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	err := &runtime.HTTPStatusError{HTTPStatus: code, Err: status.Errorf(codes.NotFound, "no route for %s %s", r.Method, r.URL.Path)}
	switch code {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", restMethods(r.URL.Path))
		err.Err = status.Errorf(codes.Unimplemented, "%s does not accept %s", r.URL.Path, r.Method)
	case http.StatusBadRequest:
		err.Err = status.Errorf(codes.InvalidArgument, "the path %s cannot be read", r.URL.Path)
	}
	runtime.DefaultHTTPErrorHandler(ctx, mux, m, w, r, err)
}
