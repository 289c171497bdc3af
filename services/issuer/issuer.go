// Package issuer signs tokens for every caller, in the way of an OpenID provider: its keys and where they are found are public
// (RFC 7517, OpenID Connect Discovery 1.0), what it signs are JSON Web Tokens (RFC 7519). It asks for no password, so its tokens
// are as honest as its callers are. It is for trying what a shop does with tokens; at work, an identity provider is in its
// place.
//
// Its keys are in DATA_DIR, which outlives the process; without that they are new with each one.
package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/shopctl/shopctl/pkg/chassis"
)

const (
	// servicePort is the port of its Service: the port that it serves is another on one machine.
	servicePort = "8080"
	// longestLife is how long a token may be good for. A key that signs no more stays public for as long.
	longestLife = 24 * time.Hour
	// maxRequest bounds what is to be signed, in bytes.
	maxRequest = 64 << 10
)

// Setup registers the service on rt. ISSUER_HOST is the host under which others find it.
func Setup(_ context.Context, rt *chassis.Runtime) error {
	host := rt.Env("ISSUER_HOST", "issuer.production.svc.cluster.local")
	if strings.ContainsAny(host, ":/ ") {
		return fmt.Errorf("read ISSUER_HOST=%q: want the name of a host, without a port, such as issuer.production.svc.cluster.local", host)
	}
	keys, err := openKeys(rt.DataDir(), rt.Now)
	if err != nil {
		return err
	}
	s := &server{url: "http://" + net.JoinHostPort(host, servicePort), keys: keys, now: rt.Now}
	rt.Log().Info("issuer of tokens", "issuer", s.url, "key", keys.current())
	rt.ServeHTTP(s.handler())
	return nil
}

type server struct {
	url  string
	keys *keys
	now  func() time.Time
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok"))
	})
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, discovery{
			Issuer: s.url, JWKSURI: s.url + "/keys",
			Subjects: []string{"public"}, ResponseTypes: []string{"id_token"}, Algorithms: []string{algorithm},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.keys.public()) })
	mux.HandleFunc("POST /sign", fromProgram(s.sign))
	mux.HandleFunc("POST /rotate", fromProgram(s.rotate))
	return mux
}

// discovery is the document by which clients find the keys; authorization and token endpoints are not offered.
type discovery struct {
	Issuer        string   `json:"issuer"`
	JWKSURI       string   `json:"jwks_uri"`
	Subjects      []string `json:"subject_types_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
}

// fromProgram refuses what a web page could send to this machine without its being asked: requests of other types than JSON.
func fromProgram(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
			refuse(w, http.StatusUnsupportedMediaType, fmt.Errorf("content-type %q: want application/json", kind))
			return
		}
		if r.Header.Get("Origin") != "" {
			refuse(w, http.StatusForbidden, errors.New("web pages are not served"))
			return
		}
		next(w, r)
	}
}

// Signed is the answer to POST /sign.
type Signed struct {
	Token string `json:"token"`
}

// sign signs the claims in the body. What is not said is added: the issuer, when it was issued, an identifier, and an end after
// ten minutes.
func (s *server) sign(w http.ResponseWriter, r *http.Request) {
	given, err := readClaims(w, r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	now := s.now()
	claims := map[string]any{"iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(), "jti": uuid.NewString()}
	maps.Copy(claims, given)
	claims["iss"] = s.url
	if end, ok := claims["exp"].(float64); ok && end > float64(now.Add(longestLife).Unix()) {
		refuse(w, http.StatusBadRequest, fmt.Errorf("exp %.0f: a token is good for %s at most", end, longestLife))
		return
	}
	token, err := s.keys.sign(claims)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusOK, Signed{Token: token})
}

func readClaims(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	var claims map[string]any
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&claims); err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		if value, given := claims[name]; given {
			if _, number := value.(float64); !number {
				return nil, fmt.Errorf("claim %s: want seconds since 1970, a number", name)
			}
		}
	}
	if iss, given := claims["iss"]; given {
		return nil, fmt.Errorf("claim iss %q: it is always the issuer's own", iss)
	}
	return claims, nil
}

// Rotated is the answer to POST /rotate: the identifiers of the keys that sign from now on, and up to now.
type Rotated struct {
	Current  string `json:"current"`
	Previous string `json:"previous"`
}

func (s *server) rotate(w http.ResponseWriter, _ *http.Request) {
	previous := s.keys.current()
	if err := s.keys.rotate(); err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusOK, Rotated{Current: s.keys.current(), Previous: previous})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller may have left
}

// refuse answers with an error, as OAuth 2.0 writes it (RFC 6749, section 5.2).
func refuse(w http.ResponseWriter, status int, err error) {
	code := "invalid_request"
	if status == http.StatusInternalServerError {
		code = "server_error"
	}
	answer(w, status, map[string]string{"error": code, "error_description": err.Error()})
}
