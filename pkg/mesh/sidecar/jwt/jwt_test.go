package jwt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
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
	"testing"
	"time"

	jwtv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/jwt_authn/v3"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/go-jose/go-jose/v4"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
	"github.com/shopctl/shopctl/pkg/mesh/sidecar/jwt"
)

const issuer = "https://id.shop.example"

// issuers signs tokens, with keys of each kind.
type issuers struct {
	rsa  *rsa.PrivateKey
	ec   *ecdsa.PrivateKey
	ed   ed25519.PrivateKey
	jwks string
}

func newIssuers(t testing.TB) *issuers {
	t.Helper()
	is := &issuers{}
	var err error
	if is.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if is.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, is.ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: is.rsa.Public(), KeyID: "rsa"}, {Key: is.ec.Public(), KeyID: "ec", Algorithm: "ES256"}, {Key: is.ed.Public(), KeyID: "ed"},
	}}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	is.jwks = string(text)
	return is
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// sign signs with the key that an algorithm needs; the header is as given.
func (is *issuers) sign(t testing.TB, alg jose.SignatureAlgorithm, header, claims string) string {
	t.Helper()
	text := encode(header) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	var signature []byte
	var err error
	switch alg {
	case jose.RS256:
		signature, err = rsa.SignPKCS1v15(rand.Reader, is.rsa, crypto.SHA256, sum[:])
	case jose.PS256:
		signature, err = rsa.SignPSS(rand.Reader, is.rsa, crypto.SHA256, sum[:], nil)
	case jose.EdDSA:
		signature = ed25519.Sign(is.ed, []byte(text))
	default:
		r, s, e := ecdsa.Sign(rand.Reader, is.ec, sum[:])
		signature, err = make([]byte, 64), e
		if e == nil {
			r.FillBytes(signature[:32])
			s.FillBytes(signature[32:])
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// now is the time of all tests.
func now() time.Time { return time.Unix(1_800_000_000, 0) }

func at(d time.Duration) int64 { return now().Add(d).Unix() }

// good is a token that is valid; more are further claims, as JSON after a comma.
func (is *issuers) good(t testing.TB, more string) string {
	return is.sign(t, jose.ES256, `{"alg":"ES256","kid":"ec"}`, fmt.Sprintf(`{"iss":%q,"sub":"alice","exp":%d%s}`, issuer, at(time.Hour), more))
}

// filter compiles Istio's filter for one rule, with further fields of its provider.
func filter(t testing.TB, jwks, fields string) *jwt.Filter {
	t.Helper()
	quoted, err := json.Marshal(jwks)
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, `{"bypassCorsPreflight": true, "providers": {"origins-0": {"issuer": "`+issuer+`", "localJwks": {"inlineString": `+string(quoted)+`},
		"normalizePayloadInMetadata": {"spaceDelimitedClaims": ["permission", "scope"]}, "payloadInMetadata": "payload"`+fields+`}},
		"rules": [{"match": {"prefix": "/"}, "requires": {"requiresAny": {"requirements": [{"providerName": "origins-0"}, {"allowMissing": {}}]}}}]}`)
}

func compile(t testing.TB, config string) *jwt.Filter {
	t.Helper()
	var message jwtv3.JwtAuthentication
	if err := protojson.Unmarshal([]byte(config), &message); err != nil {
		t.Fatal(err)
	}
	f, err := jwt.Compile(&message)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func request(pairs ...string) field.Fields {
	f := field.Fields{{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "shop"}, {Name: ":path", Value: "/a"}}
	for i := 0; i < len(pairs); i += 2 {
		if f.Has(pairs[i]) && pairs[i][0] == ':' {
			f.Set(pairs[i], pairs[i+1])
			continue
		}
		f = append(f, hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return f
}

func bearer(token string) field.Fields { return request("authorization", "Bearer "+token) }

// publicPEM is the public key as a text, which an attacker knows.
func (is *issuers) publicPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(is.rsa.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func hmacToken(header, claims string, key []byte) string {
	text := encode(header) + "." + encode(claims)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
