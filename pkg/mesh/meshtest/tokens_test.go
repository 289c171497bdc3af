package meshtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc/metadata"
)

const issuer = "https://id.shop.example"

// tokens are those of an issuer, good and bad, by what is wrong with them.
type tokens struct {
	jwks string
	by   map[string]string
}

func newTokens(t *testing.T) *tokens {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: key.Public(), KeyID: "shop"}, {Key: newKey(t).Public(), KeyID: "other"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	claims := func(aud string, exp time.Time) string {
		return fmt.Sprintf(`{"iss":%q,"sub":"alice","aud":%q,"exp":%d}`, issuer, aud, exp.Unix())
	}
	later := time.Now().Add(time.Hour)
	good := claims("shop", later)
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	hs := encode(`{"alg":"HS256","kid":"shop"}`) + "." + encode(good)
	mac.Write([]byte(hs))
	x := &tokens{jwks: string(set)}
	x.by = map[string]string{
		"":        "",
		"good":    sign(t, jose.RS256, key, "shop", good),
		"none":    encode(`{"alg":"none"}`) + "." + encode(good) + ".AA",
		"HS256":   hs + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		"aud":     sign(t, jose.RS256, key, "shop", claims("bank", later)),
		"expired": sign(t, jose.RS256, key, "shop", claims("shop", time.Now().Add(-time.Hour))),
		"no kid":  sign(t, jose.ES256, newKey(t), "", good),
	}
	for name, size := range map[string]int{"giant": 48 << 10, "MiB": 1 << 20} {
		x.by[name] = sign(t, jose.RS256, key, "shop", strings.TrimSuffix(good, "}")+`,"x":"`+strings.Repeat("x", size)+`"}`)
	}
	return x
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid, claims string) string {
	t.Helper()
	options := &jose.SignerOptions{}
	if kid != "" {
		options = options.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// authentication is the object by which an account's pods accept the issuer's tokens.
func (x *tokens) authentication(account string) string {
	return fmt.Sprintf(`apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens}
spec:
  selector: {matchLabels: {app: %s}}
  jwtRules: [{issuer: %q, audiences: [shop], jwks: '%s'}]
`, account, issuer, x.jwks)
}

// present asks for the account with a token, and returns the response; nil: none came.
func (w *world) present(t *testing.T, token string) (*http.Response, string) {
	t.Helper()
	header := ""
	if token != "" {
		header = "Authorization: Bearer " + token + "\r\n"
	}
	return raw(t, connect(t, w.web.inbound(8080)), "GET /account HTTP/1.1\r\nHost: web\r\n"+header+"\r\n")
}

// badToken presents a token that is refused with a status and a text.
func badToken(name string, status int, body string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		if response, got := w.present(t, w.tokens.by["good"]); response == nil || response.StatusCode != 200 {
			t.Fatalf("the good token: %v, %s", response, got)
		}
		w.visited.take()
		response, got := w.present(t, w.tokens.by[name])
		if response == nil || response.StatusCode != status || got != body {
			t.Errorf("the answer is %v, %q, not %d, %q", response, got, status, body)
		}
		if reached := w.visited.take(); len(reached) > 0 {
			t.Errorf("the program got %q", reached)
		}
	}
}

// giantToken presents tokens that are valid but larger than all headers together may be, over both versions of HTTP.
func giantToken(t *testing.T, w *world) {
	for _, name := range []string{"giant", "MiB"} {
		if response, body := w.present(t, w.tokens.by[name]); response == nil || response.StatusCode != 431 {
			t.Errorf("%s: the answer is %v, %q", name, response, body)
		}
		conn := dial(t, w.web.inbound(8080), nil)
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+w.tokens.by[name])
		if err := call(ctx, conn, "/account"); err == nil {
			t.Errorf("%s: over HTTP/2 it is let in", name)
		}
	}
	if reached := w.visited.take(); len(reached) > 0 {
		t.Errorf("the program got %q", reached)
	}
}
