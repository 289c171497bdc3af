package token_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/shopctl/shopctl/pkg/chassis/chassistest"
	"github.com/shopctl/shopctl/pkg/cli/clitest"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	controlpb "github.com/shopctl/shopctl/pkg/rpc/control"
	"github.com/shopctl/shopctl/services/issuer"
)

// serve is a shop with an issuer, whose keys it returns.
func serve(t *testing.T) (*clitest.World, jose.JSONWebKeySet) {
	t.Helper()
	s := chassistest.Start(t, issuer.Setup, nil, chassistest.WithName("issuer"))
	st := clitest.ThreeServices()
	st.Services = append(st.Services, &controlpb.Service{Name: "issuer", Workload: "issuer", Namespace: "production", State: "ok", Address: s.Addr})
	resp, err := http.Get("http://" + s.Addr + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(content, &set); err != nil {
		t.Fatal(err)
	}
	return clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: st}), set
}

// parts are the parts of the token that was printed, the first two decoded.
func parts(t *testing.T, w *clitest.World) (header, claims map[string]any, signature string) {
	t.Helper()
	words := strings.Split(strings.TrimSpace(w.Out.String()), ".")
	if len(words) != 3 {
		t.Fatalf("printed %q", w.Out.String())
	}
	for i, into := range []*map[string]any{&header, &claims} {
		content, err := base64.RawURLEncoding.DecodeString(words[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(content, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims, words[2]
}

// verified reports whether a key verifies the token that was printed.
func verified(t *testing.T, w *clitest.World, key jose.JSONWebKey) bool {
	t.Helper()
	parsed, err := jose.ParseSigned(strings.TrimSpace(w.Out.String()), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	_, err = parsed.Verify(key)
	return err == nil
}

func TestATokenHasTheClaimsThatWereAskedFor(t *testing.T) {
	w, set := serve(t)
	w.Want(cmdutil.ExitOK, "token", "--sub", "bob", "--aud", "shop,bank", "--for", "1h", "--claim", "role=admin", "--claim", `groups=["a","b"]`)
	header, claims, _ := parts(t, w)
	if !verified(t, w, set.Keys[0]) || header["kid"] != set.Keys[0].KeyID {
		t.Errorf("it is not signed by the issuer: %v", header)
	}
	now := float64(clitest.TestNow().Unix())
	if claims["sub"] != "bob" || claims["iat"] != now || claims["exp"] != now+3600 || claims["role"] != "admin" {
		t.Errorf("the claims are %v", claims)
	}
	if aud, _ := json.Marshal([]any{claims["aud"], claims["groups"]}); string(aud) != `[["shop","bank"],["a","b"]]` {
		t.Errorf("audiences and groups are %s", aud)
	}
	w.Want(cmdutil.ExitOK, "token", "-o", "json")
	w.WantOut(`"sub": "alice"`, `"aud": "shop"`, `"alg": "RS256"`, `"iss": "http://issuer.production.svc.cluster.local:8080"`)
}

func TestATokenIsPrintedAsTheHeaderThatSendsIt(t *testing.T) {
	w, set := serve(t)
	w.Want(cmdutil.ExitOK, "token", "-o", "header")
	token, found := strings.CutPrefix(w.Out.String(), "authorization: Bearer ")
	w.Out.Reset()
	w.Out.WriteString(token)
	if !found || !verified(t, w, set.Keys[0]) {
		t.Errorf("printed %q", token)
	}
}

func TestForgedTokensAreWhatAnAttackerCanMake(t *testing.T) {
	w, set := serve(t)
	w.Want(cmdutil.ExitOK, "token", "--expired")
	if _, claims, _ := parts(t, w); !verified(t, w, set.Keys[0]) || claims["exp"].(float64) > float64(clitest.TestNow().Unix()-3600) {
		t.Errorf("the claims are %v", claims)
	}
	w.Want(cmdutil.ExitOK, "token", "--alg", "none")
	if header, claims, signature := parts(t, w); header["alg"] != "none" || signature != "" || claims["iss"] != "http://issuer.production.svc.cluster.local:8080" {
		t.Errorf("none: %v %v %q", header, claims, signature)
	}
	w.Want(cmdutil.ExitOK, "token", "--wrong-key")
	if header, _, _ := parts(t, w); header["kid"] != set.Keys[0].KeyID || verified(t, w, set.Keys[0]) {
		t.Errorf("it names %v, and the issuer's key verifies it: %v", header["kid"], verified(t, w, set.Keys[0]))
	}
	for _, flags := range [][]string{{"--hs256"}, {"--alg", "HS256"}} {
		w.Want(cmdutil.ExitOK, append([]string{"token"}, flags...)...)
		header, _, signature := parts(t, w)
		der, err := x509.MarshalPKIXPublicKey(set.Keys[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		text := strings.TrimSpace(w.Out.String())
		mac.Write([]byte(text[:strings.LastIndex(text, ".")]))
		if header["alg"] != "HS256" || signature != base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) {
			t.Errorf("%v: a verifier whose secret is the public key would refuse it: %v", flags, header)
		}
	}
}

func TestMistakesAboutTokensAreNamed(t *testing.T) {
	w, _ := serve(t)
	for want, args := range map[string][]string{
		"read --for 25h0m0s: want more than 0 and at most 24h0m0s": {"--for", "25h"},
		"read --for 0s: want":                                       {"--for", "0s"},
		`read --claim "role": want NAME=VALUE`:                      {"--claim", "role"},
		`read --claim "sub=eve": other flags decide on aud, exp, i`: {"--claim", "sub=eve"},
		`must be one of RS256, HS256, none`:                         {"--alg", "ES256"},
		"--hs256 --wrong-key: a token is forged in one way":         {"--hs256", "--wrong-key"},
	} {
		w.Want(cmdutil.ExitUsage, append([]string{"token"}, args...)...)
		w.WantErr(want)
	}
	w = clitest.NewWorld(t).Serve(&clitest.FakeShop{Current: clitest.ThreeServices()})
	w.Want(cmdutil.ExitFailed, "token")
	w.WantErr("this shop has no issuer of tokens", "hint: shopctl issuer start --wait")
}

func TestKeysAreRotated(t *testing.T) {
	w, set := serve(t)
	w.Want(cmdutil.ExitOK, "issuer", "rotate")
	w.WantOut("the key " + set.Keys[1].KeyID + " signs now; " + set.Keys[0].KeyID + " has signed before")
	w.Want(cmdutil.ExitOK, "token")
	if !verified(t, w, set.Keys[1]) {
		t.Error("the next token is not signed with the next key")
	}
	w.Want(cmdutil.ExitOK, "issuer", "rotate", "-o", "json")
	w.WantOut(`"previous": "` + set.Keys[1].KeyID)
}
