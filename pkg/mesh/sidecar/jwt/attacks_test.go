package jwt_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/shopctl/shopctl/pkg/mesh/sidecar/field"
)

func TestTokensOfEachAlgorithmAreValid(t *testing.T) {
	is := newIssuers(t)
	f := filter(t, is.jwks, "")
	claims := fmt.Sprintf(`{"iss":%q,"sub":"alice","exp":%d}`, issuer, at(time.Hour))
	for alg, kid := range map[jose.SignatureAlgorithm]string{jose.RS256: "rsa", jose.PS256: "rsa", jose.ES256: "ec", jose.EdDSA: "ed"} {
		for _, header := range []string{`{"alg":"` + string(alg) + `","kid":"` + kid + `"}`, `{"alg":"` + string(alg) + `"}`} {
			fields := bearer(is.sign(t, alg, header, claims))
			metadata, denial := f.Authenticate(&fields, now())
			if denial != nil {
				t.Errorf("%s: %+v", header, denial)
				continue
			}
			if payload := metadata["payload"].(map[string]any); payload["sub"] != "alice" {
				t.Errorf("%s: the claims are %v", header, payload)
			}
			if fields.Has("authorization") {
				t.Errorf("%s: the token is passed on", header)
			}
		}
	}
}

// badToken is a token, and the text with which it is refused.
type badToken struct{ name, token, body string }

