package token

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// encoding is how the parts of a token are written.
var encoding = base64.RawURLEncoding

// victim is what everybody may know of an issuer: its name, and the public key that it signs with.
type victim struct {
	issuer string
	key    jose.JSONWebKey
}

// unsigned is a token that says itself that nothing needs to be verified (RFC 7515, appendix A.5).
func unsigned(claims map[string]any) (string, error) {
	content, err := unsealed(map[string]any{"alg": algNone, "typ": "JWT"}, claims)
	return content + ".", err
}

// withThePublicKey is a token whose signature is right for a verifier that takes the algorithm from the token and the key from the
// issuer: its public key, as text, is then the secret of an HMAC.
func (v *victim) withThePublicKey(claims map[string]any) (string, error) {
	content, err := unsealed(map[string]any{"alg": algHS256, "typ": "JWT", "kid": v.key.KeyID}, claims)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(v.key.Key)
	if err != nil {
		return "", fmt.Errorf("write the issuer's public key: %w", err)
	}
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mac.Write([]byte(content))
	return content + "." + encoding.EncodeToString(mac.Sum(nil)), nil
}

// withAnotherKey is a token that names the issuer's key and is signed with another.
func (v *victim) withAnotherKey(claims map[string]any) (string, error) {
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: own, KeyID: v.key.KeyID}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("write the claims: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return signed.CompactSerialize()
}

// unsealed is a token before its signature.
func unsealed(header, claims map[string]any) (string, error) {
	text := ""
	for _, part := range []map[string]any{header, claims} {
		content, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("write the token: %w", err)
		}
		if text != "" {
			text += "."
		}
		text += encoding.EncodeToString(content)
	}
	return text, nil
}
