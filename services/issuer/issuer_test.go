package issuer

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
)

// client asks an issuer.
type client struct {
	t    *testing.T
	base string
}

func start(t *testing.T, dir string) (client, *chassistest.Service) {
	t.Helper()
	s := chassistest.Start(t, Setup, map[string]string{"DATA_DIR": dir}, chassistest.WithName("issuer"))
	return client{t, "http://" + s.Addr}, s
}

// ask sends a request, and returns its status and body.
func (c client) ask(method, path, body string, header ...string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(content)
}

func (c client) sign(claims string) string {
	c.t.Helper()
	status, body := c.ask(http.MethodPost, "/sign", claims)
	var signed Signed
	if err := json.Unmarshal([]byte(body), &signed); err != nil || status != http.StatusOK {
		c.t.Fatalf("sign %s: %d %s %v", claims, status, body, err)
	}
	return signed.Token
}

func (c client) keys() jose.JSONWebKeySet {
	c.t.Helper()
	_, body := c.ask(http.MethodGet, "/keys", "")
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(body), &set); err != nil {
		c.t.Fatal(err)
	}
	return set
}

// verify returns the claims of a token if a set of public keys verifies it.
func verify(t *testing.T, token string, set jose.JSONWebKeySet) map[string]any {
	t.Helper()
	parsed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	found := set.Key(parsed.Signatures[0].Header.KeyID)
	if len(found) != 1 || !found[0].IsPublic() {
		t.Fatalf("%d public keys are named %s", len(found), parsed.Signatures[0].Header.KeyID)
	}
	payload, err := parsed.Verify(found[0])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestATokenIsVerifiedByTheKeysThatDiscoveryNames(t *testing.T) {
	c, _ := start(t, t.TempDir())
	status, body := c.ask(http.MethodGet, "/.well-known/openid-configuration", "")
	const url = "http://issuer.production.svc.cluster.local:8080"
	for _, text := range []string{`"issuer":"` + url + `"`, `"jwks_uri":"` + url + `/keys"`} {
		if status != http.StatusOK || !strings.Contains(body, text) {
			t.Errorf("discovery, status %d, lacks %s: %s", status, text, body)
		}
	}
	claims := verify(t, c.sign(`{"sub":"alice","aud":["shop"],"role":"admin"}`), c.keys())
	if claims["iss"] != url || claims["sub"] != "alice" || claims["role"] != "admin" || claims["jti"] == "" {
		t.Errorf("the claims are %v", claims)
	}
	if life := claims["exp"].(float64) - claims["iat"].(float64); life != 600 {
		t.Errorf("it is good for %v s", life)
	}
	for _, key := range c.keys().Keys {
		if !key.IsPublic() || key.Algorithm != "RS256" || key.Use != "sig" {
			t.Errorf("published: %+v", key)
		}
	}
}

func TestKeysOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	c, s := start(t, dir)
	token := c.sign(`{"sub":"alice"}`)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, fileName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of keys: %v %v", info, err)
	}
	c, _ = start(t, dir)
	if claims := verify(t, token, c.keys()); claims["sub"] != "alice" {
		t.Errorf("the claims are %v", claims)
	}
}

func TestTheNextKeyIsKnownBeforeItSignsAndTheLastStaysKnown(t *testing.T) {
	c, _ := start(t, "")
	before := c.keys()
	old := c.sign(`{"sub":"alice"}`)
	status, body := c.ask(http.MethodPost, "/rotate", "{}")
	var r Rotated
	if err := json.Unmarshal([]byte(body), &r); err != nil || status != http.StatusOK || r.Previous != before.Keys[0].KeyID || r.Current != before.Keys[1].KeyID {
		t.Errorf("rotated: %d %s; the keys were %s, %s", status, body, before.Keys[0].KeyID, before.Keys[1].KeyID)
	}
	verify(t, c.sign(`{"sub":"alice"}`), before)
	verify(t, old, c.keys())
	if n := len(c.keys().Keys); n != 3 {
		t.Errorf("%d keys are published", n)
	}
}

func TestAKeyThatSignsNoMoreIsPublishedAsLongAsItsTokensMayBeGood(t *testing.T) {
	now := time.Now()
	k, err := openKeys(t.TempDir(), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if err := k.rotate(); err != nil {
		t.Fatal(err)
	}
	published := func() int { return len(k.public().Keys) }
	now = now.Add(longestLife - time.Second)
	if n := published(); n != 3 {
		t.Errorf("%d keys a second before", n)
	}
	now = now.Add(time.Second)
	if n := published(); n != 2 {
		t.Errorf("%d keys after a day", n)
	}
	if err := k.rotate(); err != nil || len(k.all.Retired) != 1 {
		t.Errorf("%d retired keys are stored, %v", len(k.all.Retired), err)
	}
}

func TestWhatTheIssuerDoesNotSign(t *testing.T) {
	c, _ := start(t, "")
	late := fmt.Sprintf(`{"exp":%d}`, time.Now().Add(25*time.Hour).Unix())
	for _, try := range []struct {
		path, body, want string
		status           int
		header           []string
	}{
		{path: "/sign", body: `{"iss":"https://bank.example"}`, status: http.StatusBadRequest, want: `claim iss \"https://bank.example\": it is always the issuer's own`},
		{path: "/sign", body: `{"exp":"tomorrow"}`, status: http.StatusBadRequest, want: "claim exp: want seconds since 1970"},
		{path: "/sign", body: late, status: http.StatusBadRequest, want: "a token is good for 24h0m0s at most"},
		{path: "/sign", body: `{"sub":`, status: http.StatusBadRequest, want: "read claims: unexpected EOF"},
		{path: "/sign", body: `{"sub":"` + strings.Repeat("x", maxRequest) + `"}`, status: http.StatusBadRequest, want: "too large"},
		{path: "/sign", body: "{}", header: []string{"Content-Type", "text/plain"}, status: http.StatusUnsupportedMediaType, want: "want application/json"},
		{path: "/rotate", body: "{}", header: []string{"Origin", "https://evil.example"}, status: http.StatusForbidden, want: "web pages are not served"},
	} {
		if status, body := c.ask(http.MethodPost, try.path, try.body, try.header...); status != try.status || !strings.Contains(body, try.want) {
			t.Errorf("%s %.40s: %d %s, want %d and %q", try.path, try.body, status, body, try.status, try.want)
		}
	}
}

func TestAFileOfKeysThatIsBrokenIsNotReplaced(t *testing.T) {
	for _, content := range []string{"", "{", "{}", `{"signing":{"kty":"oct","k":"AQ"},"next":{"kty":"oct","k":"AQ"}}`} {
		dir := t.TempDir()
		file := filepath.Join(dir, fileName)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openKeys(dir, time.Now); err == nil || !strings.Contains(err.Error(), "move "+file+" away") {
			t.Errorf("%q: %v", content, err)
		}
		if kept, err := os.ReadFile(file); err != nil || string(kept) != content {
			t.Errorf("%q became %q, %v", content, kept, err)
		}
	}
}
