package proxy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
	security "istio.io/api/security/v1beta1"

	"github.com/shopctl/shopctl/pkg/mesh/translate"
)

const issuer = "https://id.shop.example"

// tokens signs claims, and returns the set of keys that verify them.
func tokens(t *testing.T) (sign func(claims string) string, jwks string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "shop"}}})
	if err != nil {
		t.Fatal(err)
	}
	return func(claims string) string {
		signed, err := signer.Sign([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}, string(set)
}

func TestATokenIsRequiredByTheTwoPoliciesTogether(t *testing.T) {
	sign, jwks := tokens(t)
	m := mesh()
	meta := translate.Meta{Name: "jwt", Namespace: "shop"}
	m.RequestAuthentications = []translate.RequestAuthentication{{Meta: meta, Spec: &security.RequestAuthentication{
		JwtRules: []*security.JWTRule{{Issuer: issuer, Jwks: jwks, Audiences: []string{"payment"}}},
	}}}
	m.AuthorizationPolicies = []translate.AuthorizationPolicy{{Meta: meta, Spec: &security.AuthorizationPolicy{Rules: []*security.Rule{{
		From: []*security.Rule_From{{Source: &security.Source{RequestPrincipals: []string{issuer + "/*"}}}},
		When: []*security.Condition{{Key: "request.auth.claims[groups]", Values: []string{"tellers"}}},
	}}}}}
	var reached, seen atomic.Int32
	in, log := newProxy(t, nil, inbound(t, m, app(t, func(s grpc.ServerStream) error {
		reached.Add(1)
		if md, _ := metadata.FromIncomingContext(s.Context()); len(md.Get("authorization")) > 0 {
			seen.Add(1)
		}
		return echo(s)
	})))
	conn := dial(t, in.Listeners()["inbound_50051"])
	claims := func(more string) string { return fmt.Sprintf(`{"iss":%q,"sub":"alice"%s}`, issuer, more) }
	hour := time.Now().Add(time.Hour).Unix()
	past := time.Now().Add(-time.Hour).Unix()
	for i, c := range []struct {
		name, token string
		code        codes.Code
		message     string
		details     string
	}{
		{"a good one", sign(claims(fmt.Sprintf(`,"aud":"payment","groups":["tellers"],"exp":%d`, hour))), codes.OK, "", "via_upstream"},
		{"none is let in, and denied by the policy", "", codes.PermissionDenied, "RBAC: access denied", "rbac_access_denied_matched_policy[none]"},
		{"another group", sign(claims(`,"aud":"payment","groups":["guests"]`)), codes.PermissionDenied, "RBAC: access denied", "rbac_access_denied_matched_policy[none]"},
		{"for others", sign(claims(`,"aud":"cart"`)), codes.PermissionDenied, "Audiences in Jwt are not allowed", "jwt_authn_access_denied{Audiences_in_Jwt_are_not_allowed}"},
		{"expired", sign(claims(fmt.Sprintf(`,"exp":%d`, past))), codes.Unauthenticated, "Jwt is expired", "jwt_authn_access_denied{Jwt_is_expired}"},
		{"of another issuer", sign(`{"iss":"https://evil.example"}`), codes.Unauthenticated, "Jwt issuer is not configured", "jwt_authn_access_denied{Jwt_issuer_is_not_configured}"},
		{"without a signature", "eyJhbGciOiJub25lIn0.e30.AA", codes.Unauthenticated, "Jwt header [alg] is not supported", "jwt_authn_access_denied{Jwt_header_[alg]_is_not_supported}"},
	} {
		ctx := t.Context()
		if c.token != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.token)
		}
		err := conn.Invoke(ctx, charge, wrapperspb.String("x"), new(wrapperspb.StringValue))
		if s := status.Convert(err); s.Code() != c.code || s.Message() != c.message {
			t.Errorf("%s: the call ends with %v", c.name, err)
		}
		if e := log.wait(t, i+1); e.Details != c.details || e.Flags != 0 {
			t.Errorf("%s: the record says %s, flags %s", c.name, e.Details, e.Flags)
		}
	}
	if reached.Load() != 1 || seen.Load() != 0 {
		t.Errorf("the program was called %d times, and saw %d tokens", reached.Load(), seen.Load())
	}
}
