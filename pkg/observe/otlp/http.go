package otlp

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/shopctl/shopctl/pkg/observe/loopback"
	"github.com/shopctl/shopctl/pkg/trace"
)

// Path is where spans are sent over HTTP.
const Path = "/v1/traces"

const (
	typeProtobuf = "application/x-protobuf"
	typeJSON     = "application/json"
)

func (r *Receiver) newHTTP() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc(Path, r.serveTraces)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "spans are accepted at POST "+Path+", and nothing else", http.StatusNotFound)
	})
	return &http.Server{
		Handler: loopback.Guard(mux), ReadHeaderTimeout: readTimeout / 2, ReadTimeout: readTimeout, WriteTimeout: readTimeout,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

// refusal is an error with its HTTP status.
type refusal struct {
	status int
	code   codes.Code
	text   string
}

func (e *refusal) Error() string { return e.text }

func refuse(status int, code codes.Code, format string, args ...any) error {
	return &refusal{status, code, fmt.Sprintf(format, args...)}
}

// serveTraces is OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp): the response, of an error
// too, is encoded as the request is.
func (r *Receiver) serveTraces(w http.ResponseWriter, req *http.Request) {
	if origin := req.Header.Get("Origin"); origin != "" { // a page of this machine, as the guard has seen
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type, Content-Encoding")
		w.Header().Set("Vary", "Origin")
	}
	switch req.Method {
	case http.MethodPost:
	case http.MethodOptions:
		w.Header().Set("Access-Control-Allow-Methods", http.MethodPost)
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		w.Header().Set("Allow", http.MethodPost)
		writeAnswer(w, typeProtobuf, http.StatusMethodNotAllowed, &spb.Status{Code: int32(codes.Unimplemented), Message: "want POST"})
		return
	}
	kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type")) // one that cannot be read is another one
	if kind != typeJSON && kind != typeProtobuf {
		r.cfg.Store.Refuse(1)
		writeRefusal(w, typeProtobuf, refuse(http.StatusUnsupportedMediaType, codes.InvalidArgument, "want Content-Type %s or %s", typeProtobuf, typeJSON))
		return
	}
	encoded, err := r.receive(w, req, kind)
	if err != nil {
		r.cfg.Store.Refuse(1)
		writeRefusal(w, kind, err)
		return
	}
	response, err := r.file(encoded)
	if err != nil {
		writeRefusal(w, kind, refuse(http.StatusBadRequest, codes.InvalidArgument, "%v", err))
		return
	}
	writeAnswer(w, kind, http.StatusOK, response)
}

// receive reads the body of a request in either format, and returns protobuf.
func (r *Receiver) receive(w http.ResponseWriter, req *http.Request, kind string) ([]byte, error) {
	queues := []chan struct{}{r.turns.all}
	if kind == typeJSON {
		queues = append(queues, r.turns.json)
	}
	for _, queue := range queues {
		leave, err := enter(req.Context(), queue)
		if err != nil {
			return nil, refuse(http.StatusTooManyRequests, codes.ResourceExhausted, "%v", err)
		}
		defer leave()
	}
	body, err := readBody(w, req)
	if err != nil || kind == typeProtobuf {
		return body, err
	}
	data, err := trace.DecodeJSON(body)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, codes.InvalidArgument, "%v", err)
	}
	encoded, err := proto.Marshal(data)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, codes.InvalidArgument, "%v", err)
	}
	return encoded, nil
}

func readBody(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	var body io.Reader = http.MaxBytesReader(w, req.Body, maxRequest)
	switch encoding := strings.ToLower(req.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, bodyError(err)
		}
		body = unzipped
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, codes.InvalidArgument, "Content-Encoding %q is not supported, want gzip or none", encoding)
	}
	content, err := io.ReadAll(io.LimitReader(body, maxRequest+1))
	if err != nil {
		return nil, bodyError(err)
	}
	if len(content) > maxRequest {
		return nil, tooLarge()
	}
	return content, nil
}

func bodyError(err error) error {
	var beyond *http.MaxBytesError
	if errors.As(err, &beyond) {
		return tooLarge()
	}
	return refuse(http.StatusBadRequest, codes.InvalidArgument, "read request: %v", err)
}

func tooLarge() error {
	return refuse(http.StatusRequestEntityTooLarge, codes.ResourceExhausted, "the request is larger than %d MB: send fewer spans at a time", maxRequest>>20)
}

func writeRefusal(w http.ResponseWriter, kind string, err error) {
	e := &refusal{http.StatusBadRequest, codes.InvalidArgument, err.Error()}
	errors.As(err, &e)
	if e.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	writeAnswer(w, kind, e.status, &spb.Status{Code: int32(e.code), Message: strings.ToValidUTF8(e.text, "?")})
}

func writeAnswer(w http.ResponseWriter, kind string, code int, message proto.Message) {
	encode := proto.Marshal
	if kind == typeJSON {
		encode = protojson.Marshal
	}
	text, err := encode(message)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(code)
	_, _ = w.Write(text) // the sender is gone
}