func badTokens(t *testing.T, is *issuers) []badToken {
	t.Helper()
	good := is.good(t, "")
	claims := fmt.Sprintf(`{"iss":%q,"sub":"alice","exp":%d}`, issuer, at(time.Hour))
	other := newIssuers(t)
	parts := strings.Split(good, ".")
	signed := func(header, claims string) string { return is.sign(t, jose.ES256, header, claims) }
	const ec = `{"alg":"ES256","kid":"ec"}`
	return []badToken{
		{"expired", signed(ec, fmt.Sprintf(`{"iss":%q,"exp":%d}`, issuer, at(-61*time.Second))), "Jwt is expired"},
		{"not yet valid", signed(ec, fmt.Sprintf(`{"iss":%q,"nbf":%d}`, issuer, at(61*time.Second))), "Jwt not yet valid"},
		{"another issuer", signed(ec, `{"iss":"https://evil.example"}`), "Jwt issuer is not configured"},
		{"no issuer", signed(ec, `{"sub":"alice"}`), "Jwt issuer is not configured"},
		{"alg none", encode(`{"alg":"none"}`) + "." + encode(claims) + ".", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
		{"alg none with a signature", encode(`{"alg":"none"}`) + "." + encode(claims) + ".AA", "Jwt header [alg] is not supported"},
		{"alg None", encode(`{"alg":"None","kid":"ec"}`) + "." + encode(claims) + ".AA", "Jwt header [alg] is not supported"},
		{"no alg", signed(`{"kid":"ec"}`, claims), "Jwt header [alg] field is required and must be a string"},
		{"alg of another type", signed(`{"alg":256}`, claims), "Jwt header [alg] field is required and must be a string"},
		{"HS256 with the public key", hmacToken(`{"alg":"HS256","kid":"rsa"}`, claims, is.publicPEM(t)), "Jwt verification fails"},
		{"HS256 without a key's name", hmacToken(`{"alg":"HS256"}`, claims, is.publicPEM(t)), "Jwt verification fails"},
		{"another algorithm than the key's", is.sign(t, jose.RS256, `{"alg":"RS256","kid":"ec"}`, claims), "Jwks doesn't have key to match kid or alg from Jwt"},
		{"a key of another kind", signed(`{"alg":"ES256","kid":"rsa"}`, claims), "Jwt verification fails"},
		{"an unknown key", signed(`{"alg":"ES256","kid":"gone"}`, claims), "Jwks doesn't have key to match kid or alg from Jwt"},
		{"a missing key's name and a strange key", other.sign(t, jose.ES256, `{"alg":"ES256"}`, claims), "Jwt verification fails"},
		{"a strange key by the name of ours", other.sign(t, jose.ES256, ec, claims), "Jwt verification fails"},
		{"its own key in the header", other.sign(t, jose.ES256, `{"alg":"ES256","jwk":{"kty":"EC"}}`, claims), "Jwt verification fails"},
		{"a key's name of another type", signed(`{"alg":"ES256","kid":["ec"]}`, claims), "Jwt header [kid] field is not a string"},
		{"changed claims", parts[0] + "." + encode(strings.Replace(claims, "alice", "admin", 1)) + "." + parts[2], "Jwt verification fails"},
		{"a changed header", encode(`{"alg":"ES256","kid":"ec","x":1}`) + "." + parts[1] + "." + parts[2], "Jwt verification fails"},
		{"alg twice", signed(`{"alg":"none","alg":"ES256"}`, claims), "Jwt header is an invalid JSON"},
		{"iss twice", signed(ec, `{"iss":"x",`+claims[1:]), "Jwt payload is an invalid JSON"},
		{"a claim twice, further in", signed(ec, claims[:len(claims)-1]+`,"a":{"b":1,"b":2}}`), "Jwt payload is an invalid JSON"},
		{"two parts", parts[0] + "." + parts[1], "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
		{"four parts", good + ".AA", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
		{"an empty part", parts[0] + ".." + parts[2], "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
		{"nothing", "", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
		{"a giant token", parts[0] + "." + strings.Repeat("A", 1<<20) + "." + parts[2], "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
		{"deep claims", signed(ec, claims[:len(claims)-1]+`,"a":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+"}"), "Jwt payload is an invalid JSON"},
		{"padded base64", parts[0] + "==." + parts[1] + "." + parts[2], "Jwt header is an invalid Base64url encoded"},
		{"base64 of another alphabet", parts[0] + ".+/+/." + parts[2], "Jwt payload is an invalid Base64url encoded"},
		{"a signature in another alphabet", parts[0] + "." + parts[1] + ".+/+/", "Jwt signature is an invalid Base64url encoded"},
		{"a header that is no object", signed(`["ES256"]`, claims), "Jwt header is an invalid JSON"},
		{"claims that are null", signed(ec, `null`), "Jwt payload is an invalid JSON"},
		{"sub of another type", signed(ec, `{"sub":1}`), "Jwt payload [sub] field is not a string"},
		{"iss of another type", signed(ec, `{"iss":[]}`), "Jwt payload [iss] field is not a string"},
		{"aud of another type", signed(ec, `{"aud":[1]}`), "Jwt payload [aud] field is not a string or string list"},
		{"exp of another type", signed(ec, `{"exp":"9999999999"}`), "Jwt payload [exp] field is not an integer"},
		{"exp below 0", signed(ec, `{"exp":-1}`), "Jwt payload [exp] field is not a positive 64 bit integer"},
		{"nbf beyond all", signed(ec, `{"nbf":1e300}`), "Jwt payload [nbf] field is not a positive 64 bit integer"},
	}
}

func TestBadTokensAreRefused(t *testing.T) {
	is := newIssuers(t)
	for _, c := range badTokens(t, is) {
		fields := bearer(c.token)
		metadata, denial := filter(t, is.jwks, "").Authenticate(&fields, now())
		switch {
		case denial == nil:
			t.Errorf("%s: it is let in with %v", c.name, metadata)
		case denial.Body != c.body || denial.Status != 401 || metadata != nil:
			t.Errorf("%s: %+v", c.name, denial)
		case denial.WWWAuthenticate != `Bearer realm="http://shop/a", error="invalid_token"`:
			t.Errorf("%s: the challenge is %s", c.name, denial.WWWAuthenticate)
		case denial.Details != "jwt_authn_access_denied{"+strings.ReplaceAll(c.body, " ", "_")+"}":
			t.Errorf("%s: the details are %s", c.name, denial.Details)
		}
	}
}

func TestClocksMayDifferByAMinute(t *testing.T) {
	is := newIssuers(t)
	f := filter(t, is.jwks, "")
	for _, claims := range []string{
		fmt.Sprintf(`{"iss":%q,"exp":%d}`, issuer, at(-60*time.Second)), fmt.Sprintf(`{"iss":%q,"nbf":%d}`, issuer, at(60*time.Second)),
	} {
		fields := bearer(is.sign(t, jose.ES256, `{"alg":"ES256"}`, claims))
		if _, denial := f.Authenticate(&fields, now()); denial != nil {
			t.Errorf("%s: %+v", claims, denial)
		}
	}
}

func TestATokenForOthersIsForbidden(t *testing.T) {
	is := newIssuers(t)
	f := filter(t, is.jwks, `, "audiences": ["https://shop.example/", "cart"]`)
	for audience, allowed := range map[string]bool{
		`,"aud":"cart"`: true, `,"aud":["x","shop.example"]`: true, `,"aud":"http://shop.example"`: true, `,"aud":"other"`: false, "": false,
		`,"aud":"CART"`: false, `,"aud":[]`: false,
	} {
		fields := bearer(is.good(t, audience))
		_, denial := f.Authenticate(&fields, now())
		if (denial == nil) != allowed || denial != nil && (denial.Status != 403 || denial.Body != "Audiences in Jwt are not allowed") {
			t.Errorf("%s: %+v", audience, denial)
		}
	}
}

func TestARequestWithoutATokenPasses(t *testing.T) {
	is := newIssuers(t)
	fields := request("authorization", "Basic YTpi")
	if metadata, denial := filter(t, is.jwks, "").Authenticate(&fields, now()); denial != nil || metadata != nil || !fields.Has("authorization") {
		t.Errorf("it is refused: %+v", denial)
	}
	required := compile(t, `{"providers": {"p": {"issuer": "x"}}, "rules": [{"match": {"prefix": "/"}, "requires": {"providerName": "p"}}]}`)
	fields = request()
	_, denial := required.Authenticate(&fields, now())
	if denial == nil || denial.Body != "Jwt is missing" || denial.WWWAuthenticate != `Bearer realm="http://shop/a"` {
		t.Errorf("where one is required: %+v", denial)
	}
}

func TestOfSeveralTokensAllHaveToBeValid(t *testing.T) {
	is := newIssuers(t)
	good, bad := is.good(t, ""), newIssuers(t).good(t, "")
	for _, c := range []struct {
		fields field.Fields
		valid  bool
	}{
		{request("authorization", "Bearer "+good, ":path", "/a?access_token="+bad), false},
		{request("authorization", "Bearer "+bad, ":path", "/a?access_token="+good), false},
		{request("authorization", "Bearer "+good, "authorization", "Bearer "+bad), false},
		{request(":path", "/a?access_token="+good+"&access_token="+bad), false},
		{request("authorization", "Bearer "+good, ":path", "/a?access_token="+good), true},
	} {
		_, denial := filter(t, is.jwks, "").Authenticate(&c.fields, now())
		if (denial == nil) != c.valid {
			t.Errorf("%v: %+v", c.fields, denial)
		}
	}
}

func TestATokenIsTakenFromWhereTheRuleSays(t *testing.T) {
	is := newIssuers(t)
	good := is.good(t, "")
	for _, c := range []struct {
		places, name string
		fields       field.Fields
		found        bool
		path         string
	}{
		{"", "the query", request(":path", "/a?x=1&access_token="+good+"&y=2"), true, "/a?x=1&y=2"},
		{"", "the query alone", request(":path", "/a?access%5Ftoken="+good), true, "/a"},
		{`, "fromHeaders": [{"name": "X-Token", "valuePrefix": "Token "}]`, "a header", request("x-token", "Token "+good), true, "/a"},
		{`, "fromHeaders": [{"name": "x-token"}]`, "a header without a prefix", request("x-token", good), true, "/a"},
		{`, "fromHeaders": [{"name": "x-token"}]`, "places replace the usual ones", bearer(good), false, "/a"},
		{`, "fromParams": ["t"]`, "a parameter", request(":path", "/a?t="+good), true, "/a"},
		{`, "fromCookies": ["t"]`, "a cookie", request("cookie", "a=1; t="+good), true, "/a"},
		{`, "forward": true`, "passed on", request(":path", "/a?access_token="+good), true, "/a?access_token=" + good},
	} {
		metadata, denial := filter(t, is.jwks, c.places).Authenticate(&c.fields, now())
		if denial != nil || (metadata != nil) != c.found || c.fields.Get(":path") != c.path {
			t.Errorf("%s: %+v, %v, path %s", c.name, denial, metadata, c.fields.Get(":path"))
		}
	}
}

func TestClaimsAreHandedOn(t *testing.T) {
	is := newIssuers(t)
	f := filter(t, is.jwks, `, "forwardPayloadHeader": "x-payload", "claimToHeaders": [{"claimName": "sub", "headerName": "x-user"}, {"claimName": "a.b", "headerName": "x-ab"}, {"claimName": "evil", "headerName": "x-evil"}]`)
	fields := append(bearer(is.good(t, `,"scope":"read write","a":{"b":7},"evil":"a\r\nx: y","groups":["x",{"y":["z"]}]`)), request("x-user", "admin", "x-payload", "forged")[4:]...)
	metadata, denial := f.Authenticate(&fields, now())
	if denial != nil {
		t.Fatalf("%+v", denial)
	}
	text, err := json.Marshal(metadata["payload"].(map[string]any)["scope"])
	if err != nil || string(text) != `["read","write"]` {
		t.Errorf("the scopes are %s", text)
	}
	if fields.Get("x-user") != "alice" || fields.Get("x-ab") != "7" || fields.Has("x-evil") || strings.Contains(fields.Get("x-payload"), "forged") {
		t.Errorf("the fields are %v", fields)
	}
	fields = request("x-user", "admin")
	if _, denial := f.Authenticate(&fields, now()); denial != nil || fields.Has("x-user") {
		t.Error("a caller without a token names its user itself")
	}
}

func TestAnyOfSeveralProvidersMayPass(t *testing.T) {
	one, two := newIssuers(t), newIssuers(t)
	quote := func(text string) string {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(quoted)
	}
	f := compile(t, `{"providers": {
		"origins-0": {"issuer": "https://a", "localJwks": {"inlineString": `+quote(one.jwks)+`}, "payloadInMetadata": "payload"},
		"origins-1": {"issuer": "https://b", "localJwks": {"inlineString": `+quote(two.jwks)+`}, "payloadInMetadata": "payload"}},
		"rules": [{"match": {"prefix": "/"}, "requires": {"requiresAny": {"requirements": [{"providerName": "origins-0"}, {"providerName": "origins-1"},
			{"requiresAll": {"requirements": [{"requiresAny": {"requirements": [{"providerName": "origins-0"}, {"allowMissing": {}}]}}, {"requiresAny": {"requirements": [{"providerName": "origins-1"}, {"allowMissing": {}}]}}]}}]}}}]}`)
	for _, c := range []struct {
		by     *issuers
		iss    string
		denied string
	}{
		{one, "https://a", ""},
		{two, "https://b", ""},
		{two, "https://a", "Jwt verification fails"},
		{one, "https://c", "Jwt issuer is not configured"},
	} {
		fields := bearer(c.by.sign(t, jose.ES256, `{"alg":"ES256"}`, `{"iss":"`+c.iss+`","sub":"x"}`))
		_, denial := f.Authenticate(&fields, now())
		if body := ""; denial != nil {
			if body = denial.Body; body != c.denied {
				t.Errorf("%s: %s", c.iss, body)
			}
		} else if c.denied != "" {
			t.Errorf("%s by another's key is let in", c.iss)
		}
	}
	fields := request()
	if _, denial := f.Authenticate(&fields, now()); denial != nil {
		t.Errorf("without a token: %+v", denial)
	}
}

func TestWithoutKeysNoTokenIsValid(t *testing.T) {
	is := newIssuers(t)
	for _, jwks := range []string{`{"keys":[]}`, "not JSON", "{}", `{"keys":[{"kty":"??"}]}`} {
		fields := bearer(is.good(t, ""))
		if _, denial := filter(t, jwks, "").Authenticate(&fields, now()); denial == nil || denial.Body != "Jwks doesn't have any valid public key" {
			t.Errorf("%s: %+v", jwks, denial)
		}
	}
}

func TestTheQuestionOfABrowserPasses(t *testing.T) {
	is := newIssuers(t)
	fields := append(bearer("nonsense"), request("origin", "https://x", "access-control-request-method", "POST")[4:]...)
	fields.Set(":method", "OPTIONS")
	if _, denial := filter(t, is.jwks, "").Authenticate(&fields, now()); denial != nil {
		t.Errorf("%+v", denial)
	}
}

func FuzzAuthenticate(f *testing.F) {
	is := newIssuers(f)
	checked := filter(f, is.jwks, `, "fromCookies": ["t"], "fromHeaders": [{"name": "authorization", "valuePrefix": "Bearer "}], "fromParams": ["t"]`)
	good := is.good(f, "")
	f.Add(good, "/a?t=1")
	f.Add("a.b.c", "/?t=%")
	f.Add(encode(`{"alg":"none"}`)+"."+encode(`{}`)+".", "")
	f.Fuzz(func(t *testing.T, token, path string) {
		fields := request("authorization", "Bearer "+token, "cookie", "t="+token, ":path", path)
		metadata, denial := checked.Authenticate(&fields, now())
		if metadata != nil && !strings.Contains(token+path, good) && denial == nil {
			t.Errorf("%q is let in", token)
		}
	})
}
